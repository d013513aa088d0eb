import {
  to = drs_target_account.ledger
  id = "444455556666"
}
