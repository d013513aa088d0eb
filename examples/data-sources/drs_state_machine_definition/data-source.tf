# The state machine that drives executions, for the function of AWS Lambda that makes their turns.
data "drs_state_machine_definition" "drs" {
  function_arn = "arn:aws:lambda:us-east-1:111122223333:function:drs"
}

# It goes into the definition of an aws_sfn_state_machine of type STANDARD.
output "definition" {
  value = data.drs_state_machine_definition.drs.json
}
