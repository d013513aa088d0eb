# Which subnets a drill would boot in, and what they are for.
data "drs_launch_templates" "all" {}

output "subnets" {
  value = {
    for server in data.drs_launch_templates.all.servers : server.hostname => [
      for id in server.subnet_ids : lookup(data.drs_launch_templates.all.subnets[id], "Purpose", "unknown")
    ]
  }
}
