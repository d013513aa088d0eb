output "recovery_plan_id" {
  description = "Id of the plan, for actions, data sources and `drsctl`."
  value       = drs_recovery_plan.this.id
}

output "protection_group_ids" {
  description = "Ids of the groups by tier."
  value       = { for name, group in drs_protection_group.tier : name => group.id }
}

output "waves" {
  description = "The waves of the plan, for a plan over several applications."
  value       = local.waves
}

output "drill" {
  description = "The drill with all that `drs_drill_execution` says about it; null without one."
  value       = one(drs_drill_execution.this)
}
