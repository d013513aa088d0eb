//! One thing that a preflight looked at: what was found, what it is about, and the one command that helps.
//!
//! The text is for a person and is complete in itself. The rest says the same to a program, and only what is certainly so:
//! a finding that singles out no server names none.

use std::collections::{BTreeMap, BTreeSet};

use crate::frozen::Frozen;
use crate::ids::{ServerId, Target};
use crate::limits;
use crate::plan::Plan;

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// It is as it should be.
    Ready,
    /// It would be run, and somebody should know.
    Warning,
    /// It would not be run.
    Problem,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at, in a word.
    pub check: &'static str,
    /// How much it weighs.
    pub level: Level,
    /// What was found, and what helps.
    pub text: String,
    /// The servers that it singles out, in launch order: the first
    /// [`SERVERS_PER_FINDING`](crate::limits::SERVERS_PER_FINDING) of them.
    pub servers: Vec<FoundServer>,
    /// How many servers it singles out beside those.
    pub more_servers: usize,
    /// The waves that it is about, those of all its servers included, in the plan's order.
    pub waves: Vec<String>,
    /// The account and Region that it is about, where it is about one.
    pub target: Option<Target>,
    /// The one command that helps, where one does. It changes nothing, unless only a change helps.
    pub command: Option<String>,
}

/// A server that a finding is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundServer {
    /// The source server.
    pub id: ServerId,
    /// Its host name; none where DRS does not know the server.
    pub hostname: Option<String>,
}

impl Finding {
    /// A finding that is about nothing in particular yet.
    pub fn new(check: &'static str, level: Level, text: impl Into<String>) -> Self {
        Self {
            check,
            level,
            text: text.into(),
            servers: Vec::new(),
            more_servers: 0,
            waves: Vec::new(),
            target: None,
            command: None,
        }
    }

    /// The same about an account and a Region.
    #[must_use]
    pub fn at(mut self, target: &Target) -> Self {
        self.target = Some(target.clone());
        self
    }

    /// The same with the command that helps.
    #[must_use]
    pub fn help(mut self, command: impl Into<Option<String>>) -> Self {
        self.command = command.into();
        self
    }

    /// The same about waves, each named once.
    #[must_use]
    pub fn in_waves<'a>(mut self, names: impl IntoIterator<Item = &'a String>) -> Self {
        for name in names {
            if !self.waves.contains(name) {
                self.waves.push(name.clone());
            }
        }
        self
    }

    /// The same about servers of the plan, each once and in launch order, and about the waves that launch them.
    #[must_use]
    pub(super) fn of<'a>(
        self,
        roster: &Roster,
        ids: impl IntoIterator<Item = &'a ServerId>,
    ) -> Self {
        let mut known = BTreeMap::new();
        let mut unknown = BTreeSet::new();
        for id in ids {
            match roster.servers.get(id) {
                Some(server) => {
                    known.insert(server.position, (id, server));
                }
                None => {
                    unknown.insert(id);
                }
            }
        }
        let waves = known.values().map(|(_, server)| &server.wave);
        let unknown = unknown.into_iter().map(|id| (id.clone(), None));
        let named = known
            .values()
            .map(|(id, server)| ((*id).clone(), Some(server.hostname.clone())));
        self.in_waves(waves).of_named(named.chain(unknown))
    }

    /// The same about servers that are known by these names, or by none.
    #[must_use]
    pub(super) fn of_named(
        mut self,
        servers: impl IntoIterator<Item = (ServerId, Option<String>)>,
    ) -> Self {
        for (id, hostname) in servers {
            if self.servers.len() < limits::SERVERS_PER_FINDING {
                self.servers.push(FoundServer { id, hostname });
            } else {
                self.more_servers += 1;
            }
        }
        self
    }

    /// The server that it is about, where it is about one only.
    pub fn server(&self) -> Option<&FoundServer> {
        match self.servers.as_slice() {
            [one] if self.more_servers == 0 => Some(one),
            _ => None,
        }
    }

    /// The wave that it is about, where it is about one only.
    pub fn wave(&self) -> Option<&str> {
        match self.waves.as_slice() {
            [one] => Some(one),
            _ => None,
        }
    }
}

/// The servers of a plan, with the names and the waves that people know them by.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    servers: BTreeMap<ServerId, Entry>,
}

#[derive(Debug)]
struct Entry {
    hostname: String,
    wave: String,
    /// Its place in launch order, wave by wave.
    position: usize,
}

impl Roster {
    pub(crate) fn new(plan: &Plan, frozen: &Frozen) -> Self {
        let waves = plan.waves().iter().zip(&frozen.waves);
        let all = waves.flat_map(|(wave, servers)| servers.iter().map(move |one| (wave, one)));
        let servers = all.enumerate().map(|(position, (wave, server))| {
            let entry = Entry {
                hostname: server.hostname.clone(),
                wave: wave.name.clone(),
                position,
            };
            (server.id.clone(), entry)
        });
        Self {
            servers: servers.collect(),
        }
    }

    /// What people call a server: its host name, or its id where that is all there is.
    pub(super) fn name<'a>(&'a self, id: &'a ServerId) -> &'a str {
        let known = self.servers.get(id);
        known.map_or(id.as_str(), |server| &server.hostname)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(count: usize) -> impl Iterator<Item = (ServerId, Option<String>)> {
        (0..count).map(|number| (ServerId::new(format!("s-{number}")), None))
    }

    #[test]
    fn servers_beyond_the_limit_are_counted_and_none_of_them_is_the_one() {
        let most = limits::SERVERS_PER_FINDING;
        let finding = |count| Finding::new("quotas", Level::Ready, "").of_named(named(count));
        for (count, listed, more) in [(0, 0, 0), (1, 1, 0), (most, most, 0), (most + 7, most, 7)] {
            let found = finding(count);
            let counted = (found.servers.len(), found.more_servers);
            assert_eq!(counted, (listed, more), "{count} servers");
            assert_eq!(found.server().is_some(), count == 1, "{count} servers");
        }
    }

    #[test]
    fn servers_come_once_in_launch_order_with_the_waves_of_those_that_are_only_counted() {
        let most = limits::SERVERS_PER_FINDING;
        let wave = |position| if position < most { "database" } else { "web" };
        let entry = |position, id| {
            let entry = Entry {
                hostname: format!("host-{position}"),
                wave: wave(position).to_owned(),
                position,
            };
            (id, entry)
        };
        let ids: Vec<ServerId> = named(most + 1).map(|(id, _)| id).collect();
        let roster = Roster {
            servers: ids
                .iter()
                .cloned()
                .enumerate()
                .map(|(at, id)| entry(at, id))
                .collect(),
        };
        let hostnames = |found: &Finding| -> Vec<String> {
            let servers = found.servers.iter();
            servers
                .filter_map(|server| server.hostname.clone())
                .collect()
        };
        let finding = Finding::new("quotas", Level::Ready, "");
        let all = finding.clone().of(&roster, ids.iter().rev().chain(&ids));
        assert_eq!((all.more_servers, all.wave()), (1, None));
        assert_eq!(all.waves, ["database", "web"]);
        assert_eq!(hostnames(&all)[..2], ["host-0", "host-1"]);

        let (stranger, last) = (ServerId::new("s-x"), &ids[most]);
        let two = finding.of(&roster, [&stranger, last]);
        assert_eq!((two.servers.len(), two.wave()), (2, Some("web")));
        assert_eq!(hostnames(&two), [format!("host-{most}")]);
        assert_eq!(two.servers[1].id, stranger, "who is not known comes last");
    }
}
