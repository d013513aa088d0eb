# The module with drills that really run, on the simulator that the provider embeds: no account, no network, some seconds.
# Run `terraform test` in the folder of the module. The simulator's store stays in .terraform.

provider "drs" {
  region        = "us-east-1"
  environment   = "test"
  create_tables = true

  simulator = {
    path  = ".terraform/simulator"
    fleet = "tests/fleet.yaml"
    speed = 1500
  }
}

variables {
  name = "shop"
  tiers = {
    database    = { server_selection_tags = { Application = "shop", Tier = "db" }, launch_order = "SEQUENTIAL" }
    application = { server_selection_tags = { Application = "shop", Tier = "app" } }
    web         = { server_selection_tags = { Application = "shop", Tier = "web" } }
  }
  drill_subnet_tags = { Purpose = "drill" }
}

run "groups_and_a_plan" {
  assert {
    condition     = drs_recovery_plan.this.waves[*].name == tolist(["database", "application", "web"])
    error_message = "The waves are ${join(", ", drs_recovery_plan.this.waves[*].name)}."
  }

  assert {
    condition     = drs_recovery_plan.this.waves[*].launch_order == tolist(["SEQUENTIAL", "PARALLEL", "PARALLEL"])
    error_message = "What a tier says is not what its wave has."
  }

  assert {
    condition     = output.drill == null
    error_message = "There is a drill that nobody asked for."
  }
}

run "a_drill" {
  variables {
    drill = { run = "2026-Q4" }
  }

  assert {
    condition     = output.drill.status == "COMPLETED"
    error_message = "The drill ended as ${output.drill.status}: ${output.drill.summary}"
  }

  assert {
    condition     = output.drill.servers[*].hostname == tolist(["db-1", "db-2", "app-1", "web-1", "web-2"])
    error_message = "It launched ${join(", ", output.drill.servers[*].hostname)}."
  }

  assert {
    condition     = alltrue([for server in output.drill.servers : server.status == "LAUNCHED" && server.health == "HEALTHY"])
    error_message = "Not every server was launched and is healthy."
  }

  # No wave begins before the one before it has ended.
  assert {
    condition = alltrue([
      for number in range(1, 3) :
      timecmp(output.drill.waves[number].started_at, output.drill.waves[number - 1].ended_at) >= 0
    ])
    error_message = "Waves ran at the same time."
  }

  assert {
    condition     = output.drill.instances_terminated
    error_message = "What the drill launched is still there."
  }
}

run "it_is_not_run_again" {
  variables {
    drill = { run = "2026-Q4" }
  }

  assert {
    condition     = output.drill.id == run.a_drill.drill.id
    error_message = "The same drill was run twice."
  }
}

# The triggers have the digests of the groups, so a group that has other servers is drilled.
run "a_tier_that_lists_its_servers_is_another_drill" {
  variables {
    tiers = {
      database    = { source_server_ids = [for server in run.a_drill.drill.servers : server.id if server.hostname == "db-2"] }
      application = { server_selection_tags = { Application = "shop", Tier = "app" } }
      web         = { server_selection_tags = { Application = "shop", Tier = "web" } }
    }
    drill = { run = "2026-Q4" }
  }

  assert {
    condition     = output.drill.id != run.a_drill.drill.id
    error_message = "Other servers were not drilled."
  }

  assert {
    condition     = output.drill.servers[*].hostname == tolist(["db-2", "app-1", "web-1", "web-2"])
    error_message = "It launched ${join(", ", output.drill.servers[*].hostname)}."
  }
}

run "a_drill_that_is_good_enough" {
  variables {
    name = "office"
    tiers = {
      database    = { server_selection_tags = { Application = "office", Tier = "db" } }
      application = { server_selection_tags = { Application = "office", Tier = "app" } }
      web         = { server_selection_tags = { Application = "office", Tier = "web" }, min_success_percent = 50 }
    }
    drill = { run = "2026-Q4", accept_partial = true }
  }

  assert {
    condition     = output.drill.status == "PARTIAL" && output.drill.waves[*].failed == tolist([0, 0, 1])
    error_message = "The drill ended as ${output.drill.status}: ${output.drill.summary}"
  }
}
