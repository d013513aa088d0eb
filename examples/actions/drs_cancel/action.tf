# terraform apply -invoke=action.drs_cancel.shop
action "drs_cancel" "shop" {
  config {
    execution_id = "exec-603592dcee0288d9d650ec237aa2d59f"
    reason       = "the wrong plan"
  }
}
