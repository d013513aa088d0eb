//! Reads by BatchGetItem: what DynamoDB leaves unread is asked for again, a bounded number of times.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use drs_engine::ports::{CallError, Kind};
use drs_engine::store::items::{Item, Key, Table};

use super::attributes::{from_attributes, key_attributes};
use super::{GET, backoff};
use crate::classify::{INVALID_REQUEST, UNREADABLE_ANSWER};
use crate::gather::Found;
use crate::limits;
use crate::tables::{Names, keys_of};

/// Keys of a call, by the names of their tables.
type Request = HashMap<String, KeysAndAttributes>;

/// The items with these keys. A failed call is the answer to every key that it was made for.
pub(super) async fn read(
    client: &Client,
    names: &Names,
    keys: BTreeSet<Key>,
) -> Found<Key, Option<Item>> {
    let keys: Vec<Key> = keys.into_iter().collect();
    let mut found = Found::new();
    for part in keys.chunks(limits::KEYS_PER_BATCH) {
        match read_part(client, names, part).await {
            Ok(items) => found.extend(items),
            Err(error) => found.extend(part.iter().map(|key| (key.clone(), Err(error.clone())))),
        }
    }
    found
}

async fn read_part(
    client: &Client,
    names: &Names,
    keys: &[Key],
) -> Result<Found<Key, Option<Item>>, CallError> {
    let mut request = request(names, keys)?;
    let mut found = Found::new();
    let mut in_vain = 0;
    loop {
        let call = client.batch_get_item().set_request_items(Some(request));
        let answer = call.send().await.map_err(|error| GET.failed(&error))?;
        let before = found.len();
        // What is neither answered nor left unread does not exist, so an answer that may be of something else is none.
        let responses = answer
            .responses
            .ok_or_else(|| unreadable("names no table"))?;
        for (name, items) in responses {
            let table = names.table(&name);
            let table = table.ok_or_else(|| unreadable(&format!("is about a table {name:?}")))?;
            for item in items {
                let item = taken(table, item);
                found.extend([item.ok_or_else(|| unreadable("has an item without a key"))?]);
            }
        }
        request = answer.unprocessed_keys.unwrap_or_default();
        if request.is_empty() {
            return Ok(found);
        }
        in_vain = if found.len() > before { 0 } else { in_vain + 1 };
        if in_vain >= limits::BATCH_ATTEMPTS {
            return Err(GET.error(
                Kind::Busy,
                LEFT_UNREAD,
                "DynamoDB has no capacity for these reads now",
            ));
        }
        tokio::time::sleep(backoff(in_vain)).await;
    }
}

/// Our word for keys that DynamoDB did not read, however often it was asked.
const LEFT_UNREAD: &str = "UnprocessedKeys";

fn unreadable(what: &str) -> CallError {
    GET.error(Kind::Busy, UNREADABLE_ANSWER, format!("the answer {what}"))
}

fn request(names: &Names, keys: &[Key]) -> Result<Request, CallError> {
    let mut by_table: HashMap<Table, Vec<HashMap<String, AttributeValue>>> = HashMap::new();
    for key in keys {
        by_table
            .entry(key.table)
            .or_default()
            .push(key_attributes(key));
    }
    by_table
        .into_iter()
        .map(|(table, keys)| {
            let keys = KeysAndAttributes::builder()
                .set_keys(Some(keys))
                .consistent_read(true)
                .build()
                .map_err(|error| GET.error(Kind::Refused, INVALID_REQUEST, error.to_string()))?;
            Ok((names.of(table).to_owned(), keys))
        })
        .collect()
}

/// An item, by its key. One that cannot be read fails its own key alone; none where it has no key.
fn taken(
    table: Table,
    attributes: HashMap<String, AttributeValue>,
) -> Option<(Key, Result<Option<Item>, CallError>)> {
    let (partition, sort) = keys_of(table);
    let text = |name: &str| attributes.get(name)?.as_s().ok().cloned();
    let key = Key {
        table,
        partition: text(partition)?,
        sort: match sort {
            Some(name) => Some(text(name)?),
            None => None,
        },
    };
    Some((key, from_attributes(table, attributes, GET).map(Some)))
}
