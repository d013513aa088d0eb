# What the module itself decides, with a provider that does nothing: no drill runs, and what a provider would compute is made
# up. Run `terraform test` in the folder of the module.

mock_provider "drs" {}

variables {
  name = "shop"
  tiers = {
    database    = { source_server_ids = ["s-11111111111111111", "s-22222222222222222"], launch_order = "SEQUENTIAL" }
    application = { server_selection_tags = { Application = "shop", Tier = "app" }, pause_before = true }
    web         = { server_selection_tags = { Application = "shop", Tier = "web" }, min_success_percent = 50 }
  }
}

run "groups" {
  command = plan

  assert {
    condition = { for tier, group in drs_protection_group.tier : tier => group.name } == {
      database    = "shop-database"
      application = "shop-application"
      web         = "shop-web"
    }
    error_message = "Groups are named after the application and the tier."
  }

  assert {
    condition     = drs_protection_group.tier["database"].source_server_ids == tolist(var.tiers.database.source_server_ids)
    error_message = "A listed tier keeps the order of its servers."
  }

  assert {
    condition     = drs_protection_group.tier["web"].server_selection_tags == tomap(var.tiers.web.server_selection_tags)
    error_message = "A tier selects by exactly its tags."
  }

  assert {
    condition     = length(drs_drill_execution.this) == 0
    error_message = "There is a drill that nobody asked for."
  }

  assert {
    condition     = drs_recovery_plan.this.drill_guard == null && drs_recovery_plan.this.notifications == null
    error_message = "There is a guard, or somebody is told, and nobody asked for it."
  }
}

run "guard_and_topics" {
  command = plan

  variables {
    drill_subnet_tags       = { Purpose = "drill" }
    notification_topic_arns = ["arn:aws:sns:us-east-1:111122223333:disaster-recovery"]
  }

  assert {
    condition     = drs_recovery_plan.this.drill_guard.subnet_tags == tomap({ Purpose = "drill" })
    error_message = "Drills are kept in the subnets that are named."
  }

  assert {
    condition     = length(drs_recovery_plan.this.notifications.topic_arns) == 1
    error_message = "The topic is told."
  }
}

run "a_drill_cleans_up" {
  command = plan

  variables {
    drill = { run = "2026-Q4" }
  }

  assert {
    condition = (
      drs_drill_execution.this[0].cleanup == "on_success" && drs_drill_execution.this[0].max_lifetime == "24h" &&
      drs_drill_execution.this[0].fail_on_unsuccessful
    )
    error_message = "By default a drill cleans up after success, lasts a day, and must complete."
  }

  assert {
    condition     = keys(drs_drill_execution.this[0].triggers) == tolist(["application", "database", "plan", "run", "web"])
    error_message = "A drill is run again when its run, the plan or a group changes."
  }
}

run "partial_is_good_enough" {
  variables {
    drill = { run = "2026-Q4", accept_partial = true }
  }

  override_resource {
    target = drs_drill_execution.this
    values = { status = "PARTIAL", summary = "6 of 7 servers launched" }
  }

  assert {
    condition     = !drs_drill_execution.this[0].fail_on_unsuccessful && output.drill.status == "PARTIAL"
    error_message = "The postcondition lets it pass."
  }
}

# Without a drill the one of the run before goes, so the next one is a new one: only that is given the values of an override.
run "waves" {
  assert {
    condition     = drs_recovery_plan.this.waves[*].name == tolist(["database", "application", "web"])
    error_message = "The database is first, and the web servers are last."
  }

  assert {
    condition = drs_recovery_plan.this.waves[*].protection_group_ids == tolist([
      for tier in ["database", "application", "web"] : tolist([drs_protection_group.tier[tier].id])
    ])
    error_message = "A wave has the group of its tier."
  }

  assert {
    condition = (
      drs_recovery_plan.this.waves[0].launch_order == "SEQUENTIAL" && drs_recovery_plan.this.waves[1].pause_before &&
      drs_recovery_plan.this.waves[2].min_success_percent == 50
    )
    error_message = "What a tier says is what its wave has."
  }

  assert {
    condition     = keys(output.protection_group_ids) == ["application", "database", "web"] && length(output.waves) == 3
    error_message = "The outputs have the three tiers."
  }

  assert {
    condition     = output.drill == null
    error_message = "The drill is still there, and nobody asks for it."
  }
}

run "failed_is_not_good_enough" {
  variables {
    drill = { run = "2026-Q4", accept_partial = true }
  }

  override_resource {
    target = drs_drill_execution.this
    values = { status = "FAILED", summary = "0 of 7 servers launched" }
  }

  expect_failures = [drs_drill_execution.this]
}

run "a_tier_is_missing" {
  command = plan

  variables {
    tiers = { database = { server_selection_tags = { Tier = "db" } } }
  }

  expect_failures = [var.tiers]
}

run "a_tier_selects_nothing" {
  command = plan

  variables {
    tiers = {
      database    = {}
      application = { server_selection_tags = { Tier = "app" } }
      web         = { server_selection_tags = { Tier = "web" } }
    }
  }

  expect_failures = [var.tiers]
}

run "a_tier_selects_in_two_ways" {
  command = plan

  variables {
    tiers = {
      database    = { server_selection_tags = { Tier = "db" }, source_server_ids = ["s-11111111111111111"] }
      application = { server_selection_tags = { Tier = "app" } }
      web         = { server_selection_tags = { Tier = "web" } }
    }
  }

  expect_failures = [var.tiers]
}

run "a_name_that_leaves_no_room_for_the_tier" {
  command = plan

  variables {
    name = "an-application-whose-name-alone-has-more-than-52-chars"
  }

  expect_failures = [var.name]
}

run "a_guard_that_guards_nothing" {
  command = plan

  variables {
    drill_subnet_tags = {}
  }

  expect_failures = [var.drill_subnet_tags]
}

run "a_drill_without_a_run" {
  command = plan

  variables {
    drill = { run = " " }
  }

  expect_failures = [var.drill]
}
