# The three tables, as `drsctl tables create` makes them; `drsctl tables check` compares them. They are never global tables: in
# those the last writer wins, which voids every condition that a launch rests on.

locals {
  tables = {
    protection-groups = {
      keys    = ["Id"]
      indexes = { KindIndex = { hash = "Kind", range = "Name", range_type = "S" } }
    }
    recovery-plans = {
      keys    = ["PlanId"]
      indexes = { KindIndex = { hash = "Kind", range = "Name", range_type = "S" } }
    }
    execution-history = {
      keys = ["ExecutionId", "ItemKey"]
      indexes = {
        StatusIndex = { hash = "Status", range = "StartTime", range_type = "N" }
        PlanIdIndex = { hash = "PlanId", range = "StartTime", range_type = "N" }
      }
    }
  }
}

resource "aws_dynamodb_table" "this" {
  for_each = local.tables

  name                        = "${each.key}-${var.environment}"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = each.value.keys[0]
  range_key                   = try(each.value.keys[1], null)
  deletion_protection_enabled = var.deletion_protection
  tags                        = var.tags

  dynamic "attribute" {
    for_each = merge(
      { for key in each.value.keys : key => "S" },
      { for index in each.value.indexes : index.hash => "S" },
      { for index in each.value.indexes : index.range => index.range_type },
    )

    content {
      name = attribute.key
      type = attribute.value
    }
  }

  dynamic "global_secondary_index" {
    for_each = each.value.indexes

    content {
      name            = global_secondary_index.key
      hash_key        = global_secondary_index.value.hash
      range_key       = global_secondary_index.value.range
      projection_type = "ALL"
    }
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = aws_kms_key.this.arn
  }
}
