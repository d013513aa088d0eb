//! Carrying out one command.
//!
//! Looks never change anything; what they find goes into the view, and into events where the history does not know it
//! yet. The two calls that change the world, launch and terminate, are announced in the history before they are made.
//!
//! Here are the launch and what is looked at before it; following jobs is in [`super::observe`], finding a job whose call
//! had no outcome in [`super::adopt`], terminating in [`super::terminate`].

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::decide::view::Survey;
use crate::decide::{Command, LaunchPlan, beside, launches};
use crate::event::{Acceptance, Event, Intent, LiveInstance};
use crate::guard::Guard;
use crate::ids::{JobId, ServerId, Target};
use crate::limits::{self, Quotas};
use crate::ports::{
    CallError, Clock, Job, Kind, Outside, RecoveryInstance, StartRecovery, StartServer,
    WhichInstances, WhichJobs,
};
use crate::state::State;
use crate::store::items::Items;
use crate::time::{Now, after, before};

use super::adopt::late_adoption;
use super::{DriveError, Driver, Run, Turn, Watch, together};

/// Tag that names the execution on a job of ours.
pub(crate) const EXECUTION_TAG: &str = "drs-orchestration:execution-id";
/// Tag that names the launch within the execution.
pub(crate) const LAUNCH_TAG: &str = "drs-orchestration:launch";

