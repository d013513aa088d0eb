//! The JSON form of values: what a state file holds.

use serde_json::Value as Json;

use super::{ConversionError, Number, Type, Value, mismatch::Mismatch};
use crate::{limits::MAX_DEPTH, path::Step};

/// Reads JSON as a value of `ty`. Attributes that the type does not have are ignored, because stored
/// state may come from a schema that had more of them.
///
/// # Errors
/// A path and a reason, when the JSON does not have the shape of `ty`.
pub fn decode(json: &Json, ty: &Type) -> Result<Value, ConversionError> {
    value(json, ty, MAX_DEPTH).map_err(Into::into)
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

fn value(json: &Json, ty: &Type, depth: usize) -> Result<Value, Mismatch> {
    let depth = depth
        .checked_sub(1)
        .ok_or_else(|| Mismatch::new(format!("expected at most {MAX_DEPTH} levels")))?;
    match (json, ty) {
        (Json::Null, _) => Ok(Value::Null),
        (Json::Bool(value), Type::Bool) => Ok(Value::Bool(*value)),
        (Json::Number(number), Type::Number) => {
            let number = number.to_string().parse::<Number>();
            let number = number.map_err(|error| Mismatch::new(error.to_string()))?;
            Ok(Value::Number(number))
        }
        (Json::String(text), Type::String) => Ok(Value::String(text.clone())),
        (Json::Array(items), Type::List(ty)) => {
            Ok(Value::List(indexed(items, |_| Some(ty), depth)?))
        }
        (Json::Array(items), Type::Set(ty)) => {
            let items = items
                .iter()
                .map(|item| value(item, ty, depth).map_err(|it| it.under(Step::Element)));
            Ok(Value::set(items.collect::<Result<Vec<_>, _>>()?))
        }
        (Json::Array(items), Type::Tuple(types)) if items.len() == types.len() => Ok(Value::Tuple(
            indexed(items, |index| types.get(index), depth)?,
        )),
        (Json::Object(entries), Type::Map(ty)) => entries
            .iter()
            .map(|(key, entry)| {
                let entry = value(entry, ty, depth);
                let entry = entry.map_err(|it| it.under(Step::Key(key.clone())))?;
                Ok((key.clone(), entry))
            })
            .collect::<Result<_, _>>()
            .map(Value::Map),
        (Json::Object(entries), Type::Object(types)) => types
            .iter()
            .map(|(name, ty)| {
                let entry = value(entries.get(name).unwrap_or(&Json::Null), ty, depth);
                let entry = entry.map_err(|it| it.under(Step::Attribute(name.clone())))?;
                Ok((name.clone(), entry))
            })
            .collect::<Result<_, _>>()
            .map(Value::Object),
        (Json::Object(entries), Type::Dynamic) => dynamic(entries, depth),
        _ => Err(Mismatch::new(format!("expected {ty}"))),
    }
}

fn indexed<'t>(
    items: &[Json],
    ty: impl Fn(usize) -> Option<&'t Type>,
    depth: usize,
) -> Result<Vec<Value>, Mismatch> {
    items
        .iter()
        .enumerate()
        .map(|(index, item)| {
            let ty = ty(index).expect("callers check the length");
            value(item, ty, depth).map_err(|it| it.under(Step::Index(index)))
        })
        .collect()
}

fn dynamic(entries: &serde_json::Map<String, Json>, depth: usize) -> Result<Value, Mismatch> {
    let mismatch = || Mismatch::new("expected an object of `type` and `value`");
    let ty = entries.get("type").ok_or_else(mismatch)?.to_string();
    let ty = Type::from_json_bytes(ty.as_bytes()).map_err(|_| mismatch())?;
    let inner = value(entries.get("value").ok_or_else(mismatch)?, &ty, depth)?;
    Ok(Value::Dynamic(Box::new((ty, inner))))
}
