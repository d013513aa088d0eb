terraform {
  required_providers {
    drs = {
      source = "drs-orchestration/drs"
    }
  }
}

provider "drs" {
  # Servers are recovered into this Region. The history is in another one, so that it is not lost with the servers.
  region         = "us-east-1"
  history_region = "eu-west-1"

  # Part of the names of the three tables; the first apply makes them.
  environment   = "production"
  create_tables = true

  # Nothing is read or written with credentials of another account.
  allowed_account_ids = ["111122223333"]

  default_tags = {
    ManagedBy = "terraform"
  }
}
