//! Asking something of an execution that runs: what pause, resume, retry and skip have in common.
//!
//! What makes sense in which status is the engine's rule; here is what a person reads about it.

use drs_engine::drive::DriveError;
use drs_engine::event::Event;
use drs_engine::ids::ExecutionId;
use drs_engine::report;
use drs_engine::state::State;

use crate::failure::{Ending, Failure};
use crate::json;
use crate::operator::{Operator, Ports};
use crate::screen::Outputs;

use super::advice;

/// Records requests, one after the other, and says how the execution stands then.
pub(super) async fn ask<P: Ports>(
    operator: &Operator<P>,
    id: &ExecutionId,
    verb: &str,
    events: Vec<Event>,
    outputs: &mut Outputs,
) -> Result<Ending, Failure> {
    let mut remark = None;
    for event in events {
        remark = record(operator, id, verb, event).await?;
    }
    let (state, driven) = operator.look(id).await?;
    let text = format!(
        "Recorded.\n{}.\n{}",
        report::headline(&state),
        advice(&state, driven)
    );
    outputs.people.print(text.trim_end())?;
    if let Some(remark) = remark {
        outputs.people.print(&remark)?;
    }
    outputs.print_document(|| json::execution(&state, driven))?;
    Ok(Ending::Success)
}

/// Records one request, or says why it makes no sense. What comes back is for people.
pub(super) async fn record<P: Ports>(
    operator: &Operator<P>,
    id: &ExecutionId,
    verb: &str,
    event: Event,
) -> Result<Option<String>, Failure> {
    match operator.request(id, event).await {
        Ok(remark) => Ok(remark),
        Err(DriveError::Illegal(refused)) => Err(refusal(id, verb, &refused.reason)),
        Err(error) => Err(operator.history.unwritten(id, &error)),
    }
}

/// A request that makes no sense now.
pub(super) fn refusal(id: &ExecutionId, verb: &str, reason: &str) -> Failure {
    Failure::new(format!("execution {id} cannot be {verb}: {reason}"))
        .safe("Nothing was changed.")
        .help(format!(
            "`drsctl show {id}` shows its waves and servers, and what can be done now."
        ))
}

/// The position of a wave by its name.
pub(super) fn wave(state: &State, name: &str) -> Result<usize, Failure> {
    state.wave_named(name).ok_or_else(|| {
        let names: Vec<String> = state
            .waves
            .iter()
            .map(|wave| format!("{:?}", wave.frozen.name))
            .collect();
        let id = &state.started.execution_id;
        Failure::new(format!(
            "execution {id} has no wave {name:?}; its waves are {}",
            names.join(", ")
        ))
        .safe("Nothing was changed.")
        .help(format!("`drsctl show {id}` shows its waves and servers."))
    })
}
