//! What a start looks at before it makes an execution exist, and the same asked for its own sake.
//!
//! A start ends at the first thing that is against it. Whoever plans one wants to know everything, and at a time when
//! something of it may still be written: see [`Driver::objections`]. Nothing here writes.

use std::collections::BTreeMap;

use crate::drive::Driver;
use crate::event::{LiveInstance, Mode};
use crate::frozen::Frozen;
use crate::guard::{Guard, Unchecked};
use crate::ids::{ServerId, Target};
use crate::limits;
use crate::plan::DrillGuard;
use crate::ports::{Clock, Outside, WhichInstances};
use crate::readiness::guard::GuardPassed;
use crate::resolve::{Meanwhile, resolve_then};
use crate::store::Held;
use crate::store::items::Items;
use crate::store::start::{StartError, StartRequest};

use super::{Begin, BeginError, check_lifetime};

impl<D: Outside, I: Items + Clone, C: Clock> Driver<D, I, C> {
    /// Every reason for which this execution would not start now, found by what a start itself looks at. What is written
    /// before it is taken as written. A plan that cannot be resolved is the only reason that is known of it.
    pub async fn objections(&self, begin: &Begin, meanwhile: &Meanwhile) -> Vec<BeginError> {
        let (items, plan, only) = (&self.executions.items, &begin.plan, &begin.only);
        let resolution = resolve_then(&self.drs, items, plan, only, meanwhile).await;
        let mut resolution = match resolution {
            Ok(resolution) => resolution,
            Err(errors) => return vec![BeginError::Resolve(errors)],
        };
        let lifetime = check_lifetime(begin).map_err(BeginError::Lifetime);
        let points = self.freeze_points(&begin.points, &mut resolution.frozen);
        let points = points.await.map_err(BeginError::Points);
        let guard = resolution.parsed.drill_guard().cloned();
        let request = self.request_of(begin, resolution);
        let guard = self.ask_guard(begin, guard.as_ref(), &request.frozen).await;
        let hooks = self.find_hooks(begin, &request).await;
        let live = match begin.replace_live_instances {
            true => Ok(()),
            false => self
                .refuse_live_instances(begin, &request.frozen)
                .await
                .map(drop),
        };
        let looked = [lifetime, points, guard.map(drop), hooks, live];
        let mut found: Vec<BeginError> = looked.into_iter().filter_map(Result::err).collect();
        found.extend(self.others(begin, &request, meanwhile).await);
        found
    }

    /// Other executions that have the plan or its servers.
    async fn others(
        &self,
        begin: &Begin,
        request: &StartRequest,
        meanwhile: &Meanwhile,
    ) -> Vec<BeginError> {
        let others = self
            .executions
            .in_the_way(&request.plan, &request.frozen, begin.mode);
        let mut others = match others.await {
            Ok(others) => others,
            Err(error) => return vec![BeginError::Start(StartError::Read(error))],
        };
        others.retain(|(other, _)| {
            let gives_way = begin.mode == Mode::Recovery && other.mode == Mode::Drill;
            !gives_way && !meanwhile.ended.contains(&other.execution_id)
        });
        let mut found = Vec::new();
        let mut held = Vec::new();
        for (other, servers) in others {
            if other.plan_id == begin.plan {
                found.push(BeginError::Start(StartError::Running(other.execution_id)));
                continue;
            }
            let by = |server: ServerId| {
                let (id, name) = (other.execution_id.to_string(), other.plan_name.clone());
                (server.to_string(), id, name)
            };
            held.extend(servers.into_iter().map(by));
        }
        if !held.is_empty() {
            found.push(BeginError::Start(StartError::Leased(Held::of(held))));
        }
        found
    }

    /// What the plan's guard lets pass; nothing is asked of it for a recovery.
    pub(super) async fn ask_guard(
        &self,
        begin: &Begin,
        guard: Option<&DrillGuard>,
        frozen: &Frozen,
    ) -> Result<Option<GuardPassed>, BeginError> {
        let Some(guard) = guard.filter(|_| begin.mode == Mode::Drill) else {
            return Ok(None);
        };
        let passed = self.check_drill_guard(guard, &frozen.named()).await;
        passed.map(Some).map_err(BeginError::DrillGuard)
    }

    /// Whether what hooks and checks run exists. A recovery is not held up by a hook: what its failure means, the plan
    /// says.
    pub(super) async fn find_hooks(
        &self,
        begin: &Begin,
        request: &StartRequest,
    ) -> Result<(), BeginError> {
        if begin.mode != Mode::Drill {
            return Ok(());
        }
        let (waves, frozen) = (&request.started.waves, &request.frozen);
        let found = self.look_for_hooks(waves, frozen).await;
        if found.missing.is_empty() {
            Ok(())
        } else {
            let missing = found.missing.into_iter().map(|missing| missing.text);
            Err(BeginError::HooksMissing(missing.collect()))
        }
    }

    /// The same guard stands before every launch; here it keeps an execution from being started for nothing.
    /// What could not be looked at is returned, where the recovery may go on without it.
    pub(super) async fn refuse_live_instances(
        &self,
        begin: &Begin,
        frozen: &Frozen,
    ) -> Result<Vec<Unchecked>, BeginError> {
        let mut by_target: BTreeMap<&Target, Vec<ServerId>> = BTreeMap::new();
        for (_, server) in frozen.servers() {
            by_target
                .entry(&server.target)
                .or_default()
                .push(server.id.clone());
        }
        let guard = Guard::LiveInstances;
        let is_forced = begin.mode == Mode::Recovery && begin.force_unknown.contains(&guard);
        let mut unread = Vec::new();
        let mut live = Vec::new();
        for (target, servers) in by_target {
            let which = WhichInstances::OfServers(servers);
            let found = match self.drs.recovery_instances(target, &which).await {
                Ok(found) => found,
                Err(error) if is_forced => {
                    let reason = format!("in {target}: {error}");
                    unread.push(Unchecked { guard, reason });
                    continue;
                }
                Err(error) => return Err(BeginError::GuardUnreadable(error)),
            };
            live.extend(
                found
                    .into_iter()
                    .filter(|instance| !instance.is_drill)
                    .map(|instance| LiveInstance {
                        server: instance.server,
                        instance: instance.id,
                    }),
            );
        }
        if live.is_empty() {
            return Ok(unread);
        }
        let count = live.len();
        live.truncate(limits::SERVERS_PER_EVENT);
        Err(BeginError::LiveInstances {
            instances: live,
            count,
        })
    }
}
