//! The same execution, driven by a state machine: turns of a function, and waits between them.
//!
//! What Step Functions does is counted, not simulated: the states that its definition goes through for every turn, and the
//! events of its own history. What an execution costs follows from that, from how long the turns take, and from the units
//! of DynamoDB, which the meter has.

use std::sync::{Arc, Mutex};

use jiff::SignedDuration;

use drs_engine::asl::{self, Answer};
use drs_engine::drive::hosted::Rest;
use drs_engine::drive::{Driver, Watch};
use drs_engine::event::Recorded;
use drs_engine::ids::ExecutionId;
use drs_engine::limits;
use drs_engine::ports::{CallError, Clock, Outside};
use drs_engine::sim::hub::SimClock;
use drs_engine::state::State;
use drs_engine::store::items::Items;
use drs_engine::store::machine::TurnLease;
use drs_engine::time::{Wake, after};

/// The name of the machine's first run.
pub(crate) const RUN: &str = "x-1-bench";
/// How long Lambda lets a call of the function run.
const CALL: SignedDuration = SignedDuration::from_mins(15);
/// Turns after which an execution of any shape has ended.
const TURNS: usize = 100_000;

/// `Turn`, `Answer` and `Wait`.
const TRANSITIONS_A_TURN: u64 = 3;
/// `Begin`, and at the end `Done` in place of `Wait`.
const TRANSITIONS_A_RUN: u64 = 1;
/// Five of the task, two of the choice, two of the wait.
const EVENTS_A_TURN: u64 = 9;

/// What was counted of a machine.
#[derive(Clone, Debug, Default)]
pub(crate) struct Turns {
    /// How long each turn took, in the world's time.
    pub(crate) spans: Vec<SignedDuration>,
}

impl Turns {
    /// How many there were.
    pub(crate) fn count(&self) -> u64 {
        self.spans.len() as u64
    }

    /// Runs of the machine: each makes so many turns, and goes on as the next.
    pub(crate) fn runs(&self) -> u64 {
        self.count()
            .div_ceil(u64::from(limits::TURNS_PER_MACHINE))
            .max(1)
    }

    /// State transitions, as Step Functions counts them for its bill. A run that goes on as the next one has `Continue` and
    /// `Continued` in place of a `Wait`.
    pub(crate) fn transitions(&self) -> u64 {
        self.count() * TRANSITIONS_A_TURN + self.runs() * TRANSITIONS_A_RUN + (self.runs() - 1)
    }

    /// Events in the history of the longest run, as Step Functions counts them for its limit.
    pub(crate) fn events_of_longest(&self) -> u64 {
        self.count().min(u64::from(limits::TURNS_PER_MACHINE)) * EVENTS_A_TURN
    }

    /// What all turns took together.
    pub(crate) fn total(&self) -> SignedDuration {
        self.spans.iter().sum()
    }

    /// The longest.
    pub(crate) fn longest(&self) -> SignedDuration {
        self.spans.iter().copied().max().unwrap_or_default()
    }
}

/// Makes turns until the execution has ended, as the machine has them made.
pub(crate) async fn host<D: Outside, I: Items + Clone>(
    driver: &Driver<D, I, SimClock>,
    id: &ExecutionId,
    turns: &Arc<Mutex<Turns>>,
) -> State {
    let clock = &driver.clock;
    for number in 0..TURNS {
        let began = clock.now().wall;
        let lease = TurnLease {
            owner: asl::owner_of(RUN),
            invocation: format!("call-{number}"),
            until: after(began, CALL),
        };
        let watch = Budget {
            clock: clock.clone(),
            until: after(began, limits::TURN_BUDGET),
        };
        let made = driver.turn_for_machine(id, &lease, &watch).await;
        let (state, rest) = made.expect("the turn can be made");
        let took = clock.now().wall.duration_since(began);
        turns.lock().expect("nobody panicked").spans.push(took);
        match rest {
            Rest::Over => return state,
            Rest::For(span) => sleep(clock, span).await,
            Rest::Taken(_) | Rest::Paused { .. } => unreachable!("one machine, and no pause"),
        }
    }
    unreachable!("the machine never gets on")
}

async fn sleep(clock: &SimClock, span: SignedDuration) {
    let Answer::Wait { seconds } = Answer::wait(span) else {
        unreachable!("it is a wait")
    };
    let mut wake = Wake::default();
    wake.at_wall(after(clock.now().wall, SignedDuration::from_secs(seconds)));
    clock.sleep(wake).await;
}

/// Ends a turn when its time is up.
struct Budget {
    clock: SimClock,
    until: jiff::Timestamp,
}

impl Watch for Budget {
    type Critical = ();

    fn is_stopped(&self) -> bool {
        self.clock.now().wall >= self.until
    }

    fn on_event(&self, _: &State, _: &Recorded) {}

    fn on_trouble(&self, _: &CallError) {}

    fn on_look(&self, _: usize) {}

    async fn critical(&self) -> Self::Critical {}
}
