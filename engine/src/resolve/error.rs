//! Why a plan cannot be launched now, in words for people and with the attribute of the plan that each is about.

use std::fmt;

use crate::ids::{GroupId, PlanId, ServerId, Target};
use crate::limits;
use crate::plan::{PathStep, PlanError, Wave};
use crate::ports::CallError;
use crate::readiness::Named;
use crate::store::codec::ReadError;
use crate::store::group::Selection;

use super::some_of;

/// A group within a wave of a plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The wave's position.
    pub wave: usize,
    /// Its name.
    pub wave_name: String,
    /// The group's position in `protection_group_ids`.
    pub group: usize,
    /// Its name.
    pub group_name: String,
}

/// One reason why a plan cannot be launched now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResolveError {
    /// There is no such plan.
    PlanMissing(PlanId),
    /// The plan itself is wrong.
    Plan(PlanError),
    /// The part of the plan that was asked for means nothing.
    Part(String),
    /// A group that the plan names does not exist.
    GroupMissing {
        /// Where.
        at: Place,
        /// The group.
        group: GroupId,
    },
    /// A group has no servers.
    GroupEmpty {
        /// Where.
        at: Place,
        /// How it selects servers.
        selection: Selection,
        /// Where its servers would live.
        target: Target,
    },
    /// DRS does not know a server that a group lists.
    ServerUnknown {
        /// Where.
        at: Place,
        /// The server.
        server: ServerId,
        /// Where it was looked for.
        target: Target,
    },
    /// A server lives in another account or Region than its group says.
    ServerElsewhere {
        /// Where.
        at: Place,
        /// The server.
        server: ServerId,
        /// Where it lives.
        home: Target,
        /// Where the group says it does.
        target: Target,
    },
    /// A wave names a server that none of its groups has.
    ServerNotInGroups {
        /// The wave's position.
        wave: usize,
        /// Its name.
        wave_name: String,
        /// The server's position in `source_server_ids`.
        position: usize,
        /// The server.
        server: ServerId,
    },
    /// A wave calls a server critical that it does not launch.
    CriticalNotInWave {
        /// The wave's position.
        wave: usize,
        /// Its name.
        wave_name: String,
        /// The server's position in `critical_server_ids`.
        position: usize,
        /// The server.
        server: ServerId,
    },
    /// Servers would be launched twice.
    ServersTwice {
        /// Who launches them first.
        first: Place,
        /// Who would launch them again.
        again: Place,
        /// They themselves.
        servers: Vec<Named>,
    },
    /// A wave would have more servers in jobs at once than the quota allows.
    WaveTooLarge {
        /// The wave's position.
        wave: usize,
        /// Its name.
        wave_name: String,
        /// Where.
        target: Target,
        /// How many servers at once.
        have: usize,
        /// How many DRS allows.
        quota: usize,
    },
    /// A plan has more servers in one target than DRS can hold.
    PlanTooLarge {
        /// Where.
        target: Target,
        /// How many servers.
        have: usize,
    },
    /// DRS could not be asked.
    Call {
        /// Where.
        target: Target,
        /// Why.
        error: CallError,
    },
    /// The store could not be read.
    Read(ReadError),
}

impl Place {
    pub(super) fn new(index: usize, wave: &Wave, group: usize, group_name: &str) -> Self {
        Self {
            wave: index,
            wave_name: wave.name.clone(),
            group,
            group_name: group_name.to_owned(),
        }
    }

    /// The path of the group's id in the plan.
    pub fn path(&self) -> Vec<PathStep> {
        in_wave(self.wave, "protection_group_ids", Some(self.group))
    }
}

impl ResolveError {
    /// The attribute of the plan that the error is about; empty when it is about none.
    pub fn path(&self) -> Vec<PathStep> {
        match self {
            Self::Plan(error) => error.path.clone(),
            Self::GroupMissing { at, .. }
            | Self::GroupEmpty { at, .. }
            | Self::ServerUnknown { at, .. }
            | Self::ServerElsewhere { at, .. }
            | Self::ServersTwice { again: at, .. } => at.path(),
            Self::ServerNotInGroups { wave, position, .. } => {
                in_wave(*wave, "source_server_ids", Some(*position))
            }
            Self::CriticalNotInWave { wave, position, .. } => {
                in_wave(*wave, "critical_server_ids", Some(*position))
            }
            Self::WaveTooLarge { wave, .. } => in_wave(*wave, "protection_group_ids", None),
            Self::PlanTooLarge { .. } => vec![PathStep::Attribute("waves")],
            Self::PlanMissing(_) | Self::Part(_) | Self::Call { .. } | Self::Read(_) => Vec::new(),
        }
    }

