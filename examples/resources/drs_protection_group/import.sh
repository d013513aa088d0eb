# By its id or its name.
terraform import drs_protection_group.application shop-application
