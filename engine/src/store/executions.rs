//! Histories of executions: read, appended to with the expected sequence, listed.
//!
//! How an execution starts is in [`start`](super::start).

use std::fmt;

use crate::digest;
use crate::event::{Event, Recorded};
use crate::frozen::Frozen;
use crate::ids::{ExecutionId, OwnerId, PlanId};
use crate::limits;
use crate::ports::{CallError, Kind};
use crate::time::Now;

use super::codec::ReadError;
use super::deletion::Deletion;
use super::items::{
    Condition, Index, IndexQuery, Item, Items, Key, Query, Table, Value, Write, WriteError,
};
use super::projection::{MarkerChange, Projection, ServerProjection, WaveProjection};
use super::record::{self, SignOfLife};
use super::summary::Summary;
use super::sweep::Marker;
use super::{keys, memory};

/// Items of one page when a history is read.
const PAGE: usize = 200;
/// Pages of one read: more than the longest legal history has.
const PAGES: u64 = limits::EVENTS_PER_EXECUTION / 100;

/// The executions of an environment.
#[derive(Clone, Debug)]
pub struct Executions<I> {
    pub(crate) items: I,
}

/// A history as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The frozen servers.
    pub frozen: Frozen,
    /// The events from the first on.
    pub events: Vec<Recorded>,
}

/// Why a history could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HistoryError {
    /// There is no such execution.
    Missing(ExecutionId),
    /// An event is missing between others.
    Gap {
        /// The execution.
        id: ExecutionId,
        /// The position of the missing event.
        seq: u64,
    },
    /// It was deleted; this is what its tombstone says.
    Deleted {
        /// The execution.
        id: ExecutionId,
        /// Who deleted it, when and why.
        deletion: Box<Deletion>,
    },
    /// Something could not be read or written.
    Read(ReadError),
}

/// Why events were not appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppendError {
    /// Others wrote first; nothing was appended.
    Conflict,
    /// Something could not be read or written; nothing, or everything, was appended.
    History(HistoryError),
}

impl<I: Items + Clone> Executions<I> {
    /// The executions in a store.
    pub fn new(items: I) -> Self {
        Self { items }
    }
}

impl<I: Items> Executions<I> {
    /// A whole history.
    ///
    /// # Errors
    ///
    /// When there is none, it has gaps, or the store cannot be read.
    pub async fn load(&self, id: &ExecutionId) -> Result<Loaded, HistoryError> {
        let events = match self.load_after(id, 0).await {
            Ok(events) if events.is_empty() => Err(HistoryError::Missing(id.clone())),
            events => events,
        };
        let events = match events {
            Ok(events) => events,
            Err(error @ HistoryError::Read(_)) => return Err(error),
            Err(error) => return Err(self.or_deleted(id, error).await),
        };
        let mut frozen = Frozen::default();
        // A wave without servers has no item of its own.
        if let Some(Event::ExecutionStarted(started)) = events.first().map(|first| &first.event) {
            let waves = started.waves.len().min(limits::WAVES_PER_PLAN);
            frozen.waves.resize(waves, Vec::new());
        }
        for item in self.partition(id, keys::FROZEN_PREFIX, None).await? {
            let (wave, servers) = record::decode_frozen(&item)?;
            if frozen.waves.len() <= wave && wave < limits::WAVES_PER_PLAN {
                frozen.waves.resize(wave + 1, Vec::new());
            }
            if let Some(list) = frozen.waves.get_mut(wave) {
                list.extend(servers);
            }
        }
        Ok(Loaded { frozen, events })
    }

    /// The events after a position.
    ///
    /// # Errors
    ///
    /// As [`Self::load`]; no events are no error.
    pub async fn load_after(
        &self,
        id: &ExecutionId,
        seq: u64,
    ) -> Result<Vec<Recorded>, HistoryError> {
        let after = keys::event(id, seq).sort;
        let items = self.partition(id, keys::EVENT_PREFIX, after).await?;
        let events = items
            .iter()
            .map(record::decode_event)
            .collect::<Result<Vec<_>, _>>()?;
        for (expected, event) in (seq + 1..).zip(&events) {
            if event.seq != expected {
                return Err(HistoryError::Gap {
                    id: id.clone(),
                    seq: expected,
                });
            }
        }
        Ok(events)
    }

