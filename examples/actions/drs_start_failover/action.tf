# terraform apply -invoke=action.drs_start_failover.shop
action "drs_start_failover" "shop" {
  config {
    recovery_plan_id = "shop"
    reason           = "us-west-2 is down"
    confirm          = "shop/7"
  }
}
