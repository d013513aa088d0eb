# Whether DRS was set up where it will be needed.
data "drs_regions" "used" {
  names = ["us-east-1", "us-west-2"]
}

output "initialized" {
  value = { for region in data.drs_regions.used.regions : region.name => region.initialized }
}
