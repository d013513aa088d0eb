//! Whether a plan could be run now, asked without starting anything.
//!
//! [`Driver::preflight`] looks at everything that a start looks at, and goes on where a start would stop, so that a person
//! reads every problem at once. It changes nothing. What it says is true when it is said; every guard looks again when it counts.

use std::collections::BTreeMap;

use crate::drive::{Driver, together};
use crate::event::{FrozenWave, Mode};
use crate::frozen::Frozen;
use crate::ids::{PlanId, ServerId, Target};
use crate::limits::Quotas;
use crate::only::Only;
use crate::origin;
use crate::plan::LaunchOrder;
use crate::ports::{Clock, Outside, RecoveryInstance, SourceServer, WhichInstances, WhichJobs};
use crate::readiness::Named;
use crate::resolve::{self, Resolution, resolve};
use crate::store::items::Items;
use crate::time::before;

pub(crate) use finding::Roster;
use launches::Place;

pub use finding::{Finding, FoundServer, Level};

mod commands;
mod finding;
mod launches;
pub(crate) mod points;
mod text;
mod told;
pub(crate) mod unresolved;

/// A DRS job as it would be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedJob {
    /// The wave.
    pub wave: String,
    /// Where.
    pub target: Target,
    /// Host names and ids of its servers, in launch order.
    pub servers: Vec<(String, ServerId)>,
}

/// What came of looking.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preflight {
    /// The plan's name; none where there is no such plan.
    pub plan_name: Option<String>,
    /// The number of the next run, which a confirmation names.
    pub next_run: Option<i64>,
    /// Everything that was looked at.
    pub findings: Vec<Finding>,
    /// What would be launched, wave by wave.
    pub jobs: Vec<PlannedJob>,
}

impl Preflight {
    /// The weight of the whole: that of its heaviest finding.
    pub fn level(&self) -> Level {
        self.findings
            .iter()
            .map(|finding| finding.level)
            .max()
            .unwrap_or(Level::Ready)
    }

    fn add(&mut self, finding: Finding) {
        self.findings.push(finding);
    }
}

impl<D: Outside, I: Items + Clone, C: Clock> Driver<D, I, C> {
    /// Looks whether a plan could be run now.
    pub async fn preflight(
        &self,
        plan: &PlanId,
        mode: Mode,
        only: &Only,
        hub: &Target,
    ) -> Preflight {
        let mut found = Preflight::default();
        let resolution = match resolve(&self.drs, &self.executions.items, plan, only).await {
            Ok(resolution) => resolution,
            Err(errors) => {
                let findings = errors.iter().map(|error| unresolved::finding(plan, error));
                found.findings = findings.collect();
                return found;
            }
        };
        found.plan_name = Some(resolution.plan.spec.name.clone());
        found.next_run = Some(resolution.plan.runs + 1);
        let frozen = resolution.frozen.clone();
        let mut waves = crate::begin::frozen_waves(&resolution);
        let text = text::servers(frozen.servers().count(), &resolution);
        found.add(Finding::new("servers", Level::Ready, text));
        let roster = Roster::new(&resolution.parsed, &frozen);
        self.look_at_executions(&resolution, &roster, mode, &mut found)
            .await;
        let mut quotas = BTreeMap::new();
        let guard = resolution.parsed.drill_guard();
        for (target, servers) in &frozen.named() {
            let mut place = Place::new(plan, &roster, target, servers);
            let allowed = self.look_at_target(&mut place, &mut found).await;
            self.look_at_launches(&mut place, guard, mode, &mut found)
                .await;
            quotas.insert(target.clone(), allowed);
        }
        crate::begin::place(&mut waves, hub);
        self.look_at_hooks(&waves, &frozen, mode, &mut found).await;
        if let Some(told) = resolution.parsed.notifications() {
            self.look_at_topics(&told.topics, &mut found).await;
        }
        found.jobs = planned_jobs(&resolution, &frozen, &quotas);
        found
    }

    /// The functions and documents that hooks and checks run. A recovery starts without them.
    async fn look_at_hooks(
        &self,
        waves: &[FrozenWave],
        frozen: &Frozen,
        mode: Mode,
        found: &mut Preflight,
    ) {
        const CHECK: &str = "hooks and checks";
        let looked = self.look_for_hooks(waves, frozen).await;
        let level = match mode {
            Mode::Drill => Level::Problem,
            Mode::Recovery => Level::Warning,
        };
        for missing in &looked.missing {
            let finding = Finding::new(CHECK, level, text::missing(&missing.text, mode));
            let finding = finding.at(&missing.target).in_waves(&missing.waves);
            found.add(finding.help(if missing.is_function {
                commands::functions(&missing.target)
            } else {
                commands::documents(&missing.target)
            }));
        }
        for (target, error) in &looked.unread {
            let finding = Finding::new(CHECK, Level::Warning, text::call(target, error));
            found.add(finding.at(target).help(commands::after(target, error)));
        }
        if looked.count > 0 && looked.missing.is_empty() && looked.unread.is_empty() {
            let text = format!(
                "all {} functions and documents that they run exist",
                looked.count
            );
            found.add(Finding::new(CHECK, Level::Ready, text));
        }
    }

