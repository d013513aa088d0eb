//! What stands in for functions, documents, topics and state machines: a name, and a script of what happens when it is called.
//!
//! What a fleet does not name does not exist, as in AWS, so that a rehearsal finds a hook whose target is missing. The
//! name `*` stands for every name that has no script of its own.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A Lambda function, a Systems Manager document, an SNS topic or a state machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stub {
    /// Its name, without version or alias; `*` is every one that has no script of its own.
    pub name: String,
    /// What happens when it is called, step by step; after the last step, and without any, it goes well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub script: Vec<Step>,
}

impl Stub {
    /// One that goes well.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            script: Vec::new(),
        }
    }
}

/// What happens when a stub is called.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What comes of it.
    #[serde(default)]
    pub outcome: Outcome,
    /// What a function returns, or the outputs of an automation, or what a command prints.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<serde_json::Value>,
    /// Why it fails; a typical reason when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How long it takes, in world time; a second when left out, for a topic no time, and for a state machine for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_seconds: Option<f64>,
    /// For how many calls; for all that come when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// For a command: what comes of it on single instances, by their id or host name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub instances: BTreeMap<String, Outcome>,
}

/// What comes of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It goes well.
    #[default]
    Succeed,
    /// It runs, and ends with an error.
    Fail,
    /// It runs, and does not end in time.
    TimeOut,
    /// There is no such function, document, topic or state machine; of an instance: Systems Manager does not know it.
    Missing,
    /// The call is refused, for there are too many.
    Throttle,
}
