//! What a Rust type asks its deserializer for, found out without a value.

use std::fmt::{self, Display};

use serde::{
    Deserializer,
    de::{self, DeserializeOwned, Visitor},
    forward_to_deserialize_any,
};

/// The outermost shape of a Rust type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A struct with these fields.
    Fields(&'static [&'static str]),
    /// A tuple of so many elements, or a sequence of any length.
    Sequence(Option<usize>),
    /// `()` or a struct without fields.
    Nothing,
    /// Anything else, such as a map or a type that takes whatever comes.
    Other,
}

impl Shape {
    /// The shape of `T`.
    pub(crate) fn of<T: DeserializeOwned>() -> Self {
        match T::deserialize(Probe) {
            Err(Asked(shape)) => shape,
            // A type that reads without asking for anything takes whatever comes.
            Ok(_) => Self::Other,
        }
    }
}

/// A deserializer that has nothing and answers with what it was asked for.
struct Probe;

#[derive(Debug)]
struct Asked(Shape);

impl Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "asked for {:?}", self.0)
    }
}

impl std::error::Error for Asked {}

impl de::Error for Asked {
    fn custom<T: Display>(_: T) -> Self {
        Self(Shape::Other)
    }
}

impl<'de> Deserializer<'de> for Probe {
    type Error = Asked;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Asked> {
        Err(Asked(Shape::Other))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Asked> {
        Err(Asked(Shape::Fields(fields)))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Asked> {
        Err(Asked(Shape::Sequence(None)))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, _: V) -> Result<V::Value, Asked> {
        Err(Asked(Shape::Sequence(Some(length))))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        _: V,
    ) -> Result<V::Value, Asked> {
        Err(Asked(Shape::Sequence(Some(length))))
    }

    fn deserialize_unit<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Asked> {
        Err(Asked(Shape::Nothing))
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: V,
    ) -> Result<V::Value, Asked> {
        Err(Asked(Shape::Nothing))
    }

    /// A wrapper has the shape of what it holds.
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Asked> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        option map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Named {
        #[serde(rename = "one")]
        first: String,
        second: i64,
    }

    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Wrapped(Named);

    #[test]
    fn types_tell_what_they_ask_for() {
        assert_eq!(Shape::of::<Named>(), Shape::Fields(&["one", "second"]));
        assert_eq!(Shape::of::<Wrapped>(), Shape::of::<Named>());
        assert_eq!(Shape::of::<(String, i64)>(), Shape::Sequence(Some(2)));
        assert_eq!(Shape::of::<Vec<i64>>(), Shape::Sequence(None));
        assert_eq!(Shape::of::<()>(), Shape::Nothing);
        assert_eq!(Shape::of::<String>(), Shape::Other);
    }
}