    /// The topics of the plan's notices. A notice that nobody gets holds nothing up.
    async fn look_at_topics(&self, topics: &[String], found: &mut Preflight) {
        const CHECK: &str = "notifications";
        let looks = topics.iter().map(|topic| self.drs.topic_is_there(topic));
        let mut is_well = true;
        for (topic, there) in topics.iter().zip(together::all(looks).await) {
            is_well &= matches!(there, Ok(true));
            let home = Target::of_arn(topic);
            let finding = match there {
                Ok(true) => continue,
                Ok(false) => Finding::new(CHECK, Level::Warning, text::no_topic(topic))
                    .help(home.as_ref().map(commands::topics)),
                Err(error) => {
                    let text = text::unknown_topic(topic, &error);
                    Finding::new(CHECK, Level::Warning, text)
                }
            };
            found.add(match &home {
                Some(home) => finding.at(home),
                None => finding,
            });
        }
        if is_well {
            let text = text::topics(topics.len());
            found.add(Finding::new(CHECK, Level::Ready, text));
        }
    }

    /// Other executions that have the plan, or servers of it.
    async fn look_at_executions(
        &self,
        resolution: &Resolution,
        roster: &Roster,
        mode: Mode,
        found: &mut Preflight,
    ) {
        const CHECK: &str = "executions";
        let frozen = &resolution.frozen;
        let others = self.executions.in_the_way(&resolution.plan, frozen, mode);
        let others = match others.await {
            Ok(others) => others,
            Err(error) => {
                let text = text::unreadable(CHECK, &error);
                let finding = Finding::new(CHECK, Level::Problem, text);
                return found.add(finding.help(commands::tables()));
            }
        };
        if others.is_empty() {
            let text = "no other execution has the plan or a server of it";
            found.add(Finding::new(CHECK, Level::Ready, text));
        }
        for (other, servers) in others {
            let gives_way = mode == Mode::Recovery && other.mode == Mode::Drill;
            let level = if gives_way {
                Level::Warning
            } else {
                Level::Problem
            };
            let finding = Finding::new(CHECK, level, text::other(&other, gives_way));
            let finding = finding.help(commands::watch(&other.execution_id));
            found.add(finding.of(roster, &servers));
        }
    }

    /// Looks at DRS. Returns its quotas, or the documented ones where they cannot be read.
    async fn look_at_target(&self, place: &mut Place<'_>, found: &mut Preflight) -> Quotas {
        let ids: Vec<ServerId> = place.servers.iter().map(|(id, _)| id.clone()).collect();
        match self.drs.source_servers(place.target, Some(&ids)).await {
            Ok(sources) => {
                replication(place, &sources, found);
                self.look_at_origin(place, &sources, found);
            }
            Err(error) => place.unreadable("replication", Level::Problem, &error, found),
        }
        let which = WhichInstances::OfServers(ids);
        match self.drs.recovery_instances(place.target, &which).await {
            Ok(instances) => {
                let servers = instances.iter().map(|one| one.server.clone());
                place.replaced = servers.collect();
                recovery_instances(place, &instances, found);
            }
            Err(error) => {
                place.unreadable("recovery instances", Level::Problem, &error, found);
            }
        }
        self.look_at_quotas(place, found).await
    }

    /// Servers that run where the tables are.
    fn look_at_origin(&self, place: &Place<'_>, sources: &[SourceServer], found: &mut Preflight) {
        let Some(region) = self.executions.items.region() else {
            return;
        };
        if let Some(text) = origin::warning(region, sources) {
            let there = origin::in_region(region, sources);
            let finding = place.finding("history", Level::Warning, text);
            let finding = finding.help(commands::plan_file(place.plan));
            found.add(finding.of(place.roster, there.into_iter().map(|server| &server.id)));
        }
    }

