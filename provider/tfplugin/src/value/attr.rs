//! [`Attr`]: a model field that may be null or not yet known.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, DeserializeOwned, Visitor},
};

use crate::{diagnostic::Diagnostic, path::Path};

/// The name under which [`Attr`] meets our own serializer and deserializer.
pub(crate) const ATTR: &str = "$tfplugin::Attr";
/// The name of an unknown value on its way through serde.
pub(crate) const UNKNOWN: &str = "$tfplugin::Unknown";
/// The reason given for an unknown value where a type has no room for one.
pub(crate) const UNKNOWN_REASON: &str = "the value is not known yet";

/// A field of a model: known, null, or known only after apply.
///
/// Every field of a resource model should be an `Attr`, because a configuration under validation or
/// planning may hold null and unknown anywhere. `Attr<Vec<T>>` reads as unknown as a whole when
/// some element is unknown and `T` has no room for that; the plan keeps the original elements
/// unless the field is changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Attr<T> {
    /// A value.
    Known(T),
    /// No value.
    #[default]
    Null,
    /// A value that is known only after apply.
    Unknown,
}

impl<T> Attr<T> {
    /// The value, when there is one.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            _ => None,
        }
    }

    /// The value, to change it, when there is one.
    pub fn known_mut(&mut self) -> Option<&mut T> {
        match self {
            Self::Known(value) => Some(value),
            _ => None,
        }
    }

    /// The value itself, when there is one.
    pub fn into_known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            _ => None,
        }
    }

    /// Whether there is no value.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether the value is known only after apply.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }

    /// Applies a function to the value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Attr<U> {
        match self {
            Self::Known(value) => Attr::Known(change(value)),
            Self::Null => Attr::Null,
            Self::Unknown => Attr::Unknown,
        }
    }

    /// A view of the value.
    pub fn as_ref(&self) -> Attr<&T> {
        match self {
            Self::Known(value) => Attr::Known(value),
            Self::Null => Attr::Null,
            Self::Unknown => Attr::Unknown,
        }
    }

    /// The value, or a diagnostic at `path` that says what is missing.
    ///
    /// # Errors
    /// When the value is null or unknown. During apply a required argument is always known, so
    /// this error means a mistake in the provider rather than in the configuration.
    pub fn require(&self, path: impl Into<Path>) -> Result<&T, Diagnostic> {
        let path = path.into();
        match self {
            Self::Known(value) => Ok(value),
            Self::Null => {
                Err(Diagnostic::error("Missing Value", format!("{path} has no value.")).at(path))
            }
            Self::Unknown => Err(Diagnostic::error(
                "Unknown Value",
                format!("{path} is not known yet."),
            )
            .at(path)),
        }
    }
}

impl<T> From<T> for Attr<T> {
    fn from(value: T) -> Self {
        Self::Known(value)
    }
}

impl From<&str> for Attr<String> {
    fn from(text: &str) -> Self {
        Self::Known(text.to_owned())
    }
}

impl<T> From<Option<T>> for Attr<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Self::Known)
    }
}

impl<T: Serialize> Serialize for Attr<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Known(value) => value.serialize(serializer),
            Self::Null => serializer.serialize_none(),
            Self::Unknown => serializer.serialize_newtype_struct(UNKNOWN, &()),
        }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Attr<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(ATTR, AttrVisitor(PhantomData))
    }
}

struct AttrVisitor<T>(PhantomData<T>);

impl<'de, T: DeserializeOwned> Visitor<'de> for AttrVisitor<T> {
    type Value = Attr<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value, null or an unknown value")
    }

    fn visit_none<E: de::Error>(self) -> Result<Attr<T>, E> {
        Ok(Attr::Null)
    }

    /// Our deserializer calls this for an unknown value.
    fn visit_unit<E: de::Error>(self) -> Result<Attr<T>, E> {
        Ok(Attr::Unknown)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Attr<T>, D::Error> {
        match Option::<T>::deserialize(inner) {
            Ok(value) => Ok(Attr::from(value)),
            // The error type is the deserializer's own, so its text is all that can be looked at.
            Err(error) if error.to_string().ends_with(UNKNOWN_REASON) => Ok(Attr::Unknown),
            Err(error) => Err(error),
        }
    }
}
