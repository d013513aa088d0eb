//! Items that say in which target accounts an execution may have recovery instances.
//!
//! One stands beside the history of an execution with servers in other accounts, from its start until a recovery has ended,
//! or nothing of a drill is left.
//! It is in the index of statuses, under a status that no execution has, so that whoever is to remove a target finds what
//! would stay behind without reading what is over.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::frozen::Frozen;
use crate::ids::{ExecutionId, Target};
use crate::limits;

use super::codec::{Decoder, Encoder, ReadError};
use super::executions::Executions;
use super::items::{Index, IndexQuery, Item, Items};
use super::keys;
use super::summary::Summary;

/// What stands in the place of a status.
const IN_TARGETS: &str = "IN_TARGETS";

/// Where an execution may have recovery instances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Footprint {
    /// The execution.
    pub execution_id: ExecutionId,
    /// When it started, in wall time.
    pub started_at: Timestamp,
    /// Accounts with their Regions, without the account that it was started from.
    pub places: BTreeSet<Target>,
}

impl Footprint {
    /// Of an execution that starts from an account; none when all its servers live there.
    pub(crate) fn of(id: &ExecutionId, frozen: &Frozen, home: &str, at: Timestamp) -> Option<Self> {
        let targets = frozen.servers().map(|(_, server)| &server.target);
        let places: BTreeSet<Target> = targets
            .filter(|target| target.account_id != home)
            .cloned()
            .collect();
        (!places.is_empty()).then(|| Self {
            execution_id: id.clone(),
            started_at: at,
            places,
        })
    }

    pub(crate) fn encode(&self) -> Item {
        let places = self.places.iter();
        Encoder::new(keys::footprint(&self.execution_id))
            .text("Status", IN_TARGETS)
            .time("StartTime", self.started_at)
            .set("Places", places.map(ToString::to_string).collect())
            .done()
    }

    pub(crate) fn decode(item: &Item) -> Result<Self, ReadError> {
        let decoder = Decoder::new(item)?;
        if decoder.text("Status")? != IN_TARGETS {
            return Err(decoder.foreign("Status"));
        }
        let place = |text: String| {
            let (account_id, region) = text.split_once('/')?;
            Some(Target {
                account_id: account_id.to_owned(),
                region: region.to_owned(),
            })
        };
        let places = decoder.set("Places")?.into_iter().map(place);
        Ok(Self {
            execution_id: ExecutionId::new(&item.key.partition),
            started_at: decoder.time("StartTime")?,
            places: places
                .collect::<Option<_>>()
                .ok_or_else(|| decoder.foreign("Places"))?,
        })
    }
}

impl<I: Items> Executions<I> {
    /// Executions that run in an account, and drills that have ended there with recovery instances that are not verified to
    /// be gone; the newest first. Regions are those that matter; none for all of them. Eventually consistent, so it is for
    /// telling people, and guards nothing.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn left_in(
        &self,
        account_id: &str,
        regions: Option<&BTreeSet<String>>,
    ) -> Result<Vec<Summary>, ReadError> {
        let matters = |place: &Target| {
            place.account_id == account_id
                && regions.is_none_or(|regions| regions.contains(&place.region))
        };
        let mut found = Vec::new();
        let mut query = IndexQuery {
            index: Index::Status,
            partition: IN_TARGETS.to_owned(),
            start: None,
            limit: limits::ITEMS_PER_PAGE,
        };
        for _ in 0..limits::PAGES_PER_LIST {
            let page = self.items.index(&query).await?;
            for item in &page.items {
                let footprint = Footprint::decode(item)?;
                if footprint.places.iter().any(matters) {
                    let summary = self.summary(&footprint.execution_id).await?;
                    found.extend(summary.filter(|summary| summary.deletion.is_none()));
                }
            }
            query.start = page.items.into_iter().next_back().filter(|_| page.more);
            if query.start.is_none() {
                break;
            }
        }
        Ok(found)
    }
}
