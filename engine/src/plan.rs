//! A recovery plan: waves over protection groups, as a value that cannot be invalid.
//!
//! [`PlanSpec`] is what a user wrote; [`Plan::parse`] turns it into a [`Plan`] or returns every error at once, each with
//! the path of the attribute it is about. The digest is a pure function of the configuration, so it can be planned as a
//! known value and used in `triggers`.
//!
//! A plan knows groups by id, not their servers: those are resolved and frozen when an execution starts
//! ([`crate::resolve`]).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::ids::{GroupId, ServerId};
use crate::limits;

mod checks;
mod digest;
mod error;
mod guard;
mod hooks;
mod notifications;
mod order;
mod policy;

pub use checks::{Check, Checks, ChecksSpec, CommandCheck, FunctionCheck};
pub use error::{PathStep, PlanError};
pub use guard::DrillGuard;
pub use hooks::{Consequence, Hook, HookSpec};
pub use notifications::{NoticeKind, Notifications, NotificationsSpec};
pub use policy::{AfterFailure, Policy, Success, after_failed_wave};

/// A recovery plan as it was written, before any check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanSpec {
    /// Name, unique in the environment without regard to case.
    pub name: String,
    /// Free text for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The waves in the order they are listed.
    pub waves: Vec<WaveSpec>,
    /// Limit for a whole execution in seconds; none means the mode's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_timeout_seconds: Option<i64>,
    /// How soon after its start a recovery is meant to have ended, in seconds; none means nobody has said it. It decides
    /// nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rto_objective_seconds: Option<i64>,
    /// How old the data may be that servers are launched from, in seconds; none means nobody has said it. It decides nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rpo_objective_seconds: Option<i64>,
    /// Who is told what happens; none means nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notifications: Option<NotificationsSpec>,
    /// What must be true of the subnets that a drill launches into; none means anything goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill_guard: Option<DrillGuard>,
}

/// A wave as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaveSpec {
    /// Name, unique in the plan.
    pub name: String,
    /// The groups whose servers launch together, in launch order.
    pub protection_group_ids: Vec<GroupId>,
    /// Waves that must be finished first; none means the wave before this one in the list, an empty list means no wave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depends_on_waves: Option<Vec<String>>,
    /// Whether servers launch at once or one after the other; none means `PARALLEL`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launch_order: Option<String>,
    /// A subset of the groups' servers, in launch order; none means all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_server_ids: Option<Vec<ServerId>>,
    /// Most servers of this wave that may be launching at the same time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_in_flight: Option<i64>,
    /// Seconds to wait after the dependencies are finished, before the first launch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_time_seconds: Option<i64>,
    /// Seconds from the wave's first launch to its last judged server; none means two hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<i64>,
    /// Whether somebody must approve before the wave starts; none means nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause_before: Option<bool>,
    /// What the wave's failure means for the rest: `halt`, `continue` or `pause`; none means `halt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<String>,
    /// The servers whose failure fails the wave; none means every one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub critical_server_ids: Option<Vec<ServerId>>,
    /// The share of the servers that must be launched for the wave to succeed; none means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_success_percent: Option<i64>,
    /// How often a server is launched again after its launch failed; none means never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<i64>,
    /// What is looked at after servers are launched; none means EC2's status checks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checks: Option<ChecksSpec>,
    /// What is run before the first launch, in this order; none means nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_hooks: Option<Vec<HookSpec>>,
    /// What is run after the servers have ended and been checked, in this order; none means nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_hooks: Option<Vec<HookSpec>>,
}

/// A recovery plan that holds every rule: unique names, known dependencies, no cycle, sane durations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    name: String,
    waves: Vec<Wave>,
    execution_timeout: Option<SignedDuration>,
    #[serde(default)]
    notifications: Option<Notifications>,
    drill_guard: Option<DrillGuard>,
    digest: String,
}

/// One wave of a valid plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wave {
    /// Name, unique in the plan.
    pub name: String,
    /// The groups in launch order.
    pub groups: Vec<GroupId>,
    /// Positions, in the plan's list, of the waves that must be finished first.
    pub depends_on: Vec<usize>,
    /// Whether servers launch at once or one after the other.
    pub order: LaunchOrder,
    /// A subset of the groups' servers in launch order; none means all of them.
    pub subset: Option<Vec<ServerId>>,
    /// Most servers of this wave that may be launching at the same time.
    pub max_in_flight: Option<u32>,
    /// Wait after the dependencies are finished.
    pub wait: SignedDuration,
    /// Time from the first launch to the last judged server.
    pub timeout: SignedDuration,
    /// Whether somebody must approve before it starts.
    #[serde(default)]
    pub pause_before: bool,
    /// What follows when servers of it fail.
    #[serde(default)]
    pub policy: Policy,
    /// The servers whose failure fails the wave, where the policy goes by them.
    #[serde(default)]
    pub critical: Vec<ServerId>,
    /// What is looked at after servers are launched.
    #[serde(default)]
    pub checks: Checks,
    /// What is run before the first launch.
    #[serde(default)]
    pub before_hooks: Vec<Hook>,
    /// What is run after the servers have ended and been checked.
    #[serde(default)]
    pub after_hooks: Vec<Hook>,
}

