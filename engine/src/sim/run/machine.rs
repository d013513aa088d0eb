//! A state machine in place of a process: turns that end, waits between them, and tokens in pauses.
//!
//! What Lambda and Step Functions do to a turn is done here: a call is cut off at its deadline wherever it stands, a lost
//! call is made again, sometimes while the first still works, and a machine that waits for a token is woken by whoever has
//! it, or by its own patience. Two tasks of one machine are one call of the function and its repetition.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context as Polling, Poll};

use jiff::{SignedDuration, Timestamp};

use crate::asl;
use crate::drive::hosted::{Held, Rest};
use crate::drive::{DriveError, Ending};
use crate::ids::ExecutionId;
use crate::limits;
use crate::sim::hub::Hub;
use crate::state::State;
use crate::store::machine::{Token, TurnLease};
use crate::time::after;

use super::{BARRED, MISFITS, Process, SimWatch, TRIES};

/// How long Lambda lets a call of the function run.
const CALL: SignedDuration = SignedDuration::from_mins(15);
/// How often a machine asks anew after calls that were lost, before it fails.
const RETRIES: u32 = 10;

/// A call of the function.
type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Tokens that were given back.
#[derive(Debug, Default)]
pub(super) struct Tokens(Mutex<BTreeSet<String>>);

impl Tokens {
    fn lock(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A machine that drives executions.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    /// The name of its first run.
    pub(super) run: String,
}

impl Process {
    /// Makes turns until the execution is over, or somebody else's.
    pub(super) async fn host(
        &self,
        machine: &Machine,
        id: &ExecutionId,
    ) -> Result<(State, Ending), DriveError> {
        let mut lost = 0;
        for _ in 0..TRIES {
            let Some((state, rest)) = self.turn(machine, id).await? else {
                lost += 1;
                if lost > RETRIES {
                    return Ok((self.driver.load(id).await?, Ending::Stopped));
                }
                self.rest(SignedDuration::from_secs(2)).await;
                continue;
            };
            lost = 0;
            match rest {
                Rest::Over if crate::decide::is_done(&state) => return Ok((state, Ending::Done)),
                Rest::Over => {
                    // Somebody else drives it; the next machine is not started at once.
                    self.rest(BARRED).await;
                    return Ok((state, Ending::Stopped));
                }
                Rest::Taken(wait) => {
                    self.context.hub.count("turns that waited for another");
                    self.rest(wait).await;
                }
                Rest::For(wait) => self.rest(wait.max(SignedDuration::from_secs(1))).await,
                Rest::Paused { seq } => self.pause(machine, id, seq).await?,
            }
        }
        panic!("machine {} never gets on", machine.run);
    }

    /// One call of the function for a turn; none where it was lost.
    async fn turn(
        &self,
        machine: &Machine,
        id: &ExecutionId,
    ) -> Result<Option<(State, Rest)>, DriveError> {
        let hub = &self.context.hub;
        hub.count("turns of machines");
        let deadline = after(hub.now(), CALL);
        let lease = TurnLease {
            owner: asl::owner_of(&machine.run),
            invocation: format!("call-{}-{}", self.number, hub.draw(u64::MAX)),
            until: deadline,
        };
        let watch = SimWatch {
            hub: hub.clone(),
            until: Some(after(hub.now(), limits::TURN_BUDGET)),
        };
        // In a box, or the compiler makes one function of everything that a process can do.
        let turn: Boxed<'_, _> = Box::pin(self.driver.turn_for_machine(id, &lease, &watch));
        let made = until_cut(hub, deadline, turn).await;
        match made {
            Some(Err(DriveError::Illegal(_))) => hub.count(MISFITS),
            None => hub.count("turns cut off"),
            Some(_) => {}
        }
        match made {
            None | Some(Err(DriveError::Contended | DriveError::TakenMeanwhile(_))) => Ok(None),
            Some(made) => made.map(Some),
        }
    }

    /// Waits for the token to be given back, or until the machine looks for itself.
    async fn pause(&self, machine: &Machine, id: &ExecutionId, seq: u64) -> Result<(), DriveError> {
        let hub = &self.context.hub;
        let token = Token {
            owner: asl::owner_of(&machine.run),
            state_machine: "arn:aws:states:us-east-1:111122223333:stateMachine:sim".to_owned(),
            token: format!("token-{}-{}", self.number, hub.draw(u64::MAX)),
        };
        // Step Functions takes a while to call the function again, in which somebody may resume.
        let wait = i64::try_from(hub.draw(60)).unwrap_or(0);
        self.rest(SignedDuration::from_secs(wait)).await;
        let held: Boxed<'_, _> = Box::pin(self.driver.hold_for_machine(id, &token, seq));
        let held = until_cut(hub, after(hub.now(), CALL), held).await;
        match held.transpose()? {
            Some(Held::Waiting) => hub.count("pauses of machines"),
            Some(Held::GoOn) => {
                hub.count("machines that need not pause");
                return Ok(());
            }
            None => return Ok(()),
        }
        let until = after(hub.now(), limits::PAUSE_LOOK);
        while hub.now() < until {
            if self.context.tokens.lock().remove(&token.token) {
                hub.count("machines woken");
                return Ok(());
            }
            self.rest(SignedDuration::from_secs(20)).await;
        }
        hub.count("pauses that ended by themselves");
        Ok(())
    }

    /// Gives the token of a machine back, as whoever has asked for something does afterwards; sometimes the word is lost.
    pub(super) async fn wake_machine(&self, id: &ExecutionId) {
        if let Ok(Some(token)) = self.driver.executions.token(id).await
            && !self.context.hub.chance(200)
        {
            self.context.tokens.lock().insert(token.token);
        }
    }
}

/// What comes of a call of the function; none when Lambda ends it first.
async fn until_cut<T>(hub: &Hub, deadline: Timestamp, mut call: Boxed<'_, T>) -> Option<T> {
    std::future::poll_fn(|polling: &mut Polling<'_>| {
        if hub.now() >= deadline {
            return Poll::Ready(None);
        }
        call.as_mut().poll(polling).map(Some)
    })
    .await
}
