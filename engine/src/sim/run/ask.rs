//! Operators: what they ask of the execution that runs, at any moment, whether it makes sense then or not.

use jiff::SignedDuration;

use crate::drive::DriveError;
use crate::event::{Author, Event};
use crate::ids::{ExecutionId, ServerId};
use crate::limits;
use crate::state::{ServerStatus, State, Status};
use crate::store::executions::HistoryError;
use crate::store::plans::Plans;

use super::{Process, TRIES, plan_id};

/// Who asks.
const OPERATOR: &str = "arn:aws:iam::111122223333:user/bob";

/// Something that an operator asks for.
#[derive(Clone, Debug)]
pub(super) enum Ask {
    /// A cancel.
    Cancel,
    /// A pause of the whole.
    Pause,
    /// A pause before a wave.
    PauseBefore(usize),
    /// That a wave be left out.
    Skip(usize),
    /// That servers that failed be launched again.
    Retry,
}

impl Ask {
    /// The event that records it; none where there is nothing to ask for.
    fn event(&self, state: &State) -> Option<Event> {
        let reason = "as agreed on the bridge".to_owned();
        Some(match self {
            Self::Cancel => Event::CancelRequested { reason },
            Self::Pause => Event::PauseRequested {
                before: None,
                reason,
            },
            Self::PauseBefore(wave) => Event::PauseRequested {
                before: Some(*wave),
                reason,
            },
            Self::Skip(wave) => Event::SkipRequested {
                wave: *wave,
                reason,
            },
            Self::Retry => {
                let (wave, servers) = failed(state)?;
                Event::RetryRequested {
                    wave,
                    servers,
                    reason,
                }
            }
        })
    }
}

/// Failed servers of a wave that has not finished.
fn failed(state: &State) -> Option<(usize, Vec<ServerId>)> {
    let open = state
        .waves
        .iter()
        .position(|wave| wave.failed > 0 && wave.finished.is_none())?;
    let servers = state.servers.iter().filter(|(_, server)| {
        server.wave == open && matches!(server.status, ServerStatus::Failed { .. })
    });
    let ids = servers
        .map(|(id, _)| id.clone())
        .take(limits::SERVERS_PER_JUDGEMENT)
        .collect();
    Some((open, ids))
}

/// Asks for it once it is time, of whatever runs then.
pub(super) async fn ask_later(process: Process, seconds: i64, ask: Ask) {
    process.rest(SignedDuration::from_secs(seconds)).await;
    for _ in 0..TRIES {
        if let Some(id) = running(&process).await {
            match request(&process, &id, &ask).await {
                Ok(true) => {
                    process.context.hub.count("requests");
                    return;
                }
                Ok(false) | Err(DriveError::Illegal(_)) => return,
                Err(_) => {}
            }
        }
        process.rest(SignedDuration::from_secs(30)).await;
    }
}

/// Lets go on whatever is paused, until nothing is left to do.
pub(super) async fn approve(process: Process) {
    for _ in 0..TRIES {
        process.rest(SignedDuration::from_secs(90)).await;
        let mut is_over = process.is_concluded();
        for id in open(&process).await {
            let state = match process.driver.load(&id).await {
                Ok(state) => state,
                // It was never begun.
                Err(DriveError::History(HistoryError::Missing(_))) => continue,
                Err(_) => {
                    is_over = false;
                    continue;
                }
            };
            is_over &= state.status.is_terminal();
            if state.status == Status::Paused {
                let event = Event::ResumeRequested {
                    reason: "seen and approved".to_owned(),
                };
                let by = Author::Operator(OPERATOR.to_owned());
                let asked = process.driver.request(&id, by, event, &process.watch).await;
                if asked.is_ok() {
                    process.context.hub.count("approvals");
                    process.wake_machine(&id).await;
                }
            }
        }
        if is_over {
            return;
        }
    }
}

/// What may run: the plan's execution, and recoveries beside it.
async fn open(process: &Process) -> Vec<ExecutionId> {
    let recoveries = process.context.recoveries().clone();
    running(process)
        .await
        .into_iter()
        .chain(recoveries)
        .collect()
}

async fn running(process: &Process) -> Option<ExecutionId> {
    let plans = Plans::new(process.context.memory.clone());
    plans.find(&plan_id()).await.ok().flatten()?.execution
}

async fn request(process: &Process, id: &ExecutionId, ask: &Ask) -> Result<bool, DriveError> {
    let state = process.driver.load(id).await?;
    let Some(event) = ask.event(&state) else {
        return Ok(false);
    };
    let by = Author::Operator(OPERATOR.to_owned());
    process
        .driver
        .request(id, by, event, &process.watch)
        .await?;
    process.wake_machine(id).await;
    Ok(true)
}
