//! Copying executions from one store into another, e.g. from a directory that a recovery was run on without tables.
//!
//! Nothing is written over: an item that is there must be equal, or the import is refused. An execution's summary is
//! copied last, so one that was copied in part does not exist yet, and importing again goes on. Executions that have not
//! ended are refused: two stores that both go on with one would be two truths. Guards stay as they are, so leases are not
//! copied; a plan's run number only grows, before anything is copied, so that a confirmation is never good twice.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::decide::is_done;
use crate::ids::{ExecutionId, PlanId};
use crate::limits;
use crate::ports::Kind;
use crate::state::{State, Status};

use super::codec::ReadError;
use super::executions::{Executions, HistoryError};
use super::items::{Condition, Item, Items, Key, Query, Table, Value, Write, WriteError};
use super::memory::key_of;
use super::plans::Plans;
use super::summary::Summary;
use super::{keys, plan::StoredPlan};

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Executions that were copied now.
    pub copied: Vec<ExecutionId>,
    /// Executions that were there already.
    pub known: Vec<ExecutionId>,
    /// Plans whose run number grew: what it was, and what it is.
    pub runs: BTreeMap<PlanId, (i64, i64)>,
    /// Plans of these executions that do not exist there; their histories are there all the same.
    pub without_plan: BTreeSet<PlanId>,
}

/// Why an import did not go on. What was copied is whole, and importing again goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportError {
    /// An execution has something left to do; nothing was copied.
    Unfinished {
        /// The execution.
        id: ExecutionId,
        /// Its status.
        status: String,
    },
    /// There are more executions than one import takes; nothing was copied.
    TooMany,
    /// The history to be copied does not make sense; nothing was copied.
    Broken {
        /// The execution.
        id: ExecutionId,
        /// What is wrong.
        reason: String,
    },
    /// An item is there and is another.
    Different(Key),
    /// The store to copy from could not be read.
    From(ReadError),
    /// The store to copy to could not be read or written.
    To(ReadError),
    /// Others kept writing.
    Contended,
}

/// Copies every execution of one store into another.
///
/// # Errors
///
/// See [`ImportError`]; nothing is ever written over.
pub async fn import<A: Items + Clone, B: Items + Clone>(
    from: &A,
    to: &B,
) -> Result<Imported, ImportError> {
    let summaries = finished(from).await?;
    let mut imported = Imported::default();
    let plans: BTreeSet<&PlanId> = summaries.iter().map(|summary| &summary.plan_id).collect();
    for plan in plans {
        advance(from, to, plan, &mut imported).await?;
    }
    // The oldest first, as they happened.
    for summary in summaries.iter().rev() {
        let id = summary.execution_id.clone();
        if copy(from, to, summary).await? {
            imported.copied.push(id);
        } else {
            imported.known.push(id);
        }
    }
    Ok(imported)
}

/// Every execution, newest first, when all of them have nothing left to do.
async fn finished<A: Items + Clone>(from: &A) -> Result<Vec<Summary>, ImportError> {
    let executions = Executions::new(from.clone());
    let found = executions.newest(&Status::WORDS, limits::EXECUTIONS_PER_IMPORT + 1);
    let found = found.await.map_err(ImportError::From)?;
    if found.len() > limits::EXECUTIONS_PER_IMPORT {
        return Err(ImportError::TooMany);
    }
    for summary in &found {
        let id = &summary.execution_id;
        let broken = |reason: String| ImportError::Broken {
            id: id.clone(),
            reason,
        };
        let loaded = executions.load(id).await.map_err(|error| match error {
            HistoryError::Read(error) => ImportError::From(error),
            error => broken(error.to_string()),
        })?;
        let state = State::replay(Arc::new(loaded.frozen), &loaded.events);
        let state = state.map_err(|error| broken(error.to_string()))?;
        if !state.status.is_terminal() || !is_done(&state) {
            let status = state.status.as_str().to_owned();
            let id = id.clone();
            return Err(ImportError::Unfinished { id, status });
        }
    }
    Ok(found)
}

