# The shop of the staging account: the least that the module wants, and a drill of it. The provider works as a role of the
# account, so that plans, their history and the recovered servers are all there, and it works nowhere else.

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
  allowed_account_ids = ["444455556666"]

  assume_role = {
    role_arn = "arn:aws:iam::444455556666:role/DisasterRecovery"
  }

  simulator = {
    path  = var.simulator_path
    fleet = var.fleet
    speed = var.speed
  }
}

module "shop" {
  source = "../../../modules/three-tier"

  name = "shop"

  tiers = {
    database    = { server_selection_tags = { Application = "shop", Tier = "db" } }
    application = { server_selection_tags = { Application = "shop", Tier = "app" } }
    web         = { server_selection_tags = { Application = "shop", Tier = "web" } }
  }

  drill = { run = "2026-Q4" }
}

output "drill" {
  value = "${module.shop.drill.status}: ${module.shop.drill.summary}"
}

output "servers" {
  value = [
    for server in module.shop.drill.servers : "${server.account_id} ${server.hostname} ${server.status} ${server.health}"
  ]
}
