//! Reading and writing attributes, with errors that name the item.
//!
//! Every item carries `SchemaVersion`. A newer one is refused, because writing it back would lose what it holds; an item
//! without one was written by something else, and is never touched.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;

use super::items::{Item, Key, Table, Value};
use crate::ports::CallError;

/// The version of the stored form that this version of the product writes.
pub const SCHEMA_VERSION: i64 = 1;

/// Why something stored could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadError {
    /// The call did not succeed.
    Call(CallError),
    /// The item was written by a newer version of the product.
    Newer {
        /// The item.
        key: Key,
        /// Its version.
        version: i64,
    },
    /// The item was not written by this product.
    Foreign {
        /// The item.
        key: Key,
        /// What is missing or of another type.
        attribute: String,
    },
}

/// Builds an item.
pub(crate) struct Encoder(Item);

/// Takes an item apart.
pub(crate) struct Decoder<'a>(&'a Item);

impl Encoder {
    pub(crate) fn new(key: Key) -> Self {
        let attributes =
            BTreeMap::from([("SchemaVersion".to_owned(), Value::Number(SCHEMA_VERSION))]);
        Self(Item { key, attributes })
    }

    pub(crate) fn text(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0
            .attributes
            .insert(name.to_owned(), Value::Text(value.into()));
        self
    }

    pub(crate) fn optional_text(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.text(name, value),
            None => self,
        }
    }

    pub(crate) fn number(mut self, name: &str, value: i64) -> Self {
        self.0
            .attributes
            .insert(name.to_owned(), Value::Number(value));
        self
    }

    pub(crate) fn time(self, name: &str, at: Timestamp) -> Self {
        self.number(name, at.as_second())
    }

    pub(crate) fn optional_time(self, name: &str, at: Option<Timestamp>) -> Self {
        match at {
            Some(at) => self.time(name, at),
            None => self,
        }
    }

    pub(crate) fn flag(mut self, name: &str, value: bool) -> Self {
        self.0
            .attributes
            .insert(name.to_owned(), Value::Flag(value));
        self
    }

    /// DynamoDB has no empty sets, so an empty one is left out.
    pub(crate) fn set(mut self, name: &str, values: BTreeSet<String>) -> Self {
        if !values.is_empty() {
            self.0
                .attributes
                .insert(name.to_owned(), Value::TextSet(values));
        }
        self
    }

    pub(crate) fn list(mut self, name: &str, values: Vec<String>) -> Self {
        self.0.attributes.insert(
            name.to_owned(),
            Value::List(values.into_iter().map(Value::Text).collect()),
        );
        self
    }

    pub(crate) fn map(mut self, name: &str, values: &BTreeMap<String, String>) -> Self {
        let map = values
            .iter()
            .map(|(key, value)| (key.clone(), Value::Text(value.clone())))
            .collect();
        self.0.attributes.insert(name.to_owned(), Value::Map(map));
        self
    }

    pub(crate) fn json<T: serde::Serialize>(self, name: &str, value: &T) -> Self {
        // Plain data with string keys always serialises.
        self.text(name, serde_json::to_string(value).unwrap_or_default())
    }

    pub(crate) fn done(self) -> Item {
        self.0
    }
}

impl<'a> Decoder<'a> {
    /// Checks the version before anything else is looked at.
    pub(crate) fn new(item: &'a Item) -> Result<Self, ReadError> {
        match item.attributes.get("SchemaVersion") {
            Some(Value::Number(version)) if *version > SCHEMA_VERSION => Err(ReadError::Newer {
                key: item.key.clone(),
                version: *version,
            }),
            Some(Value::Number(_)) => Ok(Self(item)),
            _ => Err(ReadError::Foreign {
                key: item.key.clone(),
                attribute: "SchemaVersion".to_owned(),
            }),
        }
    }

    pub(crate) fn text(&self, name: &str) -> Result<String, ReadError> {
        self.optional_text(name)?.ok_or_else(|| self.foreign(name))
    }

