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

resource "drs_drill_execution" "quarterly" {
  recovery_plan_id = drs_recovery_plan.shop.id

  # A new quarter, or a plan that launches something else, is a new drill.
  triggers = {
    plan    = drs_recovery_plan.shop.digest
    quarter = "2026-Q4"
  }

  # What was launched is terminated as soon as the drill has completed; after a day, however it ended, by the next
  # `drsctl sweep`.
  cleanup      = "on_success"
  max_lifetime = "24h"
}

output "drill" {
  value = drs_drill_execution.quarterly.summary
}
