# terraform apply -invoke=action.drs_skip_wave.shop
action "drs_skip_wave" "shop" {
  config {
    execution_id = "exec-603592dcee0288d9d650ec237aa2d59f"
    wave         = "reports"
    reason       = "reports can wait"
  }
}
