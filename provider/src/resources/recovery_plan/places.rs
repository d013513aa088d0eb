//! Whether hooks run where something can be called.
//!
//! Target accounts may be made in the same apply, so what is missing is a warning here, and found again by a preflight.

use std::collections::BTreeMap;

use drs_engine::store::target::TargetAccount;
use tfplugin::{Diagnostic, Diagnostics};

use super::check::placed_hooks;
use super::model::Model;
use crate::client::Client;

/// Looks at the accounts and Regions that hooks name.
pub(super) async fn hooks(
    client: &Client,
    planned: &Model,
    found: &mut Diagnostics,
) -> Result<(), Diagnostic> {
    let hub = client.target();
    let mut targets: BTreeMap<&str, Option<TargetAccount>> = BTreeMap::new();
    for (path, hook) in placed_hooks(planned) {
        let Some(account) = hook.account_id.known().map(String::as_str) else {
            continue;
        };
        if account == hub.account_id {
            continue;
        }
        if !targets.contains_key(account) {
            let read = client.session().targets().find(account).await;
            let read = client.nothing_without_tables(read);
            targets.insert(account, read.map_err(|error| client.explain(&error))?);
        }
        let region = hook.region.known().unwrap_or(&hub.region);
        match targets.get(account).and_then(Option::as_ref) {
            None => found.push(no_target(client, account).at(path.attribute("account_id"))),
            Some(target) if hook.region.is_unknown() || target.config.regions.contains(region) => {}
            Some(_) => found.push(no_region(account, region).at(path.attribute("region"))),
        }
    }
    Ok(())
}

fn no_target(client: &Client, account: &str) -> Diagnostic {
    Diagnostic::warning(
        "Account Is No Target",
        format!(
            "Account {account} is no target of environment {:?}, so nothing can be called there, and the hook would fail \
             when an execution comes to it. The plan is written all the same. Make the account a target (`drsctl target \
             add`), or leave account_id out to run the hook in the provider's account.",
            client.session().environment()
        ),
    )
}

fn no_region(account: &str, region: &str) -> Diagnostic {
    Diagnostic::warning(
        "Region Is Not in the Target",
        format!(
            "The target of account {account} does not list Region {region}, so nothing can be called there, and the hook \
             would fail when an execution comes to it. The plan is written all the same. Add the Region to the target, or \
             set region to one that it lists."
        ),
    )
}
