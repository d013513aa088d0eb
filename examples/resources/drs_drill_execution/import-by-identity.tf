import {
  to = drs_drill_execution.quarterly
  identity = {
    id = "exec-603592dcee0288d9d650ec237aa2d59f"
  }
}
