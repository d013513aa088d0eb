//! Checks a configuration against the parts of its schema that hosts do not check.

use serde::de::DeserializeOwned;

use super::{Attribute, Attributes, Kind, Schema, Validator};
use crate::{
    diagnostic::{Diagnostic, Diagnostics},
    path::{Path, Step},
    value::{ConversionError, Value, json, mismatch::IT},
};

/// Characters of a refused value that a diagnostic repeats.
const SHOWN_VALUE: usize = 80;

/// Everything wrong with `config`, which may hold unknown values.
pub(crate) fn validate(schema: &Schema, config: &Value, write_only_allowed: bool) -> Diagnostics {
    let mut walk = Walk {
        write_only_allowed,
        found: Diagnostics::new(),
    };
    walk.attributes(&schema.attributes, config, &Path::root(), false);
    walk.found
}

/// A configuration as the provider's model.
///
/// # Errors
///
/// When it is right by its schema, and the model cannot hold it. Where a person can mend it, the text says how; anything else
/// is a mistake of the provider.
pub(crate) fn model<T: DeserializeOwned>(config: &Value) -> Result<T, Diagnostic> {
    config
        .to_model()
        .map_err(|error| does_not_fit(error, config))
}

fn does_not_fit(error: ConversionError, config: &Value) -> Diagnostic {
    let path = error.path.clone();
    match at(config, &path) {
        Some(Value::Null) => Diagnostic::error(
            "Null Element",
            format!("{path} is null. Remove it, or set it."),
        )
        .at(path),
        Some(Value::Number(_)) if error.reason.starts_with(IT) => Diagnostic::error(
            "Invalid Attribute Value",
            format!("The argument {path} {}.", &error.reason[IT.len()..]),
        )
        .at(path),
        _ => error.into(),
    }
}

/// The value at a path; none where the path leads nowhere. In a set it is the element that may be meant.
fn at<'a>(config: &'a Value, path: &Path) -> Option<&'a Value> {
    let mut value = config;
    for step in path.steps() {
        value = match (value, step) {
            (Value::Object(items), Step::Attribute(name)) => items.get(name)?,
            (Value::Map(items), Step::Key(key)) => items.get(key)?,
            (Value::List(items), Step::Index(index)) => items.get(*index)?,
            // Null comes before everything else in a set, and a path through a set says no more.
            (Value::Set(items), Step::Element) => items.first()?,
            _ => return None,
        };
    }
    Some(value)
}

struct Walk {
    write_only_allowed: bool,
    found: Diagnostics,
}

impl Walk {
    fn attributes(&mut self, attributes: &Attributes, config: &Value, at: &Path, hidden: bool) {
        for (name, attribute) in attributes {
            let path = at.clone().attribute(name);
            let hidden = hidden || attribute.sensitive || attribute.write_only;
            self.attribute(attribute, config.attribute(name), &path, hidden);
        }
    }

    fn attribute(&mut self, attribute: &Attribute, value: &Value, path: &Path, hidden: bool) {
        if value.is_null() {
            if attribute.required {
                self.found.push(missing(path));
            }
            return;
        }
        if !attribute.required && !attribute.optional {
            self.found.push(read_only(path));
            return;
        }
        if attribute.write_only && !self.write_only_allowed {
            self.found.push(no_write_only(path));
        }
        if let Some(message) = &attribute.deprecated {
            self.found
                .warning_at(path.clone(), "Argument is deprecated", message);
        }
        if value.is_unknown() {
            return;
        }
        for validator in attribute.validators.iter().filter(|v| !v.accepts(value)) {
            self.broken(validator.as_ref(), value, path, hidden);
        }
        if let Kind::Nested(_, inner) = &attribute.kind {
            self.nested(inner, value, path, hidden);
        }
    }

    /// A rule that a value breaks; of a rule for elements, those that break it.
    fn broken(&mut self, rule: &dyn Validator, value: &Value, path: &Path, hidden: bool) {
        let Some(inner) = rule.of_each() else {
            return self.found.push(invalid(path, &rule.rule(), value, hidden));
        };
        for (step, item) in elements(value) {
            if !item.is_null() && !item.is_unknown() && !inner.accepts(item) {
                self.broken(inner, item, &path.clone().step(step), hidden);
            }
        }
    }

    fn nested(&mut self, inner: &Attributes, value: &Value, path: &Path, hidden: bool) {
        match value {
            Value::Object(_) => self.attributes(inner, value, path, hidden),
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.element(inner, item, &path.clone().index(index), hidden);
                }
            }
            Value::Set(items) => {
                for item in items {
                    self.element(inner, item, &path.clone().element(), hidden);
                }
            }
            Value::Map(entries) => {
                for (key, item) in entries {
                    self.element(inner, item, &path.clone().key(key), hidden);
                }
            }
            _ => {}
        }
    }

    fn element(&mut self, inner: &Attributes, item: &Value, path: &Path, hidden: bool) {
        if item.is_null() {
            let detail = format!("{path} is null, but an object is required.");
            self.found.error_at(
                path.clone(),
                "Missing Configuration for Required Object",
                detail,
            );
        } else if !item.is_unknown() {
            self.attributes(inner, item, path, hidden);
        }
    }
}

