//! Looking what servers were launched from, once their job has ended.

use std::collections::BTreeMap;

use crate::decide::points;
use crate::event::{Event, LaunchId};
use crate::ids::{JobId, ServerId, Target};
use crate::ports::{CallError, Clock, Outside, RecoveryInstance, Taken, WhichInstances};
use crate::store::items::Items;

use super::perform::trouble;
use super::{DriveError, Driver, Run, Turn, Watch, together};

/// What DRS says about the servers of a job.
type Told = (BTreeMap<ServerId, Taken>, Vec<RecoveryInstance>);

impl<D: Outside, I: Items, C: Clock> Driver<D, I, C> {
    /// Asks about jobs that ended, a few at the same time.
    pub(super) async fn find_points<W: Watch>(
        &self,
        run: &mut Run<'_, W>,
        launches: Vec<LaunchId>,
    ) -> Result<Turn, DriveError> {
        let state = &run.state;
        let known = launches.iter().filter_map(|id| {
            let launch = state.launches.get(id)?;
            Some((*id, &launch.target, launch.phase.job()?))
        });
        let asked: Vec<(LaunchId, Target)> = known
            .clone()
            .map(|(id, target, _)| (id, target.clone()))
            .collect();
        let looks = known.map(|(id, target, job)| {
            let servers = state.launched_by(id).cloned().collect();
            self.launch_told(target, job, servers)
        });
        let answers = together::all(looks).await;
        for ((launch, target), told) in asked.into_iter().zip(answers) {
            let key = points::points_key(&target);
            let (taken, instances) = match told {
                Ok(told) => {
                    run.view.clear(&key);
                    told
                }
                Err(error) if error.is_retryable() => {
                    trouble(run, &key, error, self.clock.now());
                    continue;
                }
                // What may not be read stays unknown; no second look would say more.
                Err(error) => {
                    run.watch.on_trouble(&error);
                    Told::default()
                }
            };
            let points = points::launched_from(&run.state, launch, &taken, &instances);
            let event = Event::PointsFound { launch, points };
            if self.record_outcome(run, vec![event]).await? == Turn::Lost {
                return Ok(Turn::Lost);
            }
        }
        Ok(Turn::Next)
    }

    async fn launch_told(
        &self,
        target: &Target,
        job: &JobId,
        servers: Vec<ServerId>,
    ) -> Result<Told, CallError> {
        let taken = self.drs.snapshots_taken(target, job).await?;
        let which = WhichInstances::OfServers(servers);
        Ok((taken, self.drs.recovery_instances(target, &which).await?))
    }
}
