variable "name" {
  description = "The application. It names the plan, and begins the names of its groups; both are unique in the environment."
  type        = string

  validation {
    # A group is named after its tier, too, and may have 64 characters.
    condition     = length(var.name) >= 1 && length(var.name) <= 52
    error_message = "The name of the application has 1 to 52 characters."
  }
}

variable "description" {
  description = "What the plan says about itself."
  type        = string
  default     = "Database, then application, then web."
}

variable "tiers" {
  description = <<-EOT
    The three tiers by name: `database`, `application` and `web`, which are recovered in this order. Each selects its servers
    by `server_selection_tags`, or lists them in `source_server_ids`. The rest is optional, and means what it means in a wave
    of `drs_recovery_plan`.
  EOT
  type = map(object({
    server_selection_tags = optional(map(string))
    source_server_ids     = optional(list(string))

    pause_before        = optional(bool)
    wait_time_seconds   = optional(number)
    launch_order        = optional(string)
    timeout_seconds     = optional(number)
    on_failure          = optional(string)
    min_success_percent = optional(number)
    retries             = optional(number)

    checks = optional(object({
      lambda_function = optional(string)
      ssm_document    = optional(string)
      ssm_parameters  = optional(map(list(string)))
      timeout_seconds = optional(number)
      on_degraded     = optional(string)
    }))
  }))

  validation {
    condition     = toset(keys(var.tiers)) == toset(["database", "application", "web"])
    error_message = "There are three tiers: database, application and web."
  }

  validation {
    condition = alltrue([
      for tier in values(var.tiers) : (tier.server_selection_tags == null) != (tier.source_server_ids == null)
    ])
    error_message = "A tier has either server_selection_tags or source_server_ids."
  }
}

variable "account_id" {
  description = "Account of the servers: the id of a drs_target_account. Default: the provider's account."
  type        = string
  default     = null
}

variable "region" {
  description = "Region that the servers replicate to. Default: the provider's."
  type        = string
  default     = null
}

variable "drill_subnet_tags" {
  description = "Tags of the subnets that drills may boot in; elsewhere a drill is refused. Default: anywhere."
  type        = map(string)
  default     = null

  validation {
    condition     = var.drill_subnet_tags == null ? true : length(var.drill_subnet_tags) > 0
    error_message = "No tags would let drills boot anywhere. Leave drill_subnet_tags out if that is meant."
  }
}

variable "notification_topic_arns" {
  description = "SNS topics that are told of everything that executions of the plan do, at most 5. Default: nobody is told."
  type        = list(string)
  default     = []
}

variable "rto_objective" {
  description = "How soon after its start a recovery is meant to have ended, such as `4h`; for reports. Default: none."
  type        = string
  default     = null
}

variable "rpo_objective" {
  description = "How old the data may be that servers are launched from, such as `15m`; for reports. Default: none."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of the groups and of the plan."
  type        = map(string)
  default     = {}
}

variable "drill" {
  description = <<-EOT
    A drill of the plan. It is run once for each value of `run`, such as `2026-Q4`, and again when the plan or its groups would
    launch something else. With `accept_partial` a drill is good enough, too, in which only servers failed whose failure the
    tiers let pass. `cleanup`, `max_lifetime` and `on_pause` are those of `drs_drill_execution`. Default: none.
  EOT
  type = object({
    run            = string
    cleanup        = optional(string, "on_success")
    max_lifetime   = optional(string, "24h")
    on_pause       = optional(string, "wait")
    accept_partial = optional(bool, false)
  })
  default = null

  validation {
    condition     = var.drill == null ? true : trimspace(var.drill.run) != ""
    error_message = "A drill needs a value of run, such as \"2026-Q4\"."
  }
}
