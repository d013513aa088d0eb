//! Terminating what an execution launched: look, announce, ask, look again.

use std::collections::BTreeSet;

use crate::decide::termination;
use crate::decide::view::OwnInstances;
use crate::event::Event;
use crate::ids::{InstanceId, JobId, Target};
use crate::ports::{CallError, Clock, Kind, Outside, WhichInstances};
use crate::store::items::Items;

use super::perform::trouble;
use super::{DriveError, Driver, Run, Turn, Watch};

impl<D: Outside, I: Items, C: Clock> Driver<D, I, C> {
    pub(super) async fn find_own_instances<W: Watch>(
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

    pub(super) async fn terminate<W: Watch>(
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
