//! The item store on DynamoDB.
//!
//! Reads are strongly consistent, except of indexes. Items are read by BatchGetItem, one too: reads of the same moment are
//! one call. Writes go through TransactWriteItems, whose request token the SDK
//! makes anew for every call and keeps for its own retries: a write whose answer was lost is not made twice. The token
//! must never be derived from the writes: DynamoDB would take the same claim, made again within ten minutes after it was
//! released, for the first one, and make nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, CancellationReason, TransactWriteItem};
use drs_engine::ports::{CallError, Kind};
use drs_engine::store::items::{
    Index, IndexQuery, Item, Items, Key, Page, Query, Table, Write, WriteError,
};

use crate::classify::{Call, INVALID_REQUEST};
use crate::gather::Gather;
use crate::limits;
use crate::tables::{Names, definition_of_index, keys_of};

mod attributes;
mod batch;
mod write;

use attributes::{from_attributes, key_attributes};

const GET: Call = Call::reads("dynamodb:BatchGetItem").of_store();
const QUERY: Call = Call::reads("dynamodb:Query").of_store();
const TRANSACT: Call = Call::changes("dynamodb:TransactWriteItems").of_store();

/// The item store of one environment. Clones share their connections.
#[derive(Clone, Debug)]
pub struct DynamoItems {
    client: Client,
    names: Names,
    region: Option<String>,
    reads: Gather<Key, Option<Item>>,
}

impl DynamoItems {
    /// The item store on this client, in the tables of this environment.
    pub fn new(client: Client, environment: &str) -> Self {
        Self {
            client,
            names: Names::new(environment),
            region: None,
            reads: Gather::new(GET, limits::KEYS_PER_BATCH, limits::GATHERING_ITEMS),
        }
    }

    /// The same, in a Region that counts: where servers that run there fail, the tables do too.
    #[must_use]
    pub fn in_region(self, region: &str) -> Self {
        Self {
            region: Some(region.to_owned()),
            ..self
        }
    }

    async fn transact_once(&self, items: Vec<TransactWriteItem>) -> Result<(), Outcome> {
        let sent = self
            .client
            .transact_write_items()
            .set_transact_items(Some(items))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(()),
            Err(error) => Err(outcome(&error)),
        }
    }

    fn page(
        &self,
        table: Table,
        items: Option<Vec<HashMap<String, AttributeValue>>>,
        more: bool,
    ) -> Result<Page, CallError> {
        let items = items
            .unwrap_or_default()
            .into_iter()
            .map(|attributes| from_attributes(table, attributes, QUERY))
            .collect::<Result<_, _>>()?;
        Ok(Page { items, more })
    }
}

impl Items for DynamoItems {
    async fn get(&self, key: &Key) -> Result<Option<Item>, CallError> {
        let found = self.get_all(BTreeSet::from([key.clone()])).await?;
        Ok(found.into_values().next())
    }

    async fn get_all(&self, keys: BTreeSet<Key>) -> Result<BTreeMap<Key, Item>, CallError> {
        if keys.is_empty() {
            return Ok(BTreeMap::new());
        }
        let (client, names) = (self.client.clone(), self.names.clone());
        let load = |keys| async move { batch::read(&client, &names, keys).await };
        let mut found = BTreeMap::new();
        for (key, item) in self.reads.read(keys, load).await? {
            found.extend(item?.map(|item| (key, item)));
        }
        Ok(found)
    }

