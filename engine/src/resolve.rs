//! Which servers a plan launches now.
//!
//! [`resolve`] reads the plan, its groups and the servers of DRS; [`settle`] is the pure part and can be asked at plan
//! time, too. Every problem is returned at once, each with the path of the attribute of the plan it is about.
//!
//! - A listed group has its servers in listed order; a tag group all servers that carry every one of its tags, exactly
//!   and case-sensitively, by host name and then id.
//! - A wave launches its groups' servers in the order of `protection_group_ids`; where it names a subset, in the order
//!   of the subset.
//! - No server takes part twice: launching it again would delete its first instance.
//! - Of a part of a plan, only the part is looked at.
//!
//! Lag or a stall of the replication refuses nothing: a recovery is needed exactly when the source is dead. It is noted.

use std::collections::{BTreeMap, BTreeSet};

use crate::frozen::{Frozen, FrozenServer};
use crate::ids::{ExecutionId, GroupId, PlanId, ServerId, Target};
use crate::limits::{self, Quotas};
use crate::only::Only;
use crate::plan::{LaunchOrder, Plan, PlanSpec, Wave};
use crate::ports::{Drs, SourceServer};
use crate::readiness::Named;
use crate::store::group::{Group, GroupConfig, Selection};
use crate::store::groups::Groups;
use crate::store::items::Items;
use crate::store::plan::StoredPlan;
use crate::store::plans::Plans;

mod error;
mod part;

pub use error::{Place, ResolveError};
pub use part::Part;

/// How many names a note or an error spells out; the rest is counted.
const NAMED: usize = 10;
/// Replication states, in DRS's words, that need no note.
pub(crate) const WELL: &str = "CONTINUOUS";

/// A plan with everything that an execution of it needs.
#[derive(Clone, Debug)]
pub struct Resolution {
    /// The plan as stored.
    pub plan: StoredPlan,
    /// The plan as checked.
    pub parsed: Plan,
    /// Every group that takes part, once, in order of first use.
    pub groups: Vec<Group>,
    /// Who takes part, wave by wave in launch order.
    pub frozen: Frozen,
    /// What a person should see before it starts: what tags selected, whose replication is not well.
    pub notes: Vec<String>,
}

/// What is written before an execution would start, and is not written yet: a host that plans knows it.
#[derive(Clone, Debug, Default)]
pub struct Meanwhile {
    /// The plan as it will be; none where it stays as it is.
    pub plan: Option<PlanSpec>,
    /// Groups as they will be; the others stay as they are.
    pub groups: BTreeMap<GroupId, GroupConfig>,
    /// Executions that will have ended.
    pub ended: BTreeSet<ExecutionId>,
}

impl Meanwhile {
    fn changed(&self, group: Group) -> Group {
        match self.groups.get(&group.id) {
            Some(config) => Group {
                config: config.clone(),
                ..group
            },
            None => group,
        }
    }
}

/// What the outside says that a resolution rests on.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The groups by id; one that does not exist is missing here.
    pub groups: BTreeMap<GroupId, GroupConfig>,
    /// The source servers of each target that a group lives in: all of them, or at least every listed one that exists.
    pub servers: BTreeMap<Target, Vec<SourceServer>>,
    /// The quotas of each target; the documented ones count for a target that is missing here.
    pub quotas: BTreeMap<Target, Quotas>,
}

/// Reads a plan and everything that it, or a part of it, launches now.
///
/// # Errors
///
/// Every problem there is. A store or a DRS that cannot be read ends the search at once.
pub async fn resolve<D: Drs, I: Items + Clone>(
    drs: &D,
    items: &I,
    plan: &PlanId,
    only: &Only,
) -> Result<Resolution, Vec<ResolveError>> {
    resolve_then(drs, items, plan, only, &Meanwhile::default()).await
}

/// The same as it will be once something is changed that is not written yet.
///
/// # Errors
///
/// As [`resolve`].
pub async fn resolve_then<D: Drs, I: Items + Clone>(
    drs: &D,
    items: &I,
    plan: &PlanId,
    only: &Only,
    meanwhile: &Meanwhile,
) -> Result<Resolution, Vec<ResolveError>> {
    let one = |error: ResolveError| vec![error];
    let mut stored = Plans::new(items.clone())
        .find(plan)
        .await
        .map_err(|error| one(error.into()))?
        .ok_or_else(|| one(ResolveError::PlanMissing(plan.clone())))?;
    if let Some(spec) = &meanwhile.plan {
        stored.spec = spec.clone();
    }
    let parsed = Plan::parse(&stored.spec).map_err(|errors| {
        errors
            .into_iter()
            .map(ResolveError::Plan)
            .collect::<Vec<_>>()
    })?;
    let found = Groups::new(items.clone()).find_all(&parsed.groups()).await;
    let found = found.map_err(|error| one(error.into()))?;
    let named = parsed.groups().into_iter();
    let groups: Vec<Group> = named
        .filter_map(|id| Some(meanwhile.changed(found.get(&id)?.clone())))
        .collect();
    let part = Part::of(only, &parsed, &groups)?;
    let groups = part.groups(&parsed, &groups);
    let around = look_around(drs, &groups).await.map_err(one)?;
    let (frozen, notes) = settle(&parsed, &around, &part)?;
    Ok(Resolution {
        plan: stored,
        parsed,
        groups,
        frozen,
        notes,
    })
}

