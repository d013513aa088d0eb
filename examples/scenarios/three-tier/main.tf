# A three-tier application: database first, then the application servers, then the web servers. One drill proves that
# the plan works, and leaves its record in the history.

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

data "drs_source_servers" "shop" {
  filters = {
    tags = { Application = "shop" }
  }
}

locals {
  # Listed groups hold their servers for themselves: no other group can list them.
  database_servers = [
    for server in data.drs_source_servers.shop.servers : server.id if server.tags["Tier"] == "db"
  ]
}

resource "drs_protection_group" "database" {
  name              = "shop-database"
  description       = "Primary and replica."
  source_server_ids = local.database_servers
}

resource "drs_protection_group" "application" {
  name = "shop-application"
  server_selection_tags = {
    Application = "shop"
    Tier        = "app"
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
  name        = "shop"
  description = "Database, then application, then web."

  waves = [
    {
      name                 = "database"
      protection_group_ids = [drs_protection_group.database.id]
      launch_order         = "SEQUENTIAL"
    },
    {
      name                 = "application"
      protection_group_ids = [drs_protection_group.application.id]
      wait_time_seconds    = 60
    },
    {
      name                 = "web"
      protection_group_ids = [drs_protection_group.web.id]
    },
  ]
}

resource "drs_drill_execution" "quarterly" {
  recovery_plan_id = drs_recovery_plan.shop.id

  # A new quarter, or a plan that launches something else, is a new drill.
  triggers = {
    plan    = drs_recovery_plan.shop.digest
    quarter = "2026-Q4"
  }
}

output "drill" {
  value = {
    status  = drs_drill_execution.quarterly.status
    servers = [for server in drs_drill_execution.quarterly.servers : "${server.hostname} ${server.instance_id}"]
  }
}