    /// Appends events that were decided on a history of `expected` events.
    ///
    /// A lost answer is made up for: the write is made again, or recognised as made.
    ///
    /// # Errors
    ///
    /// [`AppendError::Conflict`] when others wrote first; nothing was appended then.
    pub async fn append(
        &self,
        id: &ExecutionId,
        expected: u64,
        events: &[Recorded],
        projection: &Projection,
    ) -> Result<(), AppendError> {
        let Some(last) = events.last() else {
            return Ok(());
        };
        let nonce = digest::of(&events);
        let mut trouble = None;
        for _ in 0..limits::APPEND_ATTEMPTS {
            let item = match self.items.get(&keys::summary(id)).await {
                Ok(item) => item,
                Err(error) if error.is_retryable() => {
                    trouble = Some(error);
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let Some(item) = item else {
                return Err(HistoryError::Missing(id.clone()).into());
            };
            let summary = Summary::decode(&item).map_err(HistoryError::Read)?;
            if let Some(deletion) = summary.deletion {
                let (id, deletion) = (id.clone(), Box::new(deletion));
                return Err(HistoryError::Deleted { id, deletion }.into());
            }
            let is_another = u64::try_from(summary.version).ok() != Some(expected);
            #[cfg(test)]
            let is_another =
                is_another && !crate::sabotage::is_taken_out(crate::sabotage::Check::Sequence);
            if is_another {
                return if trouble.is_some() && self.is_ours(id, last.seq, &nonce).await? {
                    Ok(())
                } else {
                    Err(AppendError::Conflict)
                };
            }
            let writes = append_writes(&summary, events, projection, &nonce);
            match self.items.transact(writes).await {
                Ok(()) => return Ok(()),
                Err(WriteError::Conflict(_)) if trouble.is_none() => {
                    return Err(AppendError::Conflict);
                }
                Err(WriteError::Conflict(_)) => {}
                Err(WriteError::Call(error)) if error.kind == Kind::Refused => {
                    return Err(error.into());
                }
                Err(WriteError::Call(error)) => trouble = Some(error),
            }
        }
        Err(trouble.map_or(AppendError::Conflict, AppendError::from))
    }

    /// Notes that an owner lives. It is no event: a lost one only makes the owner look silent for a while.
    ///
    /// # Errors
    ///
    /// When the store refuses; troubles that pass are not errors.
    pub async fn heartbeat(
        &self,
        id: &ExecutionId,
        owner: &OwnerId,
        host: &str,
        now: Now,
    ) -> Result<(), HistoryError> {
        self.sign(id, owner, host, now, Condition::Always).await
    }

    /// Notes that an owner still lives, unless another has signed since: then nothing is written.
    ///
    /// # Errors
    ///
    /// As [`Self::heartbeat`].
    pub async fn keep_alive(
        &self,
        id: &ExecutionId,
        owner: &OwnerId,
        host: &str,
        now: Now,
    ) -> Result<(), HistoryError> {
        let own = Condition::Equals(vec![("Owner", Value::Text(owner.to_string()))]);
        self.sign(id, owner, host, now, own).await
    }

    async fn sign(
        &self,
        id: &ExecutionId,
        owner: &OwnerId,
        host: &str,
        now: Now,
        condition: Condition,
    ) -> Result<(), HistoryError> {
        let sign = SignOfLife {
            owner: owner.clone(),
            host: host.to_owned(),
            at: now.wall,
        };
        let put = Write::Put {
            item: record::encode_owner(id, &sign),
            condition,
        };
        match self.items.transact(vec![put]).await {
            Err(WriteError::Call(error)) if error.kind == Kind::Refused => {
                Err(ReadError::Call(error).into())
            }
            _ => Ok(()),
        }
    }

    /// The last sign of life of an execution's owner.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn sign_of_life(&self, id: &ExecutionId) -> Result<Option<SignOfLife>, ReadError> {
        self.items
            .get(&keys::owner(id))
            .await?
            .as_ref()
            .map(record::decode_owner)
            .transpose()
    }

    /// The summary of an execution.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn summary(&self, id: &ExecutionId) -> Result<Option<Summary>, ReadError> {
        summary_of(&self.items, id).await
    }

