//! Looking at running jobs, at what their logs say, and for the instances of launched servers.

use std::collections::BTreeMap;

use crate::decide::jobs;
use crate::event::{Event, LaunchId};
use crate::ids::{InstanceId, JobId, ServerId, Target};
use crate::limits;
use crate::ports::{Clock, Drs, Job, LaunchStatus, WhichInstances, WhichJobs};
use crate::state::ServerStatus;
use crate::store::items::Items;

use super::perform::{one_transaction_each, trouble};
use super::{DriveError, Driver, Run, Turn, Watch};

impl<D: Drs, I: Items, C: Clock> Driver<D, I, C> {
    /// One DescribeJobs for all running jobs of a target.
    pub(super) async fn observe<W: Watch>(
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

    pub(super) async fn find_instances<W: Watch>(
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
}

fn parts(instances: BTreeMap<ServerId, InstanceId>) -> Vec<BTreeMap<ServerId, InstanceId>> {
    let list: Vec<(ServerId, InstanceId)> = instances.into_iter().collect();
    list.chunks(limits::SERVERS_PER_JUDGEMENT)
        .map(|part| part.iter().cloned().collect())
        .collect()
}