    /// Whether the same question may be answered later without anything being changed.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Call { error, .. } | Self::Read(ReadError::Call(error)) => error.is_retryable(),
            _ => false,
        }
    }
}

impl ResolveError {
    fn too_large(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WaveTooLarge {
                wave_name,
                target,
                have,
                quota,
                ..
            } => write!(
                f,
                "wave {wave_name:?} would launch {have} servers at once in {target}, where DRS has at most {quota} \
                 servers in jobs at a time. Split the wave, or set max_in_flight to at most {quota} so that the rest \
                 follows as others finish"
            ),
            Self::PlanTooLarge { target, have } => write!(
                f,
                "the plan launches {have} servers in {target}, where DRS holds at most {}. Split the plan",
                limits::SERVERS_PER_TARGET
            ),
            _ => Ok(()),
        }
    }
}

fn in_wave(wave: usize, attribute: &'static str, position: Option<usize>) -> Vec<PathStep> {
    let mut path = vec![
        PathStep::Attribute("waves"),
        PathStep::Index(wave),
        PathStep::Attribute(attribute),
    ];
    path.extend(position.map(PathStep::Index));
    path
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "wave {:?} by protection group {:?}",
            self.wave_name, self.group_name
        )
    }
}

fn names(servers: &[Named]) -> Vec<String> {
    let named = |(id, hostname): &Named| format!("{hostname} ({id})");
    servers.iter().map(named).collect()
}

fn why_empty(selection: &Selection, target: &Target) -> String {
    let Selection::Tags(tags) = selection else {
        return "it lists none".to_owned();
    };
    let tags: Vec<String> = tags
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    format!(
        "no source server of {target} carries all of its tags ({}); upper and lower case matter",
        tags.join(", ")
    )
}

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PlanMissing(id) => write!(f, "there is no recovery plan {id}"),
            Self::Plan(error) => write!(f, "{error}"),
            Self::Part(problem) => write!(f, "{problem}"),
            Self::GroupMissing { at, group } => {
                let wave = &at.wave_name;
                write!(
                    f,
                    "wave {wave:?} names protection group {group}, which does not exist; make it, or take it out of \
                     the plan"
                )
            }
            Self::GroupEmpty {
                at,
                selection,
                target,
            } => {
                let why = why_empty(selection, target);
                write!(
                    f,
                    "protection group {:?} has no servers: {why}",
                    at.group_name
                )
            }
            Self::ServerUnknown { at, server, target } => write!(
                f,
                "protection group {:?} lists source server {server}, which DRS does not know in {target}. Remove it \
                 from the group, or look for it in another Region",
                at.group_name
            ),
            Self::ServerElsewhere {
                at,
                server,
                home,
                target,
            } => write!(
                f,
                "protection group {:?} is for {target}, but its source server {server} lives in {home}",
                at.group_name
            ),
            Self::ServerNotInGroups {
                wave_name, server, ..
            } => write!(
                f,
                "wave {wave_name:?} names source server {server}, which is in none of the wave's protection groups"
            ),
            Self::CriticalNotInWave {
                wave_name, server, ..
            } => write!(
                f,
                "wave {wave_name:?} calls source server {server} critical and does not launch it. Use the ids of servers \
                 that this wave launches"
            ),
            Self::ServersTwice {
                first,
                again,
                servers,
            } => write!(
                f,
                "{} would be launched in {first} and again in {again}; launching a server again deletes its first \
                 instance. Make the tags of the groups exclude each other, or give each wave its own source_server_ids",
                some_of(&names(servers))
            ),
            Self::WaveTooLarge { .. } | Self::PlanTooLarge { .. } => self.too_large(f),
            Self::Call { error, .. } => write!(f, "{error}"),
            Self::Read(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for ResolveError {}

impl From<ReadError> for ResolveError {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}
