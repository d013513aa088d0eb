//! Whether hooks run where something can be called, and drills boot where the plan's guard lets them.
//!
//! Targets may be made before an execution comes to a hook, and subnets tagged before a drill starts, so what is missing is
//! a warning here, and found again by a preflight.

use drs_engine::frozen::Frozen;
use drs_engine::plan::Plan as EnginePlan;
use tfplugin::{Attr, Diagnostic, Diagnostics};

use super::check::placed_hooks;
use super::model::Model;
use crate::client::Client;
use crate::diagnose::sentence;
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

/// Asks the guard of a plan where its servers would boot in a drill.
pub(super) async fn guard(
    client: &Client,
    plan: &EnginePlan,
    frozen: &Frozen,
    found: &mut Diagnostics,
) {
    let Some(guard) = plan.drill_guard() else {
        return;
    };
    let asked = client.driver();
    let Err(stopped) = asked.check_drill_guard(guard, &frozen.named()).await else {
        return;
    };
    let detail = format!(
        "{} The plan is written all the same, but a drill of it would be refused as things are now.",
        sentence(&stopped.to_string())
    );
    found.warning_at("drill_guard", "The Guard Would Stop a Drill", detail);
}
