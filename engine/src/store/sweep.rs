//! Items by which a sweep finds what is left to do, without reading what is over.
//!
//! One stands beside the history of an execution with a lifetime from its start until nothing of it is left, and beside one
//! that has ended while notices are due. It is in the index of statuses, under a status that no execution has.

use jiff::Timestamp;

use crate::ids::{ExecutionId, PlanId};
use crate::limits;
use crate::state::Status;

use super::codec::{Decoder, Encoder, ReadError};
use super::executions::Executions;
use super::items::{Index, IndexQuery, Item, Items};
use super::keys;
use super::summary::Summary;

/// What stands in the place of a status.
pub(crate) const TO_SWEEP: &str = "TO_SWEEP";

/// An execution that may have something left to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    /// The execution.
    pub execution_id: ExecutionId,
    /// Its plan.
    pub plan_id: PlanId,
    /// From when on, in world time.
    pub at: Timestamp,
}

impl Marker {
    pub(crate) fn encode(&self) -> Item {
        Encoder::new(keys::sweep(&self.execution_id))
            .text("Status", TO_SWEEP)
            .time("StartTime", self.at)
            .text("ForPlanId", self.plan_id.as_str())
            .done()
    }

    pub(crate) fn decode(item: &Item) -> Result<Self, ReadError> {
        let decoder = Decoder::new(item)?;
        if decoder.text("Status")? != TO_SWEEP {
            return Err(decoder.foreign("Status"));
        }
        Ok(Self {
            execution_id: ExecutionId::new(&item.key.partition),
            plan_id: PlanId::new(decoder.text("ForPlanId")?),
            at: decoder.time("StartTime")?,
        })
    }
}

impl<I: Items> Executions<I> {
    /// Executions that have begun and not ended, at most so many of each status, the newest first; eventually consistent.
    /// Whether somebody drives them is told by each one's own items.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn live(&self, most: usize) -> Result<Vec<Summary>, ReadError> {
        let mut found = Vec::new();
        for status in Status::LIVE {
            let mut start = None;
            let mut of_status = Vec::new();
            for _ in 0..limits::PAGES_PER_LIST {
                let left = most - of_status.len();
                let limit = left.min(limits::ITEMS_PER_PAGE);
                let (page, more) = self.list_by_status(status, start, limit).await?;
                of_status.extend(page);
                start = more.filter(|_| of_status.len() < most);
                if start.is_none() {
                    break;
                }
            }
            found.extend(of_status);
        }
        Ok(found)
    }

    /// Executions that may have something left to do at an instant of world time, those that are due the longest first;
    /// eventually consistent. Each is to be judged by its own history.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn to_be_swept(&self, world: Timestamp) -> Result<Vec<Marker>, ReadError> {
        let mut found = Vec::new();
        let mut query = IndexQuery {
            index: Index::Status,
            partition: TO_SWEEP.to_owned(),
            start: None,
            limit: limits::ITEMS_PER_PAGE,
        };
        for _ in 0..limits::PAGES_PER_LIST {
            let page = self.items.index(&query).await?;
            for item in &page.items {
                let marker = Marker::decode(item)?;
                if marker.at <= world {
                    found.push(marker);
                }
            }
            query.start = page.items.into_iter().next_back().filter(|_| page.more);
            if query.start.is_none() {
                break;
            }
        }
        found.sort_by(|one, other| {
            let sooner = one.at.cmp(&other.at);
            sooner.then_with(|| one.execution_id.cmp(&other.execution_id))
        });
        Ok(found)
    }
}
