//! The port to the item store: DynamoDB in shape, but no more of it than the rules need.
//!
//! Reads of this port are strongly consistent, except [`Items::index`], which no guard may use. Writes go in
//! transactions whose conditions are checked together: either every write is made, or none.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use crate::ports::CallError;

/// The item store.
pub trait Items: Send + Sync {
    /// One item as it is now, or none.
    fn get(&self, key: &Key) -> impl Future<Output = Result<Option<Item>, CallError>> + Send;

    /// Several items, each as it is now; those that are not there are left out. They are not read at one moment.
    fn get_all(
        &self,
        keys: BTreeSet<Key>,
    ) -> impl Future<Output = Result<BTreeMap<Key, Item>, CallError>> + Send {
        async move {
            let mut found = BTreeMap::new();
            for key in keys {
                if let Some(item) = self.get(&key).await? {
                    found.insert(key, item);
                }
            }
            Ok(found)
        }
    }

    /// The items of one partition whose sort key starts with `prefix` and comes after `after`, in order, one page. Fewer
    /// than `limit` items do not mean the end; [`Page::more`] says whether there are more.
    fn query(&self, query: &Query) -> impl Future<Output = Result<Page, CallError>> + Send;

    /// A page of an index, newest first. Eventually consistent: for lists, never for guards.
    fn index(&self, query: &IndexQuery) -> impl Future<Output = Result<Page, CallError>> + Send;

    /// Makes every write, or none.
    ///
    /// After `Ok`, every write is made. After [`WriteError::Conflict`], none is, and the positions of the writes whose
    /// condition did not hold are named. After a [`CallError`] of unknown effect, all or none are made.
    fn transact(&self, writes: Vec<Write>) -> impl Future<Output = Result<(), WriteError>> + Send;

    /// The AWS Region that the tables live in; none where they do not live in one.
    fn region(&self) -> Option<&str> {
        None
    }
}

/// The three tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// `protection-groups-{environment}`, key `Id`.
    ProtectionGroups,
    /// `recovery-plans-{environment}`, key `PlanId`.
    RecoveryPlans,
    /// `execution-history-{environment}`, key `ExecutionId` and sort key `ItemKey`.
    ExecutionHistory,
}

impl Table {
    /// Its name in an environment.
    pub fn name_in(self, environment: &str) -> String {
        let kind = match self {
            Self::ProtectionGroups => "protection-groups",
            Self::RecoveryPlans => "recovery-plans",
            Self::ExecutionHistory => "execution-history",
        };
        format!("{kind}-{environment}")
    }
}

/// The key of an item.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The table.
    pub table: Table,
    /// The partition key.
    pub partition: String,
    /// The sort key; only the history has one.
    pub sort: Option<String>,
}

/// An item: its key and its other attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The key.
    pub key: Key,
    /// The attributes beside the key, by name.
    pub attributes: BTreeMap<String, Value>,
}

/// An attribute value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A string.
    Text(String),
    /// A whole number.
    Number(i64),
    /// A boolean.
    Flag(bool),
    /// A set of strings; never empty, because DynamoDB has no empty sets.
    TextSet(BTreeSet<String>),
    /// A list.
    List(Vec<Value>),
    /// A map.
    Map(BTreeMap<String, Value>),
}

/// One write of a transaction. An item may appear in only one write of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Puts a whole item in place of what is there.
    Put {
        /// The item.
        item: Item,
        /// What must hold.
        condition: Condition,
    },
    /// Removes an item.
    Delete {
        /// Its key.
        key: Key,
        /// What must hold.
        condition: Condition,
    },
    /// Changes nothing, but must hold.
    Check {
        /// Its key.
        key: Key,
        /// What must hold.
        condition: Condition,
    },
}

/// What must hold of an item for a write to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Nothing.
    Always,
    /// The item does not exist.
    Absent,
    /// The item exists and these attributes have these values.
    Equals(Vec<(&'static str, Value)>),
}

/// A query of one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// The table; only the history has sort keys.
    pub table: Table,
    /// The partition key.
    pub partition: String,
    /// What the sort key starts with.
    pub prefix: String,
    /// Only sort keys after this one.
    pub after: Option<String>,
    /// Most items of a page.
    pub limit: usize,
}

/// A query of an index, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexQuery {
    /// The index.
    pub index: Index,
    /// The value of its partition attribute.
    pub partition: String,
    /// Where the page before ended, as that page said.
    pub start: Option<Item>,
    /// Most items of a page.
    pub limit: usize,
}

/// The indexes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Index {
    /// Executions by `Status`, ordered by `StartTime` (`StatusIndex`).
    Status,
    /// Executions by `PlanId`, ordered by `StartTime` (`PlanIdIndex`).
    Plan,
    /// Protection groups by `Kind`, ordered by `Name` (`KindIndex` of the groups table).
    Groups,
    /// Recovery plans by `Kind`, ordered by `Name` (`KindIndex` of the plans table).
    Plans,
}

/// One page of items.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The items.
    pub items: Vec<Item>,
    /// Whether there are more.
    pub more: bool,
}

/// A transaction that was not made, or may not have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteError {
    /// No write was made: the conditions at these positions did not hold.
    Conflict(Vec<usize>),
    /// The call did not succeed; its kind says whether the writes may have been made.
    Call(CallError),
}
