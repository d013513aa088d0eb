variable "hub_account_id" {
  description = "Account that orchestrates: the only one that may assume the role."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.hub_account_id))
    error_message = "An account id has 12 digits."
  }
}

variable "external_id" {
  description = "External id of this target, as `drs_target_account` or `drsctl target add` gave it; the role asks for it."
  type        = string
  sensitive   = true
}

variable "role_name" {
  description = "Name of the role."
  type        = string
  default     = "drs-orchestration"
}

variable "regions" {
  description = "Regions that servers of this account recover into. Empty means that of the provider."
  type        = set(string)
  default     = []
}

variable "hook_functions" {
  description = "Functions of this account that hooks and checks run, by name or ARN."
  type        = set(string)
  default     = []
}

variable "hook_automations" {
  description = "Documents that hooks run as automations in this account, by name or ARN."
  type        = set(string)
  default     = []
}

variable "hook_commands" {
  description = "Documents that checks run on servers of this account, by name or ARN."
  type        = set(string)
  default     = []
}

variable "instance_role_arns" {
  description = "Roles of instance profiles that launch templates name, beside those of DRS: a launch passes them."
  type        = set(string)
  default     = []
}

variable "tags" {
  description = "Tags of the role."
  type        = map(string)
  default     = {}
}
