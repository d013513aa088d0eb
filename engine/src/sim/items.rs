//! The item store of a simulated run: the one in memory, behind gates, with lost answers and throttling.

use crate::ports::{CallError, Kind};
use crate::store::items::{IndexQuery, Item, Items, Key, Page, Query, Write, WriteError};
use crate::store::memory::MemoryItems;

use super::hub::{Fate, Hub, gate};

/// How many of a thousand calls without a good answer have one that says that the server failed.
const SERVER_ERRORS: u64 = 400;

/// The item store of one run. Clones share their items.
#[derive(Clone, Debug)]
pub struct SimItems {
    /// What the run shares.
    pub hub: Hub,
    /// The items.
    pub memory: MemoryItems,
}

impl SimItems {
    async fn read<T>(
        &self,
        call: &'static str,
        look: impl FnOnce() -> T + Send,
    ) -> Result<T, CallError> {
        gate().await;
        match self.hub.fate() {
            Fate::Served => Ok(look()),
            fate => Err(lost(&self.hub, call, fate)),
        }
    }
}

impl Items for SimItems {
    async fn get(&self, key: &Key) -> Result<Option<Item>, CallError> {
        self.read("dynamodb:BatchGetItem", || self.memory.item_now(key))
            .await
    }

    async fn query(&self, query: &Query) -> Result<Page, CallError> {
        self.read("dynamodb:Query", || self.memory.page_now(query))
            .await
    }

    async fn index(&self, query: &IndexQuery) -> Result<Page, CallError> {
        self.read("dynamodb:Query", || self.memory.index_page_now(query))
            .await
    }

    async fn transact(&self, writes: Vec<Write>) -> Result<(), WriteError> {
        gate().await;
        let fate = self.hub.fate();
        if matches!(fate, Fate::Throttled | Fate::LostBefore) {
            return Err(WriteError::Call(lost(
                &self.hub,
                "dynamodb:TransactWriteItems",
                fate,
            )));
        }
        let result = self.memory.write_now(&writes);
        if matches!(result, Err(WriteError::Conflict(_))) {
            self.hub.count("write conflicts");
        }
        gate().await;
        if fate == Fate::LostAfter {
            return Err(WriteError::Call(lost(
                &self.hub,
                "dynamodb:TransactWriteItems",
                fate,
            )));
        }
        result
    }
}

/// What a call that was not served says, and what is counted.
pub(super) fn lost(hub: &Hub, call: &'static str, fate: Fate) -> CallError {
    let (kind, code, message) = match fate {
        Fate::Throttled => {
            hub.count("throttles");
            (Kind::Busy, "ThrottlingException", "Rate exceeded")
        }
        Fate::Expired => {
            hub.count("expired credentials");
            let message = "The security token included in the request is expired";
            (Kind::Busy, "ExpiredTokenException", message)
        }
        Fate::LostBefore | Fate::LostAfter if hub.chance(SERVER_ERRORS) => {
            hub.count("server errors");
            let message = "An unexpected error occurred";
            (Kind::Unknown, "InternalServerException", message)
        }
        Fate::LostBefore => {
            hub.count("lost requests");
            (Kind::Unknown, "NoAnswer", "the connection was closed")
        }
        Fate::Served | Fate::LostAfter => {
            hub.count("lost answers");
            (Kind::Unknown, "NoAnswer", "the connection was closed")
        }
    };
    hub.trace(|| format!("{call}: {fate:?}"));
    CallError {
        kind,
        call,
        code: code.to_owned(),
        message: message.to_owned(),
        retry_after: None,
    }
}
