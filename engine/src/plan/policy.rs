//! What follows when servers of a wave fail: when the wave has failed, what its failure means for the rest, and how often
//! a failed server is launched again.
//!
//! This is the policy as it is written, and the rule of what it asks for. Applying it to an execution is for
//! [`crate::state`] and [`crate::decide`].

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{PathStep, PlanError, WaveSpec, wave_path};
use crate::ids::ServerId;
use crate::limits;

/// The failure policy of a wave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// What the wave's failure means for the rest.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_failure: AfterFailure,
    /// What must be launched for the wave to succeed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub success: Success,
    /// How often a server is launched again after its launch failed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub retries: u32,
}

/// What the failure of a wave means for the rest of the execution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AfterFailure {
    /// No other wave starts.
    #[default]
    Halt,
    /// The others go on, those that depend on it included.
    Continue,
    /// Nothing goes on until somebody has decided.
    Pause,
}

/// What must be launched for a wave to succeed. Its other servers may fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Success {
    /// Every server.
    #[default]
    Every,
    /// Every server that the plan calls critical; which they are is frozen with the servers.
    Critical,
    /// At least this share of the servers, in percent.
    Percent(u32),
}

/// What a policy asks for after its wave has failed, or ran out of time: the one place that says so. A wave that paused
/// and that somebody has accepted is for whoever asks.
pub fn after_failed_wave(policy: Policy) -> AfterFailure {
    policy.on_failure
}

impl Policy {
    /// Whether it is what a plan gets that says nothing about failures.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl AfterFailure {
    /// Every one of them.
    pub const ALL: [Self; 3] = [Self::Halt, Self::Continue, Self::Pause];

    /// The word that configuration and history use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Halt => "halt",
            Self::Continue => "continue",
            Self::Pause => "pause",
        }
    }
}

impl Success {
    /// Whether a wave of so many servers cannot succeed any more after so many were lost.
    pub fn is_out_of_reach(self, servers: usize, lost: usize, is_critical_lost: bool) -> bool {
        match self {
            Self::Every => lost > 0,
            Self::Critical => is_critical_lost,
            Self::Percent(percent) => {
                let left = servers.saturating_sub(lost);
                left.saturating_mul(100) < servers.saturating_mul(percent as usize)
            }
        }
    }
}

/// The policy and the critical servers of a wave as written.
pub(super) fn parse(
    index: usize,
    spec: &WaveSpec,
    errors: &mut Vec<PlanError>,
) -> (Policy, Vec<ServerId>) {
    let critical = spec.critical_server_ids.clone().unwrap_or_default();
    check_critical(index, spec, errors);
    let percent = spec
        .min_success_percent
        .map(|percent| parse_percent(index, percent, errors));
    let policy = Policy {
        on_failure: parse_on_failure(index, spec, errors),
        success: match percent {
            // All of them is all of them, however it was said.
            Some(percent) if percent < 100 => Success::Percent(percent),
            _ if critical.is_empty() => Success::Every,
            _ => Success::Critical,
        },
        retries: parse_retries(index, spec, errors),
    };
    (policy, critical)
}

/// Takes out of a wave what equals its default, for the digest.
pub(super) fn without_defaults(wave: &mut WaveSpec) {
    let halt = AfterFailure::Halt.as_str();
    wave.on_failure = wave.on_failure.take().filter(|word| word != halt);
    wave.min_success_percent = wave.min_success_percent.filter(|percent| *percent != 100);
    wave.retries = wave.retries.filter(|retries| *retries != 0);
}

fn parse_on_failure(index: usize, spec: &WaveSpec, errors: &mut Vec<PlanError>) -> AfterFailure {
    let Some(word) = spec.on_failure.as_deref() else {
        return AfterFailure::default();
    };
    let found = AfterFailure::ALL
        .into_iter()
        .find(|after| after.as_str() == word);
    found.unwrap_or_else(|| {
        errors.push(PlanError {
            path: wave_path(index, "on_failure"),
            message: format!(
                "{word:?} does not say what follows a failed wave; use \"halt\", \"continue\" or \"pause\""
            ),
        });
        AfterFailure::default()
    })
}

fn check_critical(index: usize, spec: &WaveSpec, errors: &mut Vec<PlanError>) {
    let Some(critical) = &spec.critical_server_ids else {
        return;
    };
    if critical.is_empty() {
        errors.push(PlanError {
            path: wave_path(index, "critical_server_ids"),
            message: "an empty list would let every server fail; name one, or leave it out so that every server counts"
                .to_owned(),
        });
    }
    let mut seen = BTreeSet::new();
    for (position, id) in critical.iter().enumerate() {
        if !seen.insert(id) {
            let mut path = wave_path(index, "critical_server_ids");
            path.push(PathStep::Index(position));
            errors.push(PlanError {
                path,
                message: format!("server {id} is listed twice"),
            });
        }
    }
    if spec.min_success_percent.is_some() {
        errors.push(PlanError {
            path: wave_path(index, "min_success_percent"),
            message: "use either min_success_percent or critical_server_ids: both say when the wave has failed"
                .to_owned(),
        });
    }
}

fn parse_percent(index: usize, percent: i64, errors: &mut Vec<PlanError>) -> u32 {
    match u32::try_from(percent) {
        Ok(found) if (1..=100).contains(&found) => found,
        _ => {
            errors.push(PlanError {
                path: wave_path(index, "min_success_percent"),
                message: format!("{percent} percent; use a number from 1 to 100, or leave it out"),
            });
            100
        }
    }
}

fn parse_retries(index: usize, spec: &WaveSpec, errors: &mut Vec<PlanError>) -> u32 {
    let Some(written) = spec.retries else {
        return 0;
    };
    match u32::try_from(written) {
        Ok(retries) if retries <= limits::RETRIES_PER_SERVER => retries,
        _ => {
            errors.push(PlanError {
                path: wave_path(index, "retries"),
                message: format!(
                    "{written} retries; use a number from 0 to {}, or leave it out",
                    limits::RETRIES_PER_SERVER
                ),
            });
            0
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests;
