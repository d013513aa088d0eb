//! Carrying out one command.
//!
//! Looks never change anything; what they find goes into the view, and into events where the history does not know it
//! yet. The two calls that change the world, launch and terminate, are announced in the history before they are made.
//!
//! Here are the launch and what is looked at before it; following jobs is in [`super::observe`], finding a job whose call
//! had no outcome in [`super::adopt`], terminating in [`super::terminate`].

use std::collections::{BTreeMap, BTreeSet};

use crate::decide::view::Survey;
use crate::decide::{Command, LaunchPlan, launches};
use crate::event::{Acceptance, Event, Intent, LiveInstance};
use crate::ids::{JobId, Target};
use crate::limits;
use crate::ports::{CallError, Clock, Drs, Job, Kind, StartRecovery, WhichInstances, WhichJobs};
use crate::store::items::Items;
use crate::time::{after, before};

use super::adopt::late_adoption;
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
        if after(signed_at, limits::GUARD_MAX_AGE) < self.clock.now().wall {
            return Ok(Turn::Next);
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
}

pub(super) fn trouble<W: Watch>(
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

/// Cuts events so that each part goes in one transaction: beside itself, an event writes the item of its wave or of
/// every server it names.
pub(super) fn one_transaction_each(events: Vec<Event>) -> Vec<Vec<Event>> {
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