    async fn query(&self, query: &Query) -> Result<Page, CallError> {
        let (partition, sort) = keys_of(query.table);
        let mut call = self
            .client
            .query()
            .table_name(self.names.of(query.table))
            .consistent_read(true)
            .expression_attribute_names("#p", partition)
            .expression_attribute_values(":p", AttributeValue::S(query.partition.clone()));
        let after = query.after.clone().filter(|after| *after >= query.prefix);
        let mut condition = "#p = :p".to_owned();
        if let Some(sort) = sort {
            if let Some(after) = &after {
                // DynamoDB takes one condition on the sort key, so "begins with" and "after" become one range. It holds
                // its lower end, which is left out below.
                condition.push_str(" AND #s BETWEEN :after AND :last");
                call = call
                    .expression_attribute_names("#s", sort)
                    .expression_attribute_values(":after", AttributeValue::S(after.clone()))
                    .expression_attribute_values(
                        ":last",
                        AttributeValue::S(format!("{}{}", query.prefix, char::MAX)),
                    );
            } else if !query.prefix.is_empty() {
                condition.push_str(" AND begins_with(#s, :prefix)");
                call = call
                    .expression_attribute_names("#s", sort)
                    .expression_attribute_values(
                        ":prefix",
                        AttributeValue::S(query.prefix.clone()),
                    );
            }
        }
        let is_past_the_end = after
            .as_deref()
            .is_some_and(|after| after > format!("{}{}", query.prefix, char::MAX).as_str());
        if is_past_the_end {
            return Ok(Page::default());
        }
        let limit = query.limit.saturating_add(usize::from(after.is_some()));
        let answer = call
            .key_condition_expression(condition)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(|error| QUERY.failed(&error))?;
        let mut page = self.page(
            query.table,
            answer.items,
            answer.last_evaluated_key.is_some(),
        )?;
        page.items
            .retain(|item| item.key.sort.is_none() || item.key.sort != after);
        page.more |= page.items.len() > query.limit;
        page.items.truncate(query.limit);
        Ok(page)
    }

    async fn index(&self, query: &IndexQuery) -> Result<Page, CallError> {
        let index = definition_of_index(query.index);
        let start = query.start.as_ref().map(|item| start_of(query.index, item));
        let answer = self
            .client
            .query()
            .table_name(self.names.of(index.table))
            .index_name(index.name)
            .key_condition_expression("#p = :p")
            .expression_attribute_names("#p", index.partition)
            .expression_attribute_values(":p", AttributeValue::S(query.partition.clone()))
            .scan_index_forward(false)
            .limit(i32::try_from(query.limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|error| QUERY.failed(&error))?;
        self.page(
            index.table,
            answer.items,
            answer.last_evaluated_key.is_some(),
        )
    }

    async fn transact(&self, writes: Vec<Write>) -> Result<(), WriteError> {
        let items = writes
            .iter()
            .map(|write| write::item(write, &self.names))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| {
                WriteError::Call(TRANSACT.error(Kind::Refused, INVALID_REQUEST, error.to_string()))
            })?;
        let mut attempt = 0;
        loop {
            match self.transact_once(items.clone()).await {
                Ok(()) => return Ok(()),
                Err(Outcome::Conflict(positions)) => return Err(WriteError::Conflict(positions)),
                Err(Outcome::Call(error)) => return Err(WriteError::Call(error)),
                // No write was made, so the same ones may be made again, under a new token.
                Err(Outcome::Contended(error)) => {
                    attempt += 1;
                    if attempt >= limits::TRANSACTION_ATTEMPTS {
                        return Err(WriteError::Call(error));
                    }
                    tokio::time::sleep(backoff(attempt)).await;
                }
            }
        }
    }

    fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }
}

/// What came of one transaction that was not made, or may not have been.
#[derive(Debug)]
enum Outcome {
    /// Conditions at these positions did not hold.
    Conflict(Vec<usize>),
    /// Another transaction was in the way; none of the writes was made.
    Contended(CallError),
    /// Anything else.
    Call(CallError),
}

fn outcome(
    error: &SdkError<TransactWriteItemsError, aws_sdk_dynamodb::config::http::HttpResponse>,
) -> Outcome {
    let failed = TRANSACT.failed(error);
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            cancelled_for(cancelled.cancellation_reasons(), failed)
        }
        // The first try of the same call is still at work; its outcome is not known.
        _ if failed.code == "TransactionInProgressException" => Outcome::Call(CallError {
            kind: Kind::Unknown,
            ..failed
        }),
        _ => Outcome::Call(failed),
    }
}

