# Proof of the drills of this year, for an auditor.
data "drs_executions" "drills" {
  mode          = "DRILL"
  statuses      = ["COMPLETED", "PARTIAL"]
  started_after = "2026-01-01T00:00:00Z"
}

output "drills" {
  value = { for it in data.drs_executions.drills.executions : it.started_at => "${it.plan_name}: ${it.status}" }
}