    /// The waves of an execution as they were last written, without folding its history; none for a wave to which
    /// nothing has happened yet.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn waves(&self, id: &ExecutionId) -> Result<Vec<WaveProjection>, ReadError> {
        let items = self.partition(id, keys::WAVE_PREFIX, None).await?;
        items.iter().map(record::decode_wave).collect()
    }

    /// The servers of an execution that have something to say, as they were last written.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn servers(&self, id: &ExecutionId) -> Result<Vec<ServerProjection>, ReadError> {
        let items = self.partition(id, keys::SERVER_PREFIX, None).await?;
        items.iter().map(record::decode_server).collect()
    }

    /// Executions of a plan, newest first, one page; eventually consistent. The last item of a page begins the next.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn list_by_plan(
        &self,
        plan: &PlanId,
        start: Option<Item>,
        limit: usize,
    ) -> Result<(Vec<Summary>, Option<Item>), ReadError> {
        self.list(IndexQuery {
            index: Index::Plan,
            partition: plan.to_string(),
            start,
            limit,
        })
        .await
    }

    /// Executions in a status, newest first, one page; eventually consistent.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn list_by_status(
        &self,
        status: &str,
        start: Option<Item>,
        limit: usize,
    ) -> Result<(Vec<Summary>, Option<Item>), ReadError> {
        self.list(IndexQuery {
            index: Index::Status,
            partition: status.to_owned(),
            start,
            limit,
        })
        .await
    }

    async fn list(&self, query: IndexQuery) -> Result<(Vec<Summary>, Option<Item>), ReadError> {
        let page = self.items.index(&query).await?;
        let summaries = page
            .items
            .iter()
            .map(Summary::decode)
            .collect::<Result<_, _>>()?;
        Ok((
            summaries,
            page.items.into_iter().next_back().filter(|_| page.more),
        ))
    }

    async fn is_ours(&self, id: &ExecutionId, seq: u64, nonce: &str) -> Result<bool, HistoryError> {
        let item = self
            .items
            .get(&keys::event(id, seq))
            .await
            .map_err(ReadError::Call)?;
        Ok(item.as_ref().map(record::nonce_of).transpose()?.as_deref() == Some(nonce))
    }

    /// Every item of an execution whose sort key begins with a prefix, all pages.
    async fn partition(
        &self,
        id: &ExecutionId,
        prefix: &str,
        after: Option<String>,
    ) -> Result<Vec<Item>, ReadError> {
        let mut found: Vec<Item> = Vec::new();
        let mut query = Query {
            table: Table::ExecutionHistory,
            partition: id.to_string(),
            prefix: prefix.to_owned(),
            after,
            limit: PAGE,
        };
        for _ in 0..PAGES {
            let page = self.items.query(&query).await?;
            query.after = page
                .items
                .last()
                .and_then(|item| item.key.sort.clone())
                .or(query.after);
            found.extend(page.items);
            if !page.more {
                break;
            }
        }
        Ok(found)
    }
}

/// Whether an execution has begun and not ended.
pub(crate) async fn is_live<I: Items>(items: &I, id: &ExecutionId) -> Result<bool, ReadError> {
    let summary = summary_of(items, id).await?;
    Ok(summary.is_some_and(|summary| !summary.is_terminal && summary.has_begun()))
}

