# Both accounts from a third one, the hub, which holds the plans and their history. The provider is configured once: what is
# done in an account is done as the role of its target, so the module needs no provider of its own.

terraform {
  required_providers {
    drs = {
      source = "drs-orchestration/drs"
    }
  }
}

variable "simulator_path" {
  description = "Directory of the simulator's store."
  type        = string
}

variable "fleet" {
  description = "File with the simulated servers: examples/fleets/production-and-staging.yaml."
  type        = string
}

variable "speed" {
  description = "How many times faster than life the simulated world runs."
  type        = number
  default     = 150
}

locals {
  accounts = {
    staging    = "444455556666"
    production = "111122223333"
  }
}

provider "drs" {
  region         = "us-east-1"
  history_region = "eu-west-1"
  environment    = "demo"
  create_tables  = true

  simulator = {
    path  = var.simulator_path
    fleet = var.fleet
    speed = var.speed
  }
}

resource "drs_target_account" "each" {
  for_each = local.accounts

  account_id = each.value
  name       = each.key
  regions    = ["us-east-1"]
  role_arn   = "arn:aws:iam::${each.value}:role/DisasterRecovery"
}

module "shop" {
  source   = "../../../modules/three-tier"
  for_each = local.accounts

  name       = "shop-${each.key}"
  account_id = drs_target_account.each[each.key].id

  tiers = {
    database    = { server_selection_tags = { Application = "shop", Tier = "db" } }
    application = { server_selection_tags = { Application = "shop", Tier = "app" } }
    web         = { server_selection_tags = { Application = "shop", Tier = "web" } }
  }
}

# Each account can be recovered alone. This plan goes through both, and comes to production when staging has gone well.
resource "drs_recovery_plan" "exercise" {
  name = "exercise"

  waves = flatten([
    for account in ["staging", "production"] : [
      for wave in module.shop[account].waves : merge(wave, { name = "${account}-${wave.name}" })
    ]
  ])
}

resource "drs_drill_execution" "quarterly" {
  recovery_plan_id = drs_recovery_plan.exercise.id
  cleanup          = "on_success"

  triggers = {
    plan    = drs_recovery_plan.exercise.digest
    quarter = "2026-Q4"
  }
}

output "drill" {
  value = "${drs_drill_execution.quarterly.status}: ${drs_drill_execution.quarterly.summary}"
}

output "servers" {
  value = [
    for server in drs_drill_execution.quarterly.servers :
    "${server.account_id} ${server.hostname} ${server.status} ${server.health}"
  ]
}
