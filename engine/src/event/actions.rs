//! Facts about what runs outside DRS: hooks, and checks that run something.

use serde::{Deserialize, Serialize};

use crate::ids::{ServerId, Target};

/// An action of this execution, numbered from 1: a hook, or a check that runs something. Begun again, it is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ActionId(pub u32);

/// What is known before an action is begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionIntent {
    /// The action.
    pub action: ActionId,
    /// The wave's position.
    pub wave: usize,
    /// What it is for.
    pub purpose: Purpose,
    /// Where it runs.
    pub target: Target,
    /// How often it was begun, this time included; begins that had no effect for certain do not count.
    pub begin: u32,
}

/// What an action is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Purpose {
    /// A hook of the wave.
    Hook {
        /// Which list it is in.
        when: When,
        /// Its position in the list.
        hook: usize,
    },
    /// The command that checks instances.
    Command {
        /// Their servers, at most [`INSTANCES_PER_COMMAND`](crate::limits::INSTANCES_PER_COMMAND).
        servers: Vec<ServerId>,
    },
    /// The function that checks instances.
    Function {
        /// Their servers, at most [`SERVERS_PER_JUDGEMENT`](crate::limits::SERVERS_PER_JUDGEMENT).
        servers: Vec<ServerId>,
    },
}

/// When a hook runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Before the first launch of its wave.
    Before,
    /// After the servers of its wave have ended and been checked.
    After,
}

/// How an action ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionResult {
    /// It did what it was asked to.
    Succeeded {
        /// What it said, cut to [`ACTION_TEXT_CHARS`](crate::limits::ACTION_TEXT_CHARS).
        output: Option<String>,
    },
    /// It did not.
    Failed {
        /// Why.
        reason: String,
    },
    /// It runs longer than it may, and is not followed any more; nothing stops it.
    TimedOut,
    /// It is not followed any more, because nothing more is done.
    GivenUp {
        /// What is known about it.
        reason: String,
    },
}

impl Purpose {
    /// The servers that it checks; none for hooks.
    pub fn servers(&self) -> &[ServerId] {
        match self {
            Self::Hook { .. } => &[],
            Self::Command { servers } | Self::Function { servers } => servers,
        }
    }
}

impl When {
    /// The word for people and for the input of a hook.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
        }
    }
}

impl ActionResult {
    /// Why it did not do what it was asked to; none when it did.
    pub fn problem(&self) -> Option<&str> {
        match self {
            Self::Succeeded { .. } => None,
            Self::Failed { reason } | Self::GivenUp { reason } => Some(reason),
            Self::TimedOut => Some("it did not end in time, and may still run"),
        }
    }
}
