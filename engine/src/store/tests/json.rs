//! Items as texts, in the JSON that DynamoDB itself uses.

use serde_json::{Value as Json, json};

use crate::store::items::{Item, Key, Table, Value};

pub(super) fn to_text(item: &Item) -> String {
    let attributes: serde_json::Map<String, Json> = item
        .attributes
        .iter()
        .map(|(name, value)| (name.clone(), to_json(value)))
        .collect();
    let table = match item.key.table {
        Table::ProtectionGroups => "protection-groups",
        Table::RecoveryPlans => "recovery-plans",
        Table::ExecutionHistory => "execution-history",
    };
    let whole = json!({
        "table": table,
        "partition": item.key.partition,
        "sort": item.key.sort,
        "attributes": attributes,
    });
    let text = serde_json::to_string_pretty(&whole).unwrap();
    format!("{text}\n")
}

fn to_json(value: &Value) -> Json {
    match value {
        Value::Text(text) => json!({"S": text}),
        Value::Number(number) => json!({"N": number.to_string()}),
        Value::Flag(flag) => json!({"BOOL": flag}),
        Value::TextSet(texts) => json!({"SS": texts}),
        Value::List(values) => json!({"L": values.iter().map(to_json).collect::<Vec<_>>()}),
        Value::Map(values) => {
            let values = values
                .iter()
                .map(|(key, value)| (key.clone(), to_json(value)));
            json!({"M": values.collect::<serde_json::Map<_, _>>()})
        }
    }
}

pub(super) fn from_text(text: &str) -> Item {
    let whole: Json = serde_json::from_str(text).unwrap();
    let table = match whole["table"].as_str().unwrap() {
        "protection-groups" => Table::ProtectionGroups,
        "recovery-plans" => Table::RecoveryPlans,
        _ => Table::ExecutionHistory,
    };
    let attributes = whole["attributes"].as_object().unwrap();
    Item {
        key: Key {
            table,
            partition: whole["partition"].as_str().unwrap().to_owned(),
            sort: whole["sort"].as_str().map(str::to_owned),
        },
        attributes: attributes
            .iter()
            .map(|(name, value)| (name.clone(), from_json(value)))
            .collect(),
    }
}

fn from_json(value: &Json) -> Value {
    let (kind, value) = value.as_object().unwrap().iter().next().unwrap();
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    match kind.as_str() {
        "S" => Value::Text(text(value)),
        "N" => Value::Number(text(value).parse().unwrap()),
        "BOOL" => Value::Flag(value.as_bool().unwrap()),
        "SS" => Value::TextSet(value.as_array().unwrap().iter().map(text).collect()),
        "L" => Value::List(value.as_array().unwrap().iter().map(from_json).collect()),
        _ => Value::Map(
            value
                .as_object()
                .unwrap()
                .iter()
                .map(|(key, value)| (key.clone(), from_json(value)))
                .collect(),
        ),
    }
}
