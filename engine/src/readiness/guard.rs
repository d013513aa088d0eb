//! The drill guard: a drill is launched only into subnets that carry the tags its plan names, so that it cannot boot clones
//! of production servers in production's network.
//!
//! What cannot be seen stops a drill as much as what is wrong. A recovery is never held up by it. Only the subnets are
//! looked at; what their routes and security groups let through is for whoever tags them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Launches, Named};
use crate::drive::Driver;
use crate::ids::Target;
use crate::limits;
use crate::plan::DrillGuard;
use crate::ports::{CallError, Clock, LaunchSettings, Outside};
use crate::resolve::{some_of, some_servers};
use crate::store::items::Items;

/// Reasons that one text spells out; the rest is counted.
const REASONS_TOLD: usize = 10;

/// What the guard saw when it let a drill start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardPassed {
    /// The tags that every subnet had to carry.
    pub subnet_tags: BTreeMap<String, String>,
    /// How many servers were looked at: all of them.
    pub servers: usize,
    /// The subnets that they boot in, the first [`SERVERS_PER_EVENT`](crate::limits::SERVERS_PER_EVENT) of them.
    pub subnets: Vec<String>,
}

/// Why the guard stops a drill: every reason, each with the servers it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// The reasons.
    pub reasons: Vec<Reason>,
}

/// One reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Something that the guard goes by cannot be read.
    Unreadable {
        /// Where.
        target: Target,
        /// Why.
        error: CallError,
    },
    /// Not every server could be looked at in time.
    Unfinished {
        /// Where.
        target: Target,
        /// How many were.
        read: usize,
        /// Of how many.
        count: usize,
    },
    /// Servers have no launch template, or one that does not exist.
    NoTemplate {
        /// The servers.
        servers: Vec<Named>,
        /// Where.
        target: Target,
    },
    /// Launch templates name no subnet.
    NoSubnet {
        /// The servers with their templates.
        servers: Vec<Named>,
        /// Where.
        target: Target,
    },
    /// A subnet does not exist.
    SubnetMissing {
        /// The servers with their templates.
        servers: Vec<Named>,
        /// The subnet.
        subnet: String,
        /// Where.
        target: Target,
    },
    /// A subnet lacks tags.
    TagsMissing {
        /// The servers with their templates.
        servers: Vec<Named>,
        /// The subnet.
        subnet: String,
        /// The tags as they should be, with what is there instead.
        tags: Vec<String>,
        /// Where.
        target: Target,
    },
    /// Servers are launched into instances that exist already.
    IntoInstance {
        /// The servers with the instances.
        servers: Vec<Named>,
        /// Where.
        target: Target,
    },
}

impl<D: Outside, I: Items, C: Clock> Driver<D, I, C> {
    /// Looks where a drill of these servers would boot.
    ///
    /// # Errors
    ///
    /// Every reason why it must not be launched.
    pub async fn check_drill_guard(
        &self,
        guard: &DrillGuard,
        servers: &BTreeMap<Target, Vec<Named>>,
    ) -> Result<GuardPassed, Stopped> {
        let mut reasons = Vec::new();
        let mut subnets = BTreeSet::new();
        for (target, servers) in servers {
            let launches = super::look(&self.drs, &self.clock, target, servers).await;
            match judge(guard, target, &launches) {
                Ok(found) => subnets.extend(found),
                Err(found) => reasons.extend(found),
            }
        }
        if !reasons.is_empty() {
            return Err(Stopped { reasons });
        }
        let first = subnets.into_iter().take(limits::SERVERS_PER_EVENT);
        Ok(GuardPassed {
            subnet_tags: guard.subnet_tags.clone(),
            servers: servers.values().map(Vec::len).sum(),
            subnets: first.collect(),
        })
    }
}

