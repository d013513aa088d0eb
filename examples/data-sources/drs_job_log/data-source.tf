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
  triggers         = { quarter = "2026-Q4" }
}

# What DRS wrote down while it launched the first server.
data "drs_job_log" "first" {
  job_id = drs_drill_execution.quarterly.servers[0].job_id
}

output "log" {
  value = [for entry in data.drs_job_log.first.entries : "${entry.at} ${entry.event}"]
}