impl<D: Outside, I: Items, C: Clock> Driver<D, I, C> {
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
            Command::Observe { .. } => self.observe(run).await,
            Command::FindInstances { .. } => self.find_instances(run).await,
            Command::FindPoints(launches) => self.find_points(run, launches).await,
            Command::LookAtHealth(_) => self.look_at_health(run).await,
            Command::BeginActions(plans) => self.begin_actions(run, plans).await,
            Command::LookAtActions(due) => self.look_at_actions(run, due).await,
            Command::FindOwnInstances(target) => self.find_own_instances(run, &target).await,
            Command::Terminate { target, instances } => {
                self.terminate(run, target, instances).await
            }
        }
    }

    /// Looks at everything that runs in a target, and in others that are to be looked at now.
    async fn survey<W: Watch>(
        &self,
        run: &mut Run<'_, W>,
        first: &Target,
    ) -> Result<Turn, DriveError> {
        let now = self.clock.now();
        let targets = beside::surveys(&run.state, &run.view, now, &self.settings, first);
        let since = before(now.world, limits::SURVEY_WINDOW);
        let looks = targets.iter().map(|target| async move {
            let jobs = self.drs.jobs(target, &WhichJobs::Since(since)).await?;
            Ok((jobs, self.drs.quotas(target).await?))
        });
        let found = together::all(looks).await;
        for (target, looked) in targets.iter().zip(found) {
            let surveyed = match looked {
                Ok((jobs, quotas)) => self.surveyed(run, target, now, &jobs, quotas).await?,
                Err(error) => {
                    let key = launches::survey_key(target);
                    trouble(run, &key, error, self.clock.now())
                }
            };
            if surveyed == Turn::Lost {
                return Ok(Turn::Lost);
            }
        }
        Ok(Turn::Next)
    }

    /// Takes what a survey found. A job of ours that the history gave up shows here, too, and is taken.
    async fn surveyed<W: Watch>(
        &self,
        run: &mut Run<'_, W>,
        target: &Target,
        looked_at: Now,
        jobs: &[Job],
        quotas: Quotas,
    ) -> Result<Turn, DriveError> {
        run.view.clear(&launches::survey_key(target));
        let own: BTreeSet<&JobId> = run.state.own_jobs().collect();
        let foreign: Vec<&Job> = jobs
            .iter()
            .filter(|job| !job.completed && !own.contains(&job.id))
            .collect();
        let servers = || foreign.iter().flat_map(|job| &job.servers);
        let survey = Survey {
            at: looked_at.world,
            quotas,
            foreign_jobs: u32::try_from(foreign.len()).unwrap_or(u32::MAX),
            foreign_servers: u32::try_from(servers().count()).unwrap_or(u32::MAX),
            busy: servers().map(|server| server.id.clone()).collect(),
        };
        let lost = late_adoption(&run.state, jobs);
        run.view.surveys.insert(target.clone(), survey);
        match lost {
            Some(event) => {
                run.view.surveys.remove(target);
                self.record_outcome(run, vec![event]).await
            }
            None => Ok(Turn::Next),
        }
    }

    /// Guard, intent, call, outcome: of one launch, and of those in other targets that are due now. The intents are in the
    /// history before any of the calls is made, and are written together or not at all.
    ///
    /// The requests are signed with a time before the guard looked, and are not sent once what it saw is old: the store may
    /// take long, and a machine may sleep. Should it sleep in the very moment of the call, AWS refuses them at
    /// [`limits::SIGNATURE_AGE`]; a job of others that began meanwhile still runs then, and refuses them too, for DRS has
    /// not been seen to launch a server sooner.
    async fn launch<W: Watch>(
        &self,
        run: &mut Run<'_, W>,
        first: LaunchPlan,
    ) -> Result<Turn, DriveError> {
        let now = self.clock.now();
        let plans = beside::launches(&run.state, &run.view, now, &self.settings, first);
        let Some((plans, mut events)) = self.guard(run, plans).await? else {
            return Ok(Turn::Next);
        };
        let is_old = || after(now.wall, limits::GUARD_MAX_AGE) < self.clock.now().wall;
        if plans.is_empty() || is_old() {
            return Ok(Turn::Next);
        }
        events.extend(plans.iter().map(|plan| intent(plan, now.wall)));
        let critical = run.watch.critical().await;
        if !self.try_record(run, events).await? {
            return Ok(Turn::Next);
        }
        if is_old() {
            let turn = self.withdraw(run, &plans).await;
            drop(critical);
            return turn;
        }
        let requests: Vec<StartRecovery> = plans
            .iter()
            .map(|plan| request(run, plan, now.wall))
            .collect();
        let calls = plans
            .iter()
            .zip(&requests)
            .map(|(plan, request)| self.drs.start_recovery(&plan.target, request));
        let outcomes = together::all(calls).await;
        // Each is a fact of its own: what somebody else says about one launch meanwhile must not cost another its outcome.
        let mut turn = Turn::Next;
        for (plan, outcome) in plans.iter().zip(outcomes) {
            self.note(run, plan, &outcome);
            let event = outcome_event(&run.state, plan, outcome);
            if turn == Turn::Next {
                turn = self.record_outcome(run, vec![event]).await?;
            }
        }
        drop(critical);
        Ok(turn)
    }

    /// Nothing was sent, as only this process can know.
    async fn withdraw<W: Watch>(
        &self,
        run: &mut Run<'_, W>,
        plans: &[LaunchPlan],
    ) -> Result<Turn, DriveError> {
        let withdrawn = plans.iter().map(|plan| Event::LaunchNotCarriedOut {
            launch: plan.launch,
            assumed: false,
            reason: None,
        });
        self.record_outcome(run, withdrawn.collect()).await
    }

    /// What the outcome of a launch means for the next ones in its target.
    fn note<W: Watch>(
        &self,
        run: &mut Run<'_, W>,
        plan: &LaunchPlan,
        outcome: &Result<JobId, CallError>,
    ) {
        let key = launches::launch_key(&plan.target);
        let Err(error) = outcome else {
            return run.view.clear(&key);
        };
        run.watch.on_trouble(error);
        // Whatever refused it may be a job that is not known yet.
        run.view.surveys.remove(&plan.target);
        if launches::is_about_target(error) {
            run.view
                .hold_back(&key, error.retry_after, self.clock.now());
        }
    }

    /// Live recovery instances must not be deleted by a launch. The launches that may go on, and what is to be recorded of
    /// those that go without a look; none when it was recorded that nothing more may be launched.
    async fn guard<W: Watch>(
        &self,
        run: &mut Run<'_, W>,
        plans: Vec<LaunchPlan>,
    ) -> Result<Option<(Vec<LaunchPlan>, Vec<Event>)>, DriveError> {
        if run.state.started.replace_live_instances {
            return Ok(Some((plans, Vec::new())));
        }
        let looks = plans.iter().map(|plan| async move {
            let which = WhichInstances::OfServers(plan.servers.clone());
            self.drs.recovery_instances(&plan.target, &which).await
        });
        let found = together::all(looks).await;
        let mut passed = Vec::new();
        let mut forced = Vec::new();
        for (plan, found) in plans.into_iter().zip(found) {
            let key = launches::guard_key(&plan.target);
            let stop = match found {
                Err(error) if error.is_retryable() => {
                    trouble(run, &key, error, self.clock.now());
                    continue;
                }
                Err(error) if run.state.started.forces(Guard::LiveInstances) => {
                    forced.push(Event::GuardForced {
                        wave: plan.wave,
                        guard: Guard::LiveInstances,
                        message: error.to_string(),
                    });
                    None
                }
                Err(error) => Some(Event::GuardUnreadable {
                    wave: plan.wave,
                    message: error.to_string(),
                }),
                Ok(found) => {
                    run.view.clear(&key);
                    tripped(&run.state, &plan, found)
                }
            };
            match stop {
                None => passed.push(plan),
                Some(event) => {
                    self.try_record(run, vec![event]).await?;
                    return Ok(None);
                }
            }
        }
        Ok(Some((beside::numbered(&run.state, passed), forced)))
    }
}

