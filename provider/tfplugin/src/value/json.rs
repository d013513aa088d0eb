//! The JSON form of values: what a state file holds.

use serde_json::Value as Json;

use super::{Number, Type, Value};
use crate::limits::MAX_DEPTH;

/// JSON is not a value of the expected type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {0}")]
pub struct JsonError(String);

/// Reads JSON as a value of `ty`. Attributes that the type does not have are ignored, because stored
/// state may come from a schema that had more of them.
///
/// # Errors
/// When the JSON does not have the shape of `ty`.
pub fn decode(json: &Json, ty: &Type) -> Result<Value, JsonError> {
    value(json, ty, MAX_DEPTH)
}

/// Writes a value as JSON. Unknown values become null: JSON states have none.
#[must_use]
pub fn encode(value: &Value) -> Json {
    match value {
        Value::Null | Value::Unknown(_) => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Number(number) => serde_json::from_str(&number.to_string()).unwrap_or(Json::Null),
        Value::String(text) => Json::String(text.clone()),
        Value::List(items) | Value::Set(items) | Value::Tuple(items) => {
            Json::Array(items.iter().map(encode).collect())
        }
        Value::Map(entries) | Value::Object(entries) => Json::Object(
            entries
                .iter()
                .map(|(k, v)| (k.clone(), encode(v)))
                .collect(),
        ),
        Value::Dynamic(inner) => {
            serde_json::json!({ "type": inner.0.to_json(), "value": encode(&inner.1) })
        }
    }
}

fn value(json: &Json, ty: &Type, depth: usize) -> Result<Value, JsonError> {
    let mismatch = || JsonError(ty.to_string());
    let depth = depth
        .checked_sub(1)
        .ok_or_else(|| JsonError(format!("at most {MAX_DEPTH} levels")))?;
    match (json, ty) {
        (Json::Null, _) => Ok(Value::Null),
        (Json::Bool(value), Type::Bool) => Ok(Value::Bool(*value)),
        (Json::Number(number), Type::Number) => {
            let number: Number = number.to_string().parse().map_err(|_| mismatch())?;
            Ok(Value::Number(number))
        }
        (Json::String(text), Type::String) => Ok(Value::String(text.clone())),
        (Json::Array(items), Type::List(ty)) => Ok(Value::List(elements(items, ty, depth)?)),
        (Json::Array(items), Type::Set(ty)) => Ok(Value::set(elements(items, ty, depth)?)),
        (Json::Array(items), Type::Tuple(types)) if items.len() == types.len() => items
            .iter()
            .zip(types)
            .map(|(item, ty)| value(item, ty, depth))
            .collect::<Result<_, _>>()
            .map(Value::Tuple),
        (Json::Object(entries), Type::Map(ty)) => entries
            .iter()
            .map(|(key, entry)| Ok((key.clone(), value(entry, ty, depth)?)))
            .collect::<Result<_, _>>()
            .map(Value::Map),
        (Json::Object(entries), Type::Object(types)) => types
            .iter()
            .map(|(name, ty)| {
                let entry = entries.get(name).unwrap_or(&Json::Null);
                Ok((name.clone(), value(entry, ty, depth)?))
            })
            .collect::<Result<_, _>>()
            .map(Value::Object),
        (Json::Object(entries), Type::Dynamic) => dynamic(entries, depth),
        _ => Err(mismatch()),
    }
}

fn elements(items: &[Json], ty: &Type, depth: usize) -> Result<Vec<Value>, JsonError> {
    items.iter().map(|item| value(item, ty, depth)).collect()
}

fn dynamic(entries: &serde_json::Map<String, Json>, depth: usize) -> Result<Value, JsonError> {
    let mismatch = || JsonError("an object of `type` and `value`".to_owned());
    let ty = entries.get("type").ok_or_else(mismatch)?.to_string();
    let ty = Type::from_json_bytes(ty.as_bytes()).map_err(|_| mismatch())?;
    let inner = value(entries.get("value").ok_or_else(mismatch)?, &ty, depth)?;
    Ok(Value::Dynamic(Box::new((ty, inner))))
}
