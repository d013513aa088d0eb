//! What is decided when, as small histories.

use super::*;
use crate::event::{Outcome, WaveOutcome};
use crate::testing::{Tale, ids, start, target};
use crate::time::after;

mod checks;
mod control;
mod hooks;
mod jobs;
mod launches;
mod points;
mod policy;
mod stops;
mod termination;
mod waves;

fn launched(command: Option<Command>) -> Vec<ServerId> {
    match command {
        Some(Command::Launch(plan)) => plan.servers,
        other => panic!("no launch: {other:?}"),
    }
}

fn many(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("s-{number:04}")).collect()
}

fn names(many: &[String]) -> Vec<&str> {
    many.iter().map(String::as_str).collect()
}

fn cancel() -> Event {
    Event::CancelRequested {
        reason: "enough".to_owned(),
    }
}