/// A cancelled transaction made no write. Its reasons come in the order of the writes.
fn cancelled_for(reasons: &[CancellationReason], failed: CallError) -> Outcome {
    let code = |reason: &CancellationReason| reason.code.clone().unwrap_or_default();
    let conflicts: Vec<usize> = (0..)
        .zip(reasons)
        .filter(|(_, reason)| code(reason) == "ConditionalCheckFailed")
        .map(|(position, _)| position)
        .collect();
    if !conflicts.is_empty() {
        return Outcome::Conflict(conflicts);
    }
    let telling = reasons
        .iter()
        .find(|reason| !matches!(code(reason).as_str(), "" | "None"));
    let Some(reason) = telling else {
        return Outcome::Call(failed);
    };
    let error = CallError {
        kind: Kind::Busy,
        code: code(reason),
        message: reason.message.clone().unwrap_or(failed.message),
        ..failed
    };
    match error.code.as_str() {
        "TransactionConflict" | "DuplicateItem" => Outcome::Contended(error),
        "ThrottlingError" | "ProvisionedThroughputExceeded" => Outcome::Call(error),
        _ => Outcome::Call(CallError {
            kind: Kind::Refused,
            ..error
        }),
    }
}

/// Where a page of an index begins: the keys of the table and of the index.
fn start_of(index: Index, item: &Item) -> HashMap<String, AttributeValue> {
    let index = definition_of_index(index);
    let mut start = key_attributes(&item.key);
    for name in [index.partition, index.order] {
        if let Some(value) = item.attributes.get(name) {
            start.insert(name.to_owned(), attributes::to_attribute(value));
        }
    }
    start
}

/// Doubled each time, and spread, so that two who met do not meet again.
fn backoff(attempt: u32) -> Duration {
    let most = limits::TRANSACTION_BACKOFF * 2_u32.saturating_pow(attempt);
    let nanos = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.subsec_nanos());
    most / 2 + most / 2 * (nanos % 1_000) / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(codes: &[&str]) -> Vec<CancellationReason> {
        codes
            .iter()
            .map(|code| CancellationReason::builder().code(*code).build())
            .collect()
    }

    fn cancelled(codes: &[&str]) -> Outcome {
        cancelled_for(
            &reasons(codes),
            TRANSACT.error(Kind::Refused, "TransactionCanceledException", "cancelled"),
        )
    }

    #[test]
    fn conditions_that_did_not_hold_are_named_by_position() {
        let outcome = cancelled(&[
            "None",
            "ConditionalCheckFailed",
            "TransactionConflict",
            "ConditionalCheckFailed",
        ]);
        assert!(matches!(outcome, Outcome::Conflict(positions) if positions == [1, 3]));
    }

    #[test]
    fn a_meeting_of_transactions_is_tried_again_and_nonsense_is_refused() {
        assert!(matches!(
            cancelled(&["None", "TransactionConflict"]),
            Outcome::Contended(_)
        ));
        let kind = |outcome| match outcome {
            Outcome::Call(error) => Some(error.kind),
            _ => None,
        };
        assert_eq!(kind(cancelled(&["ThrottlingError"])), Some(Kind::Busy));
        assert_eq!(
            kind(cancelled(&["ItemCollectionSizeLimitExceeded"])),
            Some(Kind::Refused)
        );
        assert_eq!(kind(cancelled(&[])), Some(Kind::Refused));
    }

    #[test]
    fn the_wait_between_tries_grows_and_is_bounded() {
        for attempt in 1..limits::TRANSACTION_ATTEMPTS {
            let most = limits::TRANSACTION_BACKOFF * 2_u32.pow(attempt);
            assert!(backoff(attempt) >= most / 2 && backoff(attempt) <= most);
        }
    }
}
