//! A part of a plan: the waves, groups and servers that an execution is for.
//!
//! It is recorded with the execution; the rest can be run later by another one. What it means for a plan, the resolution
//! says.

use serde::{Deserialize, Serialize};

/// What of a plan an execution is for; nothing named means all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Only {
    /// Names of waves; none means every wave.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waves: Vec<String>,
    /// Ids or names of protection groups; none means every group.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Ids or host names of servers that are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<String>,
}

impl Only {
    /// Whether it is the whole plan.
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }
}
