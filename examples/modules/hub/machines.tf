# Two machines of one definition: one that may drill, one that may fail over.

data "drs_state_machine_definition" "this" {
  for_each = local.modes

  function_arn = local.function_arns[each.key]
}

resource "aws_sfn_state_machine" "this" {
  for_each = local.modes

  name       = "${local.prefix}-${each.key}"
  type       = "STANDARD"
  role_arn   = aws_iam_role.machine[each.key].arn
  definition = data.drs_state_machine_definition.this[each.key].json
  tags       = var.tags

  logging_configuration {
    level                  = "ERROR"
    include_execution_data = false
    log_destination        = "${aws_cloudwatch_log_group.machine[each.key].arn}:*"
  }

  depends_on = [aws_iam_role_policy.machine]
}

resource "aws_cloudwatch_log_group" "machine" {
  for_each = local.modes

  name              = "/aws/vendedlogs/states/${local.prefix}-${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.this.arn
  tags              = var.tags
}
