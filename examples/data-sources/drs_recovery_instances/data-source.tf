# Instances of drills that somebody forgot.
data "drs_recovery_instances" "drills" {
  is_drill = true
}

output "forgotten" {
  value = { for it in data.drs_recovery_instances.drills.instances : it.id => it.ec2_state }
}
