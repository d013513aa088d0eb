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
use crate::ports::{Clock, Outside, SourceServer, WhichInstances, WhichJobs};
use crate::resolve::{self, Resolution, ResolveError, resolve};
use crate::store::items::Items;
use crate::time::before;

use launches::Place;

mod launches;
mod text;
mod told;

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
}

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

    fn find(&mut self, check: &'static str, level: Level, text: impl Into<String>) {
        self.findings.push(Finding {
            check,
            level,
            text: text.into(),
        });
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
                for error in &errors {
                    found.find(check_of(error), Level::Problem, text::resolve(error));
                }
                return found;
            }
        };
        found.plan_name = Some(resolution.plan.spec.name.clone());
        found.next_run = Some(resolution.plan.runs + 1);
        let frozen = resolution.frozen.clone();
        let mut waves = crate::begin::frozen_waves(&resolution);
        let count = frozen.servers().count();
        found.find("servers", Level::Ready, text::servers(count, &resolution));
        self.look_at_executions(&resolution, &frozen, mode, &mut found)
            .await;
        let mut quotas = BTreeMap::new();
        let guard = resolution.parsed.drill_guard();
        for (target, servers) in &frozen.named() {
            let mut place = Place::new(target, servers);
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
            found.find(CHECK, level, text::missing(missing, mode));
        }
        for (target, error) in &looked.unread {
            found.find(CHECK, Level::Warning, text::call(target, error));
        }
        if looked.count > 0 && looked.missing.is_empty() && looked.unread.is_empty() {
            let text = format!(
                "all {} functions and documents that they run exist",
                looked.count
            );
            found.find(CHECK, Level::Ready, text);
        }
    }

    /// The topics of the plan's notices. A notice that nobody gets holds nothing up.
    async fn look_at_topics(&self, topics: &[String], found: &mut Preflight) {
        const CHECK: &str = "notifications";
        let looks = topics.iter().map(|topic| self.drs.topic_is_there(topic));
        let mut is_well = true;
        for (topic, there) in topics.iter().zip(together::all(looks).await) {
            let text = match there {
                Ok(true) => continue,
                Ok(false) => text::no_topic(topic),
                Err(error) => text::unknown_topic(topic, &error),
            };
            is_well = false;
            found.find(CHECK, Level::Warning, text);
        }
        if is_well {
            found.find(CHECK, Level::Ready, text::topics(topics.len()));
        }
    }

    /// Other executions that have the plan, or servers of it.
    async fn look_at_executions(
        &self,
        resolution: &Resolution,
        frozen: &Frozen,
        mode: Mode,
        found: &mut Preflight,
    ) {
        const CHECK: &str = "executions";
        let others = self.executions.in_the_way(&resolution.plan, frozen, mode);
        match others.await {
            Ok(others) if others.is_empty() => found.find(
                CHECK,
                Level::Ready,
                "no other execution has the plan or a server of it",
            ),
            Ok(others) => {
                for (other, _) in others {
                    let gives_way = mode == Mode::Recovery && other.mode == Mode::Drill;
                    let level = if gives_way {
                        Level::Warning
                    } else {
                        Level::Problem
                    };
                    found.find(CHECK, level, text::other(&other, gives_way));
                }
            }
            Err(error) => found.find(CHECK, Level::Problem, text::unreadable(CHECK, &error)),
        }
    }

    /// Looks at DRS. Returns its quotas, or the documented ones where they cannot be read.
    async fn look_at_target(&self, place: &mut Place<'_>, found: &mut Preflight) -> Quotas {
        let target = place.target;
        let ids: Vec<ServerId> = place.servers.iter().map(|(id, _)| id.clone()).collect();
        match self.drs.source_servers(target, Some(&ids)).await {
            Ok(sources) => {
                replication(target, &sources, found);
                let region = self.executions.items.region();
                if let Some(text) = region.and_then(|region| origin::warning(region, &sources)) {
                    found.find("history", Level::Warning, text);
                }
            }
            Err(error) => place.unreadable("replication", Level::Problem, &error, found),
        }
        let which = WhichInstances::OfServers(ids);
        match self.drs.recovery_instances(target, &which).await {
            Ok(instances) => {
                let servers = instances.iter().map(|one| one.server.clone());
                place.replaced = servers.collect();
                let of = |is_drill: bool| {
                    let chosen = instances.iter().filter(move |one| one.is_drill == is_drill);
                    chosen
                        .map(|one| format!("{} of {}", one.id, one.server))
                        .collect::<Vec<_>>()
                };
                for (level, text) in text::instances(&of(false), &of(true)) {
                    found.find("recovery instances", level, text);
                }
            }
            Err(error) => {
                place.unreadable("recovery instances", Level::Problem, &error, found);
            }
        }
        let since = before(self.clock.now().world, crate::limits::SURVEY_WINDOW);
        let jobs = self.drs.jobs(target, &WhichJobs::Since(since)).await;
        let quotas = self.drs.quotas(target).await;
        match (jobs, quotas) {
            (Ok(jobs), Ok(quotas)) => {
                let running: Vec<_> = jobs.iter().filter(|job| !job.completed).collect();
                let busy: Vec<String> = running
                    .iter()
                    .flat_map(|job| &job.servers)
                    .filter(|server| place.servers.iter().any(|(id, _)| *id == server.id))
                    .map(|server| server.id.to_string())
                    .collect();
                let in_jobs = running.iter().map(|job| job.servers.len()).sum();
                let (level, text) = text::quotas(target, running.len(), in_jobs, &busy, &quotas);
                found.find("quotas", level, text);
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

fn check_of(error: &ResolveError) -> &'static str {
    match error {
        ResolveError::Call(_) => "permissions",
        ResolveError::Read(_) => "history",
        ResolveError::PlanMissing(_) | ResolveError::Plan(_) => "plan",
        ResolveError::Part(_) => "selection",
        _ => "servers",
    }
}

/// Lag and stalls are told and refuse nothing: a recovery is needed exactly when the source is dead.
fn replication(target: &Target, sources: &[SourceServer], found: &mut Preflight) {
    let unwell: Vec<String> = sources
        .iter()
        .filter(|server| server.replication_state != resolve::WELL || is_behind(server))
        .map(text::replication_of)
        .collect();
    if unwell.is_empty() {
        let text = format!(
            "replication of all {} servers in {target} is up to date",
            sources.len()
        );
        found.find("replication", Level::Ready, text);
    } else {
        found.find("replication", Level::Warning, text::unwell(&unwell));
    }
}

/// Whether DRS reports a lag: what a recovery would lose now. One that cannot be understood is told as it is.
fn is_behind(server: &SourceServer) -> bool {
    let lag = server.lag.as_deref();
    lag.is_some_and(|lag| lag.parse::<jiff::Span>().map_or(true, |lag| !lag.is_zero()))
}

#[cfg(test)]
mod tests;
