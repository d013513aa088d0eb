terraform {
  required_version = ">= 1.8"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.0"
    }
    drs = {
      source  = "drs-orchestration/drs"
      version = ">= 0.1.0"
    }
  }
}
