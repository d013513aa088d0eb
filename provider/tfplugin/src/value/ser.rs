//! From Rust types to untyped values, through serde.

use std::{collections::BTreeMap, fmt::Display};

use serde::ser::{self, Serialize, Serializer};

use super::{Number, Value, attr::UNKNOWN, number::InvalidNumber};

/// Writes a Rust value as an untyped one: sequences as lists, structs as objects, maps as maps.
pub(crate) fn to_value<T: Serialize + ?Sized>(model: &T) -> Result<Value, Error> {
    model.serialize(ValueSerializer)
}

/// Why a Rust value cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Error(String);

impl ser::Error for Error {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

impl From<InvalidNumber> for Error {
    fn from(error: InvalidNumber) -> Self {
        Self(error.to_string())
    }
}

struct ValueSerializer;

/// Collects the elements of a sequence.
struct Sequence(Vec<Value>);

/// Collects the entries of a map or the fields of a struct.
struct Entries {
    entries: BTreeMap<String, Value>,
    key: Option<String>,
    variant: Option<&'static str>,
    is_map: bool,
}

impl Entries {
    fn new(is_map: bool, variant: Option<&'static str>) -> Self {
        Self {
            entries: BTreeMap::new(),
            key: None,
            variant,
            is_map,
        }
    }

    fn put<T: Serialize + ?Sized>(&mut self, key: String, value: &T) -> Result<(), Error> {
        self.entries.insert(key, to_value(value)?);
        Ok(())
    }

    fn finish(self) -> Value {
        let value = if self.is_map {
            Value::Map(self.entries)
        } else {
            Value::Object(self.entries)
        };
        match self.variant {
            Some(variant) => Value::object([(variant, value)]),
            None => value,
        }
    }
}

/// Types that no Terraform value corresponds to.
fn unsupported<T>(what: &str) -> Result<T, Error> {
    Err(Error(format!("{what} cannot be a Terraform value")))
}

macro_rules! integers {
    ($($method:ident: $ty:ty => $via:ty),* $(,)?) => {
        $(fn $method(self, value: $ty) -> Result<Value, Error> {
            Ok(Value::Number(Number::from(<$via>::from(value))))
        })*
    };
}

impl Serializer for ValueSerializer {
    type Ok = Value;
    type Error = Error;
    type SerializeSeq = Sequence;
    type SerializeTuple = Sequence;
    type SerializeTupleStruct = Sequence;
    type SerializeTupleVariant = ser::Impossible<Value, Error>;
    type SerializeMap = Entries;
    type SerializeStruct = Entries;
    type SerializeStructVariant = Entries;

    integers! {
        serialize_i8: i8 => i64, serialize_i16: i16 => i64, serialize_i32: i32 => i64,
        serialize_i64: i64 => i64, serialize_u8: u8 => u64, serialize_u16: u16 => u64,
        serialize_u32: u32 => u64, serialize_u64: u64 => u64,
    }

    fn serialize_bool(self, value: bool) -> Result<Value, Error> {
        Ok(Value::Bool(value))
    }

    fn serialize_f32(self, value: f32) -> Result<Value, Error> {
        Ok(Value::Number(format!("{value:e}").parse()?))
    }

    fn serialize_f64(self, value: f64) -> Result<Value, Error> {
        Ok(Value::Number(Number::from_shortest(value)?))
    }

    fn serialize_char(self, value: char) -> Result<Value, Error> {
        Ok(Value::String(value.to_string()))
    }

    fn serialize_str(self, value: &str) -> Result<Value, Error> {
        Ok(Value::string(value))
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<Value, Error> {
        unsupported("a byte string")
    }

    fn serialize_none(self) -> Result<Value, Error> {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value, Error> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, Error> {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Value, Error> {
        Ok(Value::string(variant))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Value, Error> {
        match name {
            UNKNOWN => Ok(Value::unknown()),
            _ => value.serialize(self),
        }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, Error> {
        Ok(Value::object([(variant, to_value(value)?)]))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Sequence, Error> {
        Ok(Sequence(Vec::new()))
    }

    fn serialize_tuple(self, _: usize) -> Result<Sequence, Error> {
        Ok(Sequence(Vec::new()))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Sequence, Error> {
        Ok(Sequence(Vec::new()))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Error> {
        unsupported("a tuple variant")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries, Error> {
        Ok(Entries::new(true, None))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Entries, Error> {
        Ok(Entries::new(false, None))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Entries, Error> {
        Ok(Entries::new(false, Some(variant)))
    }
}

macro_rules! sequence {
    ($($trait:ident::$method:ident),* $(,)?) => {
        $(impl ser::$trait for Sequence {
            type Ok = Value;
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.0.push(to_value(value)?);
                Ok(())
            }

            fn end(self) -> Result<Value, Error> {
                Ok(Value::List(self.0))
            }
        })*
    };
}

sequence!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field
);

macro_rules! fields {
    ($($trait:ident),* $(,)?) => {
        $(impl ser::$trait for Entries {
            type Ok = Value;
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Error> {
                self.put(name.to_owned(), value)
            }

            fn end(self) -> Result<Value, Error> {
                Ok(self.finish())
            }
        })*
    };
}

fields!(SerializeStruct, SerializeStructVariant);

impl ser::SerializeMap for Entries {
    type Ok = Value;
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        match to_value(key)? {
            Value::String(key) => self.key = Some(key),
            _ => return unsupported("a map key that is not text"),
        }
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let key = self
            .key
            .take()
            .expect("serde gives the key before the value");
        self.put(key, value)
    }

    fn end(self) -> Result<Value, Error> {
        Ok(self.finish())
    }
}