/// The servers and quotas of every target that these groups live in.
///
/// # Errors
///
/// When a target cannot be asked.
pub async fn look_around<D: Drs>(drs: &D, groups: &[Group]) -> Result<Surroundings, ResolveError> {
    let mut around = Surroundings::default();
    let mut wanted: BTreeMap<&Target, Option<Vec<ServerId>>> = BTreeMap::new();
    for group in groups {
        around.groups.insert(group.id.clone(), group.config.clone());
        let ids = wanted
            .entry(&group.config.target)
            .or_insert_with(|| Some(Vec::new()));
        match &group.config.selection {
            Selection::Servers(listed) => {
                if let Some(ids) = ids {
                    ids.extend(listed.iter().cloned());
                }
            }
            // DRS cannot filter by tags, so all servers are read once.
            Selection::Tags(_) => *ids = None,
        }
    }
    for (target, ids) in wanted {
        let failed = |error| ResolveError::Call {
            target: target.clone(),
            error,
        };
        let servers = drs.source_servers(target, ids.as_deref()).await;
        let servers = servers.map_err(failed)?;
        let quotas = drs.quotas(target).await.map_err(failed)?;
        around.servers.insert(target.clone(), servers);
        around.quotas.insert(target.clone(), quotas);
    }
    Ok(around)
}

/// The servers that a group has among these, in launch order. Listed servers that are not among them are left out; see
/// [`missing`].
pub fn members<'a>(group: &GroupConfig, servers: &'a [SourceServer]) -> Vec<&'a SourceServer> {
    match &group.selection {
        Selection::Servers(listed) => {
            let by_id: BTreeMap<&ServerId, &SourceServer> =
                servers.iter().map(|server| (&server.id, server)).collect();
            listed
                .iter()
                .filter_map(|id| by_id.get(id).copied())
                .collect()
        }
        Selection::Tags(tags) => {
            let mut found: Vec<&SourceServer> = servers
                .iter()
                .filter(|server| carries(server, tags))
                .collect();
            found.sort_by_key(|server| (&server.hostname, &server.id));
            found.dedup_by_key(|server| &server.id);
            found
        }
    }
}

/// The servers that a group lists and that are not among these.
pub fn missing(group: &GroupConfig, servers: &[SourceServer]) -> Vec<ServerId> {
    let known: BTreeSet<&ServerId> = servers.iter().map(|server| &server.id).collect();
    let listed = group.selection.listed().iter();
    listed.filter(|id| !known.contains(id)).cloned().collect()
}

/// Whether a server carries every one of these tags, exactly.
pub fn carries(server: &SourceServer, tags: &BTreeMap<String, String>) -> bool {
    !tags.is_empty()
        && tags
            .iter()
            .all(|(key, value)| server.tags.get(key) == Some(value))
}

/// Whether a server runs Windows, as far as DRS knows.
pub fn runs_windows(server: &SourceServer) -> bool {
    let system = server.operating_system.as_deref().unwrap_or_default();
    system.to_ascii_lowercase().contains("windows")
}

/// Where a server really lives, as its ARN says; none when the ARN has another form.
pub fn home(server: &SourceServer) -> Option<Target> {
    let mut parts = server.arn.split(':').skip(3);
    let region = parts.next()?.to_owned();
    let account_id = parts.next()?.to_owned();
    Some(Target { account_id, region })
}

/// Puts servers and waves together. A wave that does not take part has no servers.
///
/// # Errors
///
/// Every problem there is, in the order of the plan's attributes.
pub fn settle(
    plan: &Plan,
    around: &Surroundings,
    part: &Part,
) -> Result<(Frozen, Vec<String>), Vec<ResolveError>> {
    let mut errors = Vec::new();
    let mut known = BTreeSet::new();
    let mut taken: BTreeMap<ServerId, Place> = BTreeMap::new();
    let mut frozen = Frozen::default();
    for (index, wave) in plan.waves().iter().enumerate() {
        if !part.has_wave(wave) {
            frozen.waves.push(Vec::new());
            continue;
        }
        let at = At { index, wave, part };
        let candidates = at.candidates(around, &mut known, &mut errors);
        let mut chosen = at.choose(candidates, &mut errors);
        at.mark_critical(&mut chosen, &mut errors);
        chosen.retain(|(_, server)| !part.leaves_out_named(&server.id, &server.hostname));
        refuse_twice(&chosen, &mut taken, &mut errors);
        let servers = chosen.into_iter().map(|(_, server)| server);
        frozen.waves.push(servers.collect());
    }
    errors.extend(too_many(plan, &frozen, &around.quotas));
    if errors.is_empty() {
        errors = part.problems(&known, frozen.servers().count());
    }
    if errors.is_empty() {
        let notes = notes(plan, around);
        Ok((frozen, notes))
    } else {
        Err(errors)
    }
}

