//! Checks of configured values.

use std::fmt;

use crate::value::Value;

/// A check of one configured value, which is neither null nor unknown.
///
/// ```
/// use tfplugin::{Attribute, schema::validator};
/// let attribute = Attribute::string()
///     .required()
///     .validate(validator::length(1, 64))
///     .validate(validator::check("must not begin with a space", |value| {
///         !value.as_str().is_some_and(|text| text.starts_with(' '))
///     }));
/// ```
pub trait Validator: Send + Sync {
    /// What the value must be, as in "must be one of ...". It becomes part of the documentation.
    fn rule(&self) -> String;

    /// Whether the value keeps the rule.
    fn accepts(&self, value: &Value) -> bool;

    /// The rule that each element of a collection must keep, where this is such a rule; then a message names the elements
    /// that break it.
    fn of_each(&self) -> Option<&dyn Validator> {
        None
    }
}

impl fmt::Debug for dyn Validator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.rule())
    }
}

/// A rule in words and a function that checks it.
pub fn check(
    rule: impl Into<String>,
    accepts: impl Fn(&Value) -> bool + Send + Sync + 'static,
) -> impl Validator + 'static {
    Check {
        rule: rule.into(),
        accepts,
    }
}

/// Text of at least `min` and at most `max` characters.
pub fn length(min: usize, max: usize) -> impl Validator + 'static {
    check(
        format!("must have between {min} and {max} characters"),
        move |value| {
            let length = value.as_str().map(|text| text.chars().count());
            length.is_some_and(|length| (min..=max).contains(&length))
        },
    )
}

/// A list, a set or a map with at least `min` and at most `max` elements.
pub fn elements(min: usize, max: usize) -> impl Validator + 'static {
    check(
        format!("must have between {min} and {max} elements"),
        move |value| (min..=max).contains(&value.children().count()),
    )
}

/// Text or a collection that is not empty.
pub fn not_empty() -> impl Validator + 'static {
    check("must not be empty", |value| match value {
        Value::String(text) => !text.is_empty(),
        other => other.children().next().is_some(),
    })
}

/// One of these texts.
pub fn one_of<S: Into<String>>(allowed: impl IntoIterator<Item = S>) -> impl Validator + 'static {
    let allowed: Vec<String> = allowed.into_iter().map(Into::into).collect();
    let list: Vec<String> = allowed.iter().map(|text| format!("{text:?}")).collect();
    check(
        format!("must be one of {}", list.join(", ")),
        move |value| {
            value
                .as_str()
                .is_some_and(|text| allowed.iter().any(|a| a == text))
        },
    )
}

/// A whole number from `min` to `max`.
pub fn integer(min: i64, max: i64) -> impl Validator + 'static {
    check(
        format!("must be a whole number between {min} and {max}"),
        move |value| match value {
            Value::Number(number) => number.as_i64().is_some_and(|n| (min..=max).contains(&n)),
            _ => false,
        },
    )
}

/// Every known element keeps the rule of another validator.
pub fn each(inner: impl Validator + 'static) -> impl Validator + 'static {
    Each(inner)
}

struct Each<V>(V);

impl<V: Validator> Validator for Each<V> {
    fn rule(&self) -> String {
        format!("every element {}", self.0.rule())
    }

    fn accepts(&self, value: &Value) -> bool {
        let settled = |item: &Value| item.is_null() || item.is_unknown();
        value
            .children()
            .all(|item| settled(item) || self.0.accepts(item))
    }

    fn of_each(&self) -> Option<&dyn Validator> {
        Some(&self.0)
    }
}

struct Check<F> {
    rule: String,
    accepts: F,
}

impl<F: Fn(&Value) -> bool + Send + Sync> Validator for Check<F> {
    fn rule(&self) -> String {
        self.rule.clone()
    }

    fn accepts(&self, value: &Value) -> bool {
        (self.accepts)(value)
    }
}