/// How the servers of one wave are launched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LaunchOrder {
    /// In as few DRS jobs as the quota allows, all at once.
    Parallel,
    /// One job per server, the next when the one before is launched.
    Sequential,
}

impl Plan {
    /// Checks a plan as written.
    ///
    /// # Errors
    ///
    /// Every rule that is broken, in the order of the attributes; never just the first.
    pub fn parse(spec: &PlanSpec) -> Result<Self, Vec<PlanError>> {
        let mut errors = Vec::new();
        check_text(&spec.name, &spec.description, &mut errors);
        let names = check_names(&spec.waves, &mut errors);
        let waves: Vec<Wave> = spec
            .waves
            .iter()
            .enumerate()
            .map(|(index, wave)| parse_wave(index, wave, &names, &mut errors))
            .collect();
        check_groups(&spec.waves, &mut errors);
        hooks::check_count(&spec.waves, &mut errors);
        if errors.is_empty() {
            order::check_cycles(&waves, &mut errors);
        }
        let execution_timeout = spec.execution_timeout_seconds.map(|seconds| {
            parse_duration(
                seconds,
                1..=limits::LONGEST_TIMEOUT.as_secs(),
                vec![PathStep::Attribute("execution_timeout_seconds")],
                &mut errors,
            )
        });
        for (name, objective) in [
            ("rto_objective", spec.rto_objective_seconds),
            ("rpo_objective", spec.rpo_objective_seconds),
        ] {
            if let Some(seconds) = objective {
                let range = 1..=limits::LONGEST_OBJECTIVE.as_secs();
                parse_duration(seconds, range, vec![PathStep::Attribute(name)], &mut errors);
            }
        }
        let notifications = notifications::parse(spec, &mut errors);
        let drill_guard = guard::parse(spec, &mut errors);
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Self {
            name: spec.name.clone(),
            waves,
            execution_timeout,
            notifications,
            drill_guard,
            digest: digest::of(spec),
        })
    }

    /// The plan's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The waves in the order they were listed.
    pub fn waves(&self) -> &[Wave] {
        &self.waves
    }

    /// The limit for a whole execution, where one was set.
    pub fn execution_timeout(&self) -> Option<SignedDuration> {
        self.execution_timeout
    }

    /// Who is told what happens, where the plan says so.
    pub fn notifications(&self) -> Option<&Notifications> {
        self.notifications.as_ref()
    }

    /// What must be true of the subnets that a drill launches into, where the plan says so.
    pub fn drill_guard(&self) -> Option<&DrillGuard> {
        self.drill_guard.as_ref()
    }

    /// A digest of everything that decides what an execution does. The name, the description and who is told are left
    /// out: renaming a plan does not make a drill stale, and neither does a new address.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Every group the plan names, once, in order of first use.
    pub fn groups(&self) -> Vec<GroupId> {
        let mut seen = BTreeSet::new();
        self.waves
            .iter()
            .flat_map(|wave| &wave.groups)
            .filter(|id| seen.insert(*id))
            .cloned()
            .collect()
    }

    /// The waves of the longest chain, first to last.
    pub fn critical_path(&self) -> Vec<&Wave> {
        let chain = order::critical_path(&self.waves).into_iter();
        chain.map(|index| &self.waves[index]).collect()
    }

    /// The waves stage by stage: each is one stage after the last of those that it waits for.
    pub fn stages(&self) -> Vec<Vec<&Wave>> {
        let mut stages = Vec::new();
        for (wave, stage) in self.waves.iter().zip(order::stages(&self.waves)) {
            while stages.len() <= stage {
                stages.push(Vec::new());
            }
            stages[stage].push(wave);
        }
        stages
    }

    /// The longest chain of waves, timeouts and waits summed: the default limit of a drill.
    pub fn longest_chain(&self) -> SignedDuration {
        order::longest_chain(&self.waves)
    }
}

impl LaunchOrder {
    /// The word that configuration and history use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Parallel => "PARALLEL",
            Self::Sequential => "SEQUENTIAL",
        }
    }
}

