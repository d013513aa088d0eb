//! Deleting a history: its events go, and a tombstone stays that says who deleted it, when and why.
//!
//! The tombstone takes the summary's place in the transaction that removes the first event, so that nobody can read half
//! a history as if it were a shorter one. What is left is removed after that; where that is cut short, deleting again
//! goes on with it.

use std::fmt;

use jiff::Timestamp;

use crate::ids::ExecutionId;
use crate::limits;
use crate::ports::Kind;

use super::codec::ReadError;
use super::executions::{Executions, HistoryError};
use super::items::{Condition, Items, Query, Table, Value, Write, WriteError};
use super::keys;
use super::summary::Summary;

/// The status of a history that was deleted.
pub(crate) const DELETED: &str = "DELETED";

/// Who deleted a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// When, in wall time.
    pub at: Timestamp,
    /// The ARN that STS gives.
    pub by: String,
    /// Why, in their words.
    pub reason: String,
}

/// Why a history was not deleted, or not wholly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeleteError {
    /// The execution has not ended; nothing was deleted.
    Live(ExecutionId),
    /// Something could not be read or written; deleting again goes on.
    History(HistoryError),
    /// Others kept writing; deleting again goes on.
    Contended,
}

impl<I: Items> Executions<I> {
    /// Deletes the history of an execution that has ended. One that is deleted stays as it is.
    ///
    /// # Errors
    ///
    /// See [`DeleteError`].
    pub async fn delete(
        &self,
        id: &ExecutionId,
        deletion: &Deletion,
    ) -> Result<Deletion, DeleteError> {
        let deletion = self.bury(id, deletion).await?;
        self.remove_the_rest(id).await?;
        Ok(deletion)
    }

    /// Puts the tombstone in place of the summary; what is returned is what stands on it.
    async fn bury(&self, id: &ExecutionId, deletion: &Deletion) -> Result<Deletion, DeleteError> {
        for _ in 0..limits::APPEND_ATTEMPTS {
            let summary = self.summary(id).await?;
            let Some(summary) = summary.filter(Summary::has_begun) else {
                return Err(HistoryError::Missing(id.clone()).into());
            };
            if let Some(deletion) = summary.deletion {
                return Ok(deletion);
            }
            if !summary.is_terminal {
                return Err(DeleteError::Live(id.clone()));
            }
            let unchanged = Condition::Equals(vec![("Version", Value::Number(summary.version))]);
            let tombstone = Summary {
                status: DELETED.to_owned(),
                wave_status: String::new(),
                errors: Vec::new(),
                deletion: Some(deletion.clone()),
                ..summary
            };
            let writes = vec![
                Write::Put {
                    item: tombstone.encode(),
                    condition: unchanged,
                },
                Write::Delete {
                    key: keys::event(id, 1),
                    condition: Condition::Always,
                },
            ];
            match self.items.transact(writes).await {
                Err(WriteError::Call(error)) if error.kind == Kind::Refused => {
                    return Err(HistoryError::Read(ReadError::Call(error)).into());
                }
                // Whether it was made shows at the next look.
                _ => {}
            }
        }
        Err(DeleteError::Contended)
    }

    async fn remove_the_rest(&self, id: &ExecutionId) -> Result<(), DeleteError> {
        let query = Query {
            table: Table::ExecutionHistory,
            partition: id.to_string(),
            prefix: String::new(),
            after: None,
            limit: limits::ITEMS_PER_TRANSACTION,
        };
        let summary = keys::summary(id);
        let mut failures = 0;
        for _ in 0..limits::EVENTS_PER_EXECUTION {
            let page = self.items.query(&query).await.map_err(ReadError::Call)?;
            let writes: Vec<Write> = page
                .items
                .into_iter()
                .filter(|item| item.key != summary)
                .map(|item| Write::Delete {
                    key: item.key,
                    condition: Condition::Always,
                })
                .collect();
            if writes.is_empty() {
                return Ok(());
            }
            match self.items.transact(writes).await {
                Ok(()) => failures = 0,
                Err(WriteError::Call(error)) if error.kind == Kind::Refused => {
                    return Err(HistoryError::Read(ReadError::Call(error)).into());
                }
                Err(_) => failures += 1,
            }
            if failures >= limits::APPEND_ATTEMPTS {
                break;
            }
        }
        Err(DeleteError::Contended)
    }

    /// What stands in the place of a history that cannot be read: that it was deleted, or what was wrong anyway.
    pub(super) async fn or_deleted(&self, id: &ExecutionId, error: HistoryError) -> HistoryError {
        match self.summary(id).await {
            Ok(Some(Summary {
                deletion: Some(deletion),
                ..
            })) => HistoryError::Deleted {
                id: id.clone(),
                deletion: Box::new(deletion),
            },
            Ok(_) => error,
            Err(unread) => unread.into(),
        }
    }
}

impl From<HistoryError> for DeleteError {
    fn from(error: HistoryError) -> Self {
        Self::History(error)
    }
}

impl From<ReadError> for DeleteError {
    fn from(error: ReadError) -> Self {
        Self::History(HistoryError::Read(error))
    }
}

impl fmt::Display for DeleteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Live(id) => write!(f, "execution {id} has not ended"),
            Self::History(error) => write!(f, "{error}"),
            Self::Contended => write!(f, "others kept writing, so that it is not deleted wholly"),
        }
    }
}

impl std::error::Error for DeleteError {}

#[cfg(test)]
mod tests;
