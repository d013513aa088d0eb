//! Functions that this process has invoked, each waited for by a task of its own.
//!
//! Lambda tells the result of a function only to whoever waits for it. So a process that is gone takes its results with
//! it, and the next one can only say that they are lost.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use drs_engine::ports::{ActionStatus, CallError, Kind, cut};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::classify::Call;
use crate::limits;

/// Our word for too many functions that run at the same time.
const TOO_MANY: &str = "TooManyInvocations";

/// The invocations of this process. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Invocations {
    /// How long an invocation is watched for a refusal.
    refusal_wait: Duration,
    known: Arc<Mutex<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    running: BTreeMap<String, u64>,
    /// What became of those that ended, with their numbers.
    ended: BTreeMap<String, (u64, ActionStatus)>,
    last: u64,
}

impl Default for Invocations {
    fn default() -> Self {
        Self {
            refusal_wait: limits::INVOCATION_REFUSAL_WAIT,
            known: Arc::default(),
        }
    }
}

impl Invocations {
    /// Begins to wait for a function. Returns when it has ended, or when it was not refused for so long that it surely
    /// runs. An invocation that runs, or whose end this process knows, is not made again.
    pub(super) async fn begin(
        &self,
        call: Call,
        id: &str,
        ends: impl Future<Output = Result<ActionStatus, CallError>> + Send + 'static,
    ) -> Result<(), CallError> {
        {
            let mut known = self.known();
            let ended = known.ended.get(id).map(|(_, status)| status);
            let has_end = ended.is_some_and(|status| *status != ActionStatus::Lost);
            if known.running.contains_key(id) || has_end {
                return Ok(());
            }
            if known.running.len() >= limits::INVOCATIONS_RUNNING {
                let message = format!(
                    "{} functions that this process has invoked still run",
                    known.running.len()
                );
                return Err(call.error(Kind::Busy, TOO_MANY, message));
            }
            known.last += 1;
            let number = known.last;
            known.running.insert(id.to_owned(), number);
        }
        let (tell, mut told) = oneshot::channel();
        let (invocations, owned) = (self.clone(), id.to_owned());
        tokio::spawn(async move {
            let result = ends.await;
            // Whoever began it hears of a failure if they still listen; else it is what became of the invocation.
            let Err(failed) = result.as_ref() else {
                invocations.end(&owned, result.unwrap_or(ActionStatus::Lost));
                return drop(tell.send(Ok(())));
            };
            // Told and forgotten at once: whoever hears of it may begin again with the same token right away.
            let mut known = invocations.known();
            if let Err(Err(failed)) = tell.send(Err(failed.clone())) {
                drop(known);
                invocations.end(&owned, late(&failed));
            } else {
                known.running.remove(&owned);
            }
        });
        match timeout(self.refusal_wait, &mut told).await {
            Ok(result) => result.unwrap_or(Ok(())),
            // It runs, unless it was refused in the very moment in which the wait ended.
            Err(_) => {
                told.close();
                told.try_recv().unwrap_or(Ok(()))
            }
        }
    }

    /// How far an invocation is.
    pub(super) fn status(&self, id: &str) -> ActionStatus {
        let known = self.known();
        if known.running.contains_key(id) {
            return ActionStatus::Running;
        }
        let ended = known.ended.get(id);
        ended.map_or(ActionStatus::Lost, |(_, status)| status.clone())
    }

