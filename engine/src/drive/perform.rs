//! Carrying out one command.
//!
//! Looks never change anything; what they find goes into the view, and into events where the history does not know it
//! yet. The two calls that change the world, launch and terminate, are announced in the history before they are made.

use std::collections::{BTreeMap, BTreeSet};

use crate::decide::view::{OwnInstances, Search, Survey};
use crate::decide::{Command, LaunchPlan, jobs, launches, termination};
use crate::event::{Acceptance, Event, Intent, LaunchId, LiveInstance};
use crate::ids::{InstanceId, JobId, ServerId, Target};
use crate::limits;
use crate::ports::{
    CallError, Clock, Drs, Job, Kind, LaunchStatus, StartRecovery, WhichInstances, WhichJobs,
};
use crate::state::{Launch, Phase, ServerStatus, State};
use crate::store::items::Items;
use crate::time::{after, before};

use super::{DriveError, Driver, Run, Turn, Watch};

/// Tag that names the execution on a job of ours.
pub(crate) const EXECUTION_TAG: &str = "drs-orchestration:execution-id";
/// Tag that names the launch within the execution.
pub(crate) const LAUNCH_TAG: &str = "drs-orchestration:launch";

impl<D: Drs, I: Items, C: Clock> Driver<D, I, C> {
    pub(super) async fn perform<W: Watch>(
        &self,
        run: &mut Run<'_, W>,
        command: Command,
    ) -> Result<Turn, DriveError> {
        match command {
            Command::Record(events) => {
                for part in one_transaction_each(events) {
                    if !self.try_record(run, part).await? {
                        break;
                    }
                }
                Ok(Turn::Next)
            }
            Command::Survey(target) => self.survey(run, &target).await,
            Command::Launch(plan) => self.launch(run, plan).await,
            Command::FindJob(launch) => self.find_job(run, launch).await,
            Command::Observe { target, launches } => self.observe(run, &target, &launches).await,
            Command::FindInstances { target, servers } => {
                self.find_instances(run, &target, servers).await
            }
            Command::FindOwnInstances(target) => self.find_own_instances(run, &target).await,
            Command::Terminate { target, instances } => {
                self.terminate(run, target, instances).await
            }
        }
    }

    /// Looks at everything that runs in a target. A job of ours that the history gave up shows here, too, and is taken.
    async fn survey<W: Watch>(
        &self,
        run: &mut Run<'_, W>,
        target: &Target,
    ) -> Result<Turn, DriveError> {
        let now = self.clock.now();
        let since = before(now.world, limits::SURVEY_WINDOW);
        let key = launches::survey_key(target);
        let looked = async {
            let jobs = self.drs.jobs(target, &WhichJobs::Since(since)).await?;
            Ok((jobs, self.drs.quotas(target).await?))
        };
        let (jobs, quotas) = match looked.await {
            Ok(found) => found,
            Err(error) => return Ok(trouble(run, &key, error, self.clock.now())),
        };
        run.view.clear(&key);
        let own: BTreeSet<&JobId> = run.state.own_jobs().collect();
        let foreign: Vec<&Job> = jobs
            .iter()
            .filter(|job| !job.completed && !own.contains(&job.id))
            .collect();
        let survey = Survey {
            at: now.world,
            quotas,
            foreign_jobs: u32::try_from(foreign.len()).unwrap_or(u32::MAX),
            foreign_servers: u32::try_from(
                foreign.iter().map(|job| job.servers.len()).sum::<usize>(),
            )
            .unwrap_or(u32::MAX),
            busy: foreign
                .iter()
                .flat_map(|job| job.servers.iter().map(|server| server.id.clone()))
                .collect(),
        };
        let lost = late_adoption(&run.state, &jobs);
        run.view.surveys.insert(target.clone(), survey);
        match lost {
            Some(event) => {
                run.view.surveys.remove(target);
                self.record_outcome(run, vec![event]).await
            }
            None => Ok(Turn::Next),
        }
    }

