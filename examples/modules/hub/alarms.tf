# Who is told: a topic for the notices of plans and for alarms, and alarms on what nobody may be looking at.

locals {
  topic_arn = "arn:${local.partition}:sns:${local.region}:${local.account}:${local.prefix}"

  # Metrics of the functions, by what somebody must know.
  alarms = {
    failed-drills = {
      metric      = "ExecutionsFailed"
      mode        = "DRILL"
      description = "A drill did not complete: drsctl list --status FAILED"
    }
    failed-recoveries = {
      metric      = "ExecutionsFailed"
      mode        = "RECOVERY"
      description = "A recovery did not complete: drsctl list --status FAILED"
    }
    halted = {
      metric      = "ExecutionsHalted"
      mode        = "RECOVERY"
      description = "A recovery broke a rule of the engine and does nothing more: drsctl list --status HALTED"
    }
    dead-runners = {
      metric      = "RunnersGone"
      mode        = "ALL"
      description = "Nobody drove an execution for two minutes; the sweeper has begun a run of a state machine for it."
    }
  }
}

resource "aws_sns_topic" "this" {
  name              = local.prefix
  kms_master_key_id = aws_kms_key.this.id
  tags              = var.tags
}

resource "aws_sns_topic_subscription" "mail" {
  for_each = var.subscribers

  topic_arn = aws_sns_topic.this.arn
  protocol  = "email"
  endpoint  = each.key
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${local.prefix}-${each.key}"
  alarm_description   = each.value.description
  namespace           = "DRSOrchestration"
  metric_name         = each.value.metric
  dimensions          = { Environment = var.environment, Mode = each.value.mode }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.this.arn]
  tags                = var.tags
}

# A machine that fails is told whatever the functions say.
resource "aws_cloudwatch_metric_alarm" "machine" {
  for_each = local.modes

  alarm_name          = "${local.prefix}-${each.key}-machine"
  alarm_description   = "A run of the state machine failed; the sweeper begins another. Its cause is in the console."
  namespace           = "AWS/States"
  metric_name         = "ExecutionsFailed"
  dimensions          = { StateMachineArn = local.machine_arns[each.key] }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.this.arn]
  tags                = var.tags
}
