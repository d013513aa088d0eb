//! Why a command could not do what it was asked for, and how a command ends.
//!
//! A failure says three things to a person who was just woken up: what happened, what is safe, and the command that
//! helps.

use std::fmt::{self, Write as _};
use std::io;

/// How a command ended that could do its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It is done; for an execution that was watched, it COMPLETED.
    Success,
    /// The execution that was watched ended otherwise.
    Unsuccessful,
    /// What was looked at is not ready.
    NotReady,
    /// Somebody interrupted it.
    Interrupted,
}

/// Why a command could not do its work.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Whoever read the output went away; there is nobody to tell.
    ReaderGone,
    /// Something to tell.
    Told(Told),
}

/// What there is to tell about a failure.
#[derive(Debug, Default)]
pub(crate) struct Told {
    what: String,
    safe: Option<String>,
    help: Vec<String>,
    may_come: bool,
}

impl Ending {
    /// The exit code, documented in the help.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Unsuccessful => 1,
            Self::NotReady => 2,
            Self::Interrupted => 130,
        }
    }
}

impl Failure {
    /// A failure by what happened.
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self::Told(Told {
            what: what.into(),
            ..Told::default()
        })
    }

    /// What is untouched, or may be done without harm.
    pub(crate) fn safe(self, safe: impl Into<String>) -> Self {
        self.map(|told| told.safe = Some(safe.into()))
    }

    /// A command, or something else that helps.
    pub(crate) fn help(self, help: impl Into<String>) -> Self {
        self.map(|told| told.help.push(help.into()))
    }

    /// What was looked for is not there, and may come.
    pub(crate) fn may_come(self) -> Self {
        self.map(|told| told.may_come = true)
    }

    /// Whether what was looked for may come.
    pub(crate) fn is_worth_waiting(&self) -> bool {
        matches!(self, Self::Told(told) if told.may_come)
    }

    /// The exit code, documented in the help.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::ReaderGone => 141,
            Self::Told(_) => 2,
        }
    }

    fn map(mut self, change: impl FnOnce(&mut Told)) -> Self {
        if let Self::Told(told) = &mut self {
            change(told);
        }
        self
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ReaderGone,
            _ => Self::new(format!("the output could not be written: {error}")),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Told(told) = self else {
            return Ok(());
        };
        let mut text = format!("error: {}\n", told.what);
        if let Some(safe) = &told.safe {
            let _ = writeln!(text, " safe: {safe}");
        }
        for help in &told.help {
            let _ = writeln!(text, " help: {help}");
        }
        f.write_str(&text)
    }
}
