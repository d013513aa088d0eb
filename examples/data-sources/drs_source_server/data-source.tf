data "drs_source_server" "database" {
  hostname = "db-1"
}

resource "drs_protection_group" "database" {
  name              = "shop-database"
  source_server_ids = [data.drs_source_server.database.id]
}
