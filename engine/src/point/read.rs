//! Reading the points of servers, and freezing those that are meant.
//!
//! DRS lists points of one server at a time, so a plan of a thousand servers takes a thousand calls: a few of them are made
//! at a time, and only for servers that are not launched from their newest state.

use std::collections::{BTreeMap, BTreeSet};

use crate::decide::view::backoff;
use crate::drive::{Driver, together};
use crate::frozen::{Frozen, FrozenServer};
use crate::ids::{PlanId, ServerId, Target};
use crate::limits;
use crate::only::Only;
use crate::ports::{CallError, Clock, Outside, RecoverySnapshot};
use crate::preflight::{Finding, Roster, points as found, unresolved};
use crate::resolve::resolve;
use crate::store::items::Items;
use crate::time::{Wake, after};

use super::{PointError, RecoveryPoint, choices, pick};

/// What DRS says about the points of servers.
pub type Snapshots = BTreeMap<ServerId, Result<Vec<RecoverySnapshot>, CallError>>;

impl<D: Outside, I: Items + Clone, C: Clock> Driver<D, I, C> {
    /// What a start would freeze now: the servers that take part, with their points. It changes nothing.
    ///
    /// # Errors
    ///
    /// Everything for which there would be no start.
    pub async fn planned_points(
        &self,
        plan: &PlanId,
        only: &Only,
        points: &RecoveryPoint,
    ) -> Result<Frozen, Vec<Finding>> {
        let resolved = resolve(&self.drs, &self.executions.items, plan, only).await;
        let resolution = resolved.map_err(|errors| {
            let findings = errors.iter().map(|error| unresolved::finding(plan, error));
            findings.collect::<Vec<_>>()
        })?;
        let roster = Roster::new(&resolution.parsed, &resolution.frozen);
        let mut frozen = resolution.frozen;
        self.freeze_points(points, &mut frozen)
            .await
            .map_err(|problems| found::findings(plan, &roster, &problems))?;
        Ok(frozen)
    }
}

impl<D: Outside, I: Items, C: Clock> Driver<D, I, C> {
    /// Freezes what servers are launched from.
    ///
    /// # Errors
    ///
    /// Every problem there is; nothing is frozen then.
    pub(crate) async fn freeze_points(
        &self,
        points: &RecoveryPoint,
        frozen: &mut Frozen,
    ) -> Result<(), Vec<PointError>> {
        let (choices, mut errors) = choices(points, frozen);
        let all = frozen.servers().map(|(_, server)| server);
        let wanted: Vec<&FrozenServer> = all
            .filter(|server| choices.contains_key(&server.id))
            .collect();
        let read = self.snapshots_of(&wanted).await;
        let mut picked = BTreeMap::new();
        let mut unreadable = BTreeSet::new();
        for server in wanted {
            match (read.get(&server.id), choices.get(&server.id)) {
                (Some(Ok(snapshots)), Some(choice)) => match pick(choice, server, snapshots) {
                    Ok(point) => {
                        picked.insert(server.id.clone(), point);
                    }
                    Err(error) => errors.push(error),
                },
                // What is wrong with one server's list is mostly wrong with every list of its target.
                (Some(Err(error)), _) if unreadable.insert(server.target.clone()) => {
                    errors.push(PointError::Unreadable {
                        target: server.target.clone(),
                        error: Box::new(error.clone()),
                    });
                }
                _ => {}
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        for server in frozen.waves.iter_mut().flatten() {
            server.snapshot = picked.remove(&server.id);
        }
        Ok(())
    }

    /// The points of servers, as DRS lists them. A list that DRS is too busy for is asked for again a few times; in a target
    /// that refuses one, no other is asked for.
    pub async fn snapshots_of(&self, servers: &[&FrozenServer]) -> Snapshots {
        let mut found = Snapshots::new();
        let mut refused: BTreeMap<Target, CallError> = BTreeMap::new();
        let mut left: Vec<&FrozenServer> = servers.to_vec();
        for round in 0..limits::POINT_READS {
            let mut busy = Vec::new();
            let mut asked = None;
            for part in left.chunks(limits::CALLS_TOGETHER) {
                let (known, open): (Vec<_>, Vec<_>) = part
                    .iter()
                    .copied()
                    .partition(|server| refused.contains_key(&server.target));
                for server in known {
                    found.insert(server.id.clone(), Err(refused[&server.target].clone()));
                }
                let reads = open
                    .iter()
                    .map(|server| self.drs.recovery_snapshots(&server.target, &server.id));
                for (server, read) in open.iter().zip(together::all(reads).await) {
                    match &read {
                        Err(error) if error.is_retryable() => {
                            asked = asked.max(error.retry_after);
                            busy.push(*server);
                        }
                        Err(error) => {
                            refused.insert(server.target.clone(), error.clone());
                        }
                        Ok(_) => {}
                    }
                    found.insert(server.id.clone(), read);
                }
            }
            if busy.is_empty() || round + 1 == limits::POINT_READS {
                break;
            }
            let mut wake = Wake::default();
            wake.at_wall(after(
                self.clock.now().wall,
                backoff("points", round, asked),
            ));
            self.clock.sleep(wake).await;
            left = busy;
        }
        found
    }
}
