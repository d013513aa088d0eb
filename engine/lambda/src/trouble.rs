//! Why a call has no answer, in the two words that the state machine tells apart: what passes, and what never will.

use drs_engine::asl::{BUSY, REFUSED};
use drs_engine::drive::DriveError;
use drs_engine::ports::CallError;
use drs_engine::store::codec::ReadError;
use drs_engine::store::executions::HistoryError;
use lambda_runtime::Diagnostic;
use serde_json::json;

use crate::log::{Level, Log, redacted};

/// A call that has no answer.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// It passes: the machine asks again.
    Busy(String),
    /// It does not: nothing was done, and nothing will be.
    Refused {
        /// What is refused: `source`, `mode`, `history`, ...
        what: &'static str,
        /// Why, and what helps.
        why: String,
    },
}

impl Trouble {
    pub(crate) fn busy(why: impl Into<String>) -> Self {
        Self::Busy(why.into())
    }

    pub(crate) fn refused(what: &'static str, why: impl Into<String>) -> Self {
        let why = why.into();
        Self::Refused { what, why }
    }

    /// Trouble with the history. One of a newer version is not read by an older function.
    pub(crate) fn of(error: &DriveError) -> Self {
        let text = error.to_string();
        match error {
            DriveError::History(HistoryError::Read(ReadError::Call(call))) => Self::of_call(call),
            DriveError::Contended | DriveError::TakenMeanwhile(_) | DriveError::TooManyTurns => {
                Self::busy(text)
            }
            DriveError::History(_) | DriveError::Illegal(_) => Self::refused("history", text),
        }
    }

    /// Trouble with a call to AWS.
    pub(crate) fn of_call(error: &CallError) -> Self {
        if error.is_retryable() {
            Self::busy(error.to_string())
        } else {
            Self::refused("call", error.to_string())
        }
    }

    /// Writes it into the log; what was refused is a line of audit.
    pub(crate) fn tell(&self, log: &Log) {
        match self {
            Self::Busy(why) => log.line(Level::Warning, "busy", json!({"error": why})),
            Self::Refused { what, why } => log.line(
                Level::Error,
                "refused",
                json!({"audit": true, "refused": what, "error": why}),
            ),
        }
    }
}

/// The error as Lambda hands it to the machine.
impl From<Trouble> for Diagnostic {
    fn from(trouble: Trouble) -> Self {
        let (name, why) = match trouble {
            Trouble::Busy(why) => (BUSY, why),
            Trouble::Refused { what, why } => (REFUSED, format!("{what}: {why}")),
        };
        Self {
            error_type: name.to_owned(),
            error_message: redacted(&why),
        }
    }
}

#[cfg(test)]
mod tests {
    use drs_engine::ids::ExecutionId;
    use drs_engine::ports::Kind;

    use super::*;

    fn name(error: &DriveError) -> String {
        Diagnostic::from(Trouble::of(error)).error_type
    }

    #[test]
    fn the_machine_retries_what_passes_and_nothing_else() {
        let call = |kind| {
            DriveError::History(HistoryError::Read(ReadError::Call(CallError {
                kind,
                call: "dynamodb:Query",
                code: "X".to_owned(),
                message: "x".to_owned(),
                retry_after: None,
            })))
        };
        assert_eq!(name(&call(Kind::Busy)), BUSY);
        assert_eq!(name(&call(Kind::Unknown)), BUSY);
        assert_eq!(name(&DriveError::Contended), BUSY);
        assert_eq!(name(&call(Kind::Refused)), REFUSED);
        let missing = HistoryError::Missing(ExecutionId::new("x-1"));
        assert_eq!(name(&DriveError::History(missing)), REFUSED);
    }
}