/// The elements of a collection, with the steps to them.
fn elements(value: &Value) -> Vec<(Step, &Value)> {
    match value {
        Value::List(items) => {
            let items = items.iter().enumerate();
            items
                .map(|(index, item)| (Step::Index(index), item))
                .collect()
        }
        Value::Map(items) => {
            let items = items.iter();
            items
                .map(|(key, item)| (Step::Key(key.clone()), item))
                .collect()
        }
        other => other.children().map(|item| (Step::Element, item)).collect(),
    }
}

fn missing(path: &Path) -> Diagnostic {
    Diagnostic::error(
        "Missing Configuration for Required Attribute",
        format!("The argument {path} is required, but no value was set."),
    )
    .at(path.clone())
}

fn read_only(path: &Path) -> Diagnostic {
    Diagnostic::error(
        "Invalid Configuration for Read-Only Attribute",
        format!(
            "Cannot set a value for the read-only attribute {path}: the provider decides it. \
             Remove it from the configuration."
        ),
    )
    .at(path.clone())
}

fn no_write_only(path: &Path) -> Diagnostic {
    Diagnostic::error(
        "Write-only Attribute Not Allowed",
        format!("The write-only attribute {path} needs Terraform or OpenTofu 1.11 or later."),
    )
    .at(path.clone())
}

fn invalid(path: &Path, rule: &str, value: &Value, hidden: bool) -> Diagnostic {
    let what = match path.steps().split_last() {
        Some((Step::Element, set)) => {
            let set = set.iter().cloned().fold(Path::root(), Path::step);
            format!("An element of {set}")
        }
        _ => format!("The argument {path}"),
    };
    let detail = match shown(value, hidden) {
        Some(text) => format!("{what} {rule}; it is {text}."),
        None => format!("{what} {rule}."),
    };
    Diagnostic::error("Invalid Attribute Value", detail).at(path.clone())
}

/// The value as a diagnostic repeats it. An empty text says nothing, and a collection is not shown: parts of it may be sensitive.
fn shown(value: &Value, hidden: bool) -> Option<String> {
    let plain = matches!(value, Value::Bool(_) | Value::Number(_) | Value::String(_));
    let is_empty = value.as_str() == Some("");
    if hidden || !plain || is_empty {
        return None;
    }
    let text = json::encode(value).to_string();
    match text.char_indices().nth(SHOWN_VALUE) {
        // Only text is as long as that.
        Some((end, _)) => Some(format!("{}...\"", &text[..end])),
        None => Some(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Attribute, schema::validator, value::Type};

    fn found(config: &[(&str, Value)], write_only_allowed: bool) -> String {
        let inner = [(
            "k",
            Attribute::string()
                .required()
                .sensitive()
                .validate(validator::length(9, 9)),
        )];
        let schema = Schema::new("")
            .attribute("computed", Attribute::string().computed())
            .attribute(
                "secret",
                Attribute::string()
                    .optional()
                    .write_only()
                    .validate(validator::not_empty()),
            )
            .attribute(
                "mode",
                Attribute::string()
                    .optional()
                    .validate(validator::one_of(["a", "b"])),
            )
            .attribute(
                "some",
                Attribute::set(Type::String)
                    .optional()
                    .validate(validator::each(validator::not_empty())),
            )
            .attribute(
                "list",
                Attribute::list_nested(inner)
                    .optional()
                    .validate(validator::elements(1, 1)),
            );
        let config = Value::object(config.iter().cloned())
            .conform(&schema.ty())
            .unwrap();
        crate::testing::text(&validate(&schema, &config, write_only_allowed))
    }

    #[test]
    fn each_mistake_is_named_with_its_place() {
        let item = |k: Value| Value::object([("k", k)]);
        let cases = [
            (vec![("computed", Value::from("x"))], "Read-Only Attribute"),
            (
                vec![("mode", Value::from("c"))],
                "must be one of \"a\", \"b\"; it is \"c\". (mode)",
            ),
            (
                vec![("secret", Value::from(""))],
                "The argument secret must not be empty. (secret)",
            ),
            (
                vec![("some", Value::set(["".into(), Value::unknown()]))],
                "An element of some must not be empty. (some[*])",
            ),
            (
                vec![("list", Value::List(vec![item("s3cret".into())]))],
                "between 9 and 9 characters. (list[0].k)",
            ),
            (
                vec![("list", Value::List(vec![item(Value::Null)]))],
                "(list[0].k)",
            ),
            (vec![("list", Value::List(vec![Value::Null]))], "(list[0])"),
        ];
        for (config, expected) in cases {
            let text = found(&config, true);
            assert!(
                text.contains(expected) && text.lines().count() == 1,
                "{text}"
            );
            assert!(!text.contains("s3cret"), "{text}");
        }
        assert_eq!(
            found(
                &[("list", Value::unknown()), ("mode", Value::unknown())],
                true
            ),
            ""
        );
    }

    #[test]
    fn write_only_needs_a_host_that_knows_it() {
        let config = [("secret", Value::from("s"))];
        assert_eq!(found(&config, true), "");
        assert!(found(&config, false).contains("1.11 or later"));
    }
}
