# By its id or its name.
terraform import drs_recovery_plan.shop shop