fn check_text(name: &str, description: &Option<String>, errors: &mut Vec<PlanError>) {
    if let Some(message) = name_problem(name) {
        errors.push(PlanError {
            path: vec![PathStep::Attribute("name")],
            message,
        });
    }
    if description
        .as_ref()
        .is_some_and(|text| text.chars().count() > limits::DESCRIPTION_CHARS)
    {
        errors.push(PlanError {
            path: vec![PathStep::Attribute("description")],
            message: format!("at most {} characters", limits::DESCRIPTION_CHARS),
        });
    }
}

/// What is wrong with a name of a group, a plan or a wave; none when it is fine.
pub fn name_problem(name: &str) -> Option<String> {
    let length = name.chars().count();
    if name.trim().is_empty() {
        return Some("a name is needed; it is empty".to_owned());
    }
    if name.trim() != name {
        return Some(format!("the name {name:?} starts or ends with white space"));
    }
    if length > limits::NAME_CHARS {
        return Some(format!(
            "the name has {length} characters; at most {} are allowed",
            limits::NAME_CHARS
        ));
    }
    name.chars()
        .any(char::is_control)
        .then(|| format!("the name {name:?} contains a control character"))
}

fn check_names(waves: &[WaveSpec], errors: &mut Vec<PlanError>) -> BTreeMap<String, usize> {
    if waves.is_empty() {
        errors.push(PlanError {
            path: vec![PathStep::Attribute("waves")],
            message: "a plan needs at least one wave; add one".to_owned(),
        });
    }
    if waves.len() > limits::WAVES_PER_PLAN {
        errors.push(PlanError {
            path: vec![PathStep::Attribute("waves")],
            message: format!(
                "{} waves; at most {} are allowed in one plan",
                waves.len(),
                limits::WAVES_PER_PLAN
            ),
        });
    }
    let mut names = BTreeMap::new();
    for (index, wave) in waves.iter().enumerate() {
        let path = || wave_path(index, "name");
        if let Some(message) = name_problem(&wave.name) {
            errors.push(PlanError {
                path: path(),
                message,
            });
        } else if let Some(first) = names.insert(wave.name.clone(), index) {
            let message = format!(
                "the wave name {:?} is already used by waves[{first}]; names must be unique",
                wave.name
            );
            errors.push(PlanError {
                path: path(),
                message,
            });
        }
    }
    names
}

fn parse_wave(
    index: usize,
    spec: &WaveSpec,
    names: &BTreeMap<String, usize>,
    errors: &mut Vec<PlanError>,
) -> Wave {
    if spec.protection_group_ids.is_empty() {
        errors.push(PlanError {
            path: wave_path(index, "protection_group_ids"),
            message: format!(
                "wave {:?} names no protection group, so it would launch nothing; name one, or remove the wave",
                spec.name
            ),
        });
    }
    if let Some(subset) = &spec.source_server_ids {
        check_subset(index, subset, errors);
    }
    let order = match spec.launch_order.as_deref() {
        None | Some("PARALLEL") => LaunchOrder::Parallel,
        Some("SEQUENTIAL") => LaunchOrder::Sequential,
        Some(other) => {
            let message =
                format!("{other:?} is not a launch order; use \"PARALLEL\" or \"SEQUENTIAL\"");
            errors.push(PlanError {
                path: wave_path(index, "launch_order"),
                message,
            });
            LaunchOrder::Parallel
        }
    };
    let (policy, critical) = policy::parse(index, spec, errors);
    let checks = checks::parse(index, spec, errors);
    let (before_hooks, after_hooks) = hooks::parse(index, spec, errors);
    let longest = limits::LONGEST_TIMEOUT.as_secs();
    Wave {
        name: spec.name.clone(),
        groups: spec.protection_group_ids.clone(),
        depends_on: parse_dependencies(index, spec, names, errors),
        order,
        subset: spec.source_server_ids.clone(),
        max_in_flight: parse_in_flight(index, spec.max_in_flight, errors),
        wait: spec
            .wait_time_seconds
            .map_or(SignedDuration::ZERO, |seconds| {
                parse_duration(
                    seconds,
                    0..=longest,
                    wave_path(index, "wait_time_seconds"),
                    errors,
                )
            }),
        timeout: spec
            .timeout_seconds
            .map_or(limits::WAVE_TIMEOUT, |seconds| {
                parse_duration(
                    seconds,
                    1..=longest,
                    wave_path(index, "timeout_seconds"),
                    errors,
                )
            }),
        pause_before: spec.pause_before.unwrap_or_default(),
        policy,
        critical,
        checks,
        before_hooks,
        after_hooks,
    }
}