    /// Guard, intent, call, outcome.
    ///
    /// The request is signed with a time before the guard looked, so AWS refuses it once what the guard saw is old. A job
    /// of others that begins after the look is still running when it arrives in time, and refuses it too.
    async fn launch<W: Watch>(
        &self,
        run: &mut Run<'_, W>,
        plan: LaunchPlan,
    ) -> Result<Turn, DriveError> {
        let signed_at = self.clock.now().wall;
        if let Some(turn) = self.guard(run, &plan).await? {
            return Ok(turn);
        }
        let intent = Intent {
            launch: plan.launch,
            wave: plan.wave,
            attempt: plan.attempt,
            target: plan.target.clone(),
            servers: plan.servers.clone(),
            signed_at,
            tagged: plan.tagged,
        };
        let request = StartRecovery {
            servers: plan.servers.clone(),
            is_drill: run.state.is_drill(),
            tags: if plan.tagged {
                tags(run, &plan)
            } else {
                BTreeMap::new()
            },
            signed_at: intent.signed_at,
        };
        let critical = run.watch.critical().await;
        if !self
            .try_record(run, vec![Event::LaunchIntended(Box::new(intent))])
            .await?
        {
            return Ok(Turn::Next);
        }
        let outcome = self.drs.start_recovery(&plan.target, &request).await;
        let key = launches::launch_key(&plan.target);
        match &outcome {
            Ok(_) => run.view.clear(&key),
            Err(error) => {
                run.watch.on_trouble(error);
                // Whatever refused it may be a job that is not known yet.
                run.view.surveys.remove(&plan.target);
                if launches::is_about_target(error) {
                    run.view
                        .hold_back(&key, error.retry_after, self.clock.now());
                }
            }
        }
        let turn = self
            .record_outcome(run, vec![outcome_event(&plan, outcome)])
            .await;
        drop(critical);
        turn
    }

    /// Live recovery instances must not be deleted by a launch. `None` means that the launch may go on.
    async fn guard<W: Watch>(
        &self,
        run: &mut Run<'_, W>,
        plan: &LaunchPlan,
    ) -> Result<Option<Turn>, DriveError> {
        if run.state.started.replace_live_instances {
            return Ok(None);
        }
        let key = launches::guard_key(&plan.target);
        let which = WhichInstances::OfServers(plan.servers.clone());
        let found = match self.drs.recovery_instances(&plan.target, &which).await {
            Ok(found) => found,
            Err(error) if error.is_retryable() => {
                return Ok(Some(trouble(run, &key, error, self.clock.now())));
            }
            Err(error) => {
                let event = Event::GuardUnreadable {
                    wave: plan.wave,
                    message: error.to_string(),
                };
                self.try_record(run, vec![event]).await?;
                return Ok(Some(Turn::Next));
            }
        };
        run.view.clear(&key);
        let own: BTreeSet<&JobId> = run.state.own_jobs().collect();
        let mut instances: Vec<LiveInstance> = found
            .into_iter()
            .filter(|instance| {
                !instance.is_drill && !instance.job.as_ref().is_some_and(|job| own.contains(job))
            })
            .map(|instance| LiveInstance {
                server: instance.server,
                instance: instance.id,
            })
            .collect();
        if instances.is_empty() {
            return Ok(None);
        }
        instances.truncate(limits::SERVERS_PER_EVENT);
        self.try_record(
            run,
            vec![Event::GuardTripped {
                wave: plan.wave,
                instances,
            }],
        )
        .await?;
        Ok(Some(Turn::Next))
    }

    /// Looks for the job of a launch whose call has no outcome.
    async fn find_job<W: Watch>(
        &self,
        run: &mut Run<'_, W>,
        id: LaunchId,
    ) -> Result<Turn, DriveError> {
        let Some(launch) = run.state.launches.get(&id).cloned() else {
            return Ok(Turn::Next);
        };
        // The time is taken before the look: only a look that began after the fence proves anything.
        let began = self.clock.now();
        let since = before(launch.intended_at.world, limits::CLOCK_SKEW);
        let key = launches::search_key(id);
        let jobs = match self
            .drs
            .jobs(&launch.target, &WhichJobs::Since(since))
            .await
        {
            Ok(jobs) => jobs,
            Err(error) => return Ok(trouble(run, &key, error, self.clock.now())),
        };
        run.view.clear(&key);
        if let Some((job, how)) = find_own(&run.state, id, &launch, &jobs, &self.settings) {
            return self
                .record_outcome(
                    run,
                    vec![Event::LaunchAccepted {
                        launch: id,
                        job,
                        how,
                    }],
                )
                .await;
        }
        let looks = run.view.searches.get(&id).map_or(0, |search| search.looks);
        run.view.searches.insert(
            id,
            Search {
                empty_at: began.wall,
                looks: looks.saturating_add(1),
            },
        );
        Ok(Turn::Next)
    }

