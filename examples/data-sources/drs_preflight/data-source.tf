resource "drs_protection_group" "web" {
  name = "shop-web"
  server_selection_tags = {
    Application = "shop"
    Tier        = "web"
  }
}

resource "drs_recovery_plan" "shop" {
  name = "shop"
  waves = [
    {
      name                 = "web"
      protection_group_ids = [drs_protection_group.web.id]
    },
  ]
}

# Every apply looks whether a recovery could be started, and fails when it could not.
data "drs_preflight" "shop" {
  recovery_plan_id = drs_recovery_plan.shop.id
  mode             = "RECOVERY"

  lifecycle {
    postcondition {
      condition     = self.ready
      error_message = join("\n", self.problems[*].message)
    }
  }
}

output "warnings" {
  value = data.drs_preflight.shop.warnings[*].message
}
