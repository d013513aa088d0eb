# terraform apply -invoke=action.drs_terminate_recovery_instances.shop
action "drs_terminate_recovery_instances" "shop" {
  config {
    execution_id = "exec-603592dcee0288d9d650ec237aa2d59f"
    reason       = "the drill is over"
  }
}
