//! Why a value does not fit, and where in it.
//!
//! Whoever finds a mismatch deep inside knows only the innermost step, and whoever called it adds the next one: a path
//! costs nothing as long as everything fits.

use std::fmt::{self, Display};

use serde::de::{self, Expected, Unexpected};

use super::ConversionError;
use crate::path::{Path, Step};

/// Begins the reason of a mismatch that a person can mend, and that goes on with what the value must be.
pub(crate) const IT: &str = "it ";

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

/// Serde's words are for programmers, and a mismatch in what is typed by nobody, such as an argument of a function, is its
/// user's to mend.
impl de::Error for Mismatch {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let expected = expected.to_string();
        let expected = match expected.as_str() {
            "a sequence" => "a list",
            "f32" | "f64" => "a number",
            "i8" | "i16" | "i32" | "i64" | "u8" | "u16" | "u32" | "u64" => "a whole number",
            kind if kind.starts_with("struct ") => "an object",
            kind => kind,
        };
        Self::new(format!(
            "{IT}must be {expected}, but it is {}",
            kind(&found)
        ))
    }

    fn missing_field(name: &'static str) -> Self {
        Self::new(format!("{IT}must have {name}"))
    }
}

fn kind(found: &Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "a boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number",
        Unexpected::Char(_) | Unexpected::Str(_) => "a string",
        Unexpected::Unit | Unexpected::Option => "null",
        Unexpected::Seq => "a list",
        Unexpected::Map => "an object",
        _ => "something else",
    }
}
