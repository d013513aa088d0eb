output "state_machine_arns" {
  description = "State machines by mode, for `runner` of the provider and `drsctl start --state-machine`."
  value       = { for name, machine in aws_sfn_state_machine.this : name => machine.arn }
}

output "function_role_arns" {
  description = "Roles of the functions by name; the trust policy of a spoke may name them."
  value       = { for name, role in aws_iam_role.function : name => role.arn }
}

output "topic_arn" {
  description = "Topic for the notices of plans."
  value       = aws_sns_topic.this.arn
}

output "table_names" {
  description = "The three tables."
  value       = { for name, table in aws_dynamodb_table.this : name => table.name }
}

output "kms_key_arn" {
  description = "Key of tables, logs and the topic. Whoever reads the history must be allowed to use it."
  value       = aws_kms_key.this.arn
}
