//! Configurations and states as JSON.

use serde_json::Value as Json;

use super::UNKNOWN;
use crate::value::{Type, Value, json};

/// A configuration in JSON as a value of `ty`. A misspelt attribute is a mistake of the test.
pub(super) fn from_json(config: &Json, ty: &Type) -> Value {
    untyped(config)
        .conform(ty)
        .unwrap_or_else(|error| panic!("the test's configuration: {error}"))
}

fn untyped(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => Value::Number(
            number
                .to_string()
                .parse()
                .expect("JSON numbers are numbers"),
        ),
        Json::String(text) if text == UNKNOWN => Value::unknown(),
        Json::String(text) => Value::String(text.clone()),
        Json::Array(items) => Value::List(items.iter().map(untyped).collect()),
        Json::Object(entries) => {
            Value::object(entries.iter().map(|(key, value)| (key, untyped(value))))
        }
    }
}

pub(super) fn to_json(value: &Value) -> Json {
    match value {
        Value::Unknown(_) => Json::String(UNKNOWN.to_owned()),
        Value::List(items) | Value::Set(items) | Value::Tuple(items) => {
            items.iter().map(to_json).collect()
        }
        Value::Map(entries) | Value::Object(entries) => Json::Object(
            entries
                .iter()
                .map(|(key, value)| (key.clone(), to_json(value)))
                .collect(),
        ),
        other => json::encode(other),
    }
}
