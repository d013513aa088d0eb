//! Who drives what is started or taken up.

use clap::{Args, ValueEnum};

/// Where the options stand in the help; a heading of the whole part would be that of what follows it, too.
const HEADING: &str = "Who drives it";

/// Who drives an execution.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Driving {
    /// Who drives it: this process, or a state machine of AWS Step Functions that goes on without this machine
    #[arg(
        long,
        value_enum,
        value_name = "RUNNER",
        default_value_t,
        help_heading = HEADING
    )]
    pub(crate) runner: Runner,
    /// ARN of the state machine, for --runner step-functions [env: DRS_STATE_MACHINE]
    #[arg(long, value_name = "ARN", help_heading = HEADING)]
    pub(crate) state_machine: Option<String>,
}

/// What drives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Runner {
    #[default]
    InProcess,
    StepFunctions,
}

/// Prints the definition of the state machine that drives executions with --runner step-functions
///
/// It is the same for every plan; the function that it names drives. It is printed as JSON, as `aws stepfunctions
/// create-state-machine --definition file://FILE` takes it, for a standard state machine. Nothing is called at AWS.
#[derive(Args, Debug)]
pub(crate) struct StateMachine {
    /// ARN of the function of AWS Lambda that makes the turns
    #[arg(long, value_name = "ARN")]
    pub(crate) function: String,
}
