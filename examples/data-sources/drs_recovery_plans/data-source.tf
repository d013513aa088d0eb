data "drs_recovery_plans" "all" {}

output "plans" {
  value = { for plan in data.drs_recovery_plans.all.plans : plan.name => plan.rto_objective }
}
