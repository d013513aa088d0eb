resource "drs_protection_group" "web" {
  name = "shop-web"
  server_selection_tags = {
    Application = "shop"
    Tier        = "web"
  }
}

# In another configuration the group is found by its name.
data "drs_protection_group" "web" {
  name = drs_protection_group.web.name
}

output "digest" {
  value = data.drs_protection_group.web.digest
}
