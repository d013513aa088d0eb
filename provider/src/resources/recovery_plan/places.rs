//! Whether hooks run where something can be called.
//!
//! Targets may be made before an execution comes to a hook, so what is missing is a warning here, and found again by a
//! preflight.

use tfplugin::{Attr, Diagnostic, Diagnostics};

use super::check::placed_hooks;
use super::model::Model;
use crate::client::Client;
use crate::targets::{self, Closed};

/// Looks at the accounts and Regions that hooks name.
pub(super) async fn hooks(
    client: &Client,
    planned: &Model,
    found: &mut Diagnostics,
) -> Result<(), Diagnostic> {
    let home: Attr<String> = client.target().region.into();
    for (path, hook) in placed_hooks(planned) {
        let region = if hook.region.is_null() {
            &home
        } else {
            &hook.region
        };
        match targets::reachable(client, &hook.account_id, region).await {
            Ok(_) => {}
            Err(Closed::At(attribute, detail)) => {
                let detail = format!(
                    "{detail} The plan is written all the same, but the hook would fail when an execution comes to it."
                );
                found.warning_at(path.attribute(attribute), targets::NOT_CONFIGURED, detail);
            }
            Err(Closed::Unreadable(error)) => return Err(error),
        }
    }
    Ok(())
}
