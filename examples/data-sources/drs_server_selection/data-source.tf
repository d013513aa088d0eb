# A group by tags is made only of servers that no other group lists.
data "drs_server_selection" "web" {
  tags = {
    Application = "shop"
    Tier        = "web"
  }

  lifecycle {
    postcondition {
      condition     = length(self.ids) > 0 && length(self.conflicts) == 0
      error_message = "Another group lists ${join(", ", self.conflicts[*].hostname)}."
    }
  }
}

resource "drs_protection_group" "web" {
  name                  = "shop-web"
  server_selection_tags = data.drs_server_selection.web.tags
}
