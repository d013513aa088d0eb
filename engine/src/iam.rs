//! Who needs which rights: least-privilege IAM policies, as data.
//!
//! [`policy`] writes the policy of a [`Principal`] for given [`Names`]. What each call needs is known here and nowhere else:
//! the guide's tables, `drsctl policy`, the data source `drs_iam_policy` and the simulator, where it enforces IAM, all read
//! it. A test of drsctl runs scenarios with exactly these policies, and then without one action after the other.
//!
//! What it does not do: it knows no trust policies, no permission boundaries and no policies of organisations. It says what
//! to allow, and never denies.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

mod commands;
mod document;
mod grants;
mod launching;
mod names;
#[cfg(test)]
mod tests;

pub use commands::{COMMANDS, Command, Rights};
pub use document::{Policy, Statement};
pub use launching::{Dependent, MANAGED_TAG, On, Tagged, dependents};
pub use names::Names;

/// Who needs rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Principal {
    /// The provider or drsctl, which write groups and plans, start executions and drive them in their own process.
    Runner,
    /// The Lambda function that drives executions for a state machine.
    Lambda,
    /// The role of the state machine, which calls that function.
    StateMachine,
    /// The Lambda function that sweeps.
    Sweeper,
    /// The role of the schedule that calls the sweeper's function.
    SweeperRule,
    /// The role of a target: what the hub does in another account.
    Spoke,
    /// An operator who may do everything.
    Admin,
    /// An operator who may start recoveries, too.
    RecoveryManager,
    /// An operator who writes groups and plans, and starts nothing.
    PlanManager,
    /// An operator who starts, drives and ends drills.
    Operator,
    /// Somebody who only looks.
    ReadOnly,
}

impl Principal {
    /// Every one of them.
    pub const ALL: [Self; 11] = [
        Self::Runner,
        Self::Lambda,
        Self::StateMachine,
        Self::Sweeper,
        Self::SweeperRule,
        Self::Spoke,
        Self::Admin,
        Self::RecoveryManager,
        Self::PlanManager,
        Self::Operator,
        Self::ReadOnly,
    ];

    /// The five roles of people, from the one that may do the least.
    pub const ROLES: [Self; 5] = [
        Self::ReadOnly,
        Self::PlanManager,
        Self::Operator,
        Self::RecoveryManager,
        Self::Admin,
    ];

    /// The word by which it is asked for.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Runner => "runner",
            Self::Lambda => "lambda",
            Self::StateMachine => "state-machine",
            Self::Sweeper => "sweeper",
            Self::SweeperRule => "sweeper-rule",
            Self::Spoke => "spoke",
            Self::Admin => "admin",
            Self::RecoveryManager => "recovery-manager",
            Self::PlanManager => "plan-manager",
            Self::Operator => "operator",
            Self::ReadOnly => "read-only",
        }
    }

    /// What it is, in a few words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Runner => {
                "the provider or drsctl, which start executions and drive them in their own process"
            }
            Self::Lambda => "the Lambda function that drives executions for a state machine",
            Self::StateMachine => "the role of the state machine",
            Self::Sweeper => {
                "the Lambda function that sweeps: it asks for what a drill's lifetime wants, and starts state machines"
            }
            Self::SweeperRule => "the role of the schedule that calls the sweeper's function",
            Self::Spoke => "the role of a target: what the hub does in that account",
            Self::Admin => "an operator who may do everything",
            Self::RecoveryManager => "an operator who may start recoveries, too",
            Self::PlanManager => "an operator who writes groups and plans, and starts nothing",
            Self::Operator => "an operator who starts, drives and ends drills",
            Self::ReadOnly => "somebody who only looks",
        }
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names no principal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is nobody whose rights are known here; there are {names}",
    names = Principal::ALL.map(Principal::as_str).join(", ")
)]
pub struct UnknownPrincipal(String);

impl FromStr for Principal {
    type Err = UnknownPrincipal;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|one| one.as_str() == text);
        found.ok_or_else(|| UnknownPrincipal(text.to_owned()))
    }
}

/// A policy that is empty, because what it would allow was not named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the policy of {principal} would allow nothing, because no {missing} was named")]
pub struct NothingToAllow {
    /// Whose policy it is.
    pub principal: Principal,
    /// What was not named.
    pub missing: &'static str,
}

/// The policy of a principal: everything that it needs of what is named, and nothing else.
///
/// # Errors
///
/// When there is nothing to allow, as for a state machine without a function. IAM takes no policy without a statement.
pub fn policy(principal: Principal, names: &Names) -> Result<Policy, NothingToAllow> {
    let statements = grants::of(principal, names);
    let missing = match principal {
        Principal::SweeperRule => "function of the sweeper",
        _ => "function that drives",
    };
    if statements.is_empty() {
        return Err(NothingToAllow { principal, missing });
    }
    Ok(Policy { statements })
}
