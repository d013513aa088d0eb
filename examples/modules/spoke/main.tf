# An account that the hub recovers servers in: one role, that the hub may assume with this account's external id only.

data "aws_caller_identity" "this" {}

data "aws_partition" "this" {}

data "aws_region" "this" {}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${data.aws_partition.this.partition}:iam::${var.hub_account_id}:root"]
    }

    condition {
      test     = "StringEquals"
      variable = "sts:ExternalId"
      values   = [var.external_id]
    }
  }
}

resource "aws_iam_role" "this" {
  name                 = var.role_name
  description          = "Recovers servers of this account by AWS Elastic Disaster Recovery, for the hub ${var.hub_account_id}."
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  max_session_duration = 3600
  tags                 = var.tags
}

data "drs_iam_policy" "this" {
  principal            = "spoke"
  account_id           = data.aws_caller_identity.this.account_id
  regions              = length(var.regions) > 0 ? var.regions : [data.aws_region.this.region]
  functions            = var.hook_functions
  automation_documents = var.hook_automations
  command_documents    = var.hook_commands
  instance_role_arns   = var.instance_role_arns
}

resource "aws_iam_role_policy" "this" {
  name   = "drs"
  role   = aws_iam_role.this.id
  policy = data.drs_iam_policy.this.json
}