    /// Jobs that run, whoever started them.
    async fn look_at_quotas(&self, place: &mut Place<'_>, found: &mut Preflight) -> Quotas {
        let since = before(self.clock.now().world, crate::limits::SURVEY_WINDOW);
        let jobs = self.drs.jobs(place.target, &WhichJobs::Since(since)).await;
        let quotas = self.drs.quotas(place.target).await;
        match (jobs, quotas) {
            (Ok(jobs), Ok(quotas)) => {
                let running: Vec<_> = jobs.iter().filter(|job| !job.completed).collect();
                let in_jobs = || running.iter().flat_map(|job| &job.servers);
                let is_ours = |id: &ServerId| place.servers.iter().any(|(own, _)| own == id);
                let busy = in_jobs().map(|server| &server.id);
                let busy: Vec<Named> = busy
                    .filter(|id| is_ours(id))
                    .map(|id| (id.clone(), place.roster.name(id).to_owned()))
                    .collect();
                let used = (running.len(), in_jobs().count());
                let (level, text) = text::quotas(place.target, used, &busy, &quotas);
                let finding = place.finding("quotas", level, text);
                let finding = finding.of(place.roster, ids_of(&busy));
                let help = (level != Level::Ready).then(commands::drs_quotas);
                found.add(finding.help(help));
                quotas
            }
            (Err(error), _) | (_, Err(error)) => {
                place.unreadable("quotas", Level::Problem, &error, found);
                Quotas::default()
            }
        }
    }
}

/// The jobs as they would be if nothing else ran.
fn planned_jobs(
    resolution: &Resolution,
    frozen: &Frozen,
    quotas: &BTreeMap<Target, Quotas>,
) -> Vec<PlannedJob> {
    let mut jobs = Vec::new();
    for (wave, servers) in resolution.parsed.waves().iter().zip(&frozen.waves) {
        let mut of_target: BTreeMap<&Target, Vec<(String, ServerId)>> = BTreeMap::new();
        for server in servers {
            let named = (server.hostname.clone(), server.id.clone());
            of_target.entry(&server.target).or_default().push(named);
        }
        for (target, servers) in of_target {
            let quota = quotas.get(target).copied().unwrap_or_default();
            let most = match (wave.order, wave.max_in_flight) {
                (LaunchOrder::Sequential, _) => 1,
                (LaunchOrder::Parallel, Some(most)) => most.min(quota.servers_per_job),
                (LaunchOrder::Parallel, None) => quota.servers_per_job,
            };
            let parts = servers.chunks((most as usize).max(1));
            jobs.extend(parts.map(|part| PlannedJob {
                wave: wave.name.clone(),
                target: target.clone(),
                servers: part.to_vec(),
            }));
        }
    }
    jobs
}

/// Lag and stalls are told and refuse nothing: a recovery is needed exactly when the source is dead.
fn replication(place: &Place<'_>, sources: &[SourceServer], found: &mut Preflight) {
    const CHECK: &str = "replication";
    let target = place.target;
    let unwell: Vec<Named> = sources
        .iter()
        .filter(|server| server.replication_state != resolve::WELL || is_behind(server))
        .map(|server| (server.id.clone(), text::replication_of(server)))
        .collect();
    found.add(if unwell.is_empty() {
        let text = text::all_well(target, sources.len());
        place.finding(CHECK, Level::Ready, text)
    } else {
        let finding = place.finding(CHECK, Level::Warning, text::unwell(&unwell));
        let finding = finding.of(place.roster, ids_of(&unwell));
        finding.help(commands::servers(target, ids_of(&unwell)))
    });
}

/// What a launch would delete: live instances, and those of earlier drills.
fn recovery_instances(place: &Place<'_>, instances: &[RecoveryInstance], found: &mut Preflight) {
    const CHECK: &str = "recovery instances";
    for is_drill in [false, true] {
        let chosen = instances.iter().filter(|one| one.is_drill == is_drill);
        let told: Vec<Named> = chosen
            .map(|one| {
                let told = format!("{} of {}", one.id, one.server);
                (one.server.clone(), told)
            })
            .collect();
        if told.is_empty() {
            continue;
        }
        let (level, text) = text::instances(is_drill, &told);
        let finding = place.finding(CHECK, level, text);
        let finding = finding.of(place.roster, ids_of(&told));
        found.add(finding.help(commands::recovery_instances(place.target, ids_of(&told))));
    }
    if instances.is_empty() {
        let text = "no recovery instance of these servers exists";
        found.add(place.finding(CHECK, Level::Ready, text));
    }
}

fn ids_of(servers: &[Named]) -> impl Iterator<Item = &ServerId> {
    servers.iter().map(|(id, _)| id)
}

/// Whether DRS reports a lag: what a recovery would lose now. One that cannot be understood is told as it is.
fn is_behind(server: &SourceServer) -> bool {
    let lag = server.lag.as_deref();
    lag.is_some_and(|lag| lag.parse::<jiff::Span>().map_or(true, |lag| !lag.is_zero()))
}

#[cfg(test)]
mod tests;