    /// One DescribeJobs for all running jobs of a target.
    async fn observe<W: Watch>(
        &self,
        run: &mut Run<'_, W>,
        target: &Target,
        launches: &[LaunchId],
    ) -> Result<Turn, DriveError> {
        let ids: Vec<JobId> = launches
            .iter()
            .filter_map(|id| {
                run.state
                    .launches
                    .get(id)
                    .and_then(|launch| launch.phase.job().cloned())
            })
            .collect();
        let key = jobs::observe_key(target);
        let seen = match self.drs.jobs(target, &WhichJobs::Ids(ids)).await {
            Ok(seen) => seen,
            Err(error) => return Ok(trouble(run, &key, error, self.clock.now())),
        };
        run.view.clear(&key);
        let now = self.clock.now();
        run.view.observed.insert(target.clone(), now.world);
        let reasons = self.reasons(run, target, &seen).await;
        let events = jobs::judge(&run.state, launches, &seen, &reasons, now);
        for part in one_transaction_each(events) {
            if self.record_outcome(run, part).await? == Turn::Lost {
                return Ok(Turn::Lost);
            }
        }
        Ok(Turn::Next)
    }

    /// What the logs of jobs say about servers that newly failed. A log that cannot be read now costs the reason, not
    /// the judgement.
    async fn reasons<W: Watch>(
        &self,
        run: &Run<'_, W>,
        target: &Target,
        seen: &[Job],
    ) -> BTreeMap<ServerId, String> {
        let mut reasons = BTreeMap::new();
        for job in seen {
            let open = |id: &ServerId| {
                run.state
                    .servers
                    .get(id)
                    .is_some_and(|server| server.status == ServerStatus::Launching)
            };
            let failed = |status: &LaunchStatus| match status {
                LaunchStatus::Failed | LaunchStatus::Terminated => true,
                LaunchStatus::Launched => false,
                _ => job.completed,
            };
            if !job
                .servers
                .iter()
                .any(|server| open(&server.id) && failed(&server.status))
            {
                continue;
            }
            match self.drs.failures(target, &job.id).await {
                Ok(found) => reasons.extend(found),
                Err(error) => run.watch.on_trouble(&error),
            }
        }
        reasons
    }

    async fn find_instances<W: Watch>(
        &self,
        run: &mut Run<'_, W>,
        target: &Target,
        servers: Vec<ServerId>,
    ) -> Result<Turn, DriveError> {
        let key = jobs::instances_key(target);
        let found = match self
            .drs
            .recovery_instances(target, &WhichInstances::OfServers(servers))
            .await
        {
            Ok(found) => found,
            Err(error) => return Ok(trouble(run, &key, error, self.clock.now())),
        };
        run.view.clear(&key);
        run.view
            .instances_looked
            .insert(target.clone(), self.clock.now().world);
        let mut by_launch: BTreeMap<LaunchId, BTreeMap<ServerId, InstanceId>> = BTreeMap::new();
        for instance in found {
            let Some(server) = run.state.servers.get(&instance.server) else {
                continue;
            };
            let Some(launch) = server.launch else {
                continue;
            };
            let job = run
                .state
                .launches
                .get(&launch)
                .and_then(|launch| launch.phase.job());
            if job.is_some() && job == instance.job.as_ref() && server.instance.is_none() {
                by_launch
                    .entry(launch)
                    .or_default()
                    .insert(instance.server, instance.id);
            }
        }
        for (launch, instances) in by_launch {
            for part in parts(instances) {
                let event = Event::InstancesFound {
                    launch,
                    instances: part,
                };
                if self.record_outcome(run, vec![event]).await? == Turn::Lost {
                    return Ok(Turn::Lost);
                }
            }
        }
        Ok(Turn::Next)
    }

