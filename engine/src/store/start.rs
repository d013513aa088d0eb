//! Starting an execution: its servers are frozen and leased, and one transaction makes it exist.
//!
//! That transaction also changes the plan's item and every group's, so no execution starts on a plan or a group that was
//! changed or deleted meanwhile, and guards find the running execution on the items themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::event::{Author, Event, Mode, Recorded, Started};
use crate::frozen::{Frozen, FrozenServer};
use crate::ids::{ExecutionId, GroupId, OwnerId, PlanId, ServerId};
use crate::limits;
use crate::time::{Now, after};

use super::claim::Claim;
use super::claims::{self, CLAIMS_PER_BATCH, ClaimError, Held, Owners};
use super::codec::ReadError;
use super::executions::{Executions, is_live, summary_of};
use super::footprint::Footprint;
use super::group::Group;
use super::items::{Condition, Items, Key, Value, Write, WriteError};
use super::plan::StoredPlan;
use super::summary::{ABANDONED, CLAIMING, Summary};
use super::sweep::Marker;
use super::{keys, record};

/// Everything that an execution starts with.
#[derive(Clone, Debug)]
pub struct StartRequest {
    /// The first event.
    pub started: Started,
    /// The frozen servers.
    pub frozen: Frozen,
    /// Who drives it first.
    pub owner: OwnerId,
    /// Where that process runs.
    pub host: String,
    /// Who asked for it.
    pub initiated_by: String,
    /// Digest of the values that make a run of the same plan the same run.
    pub inputs_digest: String,
    /// The account and the Region that it is started from.
    pub hub: crate::ids::Target,
    /// The plan as it was resolved.
    pub plan: StoredPlan,
    /// The groups as they were resolved.
    pub groups: Vec<Group>,
    /// The number that the run must have; none means whichever is next.
    pub run: Option<i64>,
}

/// Why an execution did not start. Nothing of it is left, except when the store cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartError {
    /// There is no such plan.
    PlanMissing(PlanId),
    /// A group that the plan names does not exist.
    GroupMissing(GroupId),
    /// Another execution of the plan runs.
    Running(ExecutionId),
    /// Servers are leased to other executions.
    Leased(Held),
    /// The run that was asked for is not the plan's next.
    AnotherRun {
        /// The number that was asked for.
        asked: i64,
        /// The number of the next run.
        next: i64,
    },
    /// The plan or a group was changed meanwhile.
    Changed,
    /// Something could not be read or written.
    Read(ReadError),
    /// Others kept writing.
    Contended,
}

impl<I: Items + Clone> Executions<I> {
    /// Starts an execution, driven by the given owner.
    ///
    /// # Errors
    ///
    /// See [`StartError`]; nothing was launched in any case.
    pub async fn start(
        &self,
        request: &StartRequest,
        now: Now,
    ) -> Result<Vec<Recorded>, StartError> {
        if let Some(running) = &request.plan.execution
            && self.is_in_the_way(running, request).await?
        {
            return Err(StartError::Running(running.clone()));
        }
        self.freeze(request).await?;
        let started = self.lease_and_commit(request, now).await;
        if started.is_err() {
            self.discard(request).await;
        }
        started
    }

    async fn lease_and_commit(
        &self,
        request: &StartRequest,
        now: Now,
    ) -> Result<Vec<Recorded>, StartError> {
        let leases = leases(request);
        let owners = LeaseOwners {
            items: &self.items,
            now,
            mode: request.started.mode,
        };
        let beside = 6 + request.groups.len();
        let fits = leases.len() + beside <= limits::ITEMS_PER_TRANSACTION;
        if !fits {
            let marker = summary(request, now, true);
            let put = Write::Put {
                item: marker.encode(),
                condition: Condition::Absent,
            };
            claims::take_together(&self.items, &owners, &[], vec![put]).await?;
            claims::take_in_batches(&self.items, &owners, &leases).await?;
        }
        let events = first_events(request, now);
        let mut plan = request.plan.clone();
        let mut groups = request.groups.clone();
        for _ in 0..limits::APPEND_ATTEMPTS {
            if let Some(asked) = request.run.filter(|run| *run != plan.runs + 1) {
                let next = plan.runs + 1;
                let error = StartError::AnotherRun { asked, next };
                return self.conclude(request, &leases, &events, error).await;
            }
            if let Some(running) = &plan.execution
                && *running != request.started.execution_id
                && self.is_in_the_way(running, request).await?
            {
                let error = StartError::Running(running.clone());
                return self.conclude(request, &leases, &events, error).await;
            }
            let others = self
                .commit_writes(request, &plan, &groups, &events, now, fits)
                .await?;
            let together = if fits { leases.as_slice() } else { &[][..] };
            match claims::take_together(&self.items, &owners, together, others).await {
                Ok(()) => return Ok(events),
                // A group's version also changes when another execution starts with it: that is no reason to give up.
                Err(ClaimError::Changed) => match self.same_configuration(request).await {
                    Ok((fresh_plan, fresh_groups)) => (plan, groups) = (fresh_plan, fresh_groups),
                    Err(error) => return self.conclude(request, &leases, &events, error).await,
                },
                Err(error) => {
                    let error = error.into();
                    return self.conclude(request, &leases, &events, error).await;
                }
            }
        }
        self.conclude(request, &leases, &events, StartError::Contended)
            .await
    }