    fn end(&self, id: &str, status: ActionStatus) {
        let mut known = self.known();
        let number = known.running.remove(id).unwrap_or_default();
        known.ended.insert(id.to_owned(), (number, status));
        while known.ended.len() > limits::INVOCATIONS_REMEMBERED {
            let oldest = known.ended.iter().min_by_key(|(_, (number, _))| *number);
            let Some(oldest) = oldest.map(|(id, _)| id.clone()) else {
                break;
            };
            known.ended.remove(&oldest);
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What became of an invocation whose call failed after it was taken to run.
fn late(failed: &CallError) -> ActionStatus {
    match failed.kind {
        Kind::Unknown => ActionStatus::Lost,
        Kind::Refused | Kind::Busy => ActionStatus::Failed {
            reason: cut(&failed.to_string()),
        },
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    const CALL: Call = Call::changes("lambda:Invoke");
    /// Longer than a refusal is waited for here, by far.
    const SLOW: Duration = Duration::from_millis(300);

    fn impatient() -> Invocations {
        Invocations {
            refusal_wait: Duration::from_millis(20),
            ..Invocations::default()
        }
    }

    fn succeeded() -> ActionStatus {
        ActionStatus::Succeeded { output: None }
    }

    async fn slow(result: Result<ActionStatus, CallError>) -> Result<ActionStatus, CallError> {
        sleep(SLOW).await;
        result
    }

    #[tokio::test]
    async fn a_quick_refusal_is_an_error_and_a_late_one_a_failure() {
        let patient = Invocations::default();
        let refused = CALL.error(
            Kind::Refused,
            "ResourceNotFoundException",
            "no such function",
        );
        let quick = std::future::ready(Err(refused.clone()));
        assert_eq!(patient.begin(CALL, "a", quick).await, Err(refused.clone()));
        assert_eq!(patient.status("a"), ActionStatus::Lost);

        let impatient = impatient();
        let lost = CALL.error(Kind::Unknown, "ConnectionLost", "reset");
        for (id, failed) in [("a", refused.clone()), ("b", lost)] {
            let begun = impatient.begin(CALL, id, slow(Err(failed))).await;
            assert_eq!(begun, Ok(()));
            assert_eq!(impatient.status(id), ActionStatus::Running);
        }
        sleep(2 * SLOW).await;
        let reason = refused.to_string();
        assert_eq!(impatient.status("a"), ActionStatus::Failed { reason });
        assert_eq!(impatient.status("b"), ActionStatus::Lost);
    }

    #[tokio::test]
    async fn a_function_is_invoked_once_for_a_token_and_its_result_stays() {
        let invocations = impatient();
        let begun = invocations.begin(CALL, "a", slow(Ok(succeeded()))).await;
        begun.expect("it runs");
        let twice = async { unreachable!("it is not invoked again") };
        invocations.begin(CALL, "a", twice).await.expect("the same");
        sleep(2 * SLOW).await;
        for _ in 0..2 {
            assert_eq!(invocations.status("a"), succeeded());
        }
        assert_eq!(invocations.status("of another process"), ActionStatus::Lost);
    }

    #[tokio::test]
    async fn one_whose_answer_was_lost_is_invoked_again() {
        let invocations = impatient();
        let lost = CALL.error(Kind::Unknown, "ConnectionLost", "reset");
        let begun = invocations.begin(CALL, "a", slow(Err(lost))).await;
        begun.expect("it runs");
        sleep(2 * SLOW).await;
        assert_eq!(invocations.status("a"), ActionStatus::Lost);
        let again = std::future::ready(Ok(succeeded()));
        let begun = invocations.begin(CALL, "a", again).await;
        begun.expect("it runs again");
        assert_eq!(invocations.status("a"), succeeded());
    }

    #[tokio::test]
    async fn so_many_run_at_the_same_time_and_so_many_results_are_remembered() {
        let invocations = Invocations {
            refusal_wait: Duration::ZERO,
            ..Invocations::default()
        };
        for number in 0..limits::INVOCATIONS_RUNNING {
            let never = std::future::pending();
            let begun = invocations.begin(CALL, &number.to_string(), never).await;
            begun.expect("there is room");
        }
        let more = std::future::ready(Ok(succeeded()));
        let failed = invocations.begin(CALL, "more", more).await;
        assert_eq!(failed.map_err(|error| error.kind), Err(Kind::Busy));
        for number in 0..=limits::INVOCATIONS_REMEMBERED {
            let ended = format!("ended {number}");
            let mut known = invocations.known();
            known.last += 1;
            let last = known.last;
            known.running.insert(ended.clone(), last);
            drop(known);
            invocations.end(&ended, succeeded());
        }
        assert_eq!(invocations.status("ended 0"), ActionStatus::Lost);
        assert_eq!(invocations.status("ended 1"), succeeded());
        assert_eq!(invocations.status("0"), ActionStatus::Running);
    }
}
