# Whether another drill fits beside what runs.
data "drs_quotas" "here" {}

output "left" {
  value = { for quota in data.drs_quotas.here.quotas : quota.name => quota.available }
}