    /// The commit may have been made although an error came of it: only its answer was lost. Leases are given back only
    /// when it was not; where that cannot be seen they stay, and count for nothing without an execution.
    async fn conclude(
        &self,
        request: &StartRequest,
        leases: &[Claim],
        events: &[Recorded],
        error: StartError,
    ) -> Result<Vec<Recorded>, StartError> {
        let key = keys::event(&request.started.execution_id, 1);
        let Ok(item) = self.items.get(&key).await else {
            return Err(error);
        };
        let first = item.as_ref().map(record::decode_event).transpose()?;
        if first.is_some() && first.as_ref() == events.first() {
            return Ok(events.to_vec());
        }
        claims::release(&self.items, leases).await;
        Err(error)
    }

    /// The executions that have the plan, or servers of it, and keep another of this mode from starting, each with the
    /// servers that it has. It only looks.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn in_the_way(
        &self,
        plan: &StoredPlan,
        frozen: &Frozen,
        mode: Mode,
    ) -> Result<Vec<(Summary, Vec<ServerId>)>, ReadError> {
        let own = plan.execution.iter();
        let mut servers: BTreeMap<ExecutionId, Vec<ServerId>> =
            own.map(|id| (id.clone(), Vec::new())).collect();
        let leases: BTreeMap<Key, &FrozenServer> = frozen
            .servers()
            .map(|(_, server)| (keys::lease(&server.target, &server.id), server))
            .collect();
        let items = self.items.get_all(leases.keys().cloned().collect());
        for (key, item) in items.await.map_err(ReadError::Call)? {
            let owner = ExecutionId::new(Claim::decode(&item)?.owner);
            let server = leases.get(&key).map(|server| server.id.clone());
            servers.entry(owner).or_default().extend(server);
        }
        let mut found = Vec::new();
        for (id, servers) in servers {
            let summary = summary_of(&self.items, &id).await?;
            let summary = summary.filter(|summary| summary.stands_in_the_way_of(mode));
            found.extend(summary.map(|summary| (summary, servers)));
        }
        Ok(found)
    }

    async fn is_in_the_way(
        &self,
        id: &ExecutionId,
        request: &StartRequest,
    ) -> Result<bool, StartError> {
        let summary = summary_of(&self.items, id).await?;
        Ok(summary.is_some_and(|summary| summary.stands_in_the_way_of(request.started.mode)))
    }

    async fn freeze(&self, request: &StartRequest) -> Result<(), StartError> {
        let writes: Vec<Write> = frozen_items(request)
            .into_iter()
            .map(|item| Write::Put {
                item,
                condition: Condition::Always,
            })
            .collect();
        let owners = LeaseOwners {
            items: &self.items,
            now: Now {
                world: jiff::Timestamp::MIN,
                wall: jiff::Timestamp::MIN,
            },
            mode: request.started.mode,
        };
        for batch in writes.chunks(limits::ITEMS_PER_TRANSACTION) {
            claims::take_together(&self.items, &owners, &[], batch.to_vec()).await?;
        }
        Ok(())
    }

    async fn commit_writes(
        &self,
        request: &StartRequest,
        plan: &StoredPlan,
        groups: &[Group],
        events: &[Recorded],
        now: Now,
        fits: bool,
    ) -> Result<Vec<Write>, StartError> {
        let id = &request.started.execution_id;
        let at_version =
            |version: i64| Condition::Equals(vec![("Version", Value::Number(version))]);
        let next = StoredPlan {
            execution: Some(id.clone()),
            runs: plan.runs + 1,
            version: plan.version + 1,
            ..plan.clone()
        };
        let mut writes = vec![Write::Put {
            item: next.encode(),
            condition: at_version(plan.version),
        }];
        for group in groups {
            let mut executions = BTreeSet::from([id.clone()]);
            for other in &group.executions {
                if is_live(&self.items, other).await? {
                    executions.insert(other.clone());
                }
            }
            let next = Group {
                executions,
                version: group.version + 1,
                ..group.clone()
            };
            writes.push(Write::Put {
                item: next.encode(),
                condition: at_version(group.version),
            });
        }
        let condition = if fits {
            Condition::Absent
        } else {
            Condition::Equals(vec![("Status", Value::Text(CLAIMING.to_owned()))])
        };
        writes.push(Write::Put {
            item: summary(request, now, false).encode(),
            condition,
        });
        let nonce = crate::digest::of(&events);
        writes.extend(events.iter().map(|event| Write::Put {
            item: record::encode_event(id, event, &nonce),
            condition: Condition::Absent,
        }));
        writes.extend(marker(request, now));
        writes.extend(footprint(request, now));
        Ok(writes)
    }

    /// The plan and the groups as they are now, if they are still configured as they were resolved.
    async fn same_configuration(
        &self,
        request: &StartRequest,
    ) -> Result<(StoredPlan, Vec<Group>), StartError> {
        let plan = self
            .items
            .get(&keys::plan(&request.plan.id))
            .await
            .map_err(ReadError::Call)?;
        let Some(plan) = plan.as_ref().map(StoredPlan::decode).transpose()? else {
            return Err(StartError::PlanMissing(request.plan.id.clone()));
        };
        let wanted = request.groups.iter().map(|known| keys::group(&known.id));
        let items = self.items.get_all(wanted.collect());
        let items = items.await.map_err(ReadError::Call)?;
        let mut groups = Vec::with_capacity(request.groups.len());
        for known in &request.groups {
            let group = items.get(&keys::group(&known.id));
            let Some(group) = group.map(Group::decode).transpose()? else {
                return Err(StartError::GroupMissing(known.id.clone()));
            };
            if group.config.selection != known.config.selection
                || group.config.target != known.config.target
            {
                return Err(StartError::Changed);
            }
            groups.push(group);
        }
        if plan.spec.waves != request.plan.spec.waves {
            Err(StartError::Changed)
        } else {
            Ok((plan, groups))
        }
    }

    /// Removes the frozen servers and the marker of an execution that did not start. What cannot be removed now does no
    /// harm: nothing refers to it, and an overdue marker counts for nothing. An execution that exists after all, because
    /// only the answer was lost, keeps everything: its summary stands in the way of every batch.
    async fn discard(&self, request: &StartRequest) {
        let key = keys::summary(&request.started.execution_id);
        let marked = Condition::Equals(vec![("Status", Value::Text(CLAIMING.to_owned()))]);
        let unmark = Write::Delete {
            key: key.clone(),
            condition: marked,
        };
        let _ = self.items.transact(vec![unmark]).await;
        let frozen: Vec<Write> = frozen_items(request)
            .into_iter()
            .map(|item| Write::Delete {
                key: item.key,
                condition: Condition::Always,
            })
            .collect();
        for batch in frozen.chunks(CLAIMS_PER_BATCH) {
            let absent = Write::Check {
                key: key.clone(),
                condition: Condition::Absent,
            };
            let writes = batch.iter().cloned().chain([absent]).collect();
            if self.items.transact(writes).await.is_err() {
                break;
            }
        }
    }
}

