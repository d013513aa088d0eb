//! The account and the Region that a data source looks in.

use drs_engine::ids::Target;
use tfplugin::{Attr, Attribute, Diagnostic};

use crate::client::Client;
use crate::targets;

/// The attribute of the account.
pub(super) fn account_id() -> Attribute {
    Attribute::string()
        .optional()
        .computed()
        .validate(targets::an_account())
        .describe(
            "Account to look in; one that is not the provider's is a target, see `drs_target_account`, whose `id` is \
             referred to where it is made in the same configuration. Default: the provider's.",
        )
}

/// The attribute of the Region.
pub(super) fn region() -> Attribute {
    Attribute::string()
        .optional()
        .computed()
        .validate(targets::a_region())
        .describe("Region to look in. Default: the provider's.")
}

/// The place that is meant, which must be the provider's own or a target's.
pub(super) async fn of(
    client: &Client,
    account_id: &Attr<String>,
    region: &Attr<String>,
) -> Result<Target, Diagnostic> {
    let home = client.target();
    let target = Target {
        account_id: account_id.known().cloned().unwrap_or(home.account_id),
        region: region.known().cloned().unwrap_or(home.region),
    };
    targets::reached(client, &target).await?;
    Ok(target)
}