/// A wave of a plan of which a part is put together.
struct At<'a> {
    index: usize,
    wave: &'a Wave,
    part: &'a Part,
}

impl At<'_> {
    /// Every server of the wave's groups in launch order, with the group that brings it in. The names by which servers
    /// can be left out are added to those that are known.
    fn candidates(
        &self,
        around: &Surroundings,
        known: &mut BTreeSet<String>,
        errors: &mut Vec<ResolveError>,
    ) -> Vec<(Place, FrozenServer)> {
        let mut found = Vec::new();
        for (position, id) in self.wave.groups.iter().enumerate() {
            if !self.part.has_group(id) {
                continue;
            }
            let Some(group) = around.groups.get(id) else {
                let at = Place::new(self.index, self.wave, position, id.as_str());
                errors.push(ResolveError::GroupMissing {
                    at,
                    group: id.clone(),
                });
                continue;
            };
            let at = Place::new(self.index, self.wave, position, &group.name);
            let servers = around.servers.get(&group.target).map_or(&[][..], |all| all);
            known.extend(group.selection.listed().iter().map(ToString::to_string));
            errors.extend(self.problems_of(&at, group, servers));
            for server in members(group, servers) {
                known.extend([server.id.to_string(), server.hostname.clone()]);
                let frozen = FrozenServer {
                    id: server.id.clone(),
                    hostname: server.hostname.clone(),
                    group: id.clone(),
                    target: group.target.clone(),
                    critical: false,
                    snapshot: None,
                    windows: runs_windows(server),
                };
                found.push((at.clone(), frozen));
            }
        }
        found
    }

    /// What is wrong with the servers of a group that take part.
    fn problems_of(
        &self,
        at: &Place,
        group: &GroupConfig,
        servers: &[SourceServer],
    ) -> Vec<ResolveError> {
        let mut errors = Vec::new();
        let (unknown, has) = (missing(group, servers), members(group, servers));
        if has.is_empty() && unknown.is_empty() {
            errors.push(ResolveError::GroupEmpty {
                at: at.clone(),
                selection: group.selection.clone(),
                target: group.target.clone(),
            });
        }
        let unknown = unknown
            .into_iter()
            .filter(|server| !self.part.leaves_out(server));
        errors.extend(unknown.map(|server| ResolveError::ServerUnknown {
            at: at.clone(),
            server,
            target: group.target.clone(),
        }));
        let stays =
            |server: &&&SourceServer| !self.part.leaves_out_named(&server.id, &server.hostname);
        for server in has.iter().filter(stays) {
            if let Some(home) = home(server).filter(|home| *home != group.target) {
                errors.push(ResolveError::ServerElsewhere {
                    at: at.clone(),
                    server: server.id.clone(),
                    home,
                    target: group.target.clone(),
                });
            }
        }
        errors
    }

    /// The subset that the wave names, or all of its candidates.
    fn choose(
        &self,
        candidates: Vec<(Place, FrozenServer)>,
        errors: &mut Vec<ResolveError>,
    ) -> Vec<(Place, FrozenServer)> {
        let Some(subset) = &self.wave.subset else {
            return candidates;
        };
        let mut by_id: BTreeMap<ServerId, (Place, FrozenServer)> = BTreeMap::new();
        for (place, server) in candidates {
            by_id.entry(server.id.clone()).or_insert((place, server));
        }
        let mut chosen = Vec::new();
        for (position, id) in subset.iter().enumerate() {
            match by_id.remove(id) {
                Some(found) => chosen.push(found),
                None if self.may_lack(id) => {}
                None => errors.push(ResolveError::ServerNotInGroups {
                    wave: self.index,
                    wave_name: self.wave.name.clone(),
                    position,
                    server: id.clone(),
                }),
            }
        }
        chosen
    }

    /// Marks the servers that the wave's policy calls critical.
    fn mark_critical(&self, chosen: &mut [(Place, FrozenServer)], errors: &mut Vec<ResolveError>) {
        let mut by_id: BTreeMap<ServerId, &mut FrozenServer> = chosen
            .iter_mut()
            .map(|(_, server)| (server.id.clone(), server))
            .collect();
        for (position, id) in self.wave.critical.iter().enumerate() {
            match by_id.get_mut(id) {
                Some(server) => server.critical = true,
                None if self.may_lack(id) => {}
                None => errors.push(ResolveError::CriticalNotInWave {
                    wave: self.index,
                    wave_name: self.wave.name.clone(),
                    position,
                    server: id.clone(),
                }),
            }
        }
    }

    /// Whether a server that the wave names may be none of its candidates: it is left out, or of a group that is.
    fn may_lack(&self, server: &ServerId) -> bool {
        self.part.leaves_out(server) || !self.part.is_whole(self.wave)
    }
}

