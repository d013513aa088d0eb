# terraform apply -invoke=action.drs_pause.shop
action "drs_pause" "shop" {
  config {
    execution_id = "exec-603592dcee0288d9d650ec237aa2d59f"
    before_wave  = "web"
    reason       = "the database team looks at it first"
  }
}