/// Whether one of these instances is live and not this execution's.
fn tripped(state: &State, plan: &LaunchPlan, found: Vec<RecoveryInstance>) -> Option<Event> {
    let own: BTreeSet<&JobId> = state.own_jobs().collect();
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
    instances.truncate(limits::SERVERS_PER_EVENT);
    (!instances.is_empty()).then_some(Event::GuardTripped {
        wave: plan.wave,
        instances,
    })
}

fn intent(plan: &LaunchPlan, signed_at: Timestamp) -> Event {
    Event::LaunchIntended(Box::new(Intent {
        launch: plan.launch,
        wave: plan.wave,
        attempt: plan.attempt,
        target: plan.target.clone(),
        servers: plan.servers.clone(),
        signed_at,
        tagged: plan.tagged,
    }))
}

fn request<W>(run: &Run<'_, W>, plan: &LaunchPlan, signed_at: Timestamp) -> StartRecovery {
    let server = |id: &ServerId| StartServer {
        id: id.clone(),
        snapshot: run.state.frozen_point(id).map(|point| point.id.clone()),
    };
    StartRecovery {
        servers: plan.servers.iter().map(server).collect(),
        is_drill: run.state.is_drill(),
        tags: if plan.tagged {
            tags(run, plan)
        } else {
            BTreeMap::new()
        },
        signed_at,
    }
}

pub(super) fn trouble<W: Watch>(
    run: &mut Run<'_, W>,
    key: &str,
    error: CallError,
    now: Now,
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

fn outcome_event(state: &State, plan: &LaunchPlan, outcome: Result<JobId, CallError>) -> Event {
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
            let has_point = |id: &ServerId| state.frozen_point(id).is_some();
            let from_point = plan.servers.iter().any(has_point);
            let remedy = launches::remedy(&error, plan, from_point);
            Event::LaunchRefused {
                launch,
                code: error.code,
                message: error.message,
                remedy,
            }
        }
    }
}

/// Cuts events so that each part goes in one transaction: beside itself, an event writes the item of its wave and of
/// every server it names.
pub(super) fn one_transaction_each(events: Vec<Event>) -> Vec<Vec<Event>> {
    let mut parts: Vec<Vec<Event>> = Vec::new();
    let mut room = 0;
    for event in events {
        let weight = match &event {
            Event::ServersJudged { results, .. } => results.len() + 2,
            Event::ServersChecked { results, .. } => results.len() + 2,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Judgement, LaunchId, ServerResult};
    use crate::ids::ServerId;

    #[test]
    fn small_judgements_of_many_waves_are_cut_so_that_each_part_fits_one_transaction() {
        let judged = |launch: u32, servers: usize| Event::ServersJudged {
            launch: LaunchId(launch),
            results: (0..servers)
                .map(|server| Judgement {
                    server: ServerId::new(format!("s-{launch}-{server}")),
                    result: ServerResult::Launched,
                    instance: None,
                })
                .collect(),
        };
        for servers in [1, 2, 5, 12, limits::SERVERS_PER_JUDGEMENT] {
            let events: Vec<Event> = (0..50).map(|launch| judged(launch, servers)).collect();
            let parts = one_transaction_each(events);
            // Every launch may be of another wave, so each event writes itself, a wave and its servers.
            let writes = |part: &Vec<Event>| 1 + part.len() * (servers + 2);
            assert!(
                parts
                    .iter()
                    .all(|part| writes(part) <= limits::ITEMS_PER_TRANSACTION)
            );
            assert_eq!(parts.iter().map(Vec::len).sum::<usize>(), 50);
        }
    }
}
