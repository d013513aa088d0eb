//! A part of a plan: the waves, groups and servers that an execution is for.
//!
//! It narrows what was resolved and never adds to it, so every rule of a whole plan holds for the part. It is recorded
//! with the execution; the rest can be run later by another one.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::event::FrozenWave;
use crate::frozen::{Frozen, FrozenServer};
use crate::plan::Success;
use crate::store::group::Group;

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

    /// Narrows what takes part. Waves without servers stay, so that positions and dependencies do, and are passed at
    /// once.
    ///
    /// # Errors
    ///
    /// Every name that means nothing here, and that nothing would be left.
    pub fn narrow(
        &self,
        waves: &mut [FrozenWave],
        groups: &[Group],
        frozen: &mut Frozen,
    ) -> Result<(), Vec<String>> {
        if self.is_all() {
            return Ok(());
        }
        let problems = self.unknown(waves, groups, frozen);
        if !problems.is_empty() {
            return Err(problems);
        }
        let wanted: BTreeSet<&str> = groups
            .iter()
            .filter(|group| self.groups.iter().any(|named| is_group(group, named)))
            .map(|group| group.id.as_str())
            .collect();
        for (wave, servers) in waves.iter_mut().zip(&mut frozen.waves) {
            let takes_part = self.waves.is_empty() || self.waves.contains(&wave.name);
            servers.retain(|server| {
                takes_part
                    && (self.groups.is_empty() || wanted.contains(server.group.as_str()))
                    && !self.without.iter().any(|named| is_server(server, named))
            });
            wave.servers = servers.len();
            // A wave that goes by its critical servers goes by all of them when none of those is left.
            if wave.policy.success == Success::Critical
                && !servers.iter().any(|server| server.critical)
            {
                wave.policy.success = Success::Every;
            }
            if servers.is_empty() {
                wave.wait = SignedDuration::ZERO;
                wave.pause_before = false;
                wave.checks = None;
                wave.before_hooks.clear();
                wave.after_hooks.clear();
            }
        }
        if frozen.servers().next().is_none() {
            return Err(vec![
                "no server would be left: name other waves or groups, or leave out fewer servers"
                    .to_owned(),
            ]);
        }
        Ok(())
    }

    fn unknown(&self, waves: &[FrozenWave], groups: &[Group], frozen: &Frozen) -> Vec<String> {
        let list = |names: Vec<String>| names.join(", ");
        let mut problems = Vec::new();
        for named in &self.waves {
            if !waves.iter().any(|wave| wave.name == *named) {
                let known = waves.iter().map(|wave| format!("{:?}", wave.name));
                problems.push(format!(
                    "the plan has no wave {named:?}; its waves are {}",
                    list(known.collect())
                ));
            }
        }
        for named in &self.groups {
            if !groups.iter().any(|group| is_group(group, named)) {
                let known = groups
                    .iter()
                    .map(|group| format!("{:?}", group.config.name));
                problems.push(format!(
                    "the plan has no protection group {named:?}; its groups are {}",
                    list(known.collect())
                ));
            }
        }
        for named in &self.without {
            if !frozen.servers().any(|(_, server)| is_server(server, named)) {
                problems.push(format!(
                    "no server of the plan has the id or the host name {named:?}"
                ));
            }
        }
        problems
    }
}

fn is_group(group: &Group, named: &str) -> bool {
    group.id.as_str() == named || group.config.name.to_lowercase() == named.to_lowercase()
}

fn is_server(server: &FrozenServer, named: &str) -> bool {
    server.id.as_str() == named || server.hostname == named
}
