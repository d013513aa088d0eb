//! A recovery takes servers from drills that run.
//!
//! A drill that is pre-empted launches no more; that is an event in its history, so whoever drives it cannot miss it. Its
//! jobs that run are not touched: DRS takes one job for a server at a time, so the recovery waits for those of its own
//! servers, as it waits for anybody's. A call of the drill that may still be under way is waited for here, because a drill
//! that arrives late could replace what the recovery has launched by then.

use crate::drive::{DriveError, Driver, Unwatched};
use crate::event::{Author, Event, Mode};
use crate::ids::ExecutionId;
use crate::limits;
use crate::ports::{Clock, Outside};
use crate::store::items::Items;
use crate::store::start::StartError;
use crate::time::{Wake, after};

use super::Begin;

/// The executions that stand in the way of a start.
pub(super) fn in_the_way(error: &StartError) -> Vec<ExecutionId> {
    match error {
        StartError::Running(id) => vec![id.clone()],
        StartError::Leased(held) => {
            let mut ids: Vec<ExecutionId> = held
                .by
                .iter()
                .map(|(_, id, _)| ExecutionId::new(id))
                .collect();
            ids.sort();
            ids.dedup();
            ids
        }
        _ => Vec::new(),
    }
}

impl<D: Outside, I: Items + Clone, C: Clock> Driver<D, I, C> {
    /// Tells every drill that stands in the way that a recovery takes its servers. Whether there was anything to tell.
    pub(super) async fn preempt(
        &self,
        begin: &Begin,
        others: &[ExecutionId],
    ) -> Result<Vec<ExecutionId>, DriveError> {
        let mut told = Vec::new();
        for id in others {
            let state = self.load(id).await?;
            if state.started.mode != Mode::Drill {
                continue;
            }
            if !state.status.is_terminal() && state.preempted_by.is_none() {
                let event = Event::PreemptedBy {
                    execution: begin.execution_id.clone(),
                };
                let by = Author::Operator(begin.initiated_by.clone());
                match self.request(id, by, event, &Unwatched).await {
                    // One that has ended meanwhile is in nobody's way.
                    Ok(_) | Err(DriveError::Illegal(_)) => {}
                    Err(error) => return Err(error),
                }
            }
            self.wait_for_calls(id).await?;
            told.push(id.clone());
        }
        Ok(told)
    }

    /// Waits until no launch of a drill can arrive any more: its outcome is known, or AWS would refuse it.
    async fn wait_for_calls(&self, id: &ExecutionId) -> Result<(), DriveError> {
        #[cfg(test)]
        if crate::sabotage::is_taken_out(crate::sabotage::Check::PreemptedCalls) {
            return Ok(());
        }
        for _ in 0..limits::PREEMPTION_LOOKS {
            let state = self.load(id).await?;
            let fence = limits::launch_fence(self.settings.signature_age);
            let last = state
                .unresolved()
                .map(|(_, launch)| after(launch.signed_at, fence))
                .max();
            let now = self.clock.now().wall;
            match last {
                Some(until) if until > now => {
                    let mut wake = Wake::default();
                    wake.at_wall(until.min(after(now, limits::FOLLOW_INTERVAL)));
                    self.clock.sleep(wake).await;
                }
                _ => return Ok(()),
            }
        }
        Ok(())
    }
}
