//! Items in DynamoDB's form, and back.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use drs_engine::ports::{CallError, Kind};
use drs_engine::store::items::{Item, Key, Table, Value};

use crate::classify::Call;
use crate::tables::keys_of;

/// Our word for an item that this product cannot have written.
pub(super) const FOREIGN_ITEM: &str = "ForeignItem";

/// The attributes of a key.
pub(super) fn key_attributes(key: &Key) -> HashMap<String, AttributeValue> {
    let (partition, sort) = keys_of(key.table);
    let mut attributes = HashMap::from([(
        partition.to_owned(),
        AttributeValue::S(key.partition.clone()),
    )]);
    if let (Some(name), Some(value)) = (sort, &key.sort) {
        attributes.insert(name.to_owned(), AttributeValue::S(value.clone()));
    }
    attributes
}

/// Every attribute of an item.
pub(super) fn to_attributes(item: &Item) -> HashMap<String, AttributeValue> {
    let mut attributes: HashMap<_, _> = item
        .attributes
        .iter()
        .map(|(name, value)| (name.clone(), to_attribute(value)))
        .collect();
    attributes.extend(key_attributes(&item.key));
    attributes
}

pub(super) fn to_attribute(value: &Value) -> AttributeValue {
    match value {
        Value::Text(text) => AttributeValue::S(text.clone()),
        Value::Number(number) => AttributeValue::N(number.to_string()),
        Value::Flag(flag) => AttributeValue::Bool(*flag),
        Value::TextSet(texts) => AttributeValue::Ss(texts.iter().cloned().collect()),
        Value::List(values) => AttributeValue::L(values.iter().map(to_attribute).collect()),
        Value::Map(values) => AttributeValue::M(
            values
                .iter()
                .map(|(name, value)| (name.clone(), to_attribute(value)))
                .collect(),
        ),
    }
}

/// An item as the engine knows it. One with an attribute that this product never writes is not touched: what cannot be
/// read would be lost when it is written back.
pub(super) fn from_attributes(
    table: Table,
    mut attributes: HashMap<String, AttributeValue>,
    call: Call,
) -> Result<Item, CallError> {
    let (partition, sort) = keys_of(table);
    let mut key_text = |name: &str| match attributes.remove(name) {
        Some(AttributeValue::S(text)) => Ok(text),
        _ => Err(foreign(call, &format!("an item without key {name}"), name)),
    };
    let key = Key {
        table,
        partition: key_text(partition)?,
        sort: sort.map(key_text).transpose()?,
    };
    let attributes = attributes
        .into_iter()
        .map(|(name, value)| match from_attribute(value) {
            Some(value) => Ok((name, value)),
            None => Err(foreign(call, &key.to_string(), &name)),
        })
        .collect::<Result<BTreeMap<_, _>, _>>()?;
    Ok(Item { key, attributes })
}

fn from_attribute(value: AttributeValue) -> Option<Value> {
    Some(match value {
        AttributeValue::S(text) => Value::Text(text),
        AttributeValue::N(number) => Value::Number(number.parse().ok()?),
        AttributeValue::Bool(flag) => Value::Flag(flag),
        AttributeValue::Ss(texts) => Value::TextSet(texts.into_iter().collect()),
        AttributeValue::L(values) => Value::List(
            values
                .into_iter()
                .map(from_attribute)
                .collect::<Option<_>>()?,
        ),
        AttributeValue::M(values) => Value::Map(
            values
                .into_iter()
                .map(|(name, value)| Some((name, from_attribute(value)?)))
                .collect::<Option<_>>()?,
        ),
        _ => return None,
    })
}

fn foreign(call: Call, item: &str, attribute: &str) -> CallError {
    call.error(
        Kind::Refused,
        FOREIGN_ITEM,
        format!(
            "{item} was not written by this product (attribute {attribute}). Nothing was changed. Use tables that hold \
             nothing else, for example by setting another environment"
        ),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const CALL: Call = Call::reads("dynamodb:BatchGetItem").of_store();

    fn item() -> Item {
        let text = |text: &str| Value::Text(text.to_owned());
        Item {
            key: Key {
                table: Table::ExecutionHistory,
                partition: "exec-1".to_owned(),
                sort: Some("event#000000000001".to_owned()),
            },
            attributes: BTreeMap::from([
                ("Text".to_owned(), text("")),
                ("Number".to_owned(), Value::Number(i64::MIN)),
                ("Flag".to_owned(), Value::Flag(false)),
                (
                    "Set".to_owned(),
                    Value::TextSet(BTreeSet::from(["a".to_owned(), "b".to_owned()])),
                ),
                (
                    "List".to_owned(),
                    Value::List(vec![text("a"), Value::List(vec![])]),
                ),
                (
                    "Map".to_owned(),
                    Value::Map(BTreeMap::from([("a".to_owned(), text("b"))])),
                ),
            ]),
        }
    }

    #[test]
    fn items_come_back_as_they_went() {
        let back = from_attributes(Table::ExecutionHistory, to_attributes(&item()), CALL);
        assert_eq!(back, Ok(item()));
    }

    #[test]
    fn what_this_product_never_writes_is_refused_by_name() {
        for value in [
            AttributeValue::Null(true),
            AttributeValue::N("1.5".to_owned()),
            AttributeValue::Ns(vec!["1".to_owned()]),
            AttributeValue::L(vec![AttributeValue::Null(true)]),
        ] {
            let mut attributes = to_attributes(&item());
            attributes.insert("Theirs".to_owned(), value);
            let error = from_attributes(Table::ExecutionHistory, attributes, CALL)
                .expect_err("it is foreign");
            assert_eq!(
                (error.kind, error.code.as_str()),
                (Kind::Refused, FOREIGN_ITEM)
            );
            assert!(
                error.message.contains("Theirs") && error.message.contains("exec-1"),
                "{error}"
            );
        }
    }
}
