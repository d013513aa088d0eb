# Nothing is applied with the credentials of another account than was meant.
data "drs_caller" "current" {
  lifecycle {
    postcondition {
      condition     = self.drs_initialized
      error_message = "DRS was never set up in ${self.region} of account ${self.account_id}."
    }
  }
}

output "caller" {
  value = data.drs_caller.current.arn
}
