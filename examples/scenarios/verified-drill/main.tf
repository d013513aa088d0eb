# A drill that is looked at before it starts and verified after its launches: a preflight that must find no problem, a guard
# that keeps it out of production's network, checks of every launched server, hooks before and after the wave, and a topic
# that is told. On the simulator nothing of it runs but in its stand-ins.

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

resource "drs_protection_group" "web" {
  name = "shop-web"
  server_selection_tags = {
    Application = "shop"
    Tier        = "web"
  }
}

resource "drs_recovery_plan" "shop" {
  name = "shop"

  drill_guard = {
    subnet_tags = { Purpose = "drill" }
  }

  notifications = {
    topic_arns = ["arn:aws:sns:us-east-1:111122223333:disaster-recovery"]
  }

  waves = [
    {
      name                 = "web"
      protection_group_ids = [drs_protection_group.web.id]

      before_hooks = [
        {
          name                = "fail-over-database"
          automation_document = "Shop-Failover"
          timeout_seconds     = 900
        },
      ]

      # LAUNCHED is what DRS says; healthy is what these say.
      checks = {
        ssm_document    = "AWS-RunShellScript"
        ssm_parameters  = { commands = ["systemctl is-active nginx"] }
        lambda_function = "shop-smoke-test"
        on_degraded     = "fail"
      }

      after_hooks = [
        {
          name            = "smoke-test"
          lambda_function = "shop-smoke-test"
          on_failure      = "continue"
        },
      ]

      # One of the two web servers is enough; the drill is then PARTIAL.
      min_success_percent = 50
    },
  ]
}

data "drs_preflight" "shop" {
  recovery_plan_id = drs_recovery_plan.shop.id
}

resource "drs_drill_execution" "quarterly" {
  recovery_plan_id = drs_recovery_plan.shop.id

  triggers = {
    plan    = drs_recovery_plan.shop.digest
    quarter = "2026-Q4"
  }

  # Also when nobody applies again: `drsctl sweep` terminates what is left.
  max_lifetime = "24h"

  # The postcondition says which results are good enough.
  fail_on_unsuccessful = false

  lifecycle {
    precondition {
      condition     = data.drs_preflight.shop.ready
      error_message = join("; ", data.drs_preflight.shop.problems[*].message)
    }
    postcondition {
      condition     = contains(["COMPLETED", "PARTIAL"], self.status)
      error_message = "The drill ended as ${self.status}: ${self.summary}"
    }
  }
}

output "health" {
  value = { for server in drs_drill_execution.quarterly.servers : server.hostname => server.health }
}

output "hooks" {
  value = { for hook in flatten(drs_drill_execution.quarterly.waves[*].hooks) : hook.name => hook.status }
}
