# Servers of two accounts in one plan: the shop in the provider's account, the ledger it needs in another one. What is
# done in the other account is done as a role of it, with an external id that is made for it, and never with the
# provider's credentials.

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
  description = "File with the simulated servers: examples/fleets/two-regions.yaml."
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

  # The servers of the shop run in us-west-2, and are recovered to us-east-1: the tables belong to neither.
  history_region = "eu-west-1"

  simulator = {
    path  = var.simulator_path
    fleet = var.fleet
    speed = var.speed
  }
}

resource "drs_target_account" "ledger" {
  account_id = "444455556666"
  name       = "ledger"
  regions    = ["us-east-1"]
  role_arn   = "arn:aws:iam::444455556666:role/DisasterRecovery"

  # The role of this fleet is there and asks for this one. Leave it out to have one made, for the role to ask for.
  external_id = "shop-recovery"
}

# With the AWS provider, the role is written in the same configuration:
#
# resource "aws_iam_role" "ledger" {
#   provider           = aws.ledger
#   name               = "DisasterRecovery"
#   assume_role_policy = drs_target_account.ledger.trust_policy
# }

data "drs_target_check" "ledger" {
  account_id = drs_target_account.ledger.id
  # depends_on = [aws_iam_role.ledger]

  lifecycle {
    postcondition {
      condition     = self.ready
      error_message = join("\n", self.problems)
    }
  }
}

resource "drs_protection_group" "ledger" {
  name       = "ledger"
  account_id = drs_target_account.ledger.id
  region     = "us-east-1"
  server_selection_tags = {
    Application = "ledger"
  }

  depends_on = [data.drs_target_check.ledger]
}

resource "drs_protection_group" "database" {
  name = "shop-database"
  server_selection_tags = {
    Application = "shop"
    Tier        = "db"
  }
}

resource "drs_recovery_plan" "shop" {
  name = "shop-with-ledger"

  # Groups of several accounts may be in one wave, too.
  waves = [
    {
      name                 = "ledger"
      protection_group_ids = [drs_protection_group.ledger.id]
    },
    {
      name                 = "database"
      protection_group_ids = [drs_protection_group.database.id]
    },
  ]
}

resource "drs_drill_execution" "quarterly" {
  recovery_plan_id = drs_recovery_plan.shop.id

  triggers = {
    plan    = drs_recovery_plan.shop.digest
    quarter = "2026-Q4"
  }
}

output "servers" {
  value = [for server in drs_drill_execution.quarterly.servers : "${server.hostname} ${server.status}"]
}
