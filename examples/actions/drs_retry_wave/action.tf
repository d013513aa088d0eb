# terraform apply -invoke=action.drs_retry_wave.shop
action "drs_retry_wave" "shop" {
  config {
    execution_id = "exec-603592dcee0288d9d650ec237aa2d59f"
    wave         = "web"
    reason       = "there is capacity again"
  }
}
