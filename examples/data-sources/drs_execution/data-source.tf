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
}

# The newest execution of the plan, whoever started it: a drill of Terraform's, or a recovery that an operator started.
data "drs_execution" "newest" {
  recovery_plan_id = drs_recovery_plan.shop.id
  depends_on       = [drs_drill_execution.quarterly]
}

output "newest" {
  value = "${data.drs_execution.newest.mode} is ${data.drs_execution.newest.status}"
}
