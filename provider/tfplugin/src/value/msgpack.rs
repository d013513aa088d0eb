//! The msgpack form of values, driven by a type.
//!
//! Decoding trusts nothing: depth is bounded, and no length is believed before the bytes are there.

use std::collections::BTreeMap;

use rmp::{Marker, encode as write};

use super::{
    ConversionError, Number, Refined, Refinement, Type, Value, mismatch::Mismatch,
    number::InvalidNumber,
};
use crate::{
    limits::{MAX_DEPTH, MAX_PREALLOCATED_ELEMENTS},
    path::Step,
};

/// The extension code of an unknown value of which something is known.
const REFINED: i8 = 12;

/// Decodes one value. No bytes at all mean null.
///
/// # Errors
/// A path and a reason, when the bytes are not exactly one value of `ty`.
pub fn decode(bytes: &[u8], ty: &Type) -> Result<Value, ConversionError> {
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    let mut reader = Reader { bytes };
    let value = reader.value(ty, MAX_DEPTH)?;
    if reader.bytes.is_empty() {
        Ok(value)
    } else {
        Err(Mismatch::new("bytes follow the value").into())
    }
}

/// Whether bytes are null, whatever their type.
pub(crate) fn is_null(bytes: &[u8]) -> bool {
    bytes.is_empty() || bytes == [Marker::Null.to_u8()]
}

/// Encodes a value as `ty`, with plain unknowns.
///
/// A value that does not have the shape of `ty` is written as null where it differs; callers
/// [conform](Value::conform) values first, so this does not arise for answers.
#[must_use]
pub fn encode(value: &Value, ty: &Type) -> Vec<u8> {
    let mut out = Vec::new();
    put(&mut out, value, ty);
    out
}

fn cut_off() -> Mismatch {
    Mismatch::new("the value is cut off")
}

fn too_deep() -> Mismatch {
    Mismatch::new(format!("the value nests deeper than {MAX_DEPTH} levels"))
}

