resource "drs_protection_group" "database" {
  name = "shop-database"
  server_selection_tags = {
    Application = "shop"
    Tier        = "db"
  }
}

resource "drs_protection_group" "application" {
  name = "shop-application"
  server_selection_tags = {
    Application = "shop"
    Tier        = "app"
  }
}

resource "drs_protection_group" "web" {
  name = "shop-web"
  server_selection_tags = {
    Application = "shop"
    Tier        = "web"
  }
}

resource "drs_recovery_plan" "shop" {
  name        = "shop"
  description = "Database, then application, then web."

  # Drills boot in subnets with this tag only.
  drill_guard = {
    subnet_tags = { Purpose = "drill" }
  }

  notifications = {
    topic_arns = ["arn:aws:sns:us-east-1:111122223333:disaster-recovery"]
    events     = ["PAUSED", "FINISHED"]
  }

  waves = [
    {
      name                 = "database"
      protection_group_ids = [drs_protection_group.database.id]
      launch_order         = "SEQUENTIAL"

      # The function is asked about every server that was launched.
      checks = {
        lambda_function = "shop-smoke-test"
        on_degraded     = "fail"
      }
    },
    {
      name                 = "application"
      protection_group_ids = [drs_protection_group.application.id]
      wait_time_seconds    = 60
      retries              = 1

      before_hooks = [
        {
          name                = "fail-over-database"
          automation_document = "Shop-Failover"
          timeout_seconds     = 900
        },
      ]
    },
    {
      name                 = "web"
      protection_group_ids = [drs_protection_group.web.id]

      # One of two web servers is enough.
      min_success_percent = 50
    },
  ]
}
