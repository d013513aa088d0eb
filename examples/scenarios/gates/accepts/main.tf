# A gate of your own: the result is kept whatever it is, and a postcondition says which ones are good enough. It fails the
# apply, and every plan after it, but taints nothing, so nothing is run again by itself. One of the two servers of this
# fleet fails, so this apply fails, and is accepted with -var 'accepted=["COMPLETED", "PARTIAL"]'.

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

variable "accepted" {
  description = "How a drill may end."
  type        = list(string)
  default     = ["COMPLETED"]
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
  fail_on_unsuccessful = false

  lifecycle {
    postcondition {
      condition     = contains(var.accepted, self.status)
      error_message = "The drill ended as ${self.status}: ${self.summary}"
    }
  }
}

output "status" {
  value = drs_drill_execution.gate.status
}