/// Judges leases: they count while their execution lives, or is being started and not overdue.
struct LeaseOwners<'a, I> {
    items: &'a I,
    now: Now,
    /// What the leases are wanted for.
    mode: Mode,
}

impl<I: Items> Owners for LeaseOwners<'_, I> {
    async fn counts(&self, claim: &Claim) -> Result<bool, ReadError> {
        let id = ExecutionId::new(&claim.owner);
        let Some(summary) = summary_of(self.items, &id).await? else {
            return Ok(false);
        };
        if summary.status != CLAIMING {
            return Ok(summary.stands_in_the_way_of(self.mode));
        }
        if summary
            .claiming_until
            .is_some_and(|until| until > self.now.wall)
        {
            return Ok(true);
        }
        let abandoned = Summary {
            status: ABANDONED.to_owned(),
            is_terminal: true,
            claiming_until: None,
            ..summary
        };
        let condition = Condition::Equals(vec![("Status", Value::Text(CLAIMING.to_owned()))]);
        match self
            .items
            .transact(vec![Write::Put {
                item: abandoned.encode(),
                condition,
            }])
            .await
        {
            Ok(()) => Ok(false),
            Err(WriteError::Conflict(_)) => Ok(true),
            Err(WriteError::Call(error)) => Err(ReadError::Call(error)),
        }
    }
}

