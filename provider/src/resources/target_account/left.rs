//! Recovery instances in an account whose target, or a Region of it, is to go: what a plan says of them, and an apply.
//!
//! Drills of the same configuration may be destroyed in the same apply, and terminate theirs; which of them are, a plan of the
//! target cannot know. So it says only what no destroy terminates: drills that are to stay, and those of drsctl and actions.

use std::collections::BTreeSet;

use drs_engine::event::Event;
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
    (!staying.is_empty()).then(|| {
        let found = TargetError::HasInstances {
            account_id: account.clone(),
            regions,
            executions: staying,
        };
        foreseen(&found)
    })
}

/// What an apply would say later.
fn foreseen(found: &TargetError) -> Diagnostic {
    let Words {
        told, lost, mend, ..
    } = words(found);
    let detail = format!(
        "{told} Apply leaves the target as it is while they are there: nothing could terminate them without {lost}, and they \
         cost money. {mend}"
    );
    placed(Diagnostic::warning(TITLE, detail), found)
}

/// Why a target was left as it is.
pub(super) fn refused(found: &TargetError) -> Diagnostic {
    let Words {
        told,
        kept,
        lost,
        mend,
    } = words(found);
    let detail = format!(
        "{told} The target was {kept}: nothing could terminate them without {lost}, and they cost money. {mend}"
    );
    placed(Diagnostic::error(TITLE, detail), found)
}

const TITLE: &str = "Recovery Instances Are in the Account";

/// What both say, in the words of a change or of a removal.
struct Words {
    told: String,
    kept: &'static str,
    lost: &'static str,
    mend: String,
}

fn words(found: &TargetError) -> Words {
    let told = sentence(&found.to_string());
    let TargetError::HasInstances {
        account_id,
        regions,
        executions,
    } = found
    else {
        return Words {
            told,
            kept: "not changed",
            lost: "it",
            mend: String::new(),
        };
    };
    let newest = executions
        .first()
        .map_or("EXECUTION", |(id, _)| id.as_str());
    let mend = format!(
        "`drsctl terminate {newest} --reason TEXT`, or destroying the drs_drill_execution with cleanup, terminates what an \
         execution launched; then apply again."
    );
    if regions.is_some() {
        return Words {
            told,
            kept: "not changed",
            lost: "the Region",
            mend,
        };
    }
    Words {
        told,
        kept: "not deleted, after a minute of waiting",
        lost: "it",
        mend: format!(
            "{mend} To leave them to whoever has the account, `drsctl target remove {account_id} --leave-instances` removes the \
             target, and the next apply finds it gone."
        ),
    }
}

/// At the Regions, where it is about them.
fn placed(diagnostic: Diagnostic, found: &TargetError) -> Diagnostic {
    match found {
        TargetError::HasInstances {
            regions: Some(_), ..
        } => diagnostic.at("regions"),
        _ => diagnostic,
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
