//! `drsctl state-machine`: prints the definition of the state machine that drives executions.

use drs_engine::asl;

use crate::cli::StateMachine;
use crate::failure::{Ending, Failure};
use crate::screen::Screen;

pub(crate) fn state_machine(asked: &StateMachine, screen: &mut Screen) -> Result<Ending, Failure> {
    if let Some(problem) = asl::function_problem(&asked.function) {
        return Err(Failure::new(problem)
            .help("`aws lambda get-function --function-name NAME` shows the ARN of a function."));
    }
    screen.print_raw(&format!("{:#}\n", asl::definition(&asked.function)))?;
    Ok(Ending::Success)
}