fn leases(request: &StartRequest) -> Vec<Claim> {
    let lease = |server: &crate::frozen::FrozenServer| Claim {
        key: keys::lease(&server.target, &server.id),
        owner: request.started.execution_id.to_string(),
        owner_name: request.started.plan_name.clone(),
    };
    request
        .frozen
        .servers()
        .map(|(_, server)| lease(server))
        .collect()
}

fn frozen_items(request: &StartRequest) -> Vec<super::items::Item> {
    let id = &request.started.execution_id;
    let parts = request
        .frozen
        .waves
        .iter()
        .enumerate()
        .flat_map(|(wave, servers)| {
            servers
                .chunks(limits::SERVERS_PER_EVENT)
                .enumerate()
                .map(move |(part, servers)| record::encode_frozen(id, wave, part, servers))
        });
    parts.collect()
}

fn first_events(request: &StartRequest, now: Now) -> Vec<Recorded> {
    let started = Recorded {
        seq: 1,
        now,
        author: Author::Operator(request.initiated_by.clone()),
        event: Event::ExecutionStarted(Box::new(request.started.clone())),
    };
    let owner = request.owner.clone();
    let taken = Event::OwnerTaken {
        owner: owner.clone(),
        host: request.host.clone(),
        previous: None,
    };
    vec![
        started,
        Recorded {
            seq: 2,
            now,
            author: Author::Owner(owner),
            event: taken,
        },
    ]
}

/// What a sweep finds the execution by, where it has a lifetime.
fn marker(request: &StartRequest, now: Now) -> Option<Write> {
    let started = &request.started;
    let marker = Marker {
        execution_id: started.execution_id.clone(),
        plan_id: started.plan_id.clone(),
        at: after(now.world, started.max_lifetime?),
    };
    Some(Write::Put {
        item: marker.encode(),
        condition: Condition::Always,
    })
}

/// Where it may have recovery instances, where that is in targets.
fn footprint(request: &StartRequest, now: Now) -> Option<Write> {
    let id = &request.started.execution_id;
    let home = &request.hub.account_id;
    let footprint = Footprint::of(id, &request.frozen, home, now.wall)?;
    Some(Write::Put {
        item: footprint.encode(),
        condition: Condition::Always,
    })
}

fn summary(request: &StartRequest, now: Now, claiming: bool) -> Summary {
    let started = &request.started;
    Summary {
        execution_id: started.execution_id.clone(),
        plan_id: started.plan_id.clone(),
        plan_name: started.plan_name.clone(),
        status: if claiming {
            CLAIMING.to_owned()
        } else {
            "RUNNING".to_owned()
        },
        is_terminal: false,
        mode: started.mode,
        started_at: now.wall,
        ended_at: None,
        account_id: request.hub.account_id.clone(),
        region: request.hub.region.clone(),
        initiated_by: request.initiated_by.clone(),
        origin: started.origin.clone(),
        inputs_digest: request.inputs_digest.clone(),
        delivered: false,
        wave_status: String::new(),
        errors: Vec::new(),
        version: if claiming { 0 } else { 2 },
        preempted_by: None,
        deletion: None,
        claiming_until: claiming.then(|| after(now.wall, limits::CLAIMING_TIMEOUT)),
    }
}

impl From<ReadError> for StartError {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

impl From<ClaimError> for StartError {
    fn from(error: ClaimError) -> Self {
        match error {
            ClaimError::Held(held) => Self::Leased(held),
            ClaimError::Changed => Self::Changed,
            ClaimError::Read(error) => Self::Read(error),
            ClaimError::Contended => Self::Contended,
        }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PlanMissing(id) => write!(f, "there is no recovery plan {id}"),
            Self::GroupMissing(id) => write!(
                f,
                "the plan names protection group {id}, which does not exist"
            ),
            Self::Running(id) => write!(f, "execution {id} of this plan runs"),
            Self::Leased(held) => {
                write!(f, "servers take part in other executions that run: {held}")
            }
            Self::AnotherRun { asked, next } => write!(
                f,
                "run {asked} was asked for, but the next run of the plan is {next}: it was run meanwhile"
            ),
            Self::Changed => write!(
                f,
                "the plan or a group of it was changed meanwhile; nothing was launched, try again"
            ),
            Self::Read(error) => write!(f, "{error}"),
            Self::Contended => write!(f, "others kept writing; nothing was launched, try again"),
        }
    }
}

impl std::error::Error for StartError {}

/// Used where a batch is sized: leases leave room for the owner's own items.
const _: () = assert!(CLAIMS_PER_BATCH < limits::ITEMS_PER_TRANSACTION);

#[cfg(test)]
mod tests;
