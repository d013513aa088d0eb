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

# In another configuration the plan is found by its name.
data "drs_recovery_plan" "shop" {
  name = drs_recovery_plan.shop.name
}

output "waves" {
  value = data.drs_recovery_plan.shop.waves[*].name
}