pub(crate) async fn summary_of<I: Items>(
    items: &I,
    id: &ExecutionId,
) -> Result<Option<Summary>, ReadError> {
    items
        .get(&keys::summary(id))
        .await?
        .as_ref()
        .map(Summary::decode)
        .transpose()
}

fn append_writes(
    summary: &Summary,
    events: &[Recorded],
    projection: &Projection,
    nonce: &str,
) -> Vec<Write> {
    let id = &summary.execution_id;
    let last = events.last().map_or(summary.version, |last| {
        i64::try_from(last.seq).unwrap_or(i64::MAX)
    });
    let next = Summary {
        status: projection.status.clone(),
        is_terminal: projection.is_terminal,
        ended_at: projection.ended_at,
        delivered: projection.delivered,
        preempted_by: projection.preempted_by.clone(),
        wave_status: projection.wave_status.clone(),
        errors: projection.errors.clone(),
        version: last,
        ..summary.clone()
    };
    let put = |item, condition| Write::Put { item, condition };
    let unchanged = Condition::Equals(vec![("Version", Value::Number(summary.version))]);
    let new = Condition::Absent;
    #[cfg(test)]
    let (unchanged, new) = if crate::sabotage::is_taken_out(crate::sabotage::Check::Sequence) {
        (Condition::Always, Condition::Always)
    } else {
        (unchanged, new)
    };
    let mut writes = vec![put(next.encode(), unchanged)];
    writes.extend(
        events
            .iter()
            .map(|event| put(record::encode_event(id, event, nonce), new.clone())),
    );
    writes.extend(
        projection
            .waves
            .iter()
            .map(|wave| put(record::encode_wave(id, wave), Condition::Always)),
    );
    writes.extend(
        projection
            .servers
            .iter()
            .map(|server| put(record::encode_server(id, server), Condition::Always)),
    );
    writes.extend(marker_write(summary, projection.marker));
    writes.extend(footprint_write(summary, projection));
    debug_assert!(
        distinct(&writes),
        "an item may be written once in a transaction"
    );
    writes
}

/// What becomes of the marker by which a sweep finds an execution.
fn marker_write(summary: &Summary, change: MarkerChange) -> Option<Write> {
    let condition = Condition::Always;
    match change {
        MarkerChange::Keep => None,
        MarkerChange::Put(at) => {
            let marker = Marker {
                execution_id: summary.execution_id.clone(),
                plan_id: summary.plan_id.clone(),
                at,
            };
            let item = marker.encode();
            Some(Write::Put { item, condition })
        }
        MarkerChange::Remove => {
            let key = keys::sweep(&summary.execution_id);
            Some(Write::Delete { key, condition })
        }
    }
}

/// Where nothing of an execution is left, it leaves no footprint; one that was only at home never had any.
fn footprint_write(summary: &Summary, projection: &Projection) -> Option<Write> {
    let was_elsewhere = |account: &String| *account != summary.account_id;
    let has_one = projection.cleared.iter().any(was_elsewhere);
    has_one.then(|| Write::Delete {
        key: keys::footprint(&summary.execution_id),
        condition: Condition::Always,
    })
}

fn distinct(writes: &[Write]) -> bool {
    let keys: std::collections::BTreeSet<&Key> = writes.iter().map(memory::key_of).collect();
    keys.len() == writes.len()
}

impl From<ReadError> for HistoryError {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

impl From<HistoryError> for AppendError {
    fn from(error: HistoryError) -> Self {
        Self::History(error)
    }
}

impl From<CallError> for AppendError {
    fn from(error: CallError) -> Self {
        Self::History(HistoryError::Read(ReadError::Call(error)))
    }
}

impl fmt::Display for HistoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(id) => write!(f, "there is no execution {id} in the history"),
            Self::Gap { id, seq } => write!(
                f,
                "event {seq} of execution {id} is missing from the history"
            ),
            Self::Deleted { id, deletion } => write!(
                f,
                "the history of execution {id} was deleted on {} by {}: {}",
                deletion.at, deletion.by, deletion.reason
            ),
            Self::Read(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for HistoryError {}
