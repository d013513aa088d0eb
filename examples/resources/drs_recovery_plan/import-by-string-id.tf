import {
  to = drs_recovery_plan.shop
  id = "shop"
}
