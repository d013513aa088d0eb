//! Why a value does not fit, and where in it.
//!
//! Whoever finds a mismatch deep inside knows only the innermost step, and whoever called it adds the next one: a path
//! costs nothing as long as everything fits.

use std::fmt::{self, Display};

use super::ConversionError;
use crate::path::{Path, Step};

/// A mismatch, with the steps that lead to it collected from the inside out.
#[derive(Debug)]
pub(crate) struct Mismatch {
    steps: Vec<Step>,
    reason: String,
}

impl Mismatch {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self {
            steps: Vec::new(),
            reason: reason.into(),
        }
    }

    /// The same mismatch, one step further out.
    pub(crate) fn under(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

impl From<Mismatch> for ConversionError {
    fn from(mismatch: Mismatch) -> Self {
        Self {
            path: Path::from_reversed(mismatch.steps),
            reason: mismatch.reason,
        }
    }
}

impl Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Mismatch {}

impl serde::de::Error for Mismatch {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(message.to_string())
    }
}
