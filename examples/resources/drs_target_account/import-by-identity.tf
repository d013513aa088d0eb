import {
  to = drs_target_account.ledger
  identity = {
    id = "444455556666"
  }
}