fn parse_dependencies(
    index: usize,
    spec: &WaveSpec,
    names: &BTreeMap<String, usize>,
    errors: &mut Vec<PlanError>,
) -> Vec<usize> {
    let Some(written) = &spec.depends_on_waves else {
        return index.checked_sub(1).into_iter().collect();
    };
    let mut found = BTreeSet::new();
    for (position, name) in written.iter().enumerate() {
        let mut path = wave_path(index, "depends_on_waves");
        path.push(PathStep::Index(position));
        match names.get(name) {
            Some(&other) if other == index => {
                errors.push(PlanError {
                    path,
                    message: format!("wave {name:?} depends on itself"),
                });
            }
            Some(&other) => {
                found.insert(other);
            }
            None => errors.push(PlanError {
                path,
                message: unknown_wave(name, names),
            }),
        }
    }
    found.into_iter().collect()
}

fn unknown_wave(name: &str, names: &BTreeMap<String, usize>) -> String {
    let known: Vec<String> = names.keys().map(|known| format!("{known:?}")).collect();
    format!(
        "there is no wave {name:?} in this plan; its waves are {}",
        known.join(", ")
    )
}

fn parse_in_flight(index: usize, written: Option<i64>, errors: &mut Vec<PlanError>) -> Option<u32> {
    let value = written?;
    let most = i64::try_from(limits::SERVERS_PER_GROUP).unwrap_or(i64::MAX);
    match u32::try_from(value) {
        Ok(count) if (1..=most).contains(&value) => Some(count),
        _ => {
            let message = format!(
                "{value} servers in flight; use a number from 1 to {most}, or leave it out"
            );
            errors.push(PlanError {
                path: wave_path(index, "max_in_flight"),
                message,
            });
            None
        }
    }
}

fn parse_duration(
    seconds: i64,
    range: RangeInclusive<i64>,
    path: Vec<PathStep>,
    errors: &mut Vec<PlanError>,
) -> SignedDuration {
    if !range.contains(&seconds) {
        let (least, most) = range.into_inner();
        let days = if most == limits::LONGEST_TIMEOUT.as_secs() {
            " (7 days)"
        } else {
            ""
        };
        let message = format!("{seconds} seconds; use a number from {least} to {most}{days}");
        errors.push(PlanError { path, message });
        return SignedDuration::ZERO;
    }
    SignedDuration::from_secs(seconds)
}

fn check_subset(index: usize, subset: &[ServerId], errors: &mut Vec<PlanError>) {
    if subset.is_empty() {
        errors.push(PlanError {
            path: wave_path(index, "source_server_ids"),
            message: "an empty list would launch nothing; leave it out to launch every server of the groups".to_owned(),
        });
    }
    let mut seen = BTreeSet::new();
    for (position, id) in subset.iter().enumerate() {
        if !seen.insert(id) {
            let mut path = wave_path(index, "source_server_ids");
            path.push(PathStep::Index(position));
            errors.push(PlanError {
                path,
                message: format!("server {id} is listed twice"),
            });
        }
    }
}

/// A group in two waves would launch its servers twice, and the second launch deletes the first instance; only waves
/// that each take a subset may share a group.
fn check_groups(waves: &[WaveSpec], errors: &mut Vec<PlanError>) {
    let mut used: BTreeMap<&GroupId, (usize, bool)> = BTreeMap::new();
    for (index, wave) in waves.iter().enumerate() {
        let mut here = BTreeSet::new();
        for (position, id) in wave.protection_group_ids.iter().enumerate() {
            let mut path = wave_path(index, "protection_group_ids");
            path.push(PathStep::Index(position));
            if !here.insert(id) {
                errors.push(PlanError {
                    path,
                    message: format!("protection group {id} is listed twice in this wave"),
                });
                continue;
            }
            let whole = wave.source_server_ids.is_none();
            match used.get(id) {
                Some(&(first, first_whole)) if whole || first_whole => {
                    let message = format!(
                        "protection group {id} is already launched by waves[{first}] ({:?}); launching a server again \
                         deletes its first instance. Give each wave its own source_server_ids to share a group",
                        waves[first].name
                    );
                    errors.push(PlanError { path, message });
                }
                _ => {
                    used.insert(id, (index, whole));
                }
            }
        }
    }
    if used.len() > limits::GROUPS_PER_PLAN {
        let message = format!(
            "{} protection groups; at most {} are allowed in one plan",
            used.len(),
            limits::GROUPS_PER_PLAN
        );
        errors.push(PlanError {
            path: vec![PathStep::Attribute("waves")],
            message,
        });
    }
}

/// The path of an attribute of a wave.
fn wave_path(index: usize, attribute: &'static str) -> Vec<PathStep> {
    vec![
        PathStep::Attribute("waves"),
        PathStep::Index(index),
        PathStep::Attribute(attribute),
    ]
}

#[cfg(test)]
mod tests;
