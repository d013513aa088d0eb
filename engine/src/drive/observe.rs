//! Looking at running jobs, at what their logs say, and for the instances of launched servers.

use std::collections::BTreeMap;

use crate::decide::{beside, jobs};
use crate::event::{Event, LaunchId};
use crate::ids::{InstanceId, JobId, ServerId, Target};
use crate::limits;
use crate::ports::{
    Clock, Job, LaunchStatus, Outside, RecoveryInstance, WhichInstances, WhichJobs,
};
use crate::state::{ServerStatus, State};
use crate::store::items::Items;

use super::perform::{one_transaction_each, trouble};
use super::{DriveError, Driver, Run, Turn, Watch, together};

impl<D: Outside, I: Items, C: Clock> Driver<D, I, C> {
    /// One DescribeJobs for all running jobs of a target, in each target where a look is due now.
    pub(super) async fn observe<W: Watch>(&self, run: &mut Run<'_, W>) -> Result<Turn, DriveError> {
        let now = self.clock.now();
        let due = beside::looks(&run.state, &run.view, now, &self.settings);
        run.watch.on_look(due.len());
        let state = &run.state;
        let looks = due.iter().map(|(target, launches)| async move {
            let ids = WhichJobs::Ids(jobs_of(state, launches));
            self.drs.jobs(target, &ids).await
        });
        let found = together::all(looks).await;
        let looked_at = self.clock.now().world;
        let mut answers = Vec::new();
        for ((target, launches), seen) in due.iter().zip(found) {
            let key = jobs::observe_key(target);
            match seen {
                Ok(seen) => {
                    run.view.clear(&key);
                    run.view.observed.insert(target.clone(), looked_at);
                    answers.push((target, launches, seen));
                }
                Err(error) => {
                    trouble(run, &key, error, self.clock.now());
                }
            }
        }
        for (target, launches, seen) in answers {
            if self.observed(run, target, launches, &seen).await? == Turn::Lost {
                return Ok(Turn::Lost);
            }
        }
        Ok(Turn::Next)
    }

    /// Judges what a look at the jobs of a target has found.
    async fn observed<W: Watch>(
        &self,
        run: &mut Run<'_, W>,
        target: &Target,
        launches: &[LaunchId],
        seen: &[Job],
    ) -> Result<Turn, DriveError> {
        let reasons = self.reasons(run, target, seen).await;
        let now = self.clock.now();
        let events = jobs::judge(&run.state, launches, seen, &reasons, now);
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

    /// One DescribeRecoveryInstances for all launched servers of a target without one, in each target where that is due.
    pub(super) async fn find_instances<W: Watch>(
        &self,
        run: &mut Run<'_, W>,
    ) -> Result<Turn, DriveError> {
        let now = self.clock.now();
        let due = beside::instance_looks(&run.state, &run.view, now, &self.settings);
        let looks = due.into_iter().map(|(target, servers)| async move {
            let which = WhichInstances::OfServers(servers);
            let found = self.drs.recovery_instances(&target, &which).await;
            (target, found)
        });
        let found = together::all(looks).await;
        let looked_at = self.clock.now();
        for (target, found) in found {
            let key = jobs::instances_key(&target);
            let turn = match found {
                Ok(found) => {
                    run.view.clear(&key);
                    run.view.instances_looked.insert(target, looked_at.world);
                    self.found_instances(run, found).await?
                }
                Err(error) => trouble(run, &key, error, looked_at),
            };
            if turn == Turn::Lost {
                return Ok(Turn::Lost);
            }
        }
        Ok(Turn::Next)
    }

    /// Takes those of the found instances that the jobs of this execution launched.
    async fn found_instances<W: Watch>(
        &self,
        run: &mut Run<'_, W>,
        found: Vec<RecoveryInstance>,
    ) -> Result<Turn, DriveError> {
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
}

fn parts(instances: BTreeMap<ServerId, InstanceId>) -> Vec<BTreeMap<ServerId, InstanceId>> {
    let list: Vec<(ServerId, InstanceId)> = instances.into_iter().collect();
    list.chunks(limits::SERVERS_PER_JUDGEMENT)
        .map(|part| part.iter().cloned().collect())
        .collect()
}

fn jobs_of(state: &State, launches: &[LaunchId]) -> Vec<JobId> {
    let found = launches.iter().filter_map(|id| state.launches.get(id));
    found
        .filter_map(|launch| launch.phase.job().cloned())
        .collect()
}
