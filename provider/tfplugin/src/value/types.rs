//! Type constraints and their JSON form.

use std::{collections::BTreeMap, fmt};

use serde_json::Value as Json;

use crate::limits::MAX_DEPTH;

/// The type of a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Type {
    /// `true` or `false`.
    Bool,
    /// A decimal number.
    Number,
    /// Text.
    String,
    /// Any type, decided by the value.
    Dynamic,
    /// An ordered collection.
    List(Box<Type>),
    /// An unordered collection without duplicates.
    Set(Box<Type>),
    /// A collection with text keys.
    Map(Box<Type>),
    /// Named attributes.
    Object(BTreeMap<String, Type>),
    /// A fixed sequence.
    Tuple(Vec<Type>),
}

/// Bytes are not the JSON form of a type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a type constraint")]
pub struct InvalidType;

impl Type {
    /// A list of `element`.
    #[must_use]
    pub fn list(element: Type) -> Self {
        Self::List(Box::new(element))
    }

    /// A set of `element`.
    #[must_use]
    pub fn set(element: Type) -> Self {
        Self::Set(Box::new(element))
    }

    /// A map of `element`.
    #[must_use]
    pub fn map(element: Type) -> Self {
        Self::Map(Box::new(element))
    }

    /// An object with these attributes.
    #[must_use]
    pub fn object<K: Into<String>>(attributes: impl IntoIterator<Item = (K, Type)>) -> Self {
        Self::Object(attributes.into_iter().map(|(k, t)| (k.into(), t)).collect())
    }

    /// Whether this type is, or holds, a dynamic one.
    #[must_use]
    pub fn has_dynamic(&self) -> bool {
        match self {
            Self::Dynamic => true,
            Self::List(inner) | Self::Set(inner) | Self::Map(inner) => inner.has_dynamic(),
            Self::Object(attributes) => attributes.values().any(Type::has_dynamic),
            Self::Tuple(items) => items.iter().any(Type::has_dynamic),
            Self::Bool | Self::Number | Self::String => false,
        }
    }

    /// The JSON form that schemas and dynamic values carry.
    #[must_use]
    pub fn to_json(&self) -> Json {
        match self {
            Self::Bool => "bool".into(),
            Self::Number => "number".into(),
            Self::String => "string".into(),
            Self::Dynamic => "dynamic".into(),
            Self::List(inner) => Json::Array(vec!["list".into(), inner.to_json()]),
            Self::Set(inner) => Json::Array(vec!["set".into(), inner.to_json()]),
            Self::Map(inner) => Json::Array(vec!["map".into(), inner.to_json()]),
            Self::Object(attributes) => {
                let fields = attributes.iter().map(|(k, t)| (k.clone(), t.to_json()));
                Json::Array(vec!["object".into(), Json::Object(fields.collect())])
            }
            Self::Tuple(items) => {
                let items = items.iter().map(Type::to_json).collect();
                Json::Array(vec!["tuple".into(), Json::Array(items)])
            }
        }
    }

    /// [`Type::to_json`] as bytes.
    #[must_use]
    pub fn to_json_bytes(&self) -> Vec<u8> {
        self.to_json().to_string().into_bytes()
    }

    /// Reads the JSON form.
    ///
    /// # Errors
    /// When the bytes are not a type, or nest deeper than [`MAX_DEPTH`].
    pub fn from_json_bytes(bytes: &[u8]) -> Result<Self, InvalidType> {
        let json: Json = serde_json::from_slice(bytes).map_err(|_| InvalidType)?;
        from_json(&json, MAX_DEPTH)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Number => f.write_str("number"),
            Self::String => f.write_str("string"),
            Self::Dynamic => f.write_str("dynamic"),
            Self::List(inner) => write!(f, "list of {inner}"),
            Self::Set(inner) => write!(f, "set of {inner}"),
            Self::Map(inner) => write!(f, "map of {inner}"),
            Self::Object(_) => f.write_str("object"),
            Self::Tuple(_) => f.write_str("tuple"),
        }
    }
}

fn from_json(json: &Json, depth: usize) -> Result<Type, InvalidType> {
    let depth = depth.checked_sub(1).ok_or(InvalidType)?;
    match json {
        Json::String(name) => primitive(name),
        Json::Array(parts) => {
            let kind = parts.first().and_then(Json::as_str).ok_or(InvalidType)?;
            let argument = parts.get(1).ok_or(InvalidType)?;
            constructed(kind, argument, parts.len(), depth)
        }
        _ => Err(InvalidType),
    }
}

fn primitive(name: &str) -> Result<Type, InvalidType> {
    match name {
        "bool" => Ok(Type::Bool),
        "number" => Ok(Type::Number),
        "string" => Ok(Type::String),
        "dynamic" => Ok(Type::Dynamic),
        _ => Err(InvalidType),
    }
}

fn constructed(
    kind: &str,
    argument: &Json,
    parts: usize,
    depth: usize,
) -> Result<Type, InvalidType> {
    match (kind, argument, parts) {
        ("list", element, 2) => Ok(Type::list(from_json(element, depth)?)),
        ("set", element, 2) => Ok(Type::set(from_json(element, depth)?)),
        ("map", element, 2) => Ok(Type::map(from_json(element, depth)?)),
        // A third part names optional attributes. They do not change the shape of a value.
        ("object", Json::Object(fields), 2 | 3) => fields
            .iter()
            .map(|(name, ty)| Ok((name.clone(), from_json(ty, depth)?)))
            .collect::<Result<_, _>>()
            .map(Type::Object),
        ("tuple", Json::Array(items), 2) => items
            .iter()
            .map(|item| from_json(item, depth))
            .collect::<Result<_, _>>()
            .map(Type::Tuple),
        _ => Err(InvalidType),
    }
}
