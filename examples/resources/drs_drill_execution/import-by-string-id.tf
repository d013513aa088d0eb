import {
  to = drs_drill_execution.quarterly
  id = "exec-603592dcee0288d9d650ec237aa2d59f"
}
