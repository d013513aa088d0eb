output "role_arn" {
  description = "The role: `role_arn` of `drs_target_account`, and one of `target_role_arns` of the module hub."
  value       = aws_iam_role.this.arn
}