    async fn find_own_instances<W: Watch>(
        &self,
        run: &mut Run<'_, W>,
        target: &Target,
    ) -> Result<Turn, DriveError> {
        let key = termination::own_instances_key(target);
        let own: BTreeSet<JobId> = run.state.own_jobs().cloned().collect();
        let mut known: BTreeSet<InstanceId> =
            run.state.known_instances(target).into_iter().collect();
        let which = WhichInstances::OfServers(run.state.servers_with_jobs(target));
        let looked = async {
            let found = self.drs.recovery_instances(target, &which).await?;
            let is_own = |job: &Option<JobId>| job.as_ref().is_some_and(|job| own.contains(job));
            let listed: Vec<InstanceId> = found
                .into_iter()
                .filter(|instance| is_own(&instance.job))
                .map(|instance| instance.id)
                .collect();
            known.extend(listed.iter().cloned());
            let known: Vec<InstanceId> = known.into_iter().collect();
            let alive = self.drs.alive_in_ec2(target, &known).await?;
            Ok((listed, alive))
        };
        match looked.await {
            Ok((listed, alive)) => {
                run.view.clear(&key);
                let at = self.clock.now().world;
                run.view
                    .own_instances
                    .insert(target.clone(), OwnInstances { at, listed, alive });
                Ok(Turn::Next)
            }
            Err(error) => Ok(trouble(run, &key, error, self.clock.now())),
        }
    }

    async fn terminate<W: Watch>(
        &self,
        run: &mut Run<'_, W>,
        target: Target,
        instances: Vec<InstanceId>,
    ) -> Result<Turn, DriveError> {
        let critical = run.watch.critical().await;
        let intent = Event::TerminationIntended {
            target: target.clone(),
            instances: instances.clone(),
        };
        if !self.try_record(run, vec![intent]).await? {
            return Ok(Turn::Next);
        }
        let turn = match self.drs.terminate(&target, &instances).await {
            Ok(job) => {
                run.view.clear(&termination::terminate_key(&target));
                run.view.note_termination(&target, instances.len(), false);
                let accepted = Event::TerminationAccepted {
                    target,
                    instances,
                    job,
                };
                self.record_outcome(run, vec![accepted]).await
            }
            Err(error) => self.not_terminated(run, target, instances, error).await,
        };
        drop(critical);
        turn
    }

    /// One instance that cannot be terminated now makes DRS refuse all that were named, so fewer are named next; one that
    /// is refused alone waits, and the others go on without it.
    async fn not_terminated<W: Watch>(
        &self,
        run: &mut Run<'_, W>,
        target: Target,
        instances: Vec<InstanceId>,
        error: CallError,
    ) -> Result<Turn, DriveError> {
        run.view.own_instances.remove(&target);
        let about_instances = matches!(
            error.code.as_str(),
            "ConflictException" | "ResourceNotFoundException" | "ServiceQuotaExceededException"
        );
        let now = self.clock.now();
        match instances.as_slice() {
            [one] if about_instances => {
                let key = termination::instance_key(one);
                Ok(trouble(run, &key, error, now))
            }
            _ if about_instances => {
                run.view.note_termination(&target, instances.len(), true);
                run.watch.on_trouble(&error);
                Ok(Turn::Next)
            }
            _ if error.kind == Kind::Refused => {
                let reason = Some(error.to_string());
                let finished = Event::TerminationFinished {
                    left: instances,
                    reason,
                };
                self.record_outcome(run, vec![finished]).await
            }
            _ => {
                let key = termination::terminate_key(&target);
                Ok(trouble(run, &key, error, now))
            }
        }
    }
}

fn trouble<W: Watch>(
    run: &mut Run<'_, W>,
    key: &str,
    error: CallError,
    now: crate::time::Now,
) -> Turn {
    run.watch.on_trouble(&error);
    run.view.hold_back(key, error.retry_after, now);
    Turn::Next
}

fn tags<W>(run: &Run<'_, W>, plan: &LaunchPlan) -> BTreeMap<String, String> {
    BTreeMap::from([
        (EXECUTION_TAG.to_owned(), run.id.to_string()),
        (LAUNCH_TAG.to_owned(), plan.launch.0.to_string()),
    ])
}

