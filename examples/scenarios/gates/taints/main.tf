# The gate that is there by itself: a drill that ends otherwise than COMPLETED fails the apply and taints the resource, and
# the next apply runs it again. One of the two servers of this fleet fails, so this apply fails.

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
  description = "File with the simulated servers: examples/fleets/one-server-fails.yaml."
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
    fleet = var.fleet
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

# Half of the web servers is enough for the wave, so a drill in which one of two fails ends as PARTIAL.
resource "drs_recovery_plan" "shop" {
  name = "shop"
  waves = [
    {
      name                 = "web"
      protection_group_ids = [drs_protection_group.web.id]
      min_success_percent  = 50
    },
  ]
}

resource "drs_drill_execution" "gate" {
  recovery_plan_id     = drs_recovery_plan.shop.id
  fail_on_unsuccessful = true # the default
}

output "status" {
  value = drs_drill_execution.gate.status
}
