//! `drsctl retry`: launches failed servers of a wave again.

use drs_engine::event::Event;
use drs_engine::ids::{ExecutionId, ServerId};
use drs_engine::limits;
use drs_engine::state::State;

use crate::cli::Retry;
use crate::failure::{Ending, Failure};
use crate::operator::{Operator, Ports};
use crate::screen::Outputs;

use super::ask;

/// Writes the wish down, and says how the execution stands then.
pub(crate) async fn retry<P: Ports>(
    operator: &Operator<P>,
    asked: &Retry,
    outputs: &mut Outputs,
) -> Result<Ending, Failure> {
    let id = ExecutionId::new(&asked.wish.execution);
    let (state, _) = operator.look(&id).await?;
    let wave = ask::wave(&state, &asked.wave)?;
    let servers = servers(&state, wave, &asked.server)?;
    let events = servers
        .chunks(limits::SERVERS_PER_JUDGEMENT)
        .map(|part| Event::RetryRequested {
            wave,
            servers: part.to_vec(),
            reason: asked.wish.reason.clone(),
        })
        .collect();
    ask::ask(operator, &id, "changed so", events, outputs).await
}

/// The servers that were named, or every failed one of the wave.
fn servers(state: &State, wave: usize, named: &[String]) -> Result<Vec<ServerId>, Failure> {
    let id = &state.started.execution_id;
    if named.is_empty() {
        let failed = state.failed_of(wave);
        return if failed.is_empty() {
            Err(ask::refusal(
                id,
                "changed so",
                "no server of the wave has failed",
            ))
        } else {
            Ok(failed)
        };
    }
    let find = |name: &String| {
        state.server_of(wave, name).cloned().ok_or_else(|| {
            let reason = format!("the wave has no server with the id or the host name {name:?}");
            ask::refusal(id, "changed so", &reason)
        })
    };
    named.iter().map(find).collect()
}