fn outcome_event(plan: &LaunchPlan, outcome: Result<JobId, CallError>) -> Event {
    let launch = plan.launch;
    match outcome {
        Ok(job) => Event::LaunchAccepted {
            launch,
            job,
            how: Acceptance::Answered,
        },
        Err(error) if error.kind == Kind::Unknown => Event::LaunchUnknown {
            launch,
            message: error.to_string(),
        },
        Err(error) => {
            let remedy = launches::remedy(&error, plan);
            Event::LaunchRefused {
                launch,
                code: error.code,
                message: error.message,
                remedy,
            }
        }
    }
}

/// The job of a launch without outcome, where it is among these.
fn find_own(
    state: &State,
    id: LaunchId,
    launch: &Launch,
    jobs: &[Job],
    settings: &crate::decide::Settings,
) -> Option<(JobId, Acceptance)> {
    let by_tag = jobs
        .iter()
        .find(|job| job.launches && tagged_as(job, state) == Some(id));
    if let Some(job) = by_tag {
        return Some((job.id.clone(), Acceptance::AdoptedByTag));
    }
    if launch.tagged {
        return None;
    }
    let window = settings
        .signature_age
        .saturating_add(limits::CLOCK_SKEW)
        .saturating_mul(i32::try_from(settings.speed).unwrap_or(i32::MAX));
    let latest = after(launch.intended_at.world, window);
    let wanted: BTreeSet<&ServerId> = launch.servers.iter().collect();
    let own: BTreeSet<&JobId> = state.own_jobs().collect();
    jobs.iter()
        .filter(|job| job.launches && job.is_drill == state.is_drill() && job.created_at <= latest)
        .filter(|job| !own.contains(&job.id) && job.tags.is_empty())
        .find(|job| {
            job.servers
                .iter()
                .map(|server| &server.id)
                .collect::<BTreeSet<_>>()
                == wanted
        })
        .map(|job| (job.id.clone(), Acceptance::AdoptedByServers))
}

/// A job that carries our tag, but whose launch the history holds for refused or never carried out.
fn late_adoption(state: &State, jobs: &[Job]) -> Option<Event> {
    jobs.iter().filter(|job| job.launches).find_map(|job| {
        let launch = tagged_as(job, state)?;
        let found = state.launches.get(&launch)?;
        let given_back = matches!(found.phase, Phase::Refused { .. } | Phase::NotCarriedOut);
        let wait = |id: &ServerId| {
            state
                .servers
                .get(id)
                .is_some_and(|server| server.status == ServerStatus::Waiting)
        };
        (given_back && found.servers.iter().all(wait)).then(|| Event::LaunchAccepted {
            launch,
            job: job.id.clone(),
            how: Acceptance::AdoptedByTag,
        })
    })
}

/// The launch of this execution that a job says it is.
fn tagged_as(job: &Job, state: &State) -> Option<LaunchId> {
    let execution = job.tags.get(EXECUTION_TAG)?;
    let launch = job.tags.get(LAUNCH_TAG)?.parse().ok()?;
    (execution == state.started.execution_id.as_str()).then_some(LaunchId(launch))
}

/// Cuts events so that each part goes in one transaction: beside itself, an event writes the item of its wave or of
/// every server it names.
fn one_transaction_each(events: Vec<Event>) -> Vec<Vec<Event>> {
    let mut parts: Vec<Vec<Event>> = Vec::new();
    let mut room = 0;
    for event in events {
        let weight = match &event {
            Event::ServersJudged { results, .. } => results.len() + 1,
            Event::InstancesGone { instances } => instances.len() + 1,
            _ => 2,
        };
        if weight > room || parts.is_empty() {
            parts.push(Vec::new());
            room = limits::SERVERS_PER_JUDGEMENT + 5;
        }
        room = room.saturating_sub(weight);
        if let Some(part) = parts.last_mut() {
            part.push(event);
        }
    }
    parts
}

fn parts(instances: BTreeMap<ServerId, InstanceId>) -> Vec<BTreeMap<ServerId, InstanceId>> {
    let list: Vec<(ServerId, InstanceId)> = instances.into_iter().collect();
    list.chunks(limits::SERVERS_PER_JUDGEMENT)
        .map(|part| part.iter().cloned().collect())
        .collect()
}
