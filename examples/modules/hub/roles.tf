# Roles of the functions and the machines, with the policies that the product writes itself.

data "aws_iam_policy_document" "trust" {
  for_each = toset(["lambda", "states"])

  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["${each.key}.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}

resource "aws_iam_role" "function" {
  for_each = local.functions

  name               = "${local.prefix}-${each.key}"
  assume_role_policy = data.aws_iam_policy_document.trust["lambda"].json
  tags               = var.tags
}

data "drs_iam_policy" "runner" {
  for_each = local.modes

  principal                  = "lambda"
  environment                = var.environment
  regions                    = length(var.regions) > 0 ? var.regions : [local.region]
  functions                  = var.hook_functions
  automation_documents       = var.hook_automations
  command_documents          = var.hook_commands
  target_role_arns           = var.target_role_arns
  topic_arns                 = [local.topic_arn]
  runner_function_arn        = local.function_arns[each.key]
  drill_state_machine_arn    = each.key == "drill" ? local.machine_arns["drill"] : null
  recovery_state_machine_arn = each.key == "recovery" ? local.machine_arns["recovery"] : null
}

data "drs_iam_policy" "sweeper" {
  principal                  = "sweeper"
  environment                = var.environment
  sweeper_function_arn       = local.function_arns["sweeper"]
  drill_state_machine_arn    = local.machine_arns["drill"]
  recovery_state_machine_arn = local.machine_arns["recovery"]
}

resource "aws_iam_role_policy" "function" {
  for_each = local.functions

  name   = "drs"
  role   = aws_iam_role.function[each.key].id
  policy = each.key == "sweeper" ? data.drs_iam_policy.sweeper.json : data.drs_iam_policy.runner[each.key].json
}

# The tables are under a key of this module.
data "aws_iam_policy_document" "surroundings" {
  for_each = local.functions

  statement {
    sid       = "Key"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [aws_kms_key.this.arn]
  }
}

resource "aws_iam_role_policy" "surroundings" {
  for_each = local.functions

  name   = "surroundings"
  role   = aws_iam_role.function[each.key].id
  policy = data.aws_iam_policy_document.surroundings[each.key].json
}

resource "aws_iam_role" "machine" {
  for_each = local.modes

  name               = "${local.prefix}-${each.key}-machine"
  assume_role_policy = data.aws_iam_policy_document.trust["states"].json
  tags               = var.tags
}

data "drs_iam_policy" "machine" {
  for_each = local.modes

  principal                  = "state-machine"
  runner_function_arn        = local.function_arns[each.key]
  drill_state_machine_arn    = each.key == "drill" ? local.machine_arns["drill"] : null
  recovery_state_machine_arn = each.key == "recovery" ? local.machine_arns["recovery"] : null
}

resource "aws_iam_role_policy" "machine" {
  for_each = local.modes

  name   = "drs"
  role   = aws_iam_role.machine[each.key].id
  policy = data.drs_iam_policy.machine[each.key].json
}

# Step Functions delivers its logs by these, which know no resources.
data "aws_iam_policy_document" "delivery" {
  statement {
    actions = [
      "logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:DescribeLogGroups", "logs:DescribeResourcePolicies",
      "logs:GetLogDelivery", "logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:UpdateLogDelivery",
    ]
    resources = ["*"]
  }
}

resource "aws_iam_role_policy" "delivery" {
  for_each = local.modes

  name   = "log-delivery"
  role   = aws_iam_role.machine[each.key].id
  policy = data.aws_iam_policy_document.delivery.json
}
