# Whatever carries these tags when an execution starts.
resource "drs_protection_group" "application" {
  name        = "shop-application"
  description = "Application servers of the shop."

  server_selection_tags = {
    Application = "shop"
    Tier        = "app"
  }
}

# Servers by id. The group holds them: no other group can list them.
data "drs_source_servers" "database" {
  filters = {
    tags = {
      Application = "shop"
      Tier        = "db"
    }
  }
}

resource "drs_protection_group" "database" {
  name              = "shop-database"
  source_server_ids = data.drs_source_servers.database.ids
}
