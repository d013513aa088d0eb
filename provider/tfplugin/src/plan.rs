//! How attributes are planned, in the order that gives empty second plans and an honest
//! "known after apply":
//!
//! 1. defaults for what the configuration leaves out,
//! 2. write-only attributes become null,
//! 3. if anything then differs from the prior state, every computed attribute that the
//!    configuration leaves out becomes unknown,
//! 4. plan modifiers, attribute by attribute.
//!
//! The resource's own `modify_plan` comes after that.

use std::collections::BTreeMap;

use crate::{
    path::Path,
    schema::{Attribute, Attributes, Kind, ModifierContext, PlanModifier, Schema},
    value::Value,
};

/// What the attributes of a resource plan by themselves.
pub(crate) struct AttributePlan {
    /// The planned state.
    pub(crate) planned: Value,
    /// What forces a replacement.
    pub(crate) requires_replace: Vec<Path>,
}

/// Plans a create (`prior` is null) or an update.
pub(crate) fn plan(
    schema: &Schema,
    config: &Value,
    prior: &Value,
    proposed: Value,
) -> AttributePlan {
    let planned = fill_in(&schema.attributes, config, proposed);
    let planned = if &planned == prior {
        planned
    } else {
        mark_unknown(&schema.attributes, config, planned)
    };
    let mut modify = Modify {
        config,
        prior,
        requires_replace: Vec::new(),
    };
    let planned = modify.attributes(&schema.attributes, config, prior, planned, &Path::root());
    AttributePlan {
        planned,
        requires_replace: modify.requires_replace,
    }
}

/// The same value with every write-only attribute null.
pub(crate) fn without_write_only(attributes: &Attributes, value: Value) -> Value {
    each_attribute(attributes, &Value::Null, value, &|attribute, _, value| {
        if attribute.write_only {
            return Value::Null;
        }
        nested(attribute, &Value::Null, value, &|inner, _, value| {
            without_write_only(inner, value)
        })
    })
}

/// Steps 1 and 2.
fn fill_in(attributes: &Attributes, config: &Value, planned: Value) -> Value {
    each_attribute(
        attributes,
        config,
        planned,
        &|attribute, config, planned| match &attribute.default {
            _ if attribute.write_only => Value::Null,
            Some(default) if config.is_null() => default.clone(),
            _ => nested(attribute, config, planned, &fill_in),
        },
    )
}

/// Step 3.
fn mark_unknown(attributes: &Attributes, config: &Value, planned: Value) -> Value {
    each_attribute(
        attributes,
        config,
        planned,
        &|attribute, config, planned| {
            if config.is_null() && attribute.computed && attribute.default.is_none() {
                return Value::unknown();
            }
            nested(attribute, config, planned, &mark_unknown)
        },
    )
}

/// Applies `change` to every attribute of an object; anything else stays as it is.
fn each_attribute(
    attributes: &Attributes,
    config: &Value,
    planned: Value,
    change: &dyn Fn(&Attribute, &Value, Value) -> Value,
) -> Value {
    let Value::Object(mut entries) = planned else {
        return planned;
    };
    for (name, attribute) in attributes {
        let value = entries.remove(name).unwrap_or_default();
        entries.insert(
            name.clone(),
            change(attribute, config.attribute(name), value),
        );
    }
    Value::Object(entries)
}

/// Applies `change` to every object of a nested attribute, with its counterpart in configuration.
fn nested(
    attribute: &Attribute,
    config: &Value,
    planned: Value,
    change: &dyn Fn(&Attributes, &Value, Value) -> Value,
) -> Value {
    let Kind::Nested(_, inner) = &attribute.kind else {
        return planned;
    };
    match planned {
        Value::Object(_) => change(inner, config, planned),
        Value::List(items) => {
            let items = items.into_iter().enumerate();
            Value::List(
                items
                    .map(|(i, item)| change(inner, item_at(config, i), item))
                    .collect(),
            )
        }
        Value::Set(items) => Value::set(
            items
                .into_iter()
                .map(|item| change(inner, counterpart(config, &item), item)),
        ),
        Value::Map(entries) => {
            let entries = entries.into_iter();
            Value::Map(
                entries
                    .map(|(key, item)| {
                        let new = change(inner, config.attribute(&key), item);
                        (key, new)
                    })
                    .collect(),
            )
        }
        other => other,
    }
}

const NULL: &Value = &Value::Null;

