//! Facts about the health of launched servers.

use serde::{Deserialize, Serialize};

use crate::ids::ServerId;

/// What a check found of one server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// The server.
    pub server: ServerId,
    /// What was found.
    pub result: CheckResult,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckResult {
    /// It passed; the server is healthy once it has passed the last one.
    Passed,
    /// It did not pass.
    Degraded {
        /// Why.
        reason: String,
    },
    /// It could not be made, and no other is.
    NotChecked {
        /// Why.
        reason: String,
    },
}
