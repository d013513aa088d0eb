import {
  to = drs_protection_group.application
  id = "shop-application"
}
