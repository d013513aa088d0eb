# The function three times: one for each mode, which drives executions of that mode only, and the sweeper.

locals {
  functions = merge(
    {
      for name, mode in local.modes : name => {
        DRS_FUNCTION       = "runner"
        DRS_ALLOWED_MODES  = mode
        DRS_STATE_MACHINES = local.machine_arns[name]
      }
    },
    {
      sweeper = {
        DRS_FUNCTION               = "sweeper"
        DRS_ALLOWED_MODES          = join(",", values(local.modes))
        DRS_RULE                   = local.rule_arn
        DRS_DRILL_STATE_MACHINE    = local.machine_arns["drill"]
        DRS_RECOVERY_STATE_MACHINE = local.machine_arns["recovery"]
      }
    },
  )
}

resource "aws_lambda_function" "this" {
  for_each = local.functions

  function_name    = "${local.prefix}-${each.key}"
  role             = aws_iam_role.function[each.key].arn
  filename         = var.package
  source_code_hash = filebase64sha256(var.package)
  runtime          = "provided.al2023"
  handler          = "bootstrap"
  architectures    = [var.architecture]
  memory_size      = 256
  # A turn works for a minute at most, and then a call that is in flight ends.
  timeout     = 180
  kms_key_arn = aws_kms_key.this.arn
  tags        = var.tags

  environment {
    variables = merge(each.value, { DRS_ENVIRONMENT = var.environment })
  }

  logging_config {
    log_format = "JSON"
    log_group  = aws_cloudwatch_log_group.function[each.key].name
  }
}

resource "aws_cloudwatch_log_group" "function" {
  for_each = local.functions

  name              = "/aws/lambda/${local.prefix}-${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.this.arn
  tags              = var.tags
}

# The sweeper's schedule. The function checks once more that it was this rule.
resource "aws_cloudwatch_event_rule" "sweep" {
  name                = "${local.prefix}-sweep"
  description         = "Calls the sweeper, which gives executions that nobody drives to a state machine."
  schedule_expression = var.sweep_schedule
  tags                = var.tags
}

resource "aws_cloudwatch_event_target" "sweep" {
  rule = aws_cloudwatch_event_rule.sweep.name
  arn  = aws_lambda_function.this["sweeper"].arn
}

resource "aws_lambda_permission" "sweep" {
  statement_id   = "Schedule"
  action         = "lambda:InvokeFunction"
  function_name  = aws_lambda_function.this["sweeper"].function_name
  principal      = "events.amazonaws.com"
  source_arn     = aws_cloudwatch_event_rule.sweep.arn
  source_account = local.account
}
