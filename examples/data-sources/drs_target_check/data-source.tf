resource "drs_target_account" "ledger" {
  account_id = "444455556666"
  regions    = ["us-east-1"]
  role_arn   = "arn:aws:iam::444455556666:role/DisasterRecovery"
}

data "drs_target_check" "ledger" {
  account_id = drs_target_account.ledger.id

  lifecycle {
    postcondition {
      condition     = self.ready
      error_message = join("\n", self.problems)
    }
  }
}

# What was tried there, and what came of it.
output "findings" {
  value = { for finding in data.drs_target_check.ledger.findings : finding.action => finding.outcome... }
}
