variable "environment" {
  description = "Names the tables and everything else that this module makes, e.g. \"production\"."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9-]{1,32}$", var.environment))
    error_message = "Up to 32 letters, digits and hyphens: it is part of the names of functions and state machines."
  }
}

variable "package" {
  description = "Path of drs-engine-lambda_VERSION_linux_ARCH.zip, as a release has it."
  type        = string
}

variable "architecture" {
  description = "Of the package: \"arm64\" or \"x86_64\"."
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "Either \"arm64\" or \"x86_64\"."
  }
}

variable "regions" {
  description = "Regions that servers recover into. Empty means that of the provider."
  type        = set(string)
  default     = []
}

variable "target_role_arns" {
  description = "Roles of the target accounts that executions work in; the module spoke makes one."
  type        = set(string)
  default     = []
}

variable "hook_functions" {
  description = "Functions that hooks and checks of the plans run, by name or ARN."
  type        = set(string)
  default     = []
}

variable "hook_automations" {
  description = "Documents of Systems Manager that hooks run as automations, by name or ARN."
  type        = set(string)
  default     = []
}

variable "hook_commands" {
  description = "Documents of Systems Manager that checks run on servers, by name or ARN."
  type        = set(string)
  default     = []
}

variable "subscribers" {
  description = "Mail addresses that get the notices and the alarms. Each must confirm a mail of SNS first."
  type        = set(string)
  default     = []
}

variable "sweep_schedule" {
  description = "How often the sweeper looks for drills over their lifetime and executions that nobody drives."
  type        = string
  default     = "rate(5 minutes)"
}

variable "log_retention_days" {
  description = "How long CloudWatch keeps logs. The history of executions is in the tables and is kept for ever."
  type        = number
  default     = 365
}

variable "deletion_protection" {
  description = "Whether the tables are protected from deletion, by Terraform too."
  type        = bool
  default     = true
}

variable "tags" {
  description = "Tags of everything that this module makes."
  type        = map(string)
  default     = {}
}