fn item_at(list: &Value, index: usize) -> &Value {
    match list {
        Value::List(items) => items.get(index).unwrap_or(NULL),
        _ => NULL,
    }
}

/// The configured set element that a planned one comes from: all that is configured is the same.
fn counterpart<'a>(config: &'a Value, planned: &Value) -> &'a Value {
    match config {
        Value::Set(items) => items
            .iter()
            .find(|item| agrees(item, planned))
            .unwrap_or(NULL),
        _ => NULL,
    }
}

fn agrees(config: &Value, planned: &Value) -> bool {
    match (config, planned) {
        (Value::Null, _) => true,
        (Value::Object(config), Value::Object(planned)) => config
            .iter()
            .all(|(name, value)| agrees(value, planned.get(name).unwrap_or(NULL))),
        (config, planned) => config == planned,
    }
}

/// Step 4.
struct Modify<'a> {
    config: &'a Value,
    prior: &'a Value,
    requires_replace: Vec<Path>,
}

impl Modify<'_> {
    fn attributes(
        &mut self,
        attributes: &Attributes,
        config: &Value,
        prior: &Value,
        planned: Value,
        at: &Path,
    ) -> Value {
        let Value::Object(mut entries) = planned else {
            return planned;
        };
        for (name, attribute) in attributes {
            let value = entries.remove(name).unwrap_or_default();
            let path = at.clone().attribute(name);
            let (config, prior) = (config.attribute(name), prior.attribute(name));
            entries.insert(
                name.clone(),
                self.attribute(attribute, config, prior, value, path),
            );
        }
        Value::Object(entries)
    }

    fn attribute(
        &mut self,
        attribute: &Attribute,
        config: &Value,
        prior: &Value,
        mut planned: Value,
        path: Path,
    ) -> Value {
        for modifier in &attribute.modifiers {
            let context = ModifierContext {
                config,
                prior,
                planned: &planned,
                whole_config: self.config,
                whole_prior: self.prior,
            };
            match modifier {
                PlanModifier::UseStateForUnknown => {
                    let keep = !self.prior.is_null()
                        && !prior.is_null()
                        && planned.is_unknown()
                        && config.is_null();
                    planned = if keep { prior.clone() } else { planned };
                }
                PlanModifier::RequiresReplace => {
                    let replace = self.changes(prior, &planned);
                    self.replace(replace, &path);
                }
                PlanModifier::RequiresReplaceIf(condition) => {
                    let replace = self.changes(prior, &planned) && condition(&context);
                    self.replace(replace, &path);
                }
                PlanModifier::Custom(change) => planned = change(&context),
            }
        }
        match &attribute.kind {
            Kind::Nested(_, inner) => self.nested(inner, config, prior, planned, &path),
            Kind::Plain(_) => planned,
        }
    }

    fn changes(&self, prior: &Value, planned: &Value) -> bool {
        !self.prior.is_null() && prior != planned
    }

    fn replace(&mut self, replace: bool, path: &Path) {
        if replace && !self.requires_replace.contains(path) {
            self.requires_replace.push(path.clone());
        }
    }

    fn nested(
        &mut self,
        inner: &Attributes,
        config: &Value,
        prior: &Value,
        planned: Value,
        at: &Path,
    ) -> Value {
        match planned {
            Value::Object(_) => self.attributes(inner, config, prior, planned, at),
            Value::List(items) => {
                let items = items.into_iter().enumerate().map(|(index, item)| {
                    let path = at.clone().index(index);
                    self.attributes(
                        inner,
                        item_at(config, index),
                        item_at(prior, index),
                        item,
                        &path,
                    )
                });
                Value::List(items.collect())
            }
            Value::Map(entries) => {
                let entries: BTreeMap<_, _> = entries
                    .into_iter()
                    .map(|(key, item)| {
                        let path = at.clone().key(&key);
                        let (config, prior) = (config.attribute(&key), prior.attribute(&key));
                        let item = self.attributes(inner, config, prior, item, &path);
                        (key, item)
                    })
                    .collect();
                Value::Map(entries)
            }
            // An element of a set has no identity of its own, so there is no prior element to keep.
            Value::Set(items) => Value::set(items.into_iter().map(|item| {
                let config = counterpart(config, &item).clone();
                self.attributes(inner, &config, NULL, item, &at.clone().element())
            })),
            other => other,
        }
    }
}
