//! The commands, one file each. They read through [`History`](crate::history::History) and print on a
//! [`Screen`](crate::screen::Screen); the words come from the engine's report.

pub(crate) mod list;
pub(crate) mod show;
#[cfg(feature = "simulator")]
pub(crate) mod simulator;
pub(crate) mod tables;
pub(crate) mod version;
pub(crate) mod watch;

use drs_engine::report::{self, Driven};
use drs_engine::state::State;

/// The advice about an execution as lines of a list; nothing when there is none.
fn advice(state: &State, driven: Driven) -> String {
    let advice = report::next(state, driven);
    if advice.is_empty() {
        return String::new();
    }
    let lines: Vec<String> = advice.iter().map(|advice| format!("- {advice}")).collect();
    format!("\nnext:\n{}\n", lines.join("\n"))
}

#[cfg(test)]
mod tests;
