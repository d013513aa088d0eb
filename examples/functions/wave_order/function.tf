locals {
  waves = [
    { name = "database", depends_on_waves = [], timeout_seconds = 3600 },
    { name = "cache", depends_on_waves = [], timeout_seconds = 1800 },
    { name = "web", depends_on_waves = ["database", "cache"] },
  ]
}

# { critical_path = ["database", "web"], stages = [["database", "cache"], ["web"]] }
output "order" {
  value = provider::drs::wave_order(local.waves)
}
