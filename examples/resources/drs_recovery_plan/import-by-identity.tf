import {
  to = drs_recovery_plan.shop
  identity = {
    id = "rp-d3de5b960daa9c808c8f488a28c0c417"
  }
}
