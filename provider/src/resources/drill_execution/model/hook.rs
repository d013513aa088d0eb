//! A hook of a wave as an execution shows it.

use drs_engine::event::ActionResult;
use drs_engine::state::{self, Action, ActionPhase, State};
use serde::{Deserialize, Serialize};
use tfplugin::Attr;

use crate::convert::{instant, optional_instant};

/// A hook that was begun.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Hook {
    pub(crate) name: Attr<String>,
    pub(crate) when: Attr<String>,
    pub(crate) status: Attr<String>,
    pub(crate) detail: Attr<String>,
    pub(crate) started_at: Attr<String>,
    pub(crate) ended_at: Attr<String>,
    pub(crate) account_id: Attr<String>,
    pub(crate) region: Attr<String>,
}

impl Hook {
    /// The hooks of a wave that were begun, in the order in which they run.
    pub(super) fn of_wave(state: &State, wave: &state::Wave) -> Vec<Self> {
        let begun = wave.hooks.iter().filter_map(|((when, _), id)| {
            let action = state.actions.all.get(id)?;
            let hook = state.hook_of(action)?;
            Some(Self {
                name: hook.name.clone().into(),
                when: when.as_str().into(),
                status: status(action).into(),
                detail: detail(action).map(str::to_owned).into(),
                started_at: instant(action.intended_at).into(),
                ended_at: optional_instant(action.result().map(|(_, at)| at)),
                account_id: action.target.account_id.clone().into(),
                region: action.target.region.clone().into(),
            })
        });
        begun.collect()
    }
}

fn status(action: &Action) -> &'static str {
    match action.result() {
        None => "RUNNING",
        Some((ActionResult::Succeeded { .. }, _)) => "SUCCEEDED",
        Some((ActionResult::Failed { .. }, _)) => "FAILED",
        Some((ActionResult::TimedOut, _)) => "TIMED_OUT",
        Some((ActionResult::GivenUp { .. }, _)) => "GIVEN_UP",
    }
}

/// What it said, why it failed, or why nothing is known of it.
fn detail(action: &Action) -> Option<&str> {
    match &action.phase {
        ActionPhase::Ended { result, .. } => match result {
            ActionResult::Succeeded { output } => output.as_deref(),
            result => result.problem(),
        },
        ActionPhase::Unknown { message, .. } | ActionPhase::Postponed { message, .. } => {
            Some(message)
        }
        ActionPhase::Intended | ActionPhase::Begun { .. } => None,
    }
}
