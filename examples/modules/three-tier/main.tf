# A three-tier application: a protection group for each tier, a plan that recovers the tiers one after the other, and a drill
# of it, where one is asked for.

locals {
  # The order of the recovery. A wave begins when the one before it has completed, its checks included.
  order = ["database", "application", "web"]

  waves = [
    for name in local.order : {
      name                 = name
      protection_group_ids = [drs_protection_group.tier[name].id]

      pause_before        = var.tiers[name].pause_before
      wait_time_seconds   = var.tiers[name].wait_time_seconds
      launch_order        = var.tiers[name].launch_order
      timeout_seconds     = var.tiers[name].timeout_seconds
      on_failure          = var.tiers[name].on_failure
      min_success_percent = var.tiers[name].min_success_percent
      retries             = var.tiers[name].retries
      checks              = var.tiers[name].checks
    }
  ]
}

resource "drs_protection_group" "tier" {
  for_each = var.tiers

  name       = "${var.name}-${each.key}"
  account_id = var.account_id
  region     = var.region
  tags       = var.tags

  server_selection_tags = each.value.server_selection_tags
  source_server_ids     = each.value.source_server_ids
}

resource "drs_recovery_plan" "this" {
  name          = var.name
  description   = var.description
  waves         = local.waves
  rto_objective = var.rto_objective
  rpo_objective = var.rpo_objective
  tags          = var.tags

  drill_guard   = var.drill_subnet_tags == null ? null : { subnet_tags = var.drill_subnet_tags }
  notifications = length(var.notification_topic_arns) == 0 ? null : { topic_arns = var.notification_topic_arns }
}

resource "drs_drill_execution" "this" {
  count = var.drill == null ? 0 : 1

  recovery_plan_id = drs_recovery_plan.this.id
  cleanup          = var.drill.cleanup
  max_lifetime     = var.drill.max_lifetime
  on_pause         = var.drill.on_pause

  # What a group selects is no part of the plan's digest.
  triggers = merge(
    { run = var.drill.run, plan = drs_recovery_plan.this.digest },
    { for name, group in drs_protection_group.tier : name => group.digest },
  )

  # Else the postcondition says which results are good enough.
  fail_on_unsuccessful = !var.drill.accept_partial

  lifecycle {
    postcondition {
      condition     = !var.drill.accept_partial || !contains(["FAILED", "CANCELLED", "TIMED_OUT", "HALTED"], self.status)
      error_message = "The drill ended as ${self.status}: ${coalesce(self.summary, "there is no summary")}"
    }
  }
}