/// The subnets that servers boot in, or every reason why they must not.
pub(crate) fn judge(
    guard: &DrillGuard,
    target: &Target,
    launches: &Launches,
) -> Result<BTreeSet<String>, Vec<Reason>> {
    let unreadable = |error: &CallError| Reason::Unreadable {
        target: target.clone(),
        error: error.clone(),
    };
    let mut reasons: Vec<Reason> = launches.error.iter().map(unreadable).collect();
    if launches.error.is_none() && launches.read.len() < launches.count {
        reasons.push(Reason::Unfinished {
            target: target.clone(),
            read: launches.read.len(),
            count: launches.count,
        });
    }
    let mut found = Found::default();
    match &launches.templates {
        Err(error) => reasons.push(unreadable(error)),
        Ok(_) => {
            for (server, settings) in &launches.read {
                found.add(launches, server, settings);
            }
        }
    }
    if let Err(error) = &launches.subnets {
        reasons.push(unreadable(error));
    }
    reasons.extend(found.reasons(guard, target, launches));
    if reasons.is_empty() {
        Ok(found.by_subnet.into_keys().collect())
    } else {
        Err(reasons)
    }
}

/// Where servers boot, sorted by what it means.
#[derive(Default)]
struct Found {
    no_template: Vec<Named>,
    no_subnet: Vec<Named>,
    into_instance: Vec<Named>,
    by_subnet: BTreeMap<String, Vec<Named>>,
}

impl Found {
    fn add(&mut self, launches: &Launches, server: &Named, settings: &LaunchSettings) {
        let (id, hostname) = server;
        if let Some(instance) = &settings.into_instance {
            let told = format!("{hostname} ({id}) into {instance}");
            self.into_instance.push((id.clone(), told));
            return;
        }
        let templates = launches.templates.as_ref().ok();
        let name = settings.template.as_deref();
        let template = name.and_then(|name| templates?.get(name));
        let (Some(name), Some(template)) = (name, template) else {
            let told = format!("{hostname} ({id})");
            self.no_template.push((id.clone(), told));
            return;
        };
        let named = (id.clone(), format!("{hostname} ({name})"));
        if template.leaves_subnet_open {
            self.no_subnet.push(named.clone());
        }
        for subnet in &template.subnets {
            self.by_subnet
                .entry(subnet.clone())
                .or_default()
                .push(named.clone());
        }
    }

    fn reasons(&self, guard: &DrillGuard, target: &Target, launches: &Launches) -> Vec<Reason> {
        let target = || target.clone();
        let mut reasons = Vec::new();
        if !self.no_template.is_empty() {
            reasons.push(Reason::NoTemplate {
                servers: self.no_template.clone(),
                target: target(),
            });
        }
        if !self.into_instance.is_empty() {
            reasons.push(Reason::IntoInstance {
                servers: self.into_instance.clone(),
                target: target(),
            });
        }
        if !self.no_subnet.is_empty() {
            reasons.push(Reason::NoSubnet {
                servers: self.no_subnet.clone(),
                target: target(),
            });
        }
        let Ok(subnets) = &launches.subnets else {
            return reasons;
        };
        for (subnet, servers) in &self.by_subnet {
            let (subnet, servers) = (subnet.clone(), servers.clone());
            let Some(known) = subnets.get(&subnet) else {
                reasons.push(Reason::SubnetMissing {
                    servers,
                    subnet,
                    target: target(),
                });
                continue;
            };
            let tags = lacking(&guard.subnet_tags, &known.tags);
            if !tags.is_empty() {
                reasons.push(Reason::TagsMissing {
                    servers,
                    subnet,
                    tags,
                    target: target(),
                });
            }
        }
        reasons
    }
}

/// The tags that are not as they should be, in words.
fn lacking(wanted: &BTreeMap<String, String>, have: &BTreeMap<String, String>) -> Vec<String> {
    let wrong = wanted
        .iter()
        .filter(|(key, value)| have.get(*key) != Some(value));
    wrong
        .map(|(key, value)| match have.get(key) {
            None => format!("{key} = {value:?}"),
            Some(other) => format!("{key} = {value:?} (it is {other:?})"),
        })
        .collect()
}

