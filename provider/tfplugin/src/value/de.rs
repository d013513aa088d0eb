//! From values to Rust types, through serde.

use std::{collections::btree_map, fmt::Display};

use serde::{
    Deserializer,
    de::{
        self, DeserializeOwned, DeserializeSeed, IntoDeserializer, Visitor, value::StrDeserializer,
    },
    forward_to_deserialize_any,
};

use super::{
    ConversionError, Value,
    attr::{ATTR, UNKNOWN_REASON},
};
use crate::path::{Path, Step};

/// Reads a value into a Rust type.
pub(crate) fn from_value<T: DeserializeOwned>(value: &Value) -> Result<T, ConversionError> {
    T::deserialize(ValueDeserializer(value)).map_err(|error| ConversionError {
        path: Path::from_reversed(error.steps),
        reason: error.reason,
    })
}

/// Why a value cannot be read, with the steps that lead there collected from the inside out.
#[derive(Debug)]
pub(crate) struct Error {
    steps: Vec<Step>,
    reason: String,
}

impl Error {
    fn under(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: Display>(message: T) -> Self {
        Self {
            steps: Vec::new(),
            reason: message.to_string(),
        }
    }
}

#[derive(Clone, Copy)]
struct ValueDeserializer<'a>(&'a Value);

impl<'a> ValueDeserializer<'a> {
    /// The value inside of any dynamic wrapping.
    fn plain(self) -> &'a Value {
        match self.0 {
            Value::Dynamic(inner) => ValueDeserializer(&inner.1).plain(),
            other => other,
        }
    }
}

impl<'de> Deserializer<'de> for ValueDeserializer<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.plain() {
            Value::Null => visitor.visit_none(),
            Value::Unknown(_) => Err(de::Error::custom(UNKNOWN_REASON)),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(value), _) => visitor.visit_i64(value),
                (None, Some(value)) => visitor.visit_u64(value),
                (None, None) => visitor.visit_f64(number.to_f64()),
            },
            Value::String(text) => visitor.visit_str(text),
            Value::List(items) | Value::Tuple(items) => visitor.visit_seq(Items::new(items, false)),
            Value::Set(items) => visitor.visit_seq(Items::new(items, true)),
            Value::Map(entries) => visitor.visit_map(Entries::new(entries.iter(), true)),
            Value::Object(entries) => visitor.visit_map(Entries::new(entries.iter(), false)),
            Value::Dynamic(_) => unreachable!("plain() unwraps dynamic values"),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.plain() {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        match (name, self.plain()) {
            (ATTR, Value::Null) => visitor.visit_none(),
            (ATTR, Value::Unknown(_)) => visitor.visit_unit(),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.plain() {
            Value::String(text) => {
                let variant: StrDeserializer<'_, Error> = text.as_str().into_deserializer();
                visitor.visit_enum(variant)
            }
            Value::Unknown(_) => Err(de::Error::custom(UNKNOWN_REASON)),
            _ => Err(de::Error::custom("expected one of a list of strings")),
        }
    }

    /// Null is all that a type without content can be read from.
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.plain() {
            Value::Null => visitor.visit_unit(),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        seq tuple tuple_struct map struct identifier
    }
}

/// The elements of a sequence.
struct Items<'a> {
    items: std::slice::Iter<'a, Value>,
    index: usize,
    is_set: bool,
}

impl<'a> Items<'a> {
    fn new(items: &'a [Value], is_set: bool) -> Self {
        Self {
            items: items.iter(),
            index: 0,
            is_set,
        }
    }
}

impl<'de> de::SeqAccess<'de> for Items<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        let Some(item) = self.items.next() else {
            return Ok(None);
        };
        let step = if self.is_set {
            Step::Element
        } else {
            Step::Index(self.index)
        };
        self.index += 1;
        seed.deserialize(ValueDeserializer(item))
            .map(Some)
            .map_err(|error| error.under(step))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

/// The entries of a map or the attributes of an object.
struct Entries<'a> {
    entries: btree_map::Iter<'a, String, Value>,
    current: Option<(&'a String, &'a Value)>,
    is_map: bool,
}

impl<'a> Entries<'a> {
    fn new(entries: btree_map::Iter<'a, String, Value>, is_map: bool) -> Self {
        Self {
            entries,
            current: None,
            is_map,
        }
    }
}

impl<'de> de::MapAccess<'de> for Entries<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        self.current = self.entries.next();
        let Some((key, _)) = self.current else {
            return Ok(None);
        };
        let key: StrDeserializer<'_, Error> = key.as_str().into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let (key, value) = self
            .current
            .take()
            .expect("serde asks for the key before the value");
        seed.deserialize(ValueDeserializer(value)).map_err(|error| {
            error.under(if self.is_map {
                Step::Key(key.clone())
            } else {
                Step::Attribute(key.clone())
            })
        })
    }
}
