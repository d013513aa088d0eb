import {
  to = drs_protection_group.application
  identity = {
    id = "pg-b5d977d0d5e4175fab42b56d059d0bb0"
  }
}
