//! What operators may ask of an execution, and what comes of it in each status.
//!
//! [`answer`] is the one rule: the fold of a history refuses what it refuses, and the table in the documentation is
//! printed from it. What it does not look at is the wave or the server that a request names; that is checked beside it.

use std::fmt::Write as _;

use crate::event::{Event, Outcome};
use crate::state::Status;

/// Something that an operator can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Launch nothing more until it is resumed.
    Pause,
    /// The same, once a wave is due.
    PauseBefore,
    /// Go on.
    Resume,
    /// Launch nothing more, ever.
    Cancel,
    /// Launch failed servers of a wave again.
    Retry,
    /// Leave a wave out.
    Skip,
    /// Terminate what was launched.
    Terminate,
    /// Take an operator's word that a launch without outcome was not sent.
    AssumeNotSent,
}

/// What comes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is recorded, and this happens.
    Accepted(&'static str),
    /// Nothing is recorded, for this reason.
    Refused(&'static str),
}

impl Request {
    /// Every request.
    pub const ALL: [Self; 8] = [
        Self::Pause,
        Self::PauseBefore,
        Self::Resume,
        Self::Cancel,
        Self::Retry,
        Self::Skip,
        Self::Terminate,
        Self::AssumeNotSent,
    ];

    /// The request that an event records; none for facts.
    pub fn of(event: &Event) -> Option<Self> {
        Some(match event {
            Event::PauseRequested { before: None, .. } => Self::Pause,
            Event::PauseRequested { .. } => Self::PauseBefore,
            Event::ResumeRequested { .. } => Self::Resume,
            Event::CancelRequested { .. } => Self::Cancel,
            Event::RetryRequested { .. } => Self::Retry,
            Event::SkipRequested { .. } => Self::Skip,
            Event::TerminationRequested { .. } => Self::Terminate,
            Event::LaunchNotCarriedOut { assumed: true, .. } => Self::AssumeNotSent,
            _ => return None,
        })
    }

    /// The command that asks for it.
    pub fn command(self) -> &'static str {
        match self {
            Self::Pause => "drsctl pause",
            Self::PauseBefore => "drsctl pause --before WAVE",
            Self::Resume => "drsctl resume",
            Self::Cancel => "drsctl cancel",
            Self::Retry => "drsctl retry --wave WAVE",
            Self::Skip => "drsctl skip --wave WAVE",
            Self::Terminate => "drsctl terminate",
            Self::AssumeNotSent => "drsctl run --assume-not-sent",
        }
    }
}

/// What comes of a request in a status.
pub fn answer(status: Status, request: Request) -> Answer {
    use Answer::{Accepted, Refused};
    use Request::{AssumeNotSent, Cancel, Pause, PauseBefore, Resume, Retry, Skip, Terminate};
    match (status, request) {
        (Status::Running, Pause) => Accepted(
            "nothing more is launched; running jobs are followed; no limit counts the time",
        ),
        (Status::Paused, Pause) => {
            Accepted("the whole is paused, also what is not held yet; the first reason stays")
        }
        (Status::Running | Status::Paused, PauseBefore) => {
            Accepted("the wave, which must not have started, is held when it is due")
        }
        (Status::Running, Resume) => Refused("it is not paused"),
        (Status::Paused, Resume) => Accepted("everything that is held goes on"),
        (Status::Running | Status::Paused, Cancel) => Accepted(
            "nothing more is launched; running jobs are followed to their end, for DRS cannot cancel them",
        ),
        (Status::Cancelling, Cancel) => Accepted("nothing changes; the first reason stays"),
        (Status::Running | Status::Paused, Retry) => Accepted(
            "the failed servers of the wave, which must not have finished, are launched again",
        ),
        (Status::Running | Status::Paused, Skip) => Accepted(
            "the wave, which must not have started or is held after failures, is left as it is; what depends on it goes on",
        ),
        (Status::Cancelling, Pause | PauseBefore | Resume | Retry | Skip) => {
            Refused("it is being cancelled, so nothing more is launched")
        }
        (Status::Running | Status::Paused, AssumeNotSent) => Accepted(
            "launches whose outcome nobody knows count as not sent, and are made again without waiting for the fence",
        ),
        (Status::Cancelling, AssumeNotSent) => Accepted(
            "launches whose outcome nobody knows count as not sent; nothing more is launched",
        ),
        (Status::Running | Status::Paused | Status::Cancelling, Terminate) => {
            Accepted("what it launched is terminated once it has ended; cancel it to end it now")
        }
        (Status::Ended(_), Terminate) => Accepted(
            "the instances that its jobs launched are terminated, and it is verified that they are gone",
        ),
        (Status::Ended(_), _) => Refused("it has ended"),
        (Status::Halted, Terminate) => Accepted(
            "the instances that its jobs launched are terminated, and it is verified that they are gone",
        ),
        (Status::Halted, _) => {
            Refused("a rule of the engine was broken in it, and it does nothing more")
        }
    }
}

/// The table of the documentation: what comes of every request in every status.
pub fn table() -> String {
    let mut text = String::from("| request | status | what happens |\n|---|---|---|\n");
    let statuses = [
        (Status::Running, "RUNNING"),
        (Status::Paused, "PAUSED"),
        (Status::Cancelling, "CANCELLING"),
        (Status::Ended(Outcome::Completed), "ended, however"),
        (Status::Halted, "HALTED"),
    ];
    for request in Request::ALL {
        for (status, word) in statuses {
            let says = match answer(status, request) {
                Answer::Accepted(effect) => effect.to_owned(),
                Answer::Refused(reason) => format!("refused: {reason}"),
            };
            let _ = writeln!(text, "| `{}` | {word} | {says} |", request.command());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_the_documentation_is_what_the_code_does() {
        let page = include_str!("../../docs/guides/requests.md");
        assert!(
            page.contains(&table()),
            "docs/guides/requests.md must hold this table:\n{}",
            table()
        );
    }
}
