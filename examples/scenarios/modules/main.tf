# Two applications in two accounts, made by one module. The provider is configured once, for the account that holds the plans:
# what is done in the other account is done as the role of its target, so a module needs no provider of its own.

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

variable "speed" {
  description = "How many times faster than life the simulated world runs."
  type        = number
  default     = 150
}

provider "drs" {
  region        = "us-east-1"
  environment   = "demo"
  create_tables = true

  simulator = {
    path  = var.simulator_path
    speed = var.speed
  }
}

resource "drs_target_account" "ledger" {
  account_id = "444455556666"
  name       = "ledger"
  regions    = ["us-east-1"]
  role_arn   = "arn:aws:iam::444455556666:role/DisasterRecovery"
}

module "ledger" {
  source     = "./application"
  name       = "ledger"
  account_id = drs_target_account.ledger.id
  tiers      = [{ name = "all", tags = {} }]
}

module "shop" {
  source = "./application"
  name   = "shop"
  tiers = [
    { name = "database", tags = { Tier = "db" } },
    { name = "application", tags = { Tier = "app" } },
    { name = "web", tags = { Tier = "web" } },
  ]
}

# The shop's database needs the ledger: waves run one after the other, across the accounts.
resource "drs_recovery_plan" "everything" {
  name  = "everything"
  waves = concat(module.ledger.waves, module.shop.waves)
}

# Either can be recovered alone, too.
resource "drs_recovery_plan" "shop" {
  name  = "shop"
  waves = module.shop.waves
}

resource "drs_drill_execution" "quarterly" {
  recovery_plan_id = drs_recovery_plan.everything.id

  triggers = {
    plan    = drs_recovery_plan.everything.digest
    quarter = "2026-Q4"
  }
}

output "servers" {
  value = [
    for server in drs_drill_execution.quarterly.servers : "${server.account_id} ${server.hostname} ${server.status}"
  ]
}
