# The servers of the shop that replicate as they should.
data "drs_source_servers" "shop" {
  filters = {
    tags               = { Application = "shop" }
    replication_states = ["CONTINUOUS"]
  }
}

output "hostnames" {
  value = data.drs_source_servers.shop.servers[*].hostname
}

# Servers that no protection group lists.
output "unprotected" {
  value = [
    for server in data.drs_source_servers.shop.servers : server.hostname if server.protection_group_id == null
  ]
}
