resource "drs_target_account" "ledger" {
  account_id = "444455556666"
  name       = "ledger"
  regions    = ["us-east-1"]
  role_arn   = "arn:aws:iam::444455556666:role/DisasterRecovery"
}

# With the AWS provider, the role is written in the same configuration:
#
# resource "aws_iam_role" "ledger" {
#   provider           = aws.ledger
#   name               = "DisasterRecovery"
#   assume_role_policy = drs_target_account.ledger.trust_policy
# }

# Groups refer to the target by its id, so that they are made after it.
resource "drs_protection_group" "ledger" {
  name       = "ledger"
  account_id = drs_target_account.ledger.id
  region     = "us-east-1"
  server_selection_tags = {
    Application = "ledger"
  }
}
