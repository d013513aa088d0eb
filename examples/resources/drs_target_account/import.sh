# By its account.
terraform import drs_target_account.ledger 444455556666
