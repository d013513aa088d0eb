# terraform apply -invoke=action.drs_resume.shop
action "drs_resume" "shop" {
  config {
    execution_id = "exec-603592dcee0288d9d650ec237aa2d59f"
    reason       = "the network is ready"
  }
}
