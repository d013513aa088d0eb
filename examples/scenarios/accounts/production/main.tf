# The shop of the production account, by the same module as in staging: what differs are its arguments. The database is listed,
# so that no other group can list it; drills stay in the drill network; what was launched is checked; people are told.

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

provider "drs" {
  region              = "us-east-1"
  environment         = "demo"
  create_tables       = true
  allowed_account_ids = ["111122223333"]

  assume_role = {
    role_arn = "arn:aws:iam::111122223333:role/DisasterRecovery"
  }

  simulator = {
    path  = var.simulator_path
    fleet = var.fleet
    speed = var.speed
  }
}

data "drs_source_servers" "database" {
  filters = {
    tags = { Application = "shop", Tier = "db" }
  }
}

module "shop" {
  source = "../../../modules/three-tier"

  name          = "shop"
  rto_objective = "4h"
  rpo_objective = "15m"

  tiers = {
    database = {
      source_server_ids = data.drs_source_servers.database.ids
      launch_order      = "SEQUENTIAL"
    }

    application = {
      server_selection_tags = { Application = "shop", Tier = "app" }
      wait_time_seconds     = 60
      retries               = 1
    }

    web = {
      server_selection_tags = { Application = "shop", Tier = "web" }
      # One of two web servers is enough.
      min_success_percent = 50
      checks              = { lambda_function = "shop-smoke-test", on_degraded = "fail" }
    }
  }

  drill_subnet_tags       = { Purpose = "drill" }
  notification_topic_arns = ["arn:aws:sns:us-east-1:111122223333:disaster-recovery"]

  drill = {
    run            = "2026-Q4"
    accept_partial = true
  }
}

output "drill" {
  value = "${module.shop.drill.status}: ${module.shop.drill.summary}"
}

output "servers" {
  value = [
    for server in module.shop.drill.servers : "${server.account_id} ${server.hostname} ${server.status} ${server.health}"
  ]
}
