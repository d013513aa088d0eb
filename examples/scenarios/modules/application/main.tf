# The protection groups of one application, and the waves that recover it.

terraform {
  required_providers {
    drs = {
      source = "drs-orchestration/drs"
    }
  }
}

variable "name" {
  description = "The application, as its servers have it in their tag Application."
  type        = string
}

variable "account_id" {
  description = "Account of its servers. Default: the provider's."
  type        = string
  default     = null
}

variable "region" {
  description = "Region of its servers. Default: the provider's."
  type        = string
  default     = null
}

variable "tiers" {
  description = "Its tiers in the order of their recovery, each with the tags that its servers have besides."
  type = list(object({
    name = string
    tags = map(string)
  }))
}

resource "drs_protection_group" "tier" {
  for_each = { for tier in var.tiers : tier.name => tier.tags }

  name                  = "${var.name}-${each.key}"
  account_id            = var.account_id
  region                = var.region
  server_selection_tags = merge({ Application = var.name }, each.value)
}

output "waves" {
  description = "A wave for each tier."
  value = [
    for tier in var.tiers : {
      name                 = "${var.name}-${tier.name}"
      protection_group_ids = [drs_protection_group.tier[tier.name].id]
    }
  ]
}
