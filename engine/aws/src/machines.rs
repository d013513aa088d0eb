//! State machines of AWS Step Functions: beginning a run, waking one from a pause, and asking how one stands.
//!
//! A run is begun under a name that the caller keeps, so beginning it again after a lost answer begins no second one. None of
//! these calls is part of an execution's history: what a machine does is there when its function has written it.

use std::fmt;

use aws_config::{Region, SdkConfig};
use aws_sdk_sfn::types::{ExecutionStatus, StateMachineStatus, StateMachineType};
use drs_engine::asl::{self, Input};
use drs_engine::ids::Target;
use drs_engine::ports::{CallError, Kind};

use crate::classify::{Call, INVALID_REQUEST};

mod hosting;

pub use hosting::{Hosting, Unfit};

const LOOK: Call = Call::reads("states:DescribeStateMachine");
const START: Call = Call::changes("states:StartExecution");
const STAND: Call = Call::reads("states:DescribeExecution");
const WAKE: Call = Call::changes("states:SendTaskSuccess");

/// State machines, by the credentials of a session. Each is called in the Region of its ARN.
#[derive(Clone, Debug)]
pub struct StateMachines(aws_sdk_sfn::Client);

/// What a state machine is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fitness {
    /// It can drive executions.
    Fit,
    /// There is none.
    Missing,
    /// It is being deleted.
    Deleting,
    /// It is an express one: those run for five minutes at most, and wait for no token.
    Express,
}

/// What came of waking a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// It goes on.
    Now,
    /// It waited no longer: the token was used, or its time was up. It looks for itself, if it still runs.
    NotWaiting,
}

/// How a run of a machine stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It runs.
    Running,
    /// It went on as another run, or had nothing left to do.
    Succeeded,
    /// It ended in another way, in the words of Step Functions: `FAILED`, `ABORTED`, `TIMED_OUT`.
    Ended(String),
    /// There is no such run.
    Missing,
}

impl StateMachines {
    pub(crate) fn new(sfn: &SdkConfig) -> Self {
        Self(aws_sdk_sfn::Client::new(sfn))
    }

    /// Whether a state machine can drive executions.
    ///
    /// # Errors
    ///
    /// When Step Functions refuses the call or cannot be asked.
    pub async fn look(&self, state_machine: &str) -> Result<Fitness, CallError> {
        let there = region_of(LOOK, state_machine)?;
        let call = self
            .0
            .describe_state_machine()
            .state_machine_arn(state_machine);
        let found = match call.customize().config_override(there).send().await {
            Ok(found) => found,
            Err(error) => {
                let error = LOOK.failed(&error);
                let is_missing = error.code == "StateMachineDoesNotExist";
                return if is_missing {
                    Ok(Fitness::Missing)
                } else {
                    Err(error)
                };
            }
        };
        Ok(match (found.status, found.r#type) {
            (Some(StateMachineStatus::Deleting), _) => Fitness::Deleting,
            (_, StateMachineType::Express) => Fitness::Express,
            _ => Fitness::Fit,
        })
    }

    /// Begins a run. After `Ok` it has begun, or had before.
    ///
    /// # Errors
    ///
    /// When it was refused, or it is not known whether it has begun: then the same may be asked again.
    pub async fn start(&self, state_machine: &str, input: &Input) -> Result<(), CallError> {
        let there = region_of(START, state_machine)?;
        let text = serde_json::to_string(input)
            .map_err(|error| START.error(Kind::Refused, INVALID_REQUEST, error.to_string()))?;
        let call = self
            .0
            .start_execution()
            .state_machine_arn(state_machine)
            .name(&input.run)
            .input(text);
        match call.customize().config_override(there).send().await {
            Ok(_) => Ok(()),
            Err(error) => match START.failed(&error) {
                // The name is nobody else's.
                error if error.code == "ExecutionAlreadyExists" => Ok(()),
                error => Err(error),
            },
        }
    }

    /// How the first run of a machine for an execution stands.
    ///
    /// # Errors
    ///
    /// When Step Functions refuses the call or cannot be asked.
    pub async fn standing(&self, state_machine: &str, run: &str) -> Result<Standing, CallError> {
        let there = region_of(STAND, state_machine)?;
        let arn =
            asl::run_arn(state_machine, run).ok_or_else(|| no_machine(STAND, state_machine))?;
        let call = self.0.describe_execution().execution_arn(arn);
        match call.customize().config_override(there).send().await {
            Ok(found) => Ok(match found.status {
                ExecutionStatus::Running | ExecutionStatus::PendingRedrive => Standing::Running,
                ExecutionStatus::Succeeded => Standing::Succeeded,
                other => Standing::Ended(other.as_str().to_owned()),
            }),
            Err(error) => match STAND.failed(&error) {
                error if error.code == "ExecutionDoesNotExist" => Ok(Standing::Missing),
                error => Err(error),
            },
        }
    }

    /// Gives a machine that waits its token back.
    ///
    /// # Errors
    ///
    /// When Step Functions refuses the call for another reason, or it is not known whether it was woken.
    pub async fn wake(&self, state_machine: &str, token: &str) -> Result<Woken, CallError> {
        let there = region_of(WAKE, state_machine)?;
        let call = self.0.send_task_success().task_token(token).output("{}");
        match call.customize().config_override(there).send().await {
            Ok(_) => Ok(Woken::Now),
            Err(error) => match WAKE.failed(&error) {
                error if is_used(&error) => Ok(Woken::NotWaiting),
                error => Err(error),
            },
        }
    }
}

/// Whether nothing waits for a token any more.
fn is_used(error: &CallError) -> bool {
    matches!(
        error.code.as_str(),
        "TaskDoesNotExist" | "TaskTimedOut" | "InvalidToken"
    )
}

/// A state machine is called in its own Region.
fn region_of(call: Call, state_machine: &str) -> Result<aws_sdk_sfn::config::Builder, CallError> {
    let is_one = asl::arn_problem(state_machine).is_none();
    let target = Target::of_arn(state_machine).filter(|_| is_one);
    let target = target.ok_or_else(|| no_machine(call, state_machine))?;
    Ok(aws_sdk_sfn::config::Builder::new().region(Region::new(target.region)))
}

fn no_machine(call: Call, state_machine: &str) -> CallError {
    let message = format!("`{state_machine}` is not the ARN of a state machine");
    call.error(Kind::Refused, INVALID_REQUEST, message)
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Running => "RUNNING",
            Self::Succeeded => "SUCCEEDED",
            Self::Ended(word) => word,
            Self::Missing => "missing",
        })
    }
}
