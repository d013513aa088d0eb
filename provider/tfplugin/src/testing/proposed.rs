//! The proposed state that a host computes before it asks for a plan.

use std::collections::BTreeMap;

use crate::{
    schema::{Attribute, Attributes, Kind},
    value::Value,
};

const NULL: &Value = &Value::Null;

/// Merges a configuration with the prior state: configured values win, and computed attributes that
/// are not configured keep what they had.
pub(super) fn proposed(attributes: &Attributes, prior: &Value, config: &Value) -> Value {
    if !matches!(config, Value::Object(_)) {
        return config.clone();
    }
    let merged = attributes.iter().map(|(name, attribute)| {
        let value = one(attribute, prior.attribute(name), config.attribute(name));
        (name.clone(), value)
    });
    Value::Object(merged.collect())
}

fn one(attribute: &Attribute, prior: &Value, config: &Value) -> Value {
    if config.is_null() && attribute.computed {
        return if was_configured(attribute, prior) {
            Value::Null
        } else {
            prior.clone()
        };
    }
    let Kind::Nested(_, inner) = &attribute.kind else {
        return config.clone();
    };
    match config {
        Value::Object(_) => proposed(inner, prior, config),
        Value::List(items) => {
            let items = items.iter().enumerate();
            Value::List(
                items
                    .map(|(index, item)| proposed(inner, item_at(prior, index), item))
                    .collect(),
            )
        }
        Value::Map(entries) => {
            let entries: BTreeMap<_, _> = entries
                .iter()
                .map(|(key, item)| (key.clone(), proposed(inner, prior.attribute(key), item)))
                .collect();
            Value::Map(entries)
        }
        Value::Set(items) => Value::set(
            items
                .iter()
                .map(|item| proposed(inner, counterpart(inner, prior, item), item)),
        ),
        other => other.clone(),
    }
}

/// Whether a nested object must have been configured before, because it holds values that only a
/// configuration can set. Then its absence now is a removal.
fn was_configured(attribute: &Attribute, prior: &Value) -> bool {
    let Kind::Nested(_, inner) = &attribute.kind else {
        return false;
    };
    let set_by_user = |object: &Value| {
        inner
            .iter()
            .any(|(name, attribute)| !attribute.computed && !object.attribute(name).is_null())
    };
    match prior {
        Value::Object(_) => set_by_user(prior),
        other => other.children().any(set_by_user),
    }
}

fn item_at(list: &Value, index: usize) -> &Value {
    match list {
        Value::List(items) => items.get(index).unwrap_or(NULL),
        _ => NULL,
    }
}

/// The prior set element that differs from a configured one only in what is computed.
fn counterpart<'a>(attributes: &Attributes, prior: &'a Value, config: &Value) -> &'a Value {
    let same = |item: &&Value| {
        attributes.iter().all(|(name, attribute)| {
            let configured = config.attribute(name);
            (configured.is_null() && attribute.computed) || configured == item.attribute(name)
        })
    };
    match prior {
        Value::Set(items) => items.iter().find(same).unwrap_or(NULL),
        _ => NULL,
    }
}
