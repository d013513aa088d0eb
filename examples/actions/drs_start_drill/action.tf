resource "drs_protection_group" "web" {
  name = "shop-web"
  server_selection_tags = {
    Application = "shop"
    Tier        = "web"
  }
}

# Every change of the plan is drilled.
resource "drs_recovery_plan" "shop" {
  name = "shop"
  waves = [
    {
      name                 = "web"
      protection_group_ids = [drs_protection_group.web.id]
    },
  ]

  lifecycle {
    action_trigger {
      events  = [after_create, after_update]
      actions = [action.drs_start_drill.shop]
    }
  }
}

action "drs_start_drill" "shop" {
  config {
    recovery_plan_id = "shop"
    reason           = "the plan was changed"
  }
}