    pub(crate) fn optional_text(&self, name: &str) -> Result<Option<String>, ReadError> {
        match self.0.attributes.get(name) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text.clone())),
            Some(_) => Err(self.foreign(name)),
        }
    }

    pub(crate) fn number(&self, name: &str) -> Result<i64, ReadError> {
        self.optional_number(name)?
            .ok_or_else(|| self.foreign(name))
    }

    pub(crate) fn optional_number(&self, name: &str) -> Result<Option<i64>, ReadError> {
        match self.0.attributes.get(name) {
            None => Ok(None),
            Some(Value::Number(number)) => Ok(Some(*number)),
            Some(_) => Err(self.foreign(name)),
        }
    }

    pub(crate) fn time(&self, name: &str) -> Result<Timestamp, ReadError> {
        self.optional_time(name)?.ok_or_else(|| self.foreign(name))
    }

    pub(crate) fn optional_time(&self, name: &str) -> Result<Option<Timestamp>, ReadError> {
        let Some(seconds) = self.optional_number(name)? else {
            return Ok(None);
        };
        Timestamp::from_second(seconds)
            .map(Some)
            .map_err(|_| self.foreign(name))
    }

    pub(crate) fn flag(&self, name: &str) -> Result<bool, ReadError> {
        match self.0.attributes.get(name) {
            Some(Value::Flag(value)) => Ok(*value),
            _ => Err(self.foreign(name)),
        }
    }

    pub(crate) fn set(&self, name: &str) -> Result<BTreeSet<String>, ReadError> {
        match self.0.attributes.get(name) {
            None => Ok(BTreeSet::new()),
            Some(Value::TextSet(values)) => Ok(values.clone()),
            Some(_) => Err(self.foreign(name)),
        }
    }

    pub(crate) fn optional_list(&self, name: &str) -> Result<Option<Vec<String>>, ReadError> {
        let Some(value) = self.0.attributes.get(name) else {
            return Ok(None);
        };
        let Value::List(values) = value else {
            return Err(self.foreign(name));
        };
        let text = |value: &Value| match value {
            Value::Text(text) => Ok(text.clone()),
            _ => Err(self.foreign(name)),
        };
        values.iter().map(text).collect::<Result<_, _>>().map(Some)
    }

    pub(crate) fn optional_map(
        &self,
        name: &str,
    ) -> Result<Option<BTreeMap<String, String>>, ReadError> {
        let Some(value) = self.0.attributes.get(name) else {
            return Ok(None);
        };
        let Value::Map(values) = value else {
            return Err(self.foreign(name));
        };
        let text = |(key, value): (&String, &Value)| match value {
            Value::Text(text) => Ok((key.clone(), text.clone())),
            _ => Err(self.foreign(name)),
        };
        values.iter().map(text).collect::<Result<_, _>>().map(Some)
    }

    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<T, ReadError> {
        serde_json::from_str(&self.text(name)?).map_err(|_| self.foreign(name))
    }

    pub(crate) fn foreign(&self, name: &str) -> ReadError {
        ReadError::Foreign {
            key: self.0.key.clone(),
            attribute: name.to_owned(),
        }
    }
}

impl From<CallError> for ReadError {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(error) => write!(f, "{error}"),
            Self::Newer { key, version } => write!(
                f,
                "{key} has schema version {version}, but this version of the product reads up to {SCHEMA_VERSION}. \
                 Nothing was changed. Use the newer version that wrote it"
            ),
            Self::Foreign { key, attribute } => write!(
                f,
                "{key} was not written by this product (attribute {attribute}). Nothing was changed. Use tables that \
                 hold nothing else, for example by setting another environment"
            ),
        }
    }
}

impl std::error::Error for ReadError {}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = match self.table {
            Table::ProtectionGroups => "protection-groups",
            Table::RecoveryPlans => "recovery-plans",
            Table::ExecutionHistory => "execution-history",
        };
        write!(f, "item {:?}", self.partition)?;
        if let Some(sort) = &self.sort {
            write!(f, " / {sort:?}")?;
        }
        write!(f, " of table {table}")
    }
}