fn expected(what: &str) -> Mismatch {
    Mismatch::new(format!("expected {what}"))
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Mismatch> {
        let (head, tail) = self.bytes.split_at_checked(count).ok_or_else(cut_off)?;
        self.bytes = tail;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Mismatch> {
        let bytes = self.take(N)?;
        Ok(bytes
            .try_into()
            .expect("take returns as many bytes as asked"))
    }

    /// A big-endian length of `width` bytes.
    fn length(&mut self, width: usize) -> Result<usize, Mismatch> {
        let bytes = self.take(width)?;
        Ok(bytes
            .iter()
            .fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
    }

    fn marker(&mut self) -> Result<Marker, Mismatch> {
        Ok(Marker::from_u8(self.array::<1>()?[0]))
    }

    fn value(&mut self, ty: &Type, depth: usize) -> Result<Value, Mismatch> {
        let depth = depth.checked_sub(1).ok_or_else(too_deep)?;
        let marker = self.marker()?;
        if marker == Marker::Null {
            return Ok(Value::Null);
        }
        if let Some(length) = self.ext_length(marker)? {
            return self.unknown(length);
        }
        match ty {
            Type::Bool => match marker {
                Marker::True => Ok(Value::Bool(true)),
                Marker::False => Ok(Value::Bool(false)),
                _ => Err(expected("a boolean")),
            },
            Type::Number => self.number(marker).map(Value::Number),
            Type::String => Ok(Value::String(self.text(marker)?.to_owned())),
            Type::List(element) => self
                .elements(marker, element, Step::Index, depth)
                .map(Value::List),
            Type::Set(element) => self
                .elements(marker, element, |_| Step::Element, depth)
                .map(Value::set),
            Type::Map(element) => self
                .entries(marker, |_| Some(element), Step::Key, depth)
                .map(Value::Map),
            Type::Object(attributes) => self.object(marker, attributes, depth),
            Type::Tuple(types) => self.tuple(marker, types, depth),
            Type::Dynamic => self.dynamic(marker, depth),
        }
    }

    /// The body length of an extension; none when the marker is of another kind.
    fn ext_length(&mut self, marker: Marker) -> Result<Option<usize>, Mismatch> {
        Ok(match marker {
            Marker::FixExt1 => Some(1),
            Marker::FixExt2 => Some(2),
            Marker::FixExt4 => Some(4),
            Marker::FixExt8 => Some(8),
            Marker::FixExt16 => Some(16),
            Marker::Ext8 => Some(self.length(1)?),
            Marker::Ext16 => Some(self.length(2)?),
            Marker::Ext32 => Some(self.length(4)?),
            _ => None,
        })
    }

    /// Every extension code means unknown; a body that cannot be read says nothing more.
    fn unknown(&mut self, length: usize) -> Result<Value, Mismatch> {
        let code = i8::from_be_bytes(self.array::<1>()?);
        let body = self.take(length)?;
        let facts = match code {
            REFINED => Reader { bytes: body }.refinement().unwrap_or_default(),
            _ => Refined::default(),
        };
        Ok(Value::Unknown(Refinement::new(facts)))
    }

    fn refinement(&mut self) -> Result<Refined, Mismatch> {
        let mut facts = Refined::default();
        let marker = self.marker()?;
        for _ in 0..self.map_length(marker)? {
            let key = self.marker()?;
            match self.number(key)?.as_i64() {
                Some(1) => facts.null = Some(self.marker()? == Marker::True),
                Some(2) => {
                    let marker = self.marker()?;
                    facts.prefix = Some(self.text(marker)?.to_owned());
                }
                Some(5) => facts.min_length = self.count()?,
                Some(6) => facts.max_length = self.count()?,
                _ => self.skip(MAX_DEPTH)?,
            }
        }
        Ok(facts)
    }

    fn count(&mut self) -> Result<Option<u64>, Mismatch> {
        let marker = self.marker()?;
        Ok(self.number(marker)?.as_u64())
    }

    fn number(&mut self, marker: Marker) -> Result<Number, Mismatch> {
        Ok(match marker {
            Marker::FixPos(value) => Number::from(i64::from(value)),
            Marker::FixNeg(value) => Number::from(i64::from(value)),
            Marker::U8 => Number::from(i64::from(u8::from_be_bytes(self.array()?))),
            Marker::U16 => Number::from(i64::from(u16::from_be_bytes(self.array()?))),
            Marker::U32 => Number::from(i64::from(u32::from_be_bytes(self.array()?))),
            Marker::U64 => Number::from(u64::from_be_bytes(self.array()?)),
            Marker::I8 => Number::from(i64::from(i8::from_be_bytes(self.array()?))),
            Marker::I16 => Number::from(i64::from(i16::from_be_bytes(self.array()?))),
            Marker::I32 => Number::from(i64::from(i32::from_be_bytes(self.array()?))),
            Marker::I64 => Number::from(i64::from_be_bytes(self.array()?)),
            Marker::F32 => {
                let value = f64::from(f32::from_be_bytes(self.array()?));
                Number::from_binary(value).map_err(|error| Mismatch::new(error.to_string()))?
            }
            Marker::F64 => {
                let value = f64::from_be_bytes(self.array()?);
                Number::from_binary(value).map_err(|error| Mismatch::new(error.to_string()))?
            }
            _ => {
                let text = self.text(marker).map_err(|_| expected("a number"))?;
                text.parse()
                    .map_err(|error: InvalidNumber| Mismatch::new(error.to_string()))?
            }
        })
    }

    fn text(&mut self, marker: Marker) -> Result<&'a str, Mismatch> {
        let length = match marker {
            Marker::FixStr(length) => usize::from(length),
            Marker::Str8 => self.length(1)?,
            Marker::Str16 => self.length(2)?,
            Marker::Str32 => self.length(4)?,
            _ => return Err(expected("a string")),
        };
        std::str::from_utf8(self.take(length)?).map_err(|_| expected("a string in UTF-8"))
    }

    fn array_length(&mut self, marker: Marker) -> Result<usize, Mismatch> {
        match marker {
            Marker::FixArray(length) => Ok(usize::from(length)),
            Marker::Array16 => self.length(2),
            Marker::Array32 => self.length(4),
            _ => Err(expected("a sequence")),
        }
    }

    fn map_length(&mut self, marker: Marker) -> Result<usize, Mismatch> {
        match marker {
            Marker::FixMap(length) => Ok(usize::from(length)),
            Marker::Map16 => self.length(2),
            Marker::Map32 => self.length(4),
            _ => Err(expected("a map")),
        }
    }

    fn elements(
        &mut self,
        marker: Marker,
        ty: &Type,
        step: impl Fn(usize) -> Step,
        depth: usize,
    ) -> Result<Vec<Value>, Mismatch> {
        let length = self.array_length(marker)?;
        let mut items = Vec::with_capacity(length.min(MAX_PREALLOCATED_ELEMENTS));
        for index in 0..length {
            let item = self.value(ty, depth).map_err(|it| it.under(step(index)))?;
            items.push(item);
        }
        Ok(items)
    }

    fn entries<'t>(
        &mut self,
        marker: Marker,
        ty: impl Fn(&str) -> Option<&'t Type>,
        step: impl Fn(String) -> Step,
        depth: usize,
    ) -> Result<BTreeMap<String, Value>, Mismatch> {
        let mut entries = BTreeMap::new();
        for _ in 0..self.map_length(marker)? {
            let key_marker = self.marker()?;
            let key = self.text(key_marker)?;
            let value = match ty(key) {
                Some(ty) => self.value(ty, depth),
                None => Err(Mismatch::new("the schema has no such attribute")),
            };
            let value = value.map_err(|it| it.under(step(key.to_owned())))?;
            if entries.insert(key.to_owned(), value).is_some() {
                return Err(Mismatch::new("it is there twice").under(step(key.to_owned())));
            }
        }
        Ok(entries)
    }

    fn object(
        &mut self,
        marker: Marker,
        attributes: &BTreeMap<String, Type>,
        depth: usize,
    ) -> Result<Value, Mismatch> {
        let mut entries =
            self.entries(marker, |name| attributes.get(name), Step::Attribute, depth)?;
        for name in attributes.keys() {
            if !entries.contains_key(name) {
                entries.insert(name.clone(), Value::Null);
            }
        }
        Ok(Value::Object(entries))
    }

    fn tuple(&mut self, marker: Marker, types: &[Type], depth: usize) -> Result<Value, Mismatch> {
        if self.array_length(marker)? != types.len() {
            return Err(expected(&format!("{} elements", types.len())));
        }
        let types = types.iter().enumerate();
        types
            .map(|(index, ty)| {
                let item = self.value(ty, depth);
                item.map_err(|it| it.under(Step::Index(index)))
            })
            .collect::<Result<_, _>>()
            .map(Value::Tuple)
    }

    fn dynamic(&mut self, marker: Marker, depth: usize) -> Result<Value, Mismatch> {
        let mismatch = || expected("a type and a value");
        if self.array_length(marker)? != 2 {
            return Err(mismatch());
        }
        let length = match self.marker()? {
            Marker::Bin8 => self.length(1)?,
            Marker::Bin16 => self.length(2)?,
            Marker::Bin32 => self.length(4)?,
            _ => return Err(mismatch()),
        };
        let ty = Type::from_json_bytes(self.take(length)?).map_err(|_| mismatch())?;
        let value = self.value(&ty, depth)?;
        Ok(Value::Dynamic(Box::new((ty, value))))
    }

    /// Passes over one value of any kind.
    fn skip(&mut self, depth: usize) -> Result<(), Mismatch> {
        let depth = depth.checked_sub(1).ok_or_else(too_deep)?;
        let marker = self.marker()?;
        if let Some(length) = self.ext_length(marker)? {
            return self.take(length.saturating_add(1)).map(drop);
        }
        match marker {
            Marker::Null | Marker::True | Marker::False | Marker::Reserved => Ok(()),
            Marker::Bin8 => self.length(1).and_then(|n| self.take(n)).map(drop),
            Marker::Bin16 => self.length(2).and_then(|n| self.take(n)).map(drop),
            Marker::Bin32 => self.length(4).and_then(|n| self.take(n)).map(drop),
            Marker::FixArray(_) | Marker::Array16 | Marker::Array32 => {
                let length = self.array_length(marker)?;
                (0..length).try_for_each(|_| self.skip(depth))
            }
            Marker::FixMap(_) | Marker::Map16 | Marker::Map32 => {
                let length = self.map_length(marker)?;
                (0..length).try_for_each(|_| self.skip(depth).and_then(|()| self.skip(depth)))
            }
            Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => {
                self.text(marker).map(drop)
            }
            _ => self.number(marker).map(drop),
        }
    }
}

