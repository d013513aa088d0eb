//! Beginning hooks and checks, looking at them, and at the status of instances.

use std::collections::BTreeMap;

use crate::decide::actions::{self, ActionPlan};
use crate::decide::checks::Disposition;
use crate::decide::{beside, checks};
use crate::event::{ActionId, Event};
use crate::ids::{InstanceId, Target};
use crate::ports::{Clock, InstanceHealth, LaunchSettings, Outside};
use crate::readiness::{self, Named};
use crate::state::ActionPhase;
use crate::store::items::Items;

use super::perform::{one_transaction_each, trouble};
use super::{DriveError, Driver, Run, Turn, Watch, together};

impl<D: Outside, I: Items, C: Clock> Driver<D, I, C> {
    /// Intents, calls, outcomes: of everything that is to be begun now. The intents are in the history before any of the
    /// calls is made, and are written together or not at all.
    pub(super) async fn begin_actions<W: Watch>(
        &self,
        run: &mut Run<'_, W>,
        plans: Vec<ActionPlan>,
    ) -> Result<Turn, DriveError> {
        let intents = actions::intents(&run.state, plans);
        let critical = run.watch.critical().await;
        let announced = intents
            .iter()
            .map(|intent| Event::ActionIntended(Box::new(intent.clone())));
        if !self.try_record(run, announced.collect()).await? {
            return Ok(Turn::Next);
        }
        let state = &run.state;
        let requests: Vec<_> = intents
            .iter()
            .filter_map(|intent| Some((intent, actions::request(state, intent)?)))
            .collect();
        let calls = requests
            .iter()
            .map(|(intent, request)| self.drs.begin(&intent.target, request));
        let outcomes = together::all(calls).await;
        // Each is a fact of its own: what somebody else says meanwhile must not cost another its outcome.
        let mut turn = Turn::Next;
        for ((intent, _), outcome) in requests.iter().zip(outcomes) {
            if let Err(error) = &outcome {
                run.watch.on_trouble(error);
            }
            if turn == Turn::Next {
                let event = actions::begun(intent.action, outcome);
                turn = self.record_outcome(run, vec![event]).await?;
            }
        }
        drop(critical);
        Ok(turn)
    }

    /// Looks at actions that run.
    pub(super) async fn look_at_actions<W: Watch>(
        &self,
        run: &mut Run<'_, W>,
        due: Vec<ActionId>,
    ) -> Result<Turn, DriveError> {
        let running = due.into_iter().filter_map(|id| {
            let action = run.state.actions.all.get(&id)?;
            match &action.phase {
                ActionPhase::Begun { run, .. } => Some((id, action.target.clone(), run.clone())),
                _ => None,
            }
        });
        let running: Vec<_> = running.collect();
        let looks = running
            .iter()
            .map(|(_, target, begun)| self.drs.look(target, begun));
        let found = together::all(looks).await;
        let now = self.clock.now();
        let mut events = Vec::new();
        for ((id, ..), status) in running.into_iter().zip(found) {
            let key = actions::look_key(id);
            match status {
                Ok(status) => {
                    run.view.clear(&key);
                    run.view.actions_looked.insert(id, now.world);
                    events.extend(actions::looked(id, status));
                }
                Err(error) => {
                    trouble(run, &key, error, now);
                }
            }
        }
        for event in events {
            if self.record_outcome(run, vec![event]).await? == Turn::Lost {
                return Ok(Turn::Lost);
            }
        }
        Ok(Turn::Next)
    }

    /// One DescribeInstanceStatus for all instances of a target that are to be healthy, in each target where a look is due.
    pub(super) async fn look_at_health<W: Watch>(
        &self,
        run: &mut Run<'_, W>,
    ) -> Result<Turn, DriveError> {
        let now = self.clock.now();
        let due = beside::health(&run.state, &run.view, now, &self.settings);
        let looks = due
            .iter()
            .map(|(target, instances)| self.drs.instance_health(target, instances));
        let found = together::all(looks).await;
        // The time from before the looks: what they saw may not be judged by a later one.
        for ((target, _), looked) in due.into_iter().zip(found) {
            if let Ok(seen) = &looked {
                self.look_at_stopped(run, &target, seen).await;
            }
            let events = checks::judge(&run.state, &run.view, &target, looked.as_ref(), now);
            let key = checks::health_key(&target);
            match looked {
                Ok(_) => {
                    run.view.clear(&key);
                    run.view.health_looked.insert(target, now.world);
                }
                Err(error) => {
                    trouble(run, &key, error, self.clock.now());
                }
            }
            for part in one_transaction_each(events) {
                if self.record_outcome(run, part).await? == Turn::Lost {
                    return Ok(Turn::Lost);
                }
            }
        }
        Ok(Turn::Next)
    }

    /// Looks whether instances that are stopped were to be. What cannot be read now is asked again with the next look.
    async fn look_at_stopped<W: Watch>(
        &self,
        run: &mut Run<'_, W>,
        target: &Target,
        seen: &BTreeMap<InstanceId, InstanceHealth>,
    ) {
        let stopped = checks::stopped(&run.state, &run.view, target, seen);
        let (servers, instances): (Vec<Named>, Vec<InstanceId>) = stopped
            .into_iter()
            .map(|(id, server, instance)| ((id.clone(), server.hostname.clone()), instance))
            .unzip();
        let answers = readiness::of_each(&self.clock, &servers, |id| {
            self.drs.launch_settings(target, id)
        });
        let answers = answers.await;
        let told: BTreeMap<Named, LaunchSettings> = answers.read.into_iter().collect();
        if let Some(error) = &answers.error {
            run.watch.on_trouble(error);
        }
        let refused = answers.error.filter(|error| !error.is_retryable());
        for (server, instance) in servers.iter().zip(instances) {
            let disposition = match (told.get(server), &refused) {
                (Some(settings), _) if settings.stopped => Disposition::Stopped,
                (Some(_), _) => Disposition::Started,
                (None, Some(error)) => Disposition::Unreadable(error.to_string()),
                (None, None) => continue,
            };
            run.view.dispositions.insert(instance, disposition);
        }
    }
}