/// Makes a plan's run number at least what it is in the store that is imported.
async fn advance<A: Items + Clone, B: Items + Clone>(
    from: &A,
    to: &B,
    plan: &PlanId,
    imported: &mut Imported,
) -> Result<(), ImportError> {
    let source = Plans::new(from.clone()).find(plan).await;
    let runs = source.map_err(ImportError::From)?.map(|plan| plan.runs);
    for _ in 0..limits::APPEND_ATTEMPTS {
        let present = Plans::new(to.clone()).find(plan).await;
        let Some(present) = present.map_err(ImportError::To)? else {
            imported.without_plan.insert(plan.clone());
            return Ok(());
        };
        let Some(runs) = runs.filter(|runs| *runs > present.runs) else {
            return Ok(());
        };
        let before = present.runs;
        let based_on = present.version;
        let next = StoredPlan {
            runs,
            version: based_on + 1,
            ..present
        };
        let put = Write::Put {
            item: next.encode(),
            condition: Condition::Equals(vec![("Version", Value::Number(based_on))]),
        };
        // A change by somebody else, or a lost answer, shows at the next look.
        imported.runs.insert(plan.clone(), (before, runs));
        if let Err(WriteError::Call(error)) = to.transact(vec![put]).await
            && error.kind == Kind::Refused
        {
            return Err(ImportError::To(ReadError::Call(error)));
        }
    }
    Err(ImportError::Contended)
}

/// Copies one execution; false when it is there already.
async fn copy<A: Items, B: Items>(
    from: &A,
    to: &B,
    summary: &Summary,
) -> Result<bool, ImportError> {
    let id = &summary.execution_id;
    let key = keys::summary(id);
    let present = to
        .get(&key)
        .await
        .map_err(|error| ImportError::To(error.into()))?;
    let there = present.as_ref().map(Summary::decode).transpose();
    if there
        .map_err(ImportError::To)?
        .is_some_and(|there| there.deletion.is_some())
    {
        // It was imported and deleted since.
        return Ok(false);
    }
    let mut query = Query {
        table: Table::ExecutionHistory,
        partition: id.to_string(),
        prefix: String::new(),
        after: None,
        limit: limits::ITEMS_PER_TRANSACTION,
    };
    for _ in 0..limits::EVENTS_PER_EXECUTION {
        let page = from.query(&query).await;
        let page = page.map_err(|error| ImportError::From(error.into()))?;
        query.after = page
            .items
            .last()
            .and_then(|item| item.key.sort.clone())
            .or(query.after);
        let items = page
            .items
            .into_iter()
            .filter(|item| item.key != key)
            .collect();
        put_absent(to, items).await?;
        if !page.more {
            break;
        }
    }
    let item = from
        .get(&key)
        .await
        .map_err(|error| ImportError::From(error.into()))?;
    let item = item.ok_or(ImportError::Contended)?;
    put_absent(to, vec![item]).await?;
    Ok(present.is_none())
}

/// Puts items that are not there. One that is must be equal.
async fn put_absent<B: Items>(to: &B, items: Vec<Item>) -> Result<(), ImportError> {
    let mut writes: Vec<Write> = items
        .into_iter()
        .map(|item| Write::Put {
            item,
            condition: Condition::Absent,
        })
        .collect();
    for _ in 0..limits::APPEND_ATTEMPTS {
        if writes.is_empty() {
            return Ok(());
        }
        match to.transact(writes.clone()).await {
            Ok(()) => return Ok(()),
            Err(WriteError::Call(error)) if error.kind == Kind::Refused => {
                return Err(ImportError::To(ReadError::Call(error)));
            }
            Err(WriteError::Call(_)) => {}
            Err(WriteError::Conflict(_)) => {
                let mut left = Vec::with_capacity(writes.len());
                for write in writes {
                    if !is_there(to, &write).await? {
                        left.push(write);
                    }
                }
                writes = left;
            }
        }
    }
    Err(ImportError::Contended)
}

/// Whether an item is there already; one that is there and different ends the import.
async fn is_there<B: Items>(to: &B, write: &Write) -> Result<bool, ImportError> {
    let key = key_of(write);
    let found = to
        .get(key)
        .await
        .map_err(|error| ImportError::To(error.into()))?;
    match (found, write) {
        (None, _) => Ok(false),
        (Some(found), Write::Put { item, .. }) if found == *item => Ok(true),
        _ => Err(ImportError::Different(key.clone())),
    }
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unfinished { id, status } => {
                write!(f, "execution {id} is {status} and has something left to do")
            }
            Self::TooMany => write!(
                f,
                "there are more than {} executions",
                limits::EXECUTIONS_PER_IMPORT
            ),
            Self::Broken { id, reason } => {
                write!(
                    f,
                    "the history of execution {id} does not make sense: {reason}"
                )
            }
            Self::Different(key) => write!(f, "{key} is there already, and is another"),
            Self::From(error) => write!(f, "the history to import cannot be read: {error}"),
            Self::To(error) => write!(f, "the tables cannot be read or written: {error}"),
            Self::Contended => write!(f, "others kept writing to the tables"),
        }
    }
}

impl std::error::Error for ImportError {}

#[cfg(test)]
mod tests;
