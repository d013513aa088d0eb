//! From values to Rust types, through serde.

use std::collections::btree_map;

use serde::{
    Deserializer,
    de::{
        self, DeserializeOwned, DeserializeSeed, IntoDeserializer, Visitor, value::StrDeserializer,
    },
    forward_to_deserialize_any,
};

use super::{
    ConversionError, Number, Value,
    attr::{ATTR, UNKNOWN_REASON},
    mismatch::{IT, Mismatch},
};
use crate::path::Step;

/// Reads a value into a Rust type.
pub(crate) fn from_value<T: DeserializeOwned>(value: &Value) -> Result<T, ConversionError> {
    T::deserialize(ValueDeserializer(value)).map_err(Into::into)
}

/// Deserializes integers.
macro_rules! whole_numbers {
    ($($method:ident $visit:ident $type:ty),* $(,)?) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
            match self.plain() {
                Value::Number(number) => visitor.$visit(whole(number, || {
                    format!("{IT}{}", rule(<$type>::BITS, <$type>::MIN != 0))
                })?),
                _ => self.deserialize_any(visitor),
            }
        })*
    };
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
    type Error = Mismatch;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
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

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.plain() {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
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
    ) -> Result<V::Value, Mismatch> {
        match self.plain() {
            Value::String(text) => {
                let variant: StrDeserializer<'_, Mismatch> = text.as_str().into_deserializer();
                visitor.visit_enum(variant)
            }
            Value::Unknown(_) => Err(de::Error::custom(UNKNOWN_REASON)),
            _ => Err(de::Error::custom("expected one of a list of strings")),
        }
    }

    /// Null is all that a type without content can be read from.
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.plain() {
            Value::Null => visitor.visit_unit(),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_unit()
    }

    whole_numbers! {
        deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16, deserialize_i32 visit_i32 i32,
        deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16, deserialize_u32 visit_u32 u32,
        deserialize_i64 visit_i64 i64, deserialize_u64 visit_u64 u64,
    }

    forward_to_deserialize_any! {
        bool i128 u128 f32 f64 char str string bytes byte_buf
        seq tuple tuple_struct map struct identifier
    }
}

/// A number that the type has room for; serde's own words for others are for programmers.
fn whole<T: TryFrom<i64> + TryFrom<u64>>(
    number: &Number,
    reason: impl FnOnce() -> String,
) -> Result<T, Mismatch> {
    let signed = number.as_i64().and_then(|value| T::try_from(value).ok());
    let value = signed.or_else(|| number.as_u64().and_then(|value| T::try_from(value).ok()));
    value.ok_or_else(|| Mismatch::new(reason()))
}

/// What whole numbers must be that go into so many bits, to go on after "it".
fn rule(bits: u32, is_signed: bool) -> String {
    match (bits, is_signed) {
        // All that is promised of the widest: its true limits are nothing that a person wants to read.
        (64, true) => "must be a whole number of at most 18 digits".to_owned(),
        (64, false) => "must be a whole number of at most 18 digits, and not negative".to_owned(),
        (_, true) => {
            let limit = 1_i64 << (bits - 1);
            format!("must be a whole number from -{limit} to {}", limit - 1)
        }
        (_, false) => format!("must be a whole number from 0 to {}", (1_i64 << bits) - 1),
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
    type Error = Mismatch;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Mismatch> {
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
    type Error = Mismatch;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Mismatch> {
        self.current = self.entries.next();
        let Some((key, _)) = self.current else {
            return Ok(None);
        };
        let key: StrDeserializer<'_, Mismatch> = key.as_str().into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Mismatch> {
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