/// Servers that another group or wave launches already, one error for each pair of places.
fn refuse_twice(
    chosen: &[(Place, FrozenServer)],
    taken: &mut BTreeMap<ServerId, Place>,
    errors: &mut Vec<ResolveError>,
) {
    let mut twice: BTreeMap<(Place, Place), Vec<Named>> = BTreeMap::new();
    for (place, server) in chosen {
        match taken.get(&server.id) {
            Some(first) => twice
                .entry((first.clone(), place.clone()))
                .or_default()
                .push((server.id.clone(), server.hostname.clone())),
            None => {
                taken.insert(server.id.clone(), place.clone());
            }
        }
    }
    errors.extend(
        twice
            .into_iter()
            .map(|((first, again), servers)| ResolveError::ServersTwice {
                first,
                again,
                servers,
            }),
    );
}

/// Waves and plans with more servers than DRS can take.
///
/// A parallel wave must fit into the quota of servers in jobs as a whole, unless it says with `max_in_flight` that it
/// may be launched bit by bit.
pub fn too_many(
    plan: &Plan,
    frozen: &Frozen,
    quotas: &BTreeMap<Target, Quotas>,
) -> Vec<ResolveError> {
    let mut errors = Vec::new();
    let mut whole: BTreeMap<&Target, usize> = BTreeMap::new();
    for (index, (wave, servers)) in plan.waves().iter().zip(&frozen.waves).enumerate() {
        let mut here: BTreeMap<&Target, usize> = BTreeMap::new();
        for server in servers {
            *here.entry(&server.target).or_default() += 1;
            *whole.entry(&server.target).or_default() += 1;
        }
        for (target, have) in here {
            let quota = quotas
                .get(target)
                .copied()
                .unwrap_or_default()
                .servers_in_jobs;
            let at_once = match (wave.order, wave.max_in_flight) {
                (LaunchOrder::Sequential, _) => 1,
                (LaunchOrder::Parallel, Some(most)) => have.min(most as usize),
                (LaunchOrder::Parallel, None) => have,
            };
            if at_once > quota as usize {
                errors.push(ResolveError::WaveTooLarge {
                    wave: index,
                    wave_name: wave.name.clone(),
                    target: target.clone(),
                    have: at_once,
                    quota: quota as usize,
                });
            }
        }
    }
    errors.extend(
        whole
            .into_iter()
            .filter(|(_, have)| *have > limits::SERVERS_PER_TARGET)
            .map(|(target, have)| ResolveError::PlanTooLarge {
                target: target.clone(),
                have,
            }),
    );
    errors
}

fn notes(plan: &Plan, around: &Surroundings) -> Vec<String> {
    let mut notes = Vec::new();
    for id in plan.groups() {
        let Some(group) = around.groups.get(&id) else {
            continue;
        };
        let servers = around.servers.get(&group.target).map_or(&[][..], |all| all);
        let has = members(group, servers);
        if matches!(group.selection, Selection::Tags(_)) {
            let names: Vec<String> = has.iter().map(|server| server.hostname.clone()).collect();
            notes.push(format!(
                "the tags of protection group {:?} select {} servers now: {}",
                group.name,
                has.len(),
                some_of(&names)
            ));
        }
        let unwell: Vec<String> = has
            .iter()
            .filter(|server| server.replication_state != WELL)
            .map(|server| format!("{} {}", server.hostname, server.replication_state))
            .collect();
        if !unwell.is_empty() {
            notes.push(format!(
                "replication of protection group {:?} is not up to date: {}. They are launched from their last good \
                 point in time",
                group.name,
                some_of(&unwell)
            ));
        }
    }
    notes
}

/// The first few of these, and how many more there are.
pub(crate) fn some_of(names: &[String]) -> String {
    let mut text = names[..names.len().min(NAMED)].join(", ");
    if names.len() > NAMED {
        text.push_str(&format!(" and {} more", names.len() - NAMED));
    }
    text
}

/// The same of servers that come with the words they are told by.
pub(crate) fn some_servers(servers: &[Named]) -> String {
    let words: Vec<String> = servers.iter().map(|(_, words)| words.clone()).collect();
    some_of(&words)
}

#[cfg(test)]
mod tests;
