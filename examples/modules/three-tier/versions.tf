terraform {
  # Terraform or OpenTofu. The files of tests/ want Terraform 1.11.
  required_version = ">= 1.8"

  required_providers {
    drs = {
      source  = "drs-orchestration/drs"
      version = ">= 0.1.0"
    }
  }
}
