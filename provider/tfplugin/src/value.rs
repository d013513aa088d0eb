//! Terraform values: what configurations, plans and states are made of.
//!
//! A [`Value`] carries no type of its own. What a list or an object must look like is said by a
//! [`Type`], and the codecs ([`msgpack`], [`json`]) are driven by one.

pub mod attr;
pub(crate) mod conform;
pub(crate) mod de;
pub mod json;
pub(crate) mod mismatch;
pub mod msgpack;
pub mod number;
pub(crate) mod ser;
pub(crate) mod shape;
#[cfg(test)]
mod tests;
pub mod types;

use std::collections::BTreeMap;

pub use attr::Attr;
pub use number::Number;
pub use types::Type;

use serde::{Serialize, de::DeserializeOwned};

use crate::path::{Path, Step};

/// A value of any Terraform type.
///
/// Values have a total order, so that a set can be kept sorted and compared by content.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// No value.
    #[default]
    Null,
    /// A value that is known only after apply.
    Unknown(Refinement),
    /// A boolean.
    Bool(bool),
    /// An exact decimal number.
    Number(Number),
    /// Text.
    String(String),
    /// An ordered collection of one type.
    List(Vec<Value>),
    /// An unordered collection without duplicates. Build it with [`Value::set`].
    Set(Vec<Value>),
    /// A collection of one type, with text keys.
    Map(BTreeMap<String, Value>),
    /// Named attributes, each with a type of its own.
    Object(BTreeMap<String, Value>),
    /// A fixed number of elements, each with a type of its own.
    Tuple(Vec<Value>),
    /// A value of a dynamically typed attribute, with the type it turned out to have.
    Dynamic(Box<(Type, Value)>),
}

/// What is already known about an unknown value. All fields empty means nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refinement(Option<Box<Refined>>);

/// The facts of a [`Refinement`]. Only those a provider can use are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refined {
    /// Whether the value will be null, if that is known.
    pub null: Option<bool>,
    /// How the text will begin.
    pub prefix: Option<String>,
    /// The least length of the collection.
    pub min_length: Option<u64>,
    /// The greatest length of the collection.
    pub max_length: Option<u64>,
}

impl Refinement {
    /// A refinement with these facts.
    #[must_use]
    pub fn new(facts: Refined) -> Self {
        let empty = facts == Refined::default();
        Self((!empty).then(|| Box::new(facts)))
    }

    /// The facts, if there are any.
    #[must_use]
    pub fn facts(&self) -> Option<&Refined> {
        self.0.as_deref()
    }
}

impl Value {
    /// An unknown value of which nothing is known.
    #[must_use]
    pub fn unknown() -> Self {
        Self::Unknown(Refinement::default())
    }

    /// Text.
    #[must_use]
    pub fn string(text: impl Into<String>) -> Self {
        Self::String(text.into())
    }

    /// A set: sorted, without duplicates. Elements that are not wholly known may turn out to differ, so each is kept.
    #[must_use]
    pub fn set(elements: impl IntoIterator<Item = Value>) -> Self {
        let mut elements: Vec<Value> = elements.into_iter().collect();
        elements.sort();
        elements.dedup_by(|a, b| a == b && a.is_wholly_known());
        Self::Set(elements)
    }

    /// An object with these attributes.
    #[must_use]
    pub fn object<K: Into<String>>(attributes: impl IntoIterator<Item = (K, Value)>) -> Self {
        Self::Object(attributes.into_iter().map(|(k, v)| (k.into(), v)).collect())
    }

    /// A map with these elements.
    #[must_use]
    pub fn map<K: Into<String>>(elements: impl IntoIterator<Item = (K, Value)>) -> Self {
        Self::Map(elements.into_iter().map(|(k, v)| (k.into(), v)).collect())
    }

