//! The commands, one file each. They read through [`History`](crate::history::History), ask and drive as an
//! [`Operator`](crate::operator::Operator), and print on a [`Screen`](crate::screen::Screen); the words about executions
//! come from the engine's report.

mod ask;
pub(crate) mod cancel;
pub(crate) mod export;
pub(crate) mod failover;
pub(crate) mod list;
pub(crate) mod logs;
pub(crate) mod pause;
pub(crate) mod plan;
pub(crate) mod points;
pub(crate) mod preflight;
pub(crate) mod quotas;
pub(crate) mod resume;
pub(crate) mod retry;
pub(crate) mod run;
pub(crate) mod show;
#[cfg(feature = "simulator")]
pub(crate) mod simulator;
pub(crate) mod skip;
pub(crate) mod start;
pub(crate) mod tables;
pub(crate) mod terminate;
pub(crate) mod version;
pub(crate) mod watch;

use drs_engine::event::Outcome;
use drs_engine::report::{self, Driven};
use drs_engine::state::{State, Status};

use crate::failure::Ending;

/// The advice about an execution as lines of a list; nothing when there is none.
fn advice(state: &State, driven: Driven) -> String {
    let advice = report::next(state, driven);
    if advice.is_empty() {
        return String::new();
    }
    let lines: Vec<String> = advice.iter().map(|advice| format!("- {advice}")).collect();
    format!("\nnext:\n{}\n", lines.join("\n"))
}

/// How a command ends that followed an execution to its end: only COMPLETED is a success.
fn outcome(state: &State) -> Ending {
    match state.status {
        Status::Ended(Outcome::Completed) => Ending::Success,
        _ => Ending::Unsuccessful,
    }
}

fn several(count: usize, thing: &str) -> String {
    match count {
        1 => format!("1 {thing}"),
        _ => format!("{count} {thing}s"),
    }
}

#[cfg(test)]
mod tests;
