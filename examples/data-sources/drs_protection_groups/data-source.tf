data "drs_protection_groups" "all" {}

output "groups" {
  value = { for group in data.drs_protection_groups.all.groups : group.name => group.region }
}
