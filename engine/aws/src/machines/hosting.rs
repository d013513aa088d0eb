//! An execution in the hands of a state machine: what is looked at before its run, how the run is begun, and how a machine
//! that waits in a pause hears of a wish.
//!
//! Nothing of this is history. Whoever uses it writes to the history first, so that what is lost here is found there.

use std::fmt;

use drs_engine::asl::{self, Input};
use drs_engine::decide::view::backoff;
use drs_engine::drive::Driver;
use drs_engine::ids::{ExecutionId, OwnerId};
use drs_engine::limits::PAUSE_LOOK;
use drs_engine::ports::CallError;
use drs_engine::report;
use drs_engine::state::State;
use drs_engine::store::executions::Executions;
use drs_engine::store::items::Items;

use super::{Fitness, StateMachines, Woken};
use crate::{fresh, limits};

/// A run of a state machine that is to drive an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hosting {
    /// The ARN of the state machine.
    pub state_machine: String,
    /// The execution.
    pub execution: ExecutionId,
    /// The name of the first run.
    pub run: String,
}

/// Why a state machine cannot drive executions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It is no ARN of one.
    Malformed(String),
    /// There is none.
    Missing(String),
    /// It is being deleted.
    Deleting(String),
    /// It is an express one.
    Express(String),
    /// It cannot be looked at.
    Unreadable(CallError),
}

impl Hosting {
    /// A new run, under a name that nobody has used.
    pub fn new(state_machine: &str, execution: &ExecutionId) -> Self {
        let fresh = fresh::id("run");
        let short: String = fresh.chars().take(RUN_CHARS).collect();
        Self {
            state_machine: state_machine.to_owned(),
            execution: execution.clone(),
            run: asl::run_name(execution, &short),
        }
    }

    /// The owner that the machine is.
    pub fn owner(&self) -> OwnerId {
        asl::owner_of(&self.run)
    }

    /// Where the machine drives, for people: the ARN of its run.
    pub fn host(&self) -> String {
        let arn = asl::run_arn(&self.state_machine, &self.run);
        arn.unwrap_or_else(|| self.state_machine.clone())
    }

    /// The driver in the machine's name: what it begins or takes over is the machine's. It must not drive.
    #[must_use]
    pub fn name<D, I, C>(&self, driver: Driver<D, I, C>) -> Driver<D, I, C> {
        Driver {
            owner: self.owner(),
            host: self.host(),
            ..driver
        }
    }

    /// What the machine begins with.
    fn input(&self) -> Input {
        Input::first(self.execution.clone(), self.run.clone())
    }
}

impl StateMachines {
    /// Looks whether a state machine can drive executions.
    ///
    /// # Errors
    ///
    /// Why it cannot, or why that cannot be seen.
    pub async fn check(&self, state_machine: &str) -> Result<(), Unfit> {
        let name = || state_machine.to_owned();
        if let Some(problem) = asl::arn_problem(state_machine) {
            return Err(Unfit::Malformed(problem));
        }
        match self.look(state_machine).await {
            Ok(Fitness::Fit) => Ok(()),
            Ok(Fitness::Missing) => Err(Unfit::Missing(name())),
            Ok(Fitness::Deleting) => Err(Unfit::Deleting(name())),
            Ok(Fitness::Express) => Err(Unfit::Express(name())),
            Err(error) => Err(Unfit::Unreadable(error)),
        }
    }

    /// Begins the run, and asks again while it is not known whether it has begun.
    ///
    /// # Errors
    ///
    /// When it was refused, or when it is still not known after [`limits::MACHINE_START_ATTEMPTS`] tries.
    pub async fn begin(&self, hosting: &Hosting) -> Result<(), CallError> {
        let input = hosting.input();
        for tried in 0.. {
            match self.start(&hosting.state_machine, &input).await {
                Err(error)
                    if error.is_retryable() && tried + 1 < limits::MACHINE_START_ATTEMPTS =>
                {
                    tracing::info!(run = hosting.run, "{error}; it is asked again");
                    let wait = backoff(&hosting.run, tried, error.retry_after);
                    tokio::time::sleep(wait.unsigned_abs()).await;
                }
                begun => return begun,
            }
        }
        unreachable!("the last try returns")
    }

    /// Wakes the machine that waits in a pause of this execution, after a wish was written to its history. Says what whoever
    /// wished should know; nothing where no machine waits, and where it goes on.
    pub async fn hear<I: Items>(
        &self,
        executions: &Executions<I>,
        state: &State,
    ) -> Option<String> {
        let is_hosted = |state: &State| {
            let owner = state.owner.as_ref();
            owner.is_some_and(|owner| asl::is_machine(&owner.id))
        };
        if !is_hosted(state) {
            return None;
        }
        let id = &state.started.execution_id;
        let token = match executions.token(id).await {
            Ok(token) => token?,
            Err(error) => return Some(by_itself(&error.to_string())),
        };
        let woken = self.wake(&token.state_machine, &token.token).await;
        let told = match woken {
            Ok(Woken::Now) => None,
            Ok(Woken::NotWaiting) => Some(by_itself("it waits for no word any more")),
            // It may still wait, so the token is kept for the next wish.
            Err(error) => return Some(by_itself(&error.to_string())),
        };
        // One that stays does no harm.
        let _ = executions.forget_token(id, &token).await;
        told
    }
}

/// Characters of a name that make it unlike any other.
const RUN_CHARS: usize = 20;

/// A machine that was not woken looks for itself.
fn by_itself(why: &str) -> String {
    format!(
        "The state machine that drives it was not woken: {why}. That does no harm: it looks at the history by itself, within {} \
         at the latest.",
        report::duration(PAUSE_LOOK)
    )
}

impl Unfit {
    /// What helps, as a sentence.
    pub fn help(&self) -> String {
        let definition = "`drsctl state-machine --function ARN` prints the definition";
        match self {
            Self::Malformed(_) => {
                "`aws stepfunctions list-state-machines` shows the ARNs of the state machines of a Region.".to_owned()
            }
            Self::Missing(_) => format!(
                "{definition} of one; `aws stepfunctions list-state-machines` shows those that there are."
            ),
            Self::Deleting(_) => format!("Name another one, or make it again: {definition}."),
            Self::Express(_) => format!("Make a standard one: {definition}."),
            Self::Unreadable(error) => format!(
                "It needs the action {} on the state machine.",
                error.action()
            ),
        }
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(problem) => write!(f, "{problem}"),
            Self::Missing(arn) => write!(f, "there is no state machine {arn}"),
            Self::Deleting(arn) => write!(f, "state machine {arn} is being deleted"),
            Self::Express(arn) => write!(
                f,
                "state machine {arn} is an express one: its runs end after five minutes, and cannot wait for a person"
            ),
            Self::Unreadable(error) => write!(f, "the state machine cannot be looked at: {error}"),
        }
    }
}

impl std::error::Error for Unfit {}
