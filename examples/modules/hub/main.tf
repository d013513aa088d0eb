# The account that orchestrates: names, and what everything else refers to.

data "aws_caller_identity" "this" {}

data "aws_partition" "this" {}

data "aws_region" "this" {}

locals {
  account   = data.aws_caller_identity.this.account_id
  partition = data.aws_partition.this.partition
  region    = data.aws_region.this.region
  prefix    = "drs-${var.environment}"

  # A machine and a function for each mode, so that IAM can say who may start which.
  modes = {
    drill    = "DRILL"
    recovery = "RECOVERY"
  }

  # Known before anything is made: a function names its machine, and the machine its function.
  machine_arns = {
    for name in keys(local.modes) :
    name => "arn:${local.partition}:states:${local.region}:${local.account}:stateMachine:${local.prefix}-${name}"
  }
  function_arns = {
    for name in concat(keys(local.modes), ["sweeper"]) :
    name => "arn:${local.partition}:lambda:${local.region}:${local.account}:function:${local.prefix}-${name}"
  }
  rule_arn = "arn:${local.partition}:events:${local.region}:${local.account}:rule/${local.prefix}-sweep"
}

# One key for tables, logs and the topic.
resource "aws_kms_key" "this" {
  description             = "Disaster recovery of ${var.environment}"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = data.aws_iam_policy_document.key.json
  tags                    = var.tags
}

resource "aws_kms_alias" "this" {
  name          = "alias/${local.prefix}"
  target_key_id = aws_kms_key.this.key_id
}

data "aws_iam_policy_document" "key" {
  statement {
    sid       = "Account"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${local.partition}:iam::${local.account}:root"]
    }
  }

  statement {
    sid       = "Services"
    actions   = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["logs.${local.region}.amazonaws.com", "cloudwatch.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}
