//! Recovery instances in an account whose target, or a Region of it, is to go: what a plan says of them, and an apply.
//!
//! Drills of the same configuration may be destroyed in the same apply, and terminate theirs; which of them are, a plan of the
//! target cannot know. So it says only what no destroy terminates: drills that are to stay, and those of drsctl and actions.

use std::collections::BTreeSet;

use drs_engine::event::Event;
use drs_engine::ids::ExecutionId;
use drs_engine::store::summary::Summary;
use drs_engine::store::targets::TargetError;
use tfplugin::{Attr, Diagnostic, Plan};

use super::model::Model;
use crate::client::Client;
use crate::diagnose::sentence;

/// Most executions whose histories one plan reads for this, the newest first.
const LOOKED_AT: usize = 10;

/// The warning of a plan that takes away a target or a Region in which something stays; what cannot be read warns of nothing,
/// as the apply looks again.
pub(super) async fn warning(client: &Client, plan: &Plan<Model>) -> Option<Diagnostic> {
    let prior = plan.prior.as_ref()?;
    let account = prior.account_id.known()?;
    let regions = match &plan.planned {
        None => None,
        Some(planned) => Some(taken_away(prior, planned)?),
    };
    let executions = client.session().executions();
    let found = executions.left_in(account, regions.as_ref()).await.ok()?;
    let mut staying = Vec::new();
    for summary in found.into_iter().take(LOOKED_AT) {
        if stays(client, &summary).await {
            staying.push((summary.execution_id, summary.plan_name));
        }
    }
    if staying.is_empty() {
        return None;
    }
    let is_change = regions.is_some();
    let (lost, mend) = (lost(is_change), mend(account, is_change, &staying));
    let found = TargetError::HasInstances {
        account_id: account.clone(),
        regions,
        executions: staying,
    };
    let detail = format!(
        "{} Apply leaves the target as it is while they are there: nothing could terminate them without {lost}, and they cost \
         money. {mend}",
        sentence(&found.to_string())
    );
    Some(placed(Diagnostic::warning(TITLE, detail), is_change))
}

/// Why a target was left as it is: it was to go, or Regions of it were.
pub(super) fn refused(
    error: &TargetError,
    account: &str,
    is_change: bool,
    executions: &[(ExecutionId, String)],
) -> Diagnostic {
    let kept = if is_change {
        "not changed"
    } else {
        "not deleted, after a minute of waiting"
    };
    let lost = lost(is_change);
    let told = sentence(&error.to_string());
    let mend = mend(account, is_change, executions);
    let detail = format!(
        "{told} The target was {kept}: nothing could terminate them without {lost}, and they cost money. {mend}"
    );
    placed(Diagnostic::error(TITLE, detail), is_change)
}

const TITLE: &str = "Recovery Instances Are in the Account";

/// What would be missing.
fn lost(is_change: bool) -> &'static str {
    if is_change { "the Region" } else { "it" }
}

/// What helps.
fn mend(account: &str, is_change: bool, executions: &[(ExecutionId, String)]) -> String {
    let newest = executions
        .first()
        .map_or("EXECUTION", |(id, _)| id.as_str());
    let terminate = format!(
        "`drsctl terminate {newest} --reason TEXT`, or destroying the drs_drill_execution with cleanup, terminates what an \
         execution launched; then apply again."
    );
    if is_change {
        return terminate;
    }
    format!(
        "{terminate} To leave them to whoever has the account, `drsctl target remove {account} --leave-instances` removes the \
         target, and the next apply finds it gone."
    )
}

/// At the Regions, where it is about them.
fn placed(diagnostic: Diagnostic, is_change: bool) -> Diagnostic {
    if is_change {
        diagnostic.at("regions")
    } else {
        diagnostic
    }
}

/// The Regions that a change takes away; none when it takes none, or that is not known.
fn taken_away(prior: &Model, planned: &Model) -> Option<BTreeSet<String>> {
    let (Attr::Known(old), Attr::Known(new)) = (prior.known_regions(), planned.known_regions())
    else {
        return None;
    };
    let gone: BTreeSet<String> = old.difference(&new).cloned().collect();
    (!gone.is_empty()).then_some(gone)
}

/// Whether no destroy of a drs_drill_execution terminates what an execution launched.
async fn stays(client: &Client, summary: &Summary) -> bool {
    let events = client
        .session()
        .executions()
        .load_after(&summary.execution_id, 0)
        .await
        .unwrap_or_default();
    let Some(Event::ExecutionStarted(started)) = events.first().map(|first| &first.event) else {
        return false;
    };
    let cleanup = started.inputs.get("_cleanup");
    cleanup.is_none_or(|cleanup| cleanup == "never")
}
