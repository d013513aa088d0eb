# What a pipeline needs that applies groups, plans and drills in this account.
data "drs_iam_policy" "pipeline" {
  principal  = "runner"
  functions  = ["shop-smoke-test"]
  topic_arns = ["arn:aws:sns:us-east-1:111122223333:disaster-recovery"]
}

# What somebody may do who only looks.
data "drs_iam_policy" "auditor" {
  principal = "read-only"
}

# For an aws_iam_policy, or an inline policy of a role.
output "pipeline" {
  value = data.drs_iam_policy.pipeline.json
}

output "auditor" {
  value = data.drs_iam_policy.auditor.json
}
