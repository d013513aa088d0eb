//! The part of a plan that is resolved: what an execution is for, in terms of this plan.
//!
//! What is outside it is neither looked at nor judged, so that a server that is gone, or an account that nobody can reach,
//! does not hold up what has nothing to do with it.

use std::collections::BTreeSet;

use crate::ids::{GroupId, ServerId};
use crate::only::Only;
use crate::plan::{Plan, Wave};
use crate::store::group::Group;

use super::ResolveError;

/// A part of a plan; all of it by default.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// Names of waves; none where every wave takes part.
    waves: Option<BTreeSet<String>>,
    /// The groups; none where every group takes part.
    groups: Option<BTreeSet<GroupId>>,
    /// Ids or host names of servers that are left out.
    without: BTreeSet<String>,
}

impl Part {
    /// What of a plan is asked for.
    ///
    /// # Errors
    ///
    /// Every name of a wave or a group that means nothing here.
    pub(super) fn of(
        only: &Only,
        plan: &Plan,
        groups: &[Group],
    ) -> Result<Self, Vec<ResolveError>> {
        let mut problems = Vec::new();
        for named in &only.waves {
            if !plan.waves().iter().any(|wave| wave.name == *named) {
                let known = plan.waves().iter().map(|wave| format!("{:?}", wave.name));
                problems.push(format!(
                    "the plan has no wave {named:?}; its waves are {}",
                    listed(known)
                ));
            }
        }
        let mut wanted = BTreeSet::new();
        for named in &only.groups {
            let found = groups.iter().find(|group| is_group(group, named));
            wanted.extend(found.map(|group| group.id.clone()));
            if found.is_none() {
                let known = groups
                    .iter()
                    .map(|group| format!("{:?}", group.config.name));
                problems.push(format!(
                    "the plan has no protection group {named:?}; its groups are {}",
                    listed(known)
                ));
            }
        }
        if !problems.is_empty() {
            return Err(problems.into_iter().map(ResolveError::Part).collect());
        }
        let named = |names: &[String]| (!names.is_empty()).then(|| names.iter().cloned().collect());
        Ok(Self {
            waves: named(&only.waves),
            groups: (!wanted.is_empty()).then_some(wanted),
            without: only.without.iter().cloned().collect(),
        })
    }

    /// Whether a wave takes part.
    pub(super) fn has_wave(&self, wave: &Wave) -> bool {
        let waves = self.waves.as_ref();
        waves.is_none_or(|waves| waves.contains(&wave.name))
    }

    /// Whether a group takes part in the waves that do.
    pub(super) fn has_group(&self, group: &GroupId) -> bool {
        let groups = self.groups.as_ref();
        groups.is_none_or(|groups| groups.contains(group))
    }

    /// Whether a wave takes part with all of its groups, so that whatever it names must be among them.
    pub(super) fn is_whole(&self, wave: &Wave) -> bool {
        wave.groups.iter().all(|group| self.has_group(group))
    }

    /// The groups that take part, of all that a plan names.
    pub(super) fn groups(&self, plan: &Plan, all: &[Group]) -> Vec<Group> {
        let waves = plan.waves().iter().filter(|wave| self.has_wave(wave));
        let named: BTreeSet<&GroupId> = waves.flat_map(|wave| &wave.groups).collect();
        let takes_part = |group: &&Group| named.contains(&group.id) && self.has_group(&group.id);
        all.iter().filter(takes_part).cloned().collect()
    }

    /// Whether a server is left out, as far as its id tells.
    pub(super) fn leaves_out(&self, server: &ServerId) -> bool {
        self.without.contains(server.as_str())
    }

    /// Whether a server is left out by its id or its host name.
    pub(super) fn leaves_out_named(&self, server: &ServerId, hostname: &str) -> bool {
        self.leaves_out(server) || self.without.contains(hostname)
    }

    /// What is wrong with the names of servers to leave out, of which these are known, and with what is left.
    pub(super) fn problems(&self, known: &BTreeSet<String>, left: usize) -> Vec<ResolveError> {
        let unknown = self.without.iter().filter(|named| !known.contains(*named));
        let mut problems: Vec<String> = unknown
            .map(|named| format!("no server that takes part has the id or the host name {named:?}"))
            .collect();
        let is_all = self.waves.is_none() && self.groups.is_none() && self.without.is_empty();
        if problems.is_empty() && left == 0 && !is_all {
            let nothing =
                "no server would be left: name other waves or groups, or leave out fewer servers";
            problems.push(nothing.to_owned());
        }
        problems.into_iter().map(ResolveError::Part).collect()
    }
}

fn is_group(group: &Group, named: &str) -> bool {
    group.id.as_str() == named || group.config.name.to_lowercase() == named.to_lowercase()
}

fn listed(names: impl Iterator<Item = String>) -> String {
    names.collect::<Vec<_>>().join(", ")
}