    /// Whether this is null.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether this value itself is unknown. Its parts may be when it is not.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        match self {
            Self::Unknown(_) => true,
            Self::Dynamic(inner) => inner.1.is_unknown(),
            _ => false,
        }
    }

    /// Whether neither this value nor any part of it is unknown.
    #[must_use]
    pub fn is_wholly_known(&self) -> bool {
        !self.is_unknown() && self.children().all(Value::is_wholly_known)
    }

    /// Where this value is unknown, itself or in its parts.
    pub(crate) fn unknown_places(&self) -> Vec<Path> {
        let mut found = Vec::new();
        self.find_unknown(&Path::root(), &mut found);
        found
    }

    fn find_unknown(&self, at: &Path, found: &mut Vec<Path>) {
        if self.is_unknown() {
            found.push(at.clone());
            return;
        }
        let mut look =
            |value: &Value, step: Step| value.find_unknown(&at.clone().step(step), found);
        match self {
            Self::List(items) | Self::Tuple(items) => {
                let items = items.iter().enumerate();
                items.for_each(|(index, item)| look(item, Step::Index(index)));
            }
            Self::Set(items) => items.iter().for_each(|item| look(item, Step::Element)),
            Self::Map(items) => items
                .iter()
                .for_each(|(key, item)| look(item, Step::Key(key.clone()))),
            Self::Object(items) => items
                .iter()
                .for_each(|(name, item)| look(item, Step::Attribute(name.clone()))),
            Self::Dynamic(inner) => inner.1.find_unknown(at, found),
            _ => {}
        }
    }

    /// The parts of a collection, an object or a dynamic value.
    pub fn children(&self) -> Box<dyn Iterator<Item = &Value> + '_> {
        match self {
            Self::List(items) | Self::Set(items) | Self::Tuple(items) => Box::new(items.iter()),
            Self::Map(items) | Self::Object(items) => Box::new(items.values()),
            Self::Dynamic(inner) => Box::new(std::iter::once(&inner.1)),
            _ => Box::new(std::iter::empty()),
        }
    }

    /// The attribute of an object or the element of a map; null when there is none.
    #[must_use]
    pub fn attribute(&self, name: &str) -> &Value {
        match self {
            Self::Object(items) | Self::Map(items) => items.get(name).unwrap_or(&Value::Null),
            _ => &Value::Null,
        }
    }

    /// The text of a known string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The same value with every unknown reduced to a plain one.
    ///
    /// Answers carry plain unknowns only: a refinement that is sent must be honoured at apply.
    #[must_use]
    pub fn without_refinements(self) -> Self {
        match self {
            Self::Unknown(_) => Self::unknown(),
            Self::List(items) => Self::List(plain(items)),
            Self::Set(items) => Self::set(plain(items)),
            Self::Tuple(items) => Self::Tuple(plain(items)),
            Self::Map(items) => Self::Map(plain_entries(items)),
            Self::Object(items) => Self::Object(plain_entries(items)),
            Self::Dynamic(inner) => {
                Self::Dynamic(Box::new((inner.0, inner.1.without_refinements())))
            }
            other => other,
        }
    }

    /// Reads the value into a Rust type.
    ///
    /// # Errors
    /// A path and a reason, when the value does not fit; also when a part is unknown or null where
    /// the type has neither an [`Attr`] nor an `Option`.
    pub fn to_model<T: DeserializeOwned>(&self) -> Result<T, ConversionError> {
        de::from_value(self)
    }

    /// Writes a Rust value as a value of `ty`.
    ///
    /// # Errors
    /// A path and a reason, when the Rust value does not have the shape of `ty`.
    pub fn from_model<T: Serialize + ?Sized>(
        model: &T,
        ty: &Type,
    ) -> Result<Self, ConversionError> {
        let value = ser::to_value(model).map_err(|error| ConversionError {
            path: Path::root(),
            reason: error.to_string(),
        })?;
        conform::conform(value, ty)
    }

    /// Gives a value the exact shape of `ty`: lists become sets, missing attributes become null.
    ///
    /// # Errors
    /// A path and a reason, when that is not possible.
    pub fn conform(self, ty: &Type) -> Result<Self, ConversionError> {
        conform::conform(self, ty)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Number(Number::from(value))
    }
}

/// A value does not fit the Rust type or the Terraform type it was read into.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct ConversionError {
    /// Where in the value.
    pub path: Path,
    /// Why.
    pub reason: String,
}

fn plain(items: Vec<Value>) -> Vec<Value> {
    items.into_iter().map(Value::without_refinements).collect()
}

fn plain_entries(items: BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    items
        .into_iter()
        .map(|(key, value)| (key, value.without_refinements()))
        .collect()
}