/// Writing to a `Vec` cannot fail.
const INFALLIBLE: &str = "a Vec takes every byte";

fn put(out: &mut Vec<u8>, value: &Value, ty: &Type) {
    match (value, ty) {
        (Value::Unknown(_), _) => out.extend_from_slice(&[0xd4, 0, 0]),
        (Value::Dynamic(inner), Type::Dynamic) => put_dynamic(out, &inner.0, &inner.1),
        (Value::Bool(value), Type::Bool) => write::write_bool(out, *value).expect(INFALLIBLE),
        (Value::Number(number), Type::Number) => put_number(out, number),
        (Value::String(text), Type::String) => write::write_str(out, text).expect(INFALLIBLE),
        (Value::List(items), Type::List(ty)) | (Value::Set(items), Type::Set(ty)) => {
            put_length(out, items.len());
            items.iter().for_each(|item| put(out, item, ty));
        }
        (Value::Tuple(items), Type::Tuple(types)) if items.len() == types.len() => {
            put_length(out, items.len());
            items
                .iter()
                .zip(types)
                .for_each(|(item, ty)| put(out, item, ty));
        }
        (Value::Map(entries), Type::Map(ty)) => {
            put_map_length(out, entries.len());
            for (key, value) in entries {
                write::write_str(out, key).expect(INFALLIBLE);
                put(out, value, ty);
            }
        }
        (Value::Object(entries), Type::Object(types)) => {
            put_map_length(out, types.len());
            for (name, ty) in types {
                write::write_str(out, name).expect(INFALLIBLE);
                put(out, entries.get(name).unwrap_or(&Value::Null), ty);
            }
        }
        _ => write::write_nil(out).expect(INFALLIBLE),
    }
}

fn put_dynamic(out: &mut Vec<u8>, ty: &Type, value: &Value) {
    write::write_array_len(out, 2).expect(INFALLIBLE);
    write::write_bin(out, &ty.to_json_bytes()).expect(INFALLIBLE);
    put(out, value, ty);
}

/// Whole numbers travel as integers, all others as text, so that no digit is lost.
fn put_number(out: &mut Vec<u8>, number: &Number) {
    match number.as_i64() {
        Some(value) => {
            write::write_sint(out, value).expect(INFALLIBLE);
        }
        None => write::write_str(out, &number.to_string()).expect(INFALLIBLE),
    }
}

fn put_length(out: &mut Vec<u8>, length: usize) {
    let length = u32::try_from(length).expect("messages are smaller than 4 GiB");
    write::write_array_len(out, length).expect(INFALLIBLE);
}

fn put_map_length(out: &mut Vec<u8>, length: usize) {
    let length = u32::try_from(length).expect("messages are smaller than 4 GiB");
    write::write_map_len(out, length).expect(INFALLIBLE);
}
