//! An item store in memory, with exactly the conditions of the port: for tests and simulated runs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::items::{
    Condition, Index, IndexQuery, Item, Items, Key, Page, Query, Table, Value, Write, WriteError,
};
use crate::limits;
use crate::ports::{CallError, Kind};

/// An item store in memory. Clones share their items.
#[derive(Clone, Debug, Default)]
pub struct MemoryItems(Arc<Mutex<BTreeMap<Key, Item>>>);

impl MemoryItems {
    /// Every item, in the order of their keys; for tests.
    pub fn all(&self) -> Vec<Item> {
        self.lock().values().cloned().collect()
    }

    /// Makes a transaction at once.
    ///
    /// # Errors
    ///
    /// As [`Items::transact`].
    pub fn write_now(&self, writes: &[Write]) -> Result<(), WriteError> {
        check_shape(writes)?;
        let mut items = self.lock();
        let failed: Vec<usize> = writes
            .iter()
            .enumerate()
            .filter(|(_, write)| !holds(condition_of(write), items.get(key_of(write))))
            .map(|(position, _)| position)
            .collect();
        if !failed.is_empty() {
            return Err(WriteError::Conflict(failed));
        }
        for write in writes {
            match write {
                Write::Put { item, .. } => {
                    items.insert(item.key.clone(), item.clone());
                }
                Write::Delete { key, .. } => {
                    items.remove(key);
                }
                Write::Check { .. } => {}
            }
        }
        Ok(())
    }

    /// One item at once.
    pub fn item_now(&self, key: &Key) -> Option<Item> {
        self.lock().get(key).cloned()
    }

    /// One page of a partition at once.
    pub fn page_now(&self, query: &Query) -> Page {
        let items = self.lock();
        let first = query.after.as_ref().unwrap_or(&query.prefix);
        let from = Key {
            table: query.table,
            partition: query.partition.clone(),
            sort: Some(first.max(&query.prefix).clone()),
        };
        let is_inside = |key: &Key| {
            let sort = key.sort.as_deref().unwrap_or_default();
            key.table == query.table
                && key.partition == query.partition
                && sort.starts_with(&query.prefix)
        };
        let is_after = |key: &Key| query.after.is_none() || key.sort > query.after;
        let mut found = items
            .range(from..)
            .take_while(|(key, _)| is_inside(key))
            .filter(|(key, _)| is_after(key))
            .map(|(_, item)| item.clone());
        let page: Vec<Item> = found.by_ref().take(query.limit).collect();
        Page {
            items: page,
            more: found.next().is_some(),
        }
    }

    /// One page of an index at once.
    pub fn index_page_now(&self, query: &IndexQuery) -> Page {
        let (table, partition, order) = shape_of(query.index);
        let items = self.lock();
        let sort_of = |item: &Item| (item.attributes.get(order).map(sortable), item.key.clone());
        let mut found: Vec<&Item> = items
            .values()
            .filter(|item| item.key.table == table && item.attributes.contains_key(order))
            .filter(|item| match partition {
                Some(name) => {
                    item.attributes.get(name) == Some(&Value::Text(query.partition.clone()))
                }
                None => item.key.partition == query.partition,
            })
            .collect();
        found.sort_by_key(|item| std::cmp::Reverse(sort_of(item)));
        let start = query.start.as_ref().map(sort_of);
        let mut rest = found
            .into_iter()
            .filter(|item| start.as_ref().is_none_or(|start| sort_of(item) < *start));
        let page: Vec<Item> = rest.by_ref().take(query.limit).cloned().collect();
        Page {
            items: page,
            more: rest.next().is_some(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Key, Item>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Items for MemoryItems {
    async fn get(&self, key: &Key) -> Result<Option<Item>, CallError> {
        Ok(self.item_now(key))
    }

    async fn query(&self, query: &Query) -> Result<Page, CallError> {
        Ok(self.page_now(query))
    }

    async fn index(&self, query: &IndexQuery) -> Result<Page, CallError> {
        Ok(self.index_page_now(query))
    }

    async fn transact(&self, writes: Vec<Write>) -> Result<(), WriteError> {
        self.write_now(&writes)
    }
}

/// DynamoDB's own rules for a transaction: few enough items, and none twice.
fn check_shape(writes: &[Write]) -> Result<(), WriteError> {
    let mut keys: Vec<&Key> = writes.iter().map(key_of).collect();
    keys.sort();
    let twice = keys.windows(2).any(|pair| pair[0] == pair[1]);
    if !twice && !writes.is_empty() && writes.len() <= limits::ITEMS_PER_TRANSACTION {
        return Ok(());
    }
    Err(WriteError::Call(CallError {
        kind: Kind::Refused,
        call: "dynamodb:TransactWriteItems",
        code: "ValidationException".to_owned(),
        message: format!("{} writes, one item twice: {twice}", writes.len()),
        retry_after: None,
    }))
}

/// The key a write is about.
pub(crate) fn key_of(write: &Write) -> &Key {
    match write {
        Write::Put { item, .. } => &item.key,
        Write::Delete { key, .. } | Write::Check { key, .. } => key,
    }
}

fn condition_of(write: &Write) -> &Condition {
    match write {
        Write::Put { condition, .. }
        | Write::Delete { condition, .. }
        | Write::Check { condition, .. } => condition,
    }
}

fn holds(condition: &Condition, item: Option<&Item>) -> bool {
    match condition {
        Condition::Always => true,
        Condition::Absent => item.is_none(),
        Condition::Equals(wanted) => item.is_some_and(|item| {
            wanted
                .iter()
                .all(|(name, value)| item.attributes.get(*name) == Some(value))
        }),
    }
}

/// Table, partition attribute (none: the key itself) and order attribute of an index.
fn shape_of(index: Index) -> (Table, Option<&'static str>, &'static str) {
    match index {
        Index::Status => (Table::ExecutionHistory, Some("Status"), "StartTime"),
        Index::Plan => (Table::ExecutionHistory, Some("PlanId"), "StartTime"),
        Index::Groups => (Table::ProtectionGroups, Some("Kind"), "Name"),
        Index::Plans => (Table::RecoveryPlans, Some("Kind"), "Name"),
    }
}

fn sortable(value: &Value) -> (i64, String) {
    match value {
        Value::Number(number) => (*number, String::new()),
        Value::Text(text) => (0, text.clone()),
        _ => (0, String::new()),
    }
}
