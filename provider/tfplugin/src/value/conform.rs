//! Gives values the exact shape of a type.

use std::collections::BTreeMap;

use super::{ConversionError, Type, Value, mismatch::Mismatch};
use crate::path::Step;

/// Shapes `value` as `ty`: sequences become lists, sets or tuples, entries become maps or objects,
/// and attributes that are missing become null.
pub(crate) fn conform(value: Value, ty: &Type) -> Result<Value, ConversionError> {
    shape(value, ty).map_err(Into::into)
}

fn shape(value: Value, ty: &Type) -> Result<Value, Mismatch> {
    match (value, ty) {
        (Value::Null, _) => Ok(Value::Null),
        (unknown @ Value::Unknown(_), _) => Ok(unknown),
        (value @ Value::Bool(_), Type::Bool) => Ok(value),
        (value @ Value::Number(_), Type::Number) => Ok(value),
        (value @ Value::String(_), Type::String) => Ok(value),
        (Value::List(items) | Value::Tuple(items) | Value::Set(items), Type::List(ty)) => {
            indexed(items, |_| Some(ty)).map(Value::List)
        }
        (Value::List(items) | Value::Tuple(items) | Value::Set(items), Type::Set(ty)) => {
            let items = items
                .into_iter()
                .map(|item| shape(item, ty).map_err(|m| m.under(Step::Element)));
            Ok(Value::set(items.collect::<Result<Vec<_>, _>>()?))
        }
        (Value::List(items) | Value::Tuple(items), Type::Tuple(types))
            if items.len() == types.len() =>
        {
            indexed(items, |index| types.get(index)).map(Value::Tuple)
        }
        (Value::Map(entries) | Value::Object(entries), Type::Map(ty)) => entries
            .into_iter()
            .map(|(key, value)| match shape(value, ty) {
                Ok(value) => Ok((key, value)),
                Err(mismatch) => Err(mismatch.under(Step::Key(key))),
            })
            .collect::<Result<_, _>>()
            .map(Value::Map),
        (Value::Map(entries) | Value::Object(entries), Type::Object(types)) => {
            object(entries, types)
        }
        (Value::Dynamic(inner), Type::Dynamic) => {
            let (ty, value) = *inner;
            let value = shape(value, &ty)?;
            Ok(Value::Dynamic(Box::new((ty, value))))
        }
        (value, Type::Dynamic) => {
            let ty = implied(&value);
            let value = shape(value, &ty)?;
            Ok(Value::Dynamic(Box::new((ty, value))))
        }
        (value, ty) => Err(Mismatch::new(format!("{} is not a {ty}", kind(&value)))),
    }
}

fn indexed<'t>(
    items: Vec<Value>,
    ty: impl Fn(usize) -> Option<&'t Type>,
) -> Result<Vec<Value>, Mismatch> {
    items
        .into_iter()
        .enumerate()
        .map(|(index, item)| {
            let ty = ty(index).expect("callers check the length");
            shape(item, ty).map_err(|mismatch| mismatch.under(Step::Index(index)))
        })
        .collect()
}

fn object(
    mut entries: BTreeMap<String, Value>,
    types: &BTreeMap<String, Type>,
) -> Result<Value, Mismatch> {
    let mut shaped = BTreeMap::new();
    for (name, ty) in types {
        let value = entries.remove(name).unwrap_or_default();
        let value = shape(value, ty).map_err(|m| m.under(Step::Attribute(name.clone())))?;
        shaped.insert(name.clone(), value);
    }
    match entries.pop_first() {
        None => Ok(Value::Object(shaped)),
        Some((name, _)) => {
            Err(Mismatch::new("the schema has no such attribute").under(Step::Attribute(name)))
        }
    }
}

/// The type that an untyped value has by itself.
fn implied(value: &Value) -> Type {
    match value {
        Value::Null | Value::Unknown(_) | Value::Dynamic(_) => Type::Dynamic,
        Value::Bool(_) => Type::Bool,
        Value::Number(_) => Type::Number,
        Value::String(_) => Type::String,
        Value::List(items) | Value::Tuple(items) | Value::Set(items) => {
            Type::Tuple(items.iter().map(implied).collect())
        }
        Value::Map(entries) | Value::Object(entries) => Type::Object(
            entries
                .iter()
                .map(|(k, v)| (k.clone(), implied(v)))
                .collect(),
        ),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Unknown(_) => "an unknown value",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::List(_) | Value::Tuple(_) => "a sequence",
        Value::Set(_) => "a set",
        Value::Map(_) | Value::Object(_) => "a map",
        Value::Dynamic(_) => "a dynamic value",
    }
}