impl GuardPassed {
    /// The guard that let it start.
    pub(crate) fn guard(&self) -> DrillGuard {
        DrillGuard {
            subnet_tags: self.subnet_tags.clone(),
        }
    }
}

impl Stopped {
    /// The calls that could not be made.
    pub fn calls(&self) -> impl Iterator<Item = &CallError> {
        self.reasons.iter().filter_map(|reason| match reason {
            Reason::Unreadable { error, .. } => Some(error),
            _ => None,
        })
    }

    /// Whether something was found that is wrong, and not only something that could not be seen.
    pub fn is_certain(&self) -> bool {
        self.reasons.iter().any(|reason| {
            !matches!(
                reason,
                Reason::Unreadable { .. } | Reason::Unfinished { .. }
            )
        })
    }

    /// Whether looking again may show something else without anybody mending anything.
    pub fn may_pass(&self) -> bool {
        self.reasons.iter().all(|reason| match reason {
            Reason::Unreadable { error, .. } => error.is_retryable(),
            Reason::Unfinished { .. } => true,
            _ => false,
        })
    }
}

impl Reason {
    /// The servers that it is about; none where it is about the whole target.
    pub fn servers(&self) -> &[Named] {
        match self {
            Self::Unreadable { .. } | Self::Unfinished { .. } => &[],
            Self::NoTemplate { servers, .. }
            | Self::NoSubnet { servers, .. }
            | Self::SubnetMissing { servers, .. }
            | Self::TagsMissing { servers, .. }
            | Self::IntoInstance { servers, .. } => servers,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { target, error } => write!(
                f,
                "it cannot be seen which subnets a drill would boot in: {error} (in {target})"
            ),
            Self::Unfinished {
                target,
                read,
                count,
            } => write!(
                f,
                "the launch settings of only {read} of {count} servers in {target} could be read within {} s",
                limits::EACH_SERVER_TIME.as_secs()
            ),
            Self::NoTemplate { servers, target } => write!(
                f,
                "in {target} these servers have no EC2 launch template that exists: {}; open their launch settings in DRS \
                 and save them",
                some_servers(servers)
            ),
            Self::IntoInstance { servers, target } => write!(
                f,
                "in {target} these servers are launched into instances that exist already, whose network no template \
                 names: {}",
                some_servers(servers)
            ),
            Self::NoSubnet { servers, target } => write!(
                f,
                "in {target} these launch templates name no subnet, so that EC2 takes one of the default VPC: {}; name a \
                 subnet in each",
                some_servers(servers)
            ),
            Self::SubnetMissing {
                servers,
                subnet,
                target,
            } => write!(
                f,
                "subnet {subnet} in {target} does not exist; these launch templates name it: {}",
                some_servers(servers)
            ),
            Self::TagsMissing {
                servers,
                subnet,
                tags,
                target,
            } => write!(
                f,
                "subnet {subnet} in {target} lacks {}; these launch templates name it: {}; name a subnet for drills in \
                 them, or tag this one if it is one",
                tags.join(", "),
                some_servers(servers)
            ),
        }
    }
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.reasons.iter().take(REASONS_TOLD);
        let texts: Vec<String> = first.map(ToString::to_string).collect();
        write!(f, "drill_guard.subnet_tags: {}", texts.join("; "))?;
        match self.reasons.len().saturating_sub(REASONS_TOLD) {
            0 => Ok(()),
            more => write!(f, "; and {more} more reasons like these"),
        }
    }
}

impl std::error::Error for Stopped {}

impl fmt::Display for GuardPassed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "every subnet that a launch template names carries {}: {} ({} server{})",
            self.guard(),
            some_of(&self.subnets),
            self.servers,
            if self.servers == 1 { "" } else { "s" }
        )
    }
}
