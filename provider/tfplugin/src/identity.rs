//! Resource identity: the attributes that together name one remote object for ever.
//!
//! The identity of a state is a part of the state: the attributes of the same names. So a resource only
//! declares which ones they are, and never handles identity data except when it imports by one. Hosts
//! before Terraform 1.12 and OpenTofu 1.12 do not ask for any of this.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use tfplugin_proto::tfplugin6::{self as pb, resource_identity_schema as pbi};

use crate::{
    diagnostic::Diagnostic,
    path::Path,
    schema::Schema,
    value::{ConversionError, Type, Value},
};

/// Which attributes of a resource name its object for ever.
///
/// ```
/// use tfplugin::{IdentitySchema, Type};
/// let identity = IdentitySchema::new(0)
///     .required_for_import("id", Type::String, "The id that the API gave it.")
///     .optional_for_import("region", Type::String, "Where it is; the provider's region if not set.");
/// # let _ = identity;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentitySchema {
    /// Rises when stored identities change shape.
    pub version: i64,
    /// The attributes by name.
    pub attributes: BTreeMap<String, IdentityAttribute>,
}

/// One attribute of an identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityAttribute {
    /// A boolean, a number, text, or a list of one of them; the same as in the resource's schema.
    pub ty: Type,
    /// Whether an import must say it. Otherwise the provider can fill it in.
    pub required_for_import: bool,
    /// What it is.
    pub description: String,
}

impl IdentitySchema {
    /// An identity without attributes, at a version.
    #[must_use]
    pub fn new(version: i64) -> Self {
        Self {
            version,
            attributes: BTreeMap::new(),
        }
    }

    /// The same identity with one more attribute, which an import must say and every object has.
    #[must_use]
    pub fn required_for_import(
        self,
        name: impl Into<String>,
        ty: Type,
        description: impl Into<String>,
    ) -> Self {
        self.attribute(name.into(), ty, true, description.into())
    }

    /// The same identity with one more attribute, which an import may leave out.
    #[must_use]
    pub fn optional_for_import(
        self,
        name: impl Into<String>,
        ty: Type,
        description: impl Into<String>,
    ) -> Self {
        self.attribute(name.into(), ty, false, description.into())
    }

    fn attribute(
        mut self,
        name: String,
        ty: Type,
        required_for_import: bool,
        description: String,
    ) -> Self {
        let attribute = IdentityAttribute {
            ty,
            required_for_import,
            description,
        };
        self.attributes.insert(name, attribute);
        self
    }

    /// The type of identity data.
    #[must_use]
    pub fn ty(&self) -> Type {
        let attributes = self.attributes.iter();
        Type::object(attributes.map(|(name, a)| (name, a.ty.clone())))
    }

    /// The identity that a state holds. None when there is no state, and when it does not hold a whole one
    /// yet: an identity that is sent once must stay, so half of one would be wrong for ever.
    pub(crate) fn of(&self, state: &Value) -> Option<Value> {
        let names = self.attributes.keys();
        let identity = Value::object(names.map(|name| (name, state.attribute(name).clone())));
        self.missing(&identity).is_empty().then_some(identity)
    }

    /// The attributes that every identity has and this one has not.
    pub(crate) fn missing(&self, identity: &Value) -> Vec<&str> {
        let attributes = self.attributes.iter();
        attributes
            .filter(|(name, a)| a.required_for_import && identity.attribute(name).is_null())
            .map(|(name, _)| name.as_str())
            .collect()
    }

    /// The name of the only attribute, when it is a text that an import must say.
    pub(crate) fn only_text(&self) -> Option<&str> {
        let mut attributes = self.attributes.iter();
        match (attributes.next(), attributes.next()) {
            (Some((name, a)), None) if a.ty == Type::String && a.required_for_import => Some(name),
            _ => None,
        }
    }

    /// Everything that hosts would refuse, and what does not fit the resource's own schema.
    pub(crate) fn check(&self, schema: &Schema) -> Vec<String> {
        let mut found = Vec::new();
        if self.version < 0 {
            found.push("identity: the version is negative".to_owned());
        }
        if !self.attributes.values().any(|a| a.required_for_import) {
            found.push("identity: no attribute is required for import".to_owned());
        }
        for (name, attribute) in &self.attributes {
            let rule = match schema.attributes.get(name) {
                _ if !is_plain(&attribute.ty) => {
                    "must be a boolean, a number, text, or a list of one of them"
                }
                None => "the resource has no such attribute",
                Some(other) if other.ty() != attribute.ty => {
                    "the resource's attribute has another type"
                }
                Some(other) if other.write_only => "the resource's attribute is write-only",
                Some(_) => continue,
            };
            found.push(format!("identity.{name}: {rule}"));
        }
        found
    }

    pub(crate) fn to_wire(&self) -> pb::ResourceIdentitySchema {
        let attributes = self.attributes.iter();
        pb::ResourceIdentitySchema {
            version: self.version,
            identity_attributes: attributes
                .map(|(name, attribute)| pbi::IdentityAttribute {
                    name: name.clone(),
                    r#type: attribute.ty.to_json_bytes(),
                    required_for_import: attribute.required_for_import,
                    optional_for_import: !attribute.required_for_import,
                    description: attribute.description.clone(),
                })
                .collect(),
        }
    }
}

fn is_plain(ty: &Type) -> bool {
    match ty {
        Type::Bool | Type::Number | Type::String => true,
        Type::List(element) => matches!(**element, Type::Bool | Type::Number | Type::String),
        _ => false,
    }
}

/// The identity of an object to import, as its user wrote it: known, and with everything that is required.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity(pub(crate) Value);

impl Identity {
    /// One attribute; null when it is not set.
    #[must_use]
    pub fn attribute(&self, name: &str) -> &Value {
        self.0.attribute(name)
    }

    /// The text of an attribute.
    ///
    /// # Errors
    /// When it is not set or no text. For an attribute that is required for import and a text that means a
    /// mistake in the provider.
    pub fn text(&self, name: &str) -> Result<&str, Diagnostic> {
        self.attribute(name).as_str().ok_or_else(|| {
            let detail = format!("{name} is missing in the identity, or it is not a text.");
            Diagnostic::error("Invalid Identity", detail).at(Path::from(name))
        })
    }

    /// The identity as a struct whose fields are named like its attributes.
    ///
    /// # Errors
    /// A path and a reason, when it does not fit.
    pub fn to_model<T: DeserializeOwned>(&self) -> Result<T, ConversionError> {
        self.0.to_model()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Attribute;

    #[test]
    fn every_broken_rule_is_found() {
        let schema = Schema::new("")
            .attribute("id", Attribute::string().computed())
            .attribute("tags", Attribute::map(Type::String).optional())
            .attribute("secret", Attribute::string().optional().write_only());
        let good = IdentitySchema::new(0).required_for_import("id", Type::String, "");
        assert!(good.check(&schema).is_empty());
        assert_eq!(good.only_text(), Some("id"));
        let bad = IdentitySchema::new(-1)
            .optional_for_import("id", Type::Number, "")
            .optional_for_import("gone", Type::list(Type::String), "")
            .optional_for_import("secret", Type::String, "")
            .optional_for_import("tags", Type::map(Type::String), "");
        let found = bad.check(&schema);
        assert_eq!(found.len(), 6, "{found:#?}");
        assert_eq!(bad.only_text(), None);
    }

    #[test]
    fn half_an_identity_is_none() {
        let schema = IdentitySchema::new(0)
            .required_for_import("id", Type::String, "")
            .optional_for_import("region", Type::String, "");
        let state = |id: Value| Value::object([("id", id), ("other", "x".into())]);
        assert_eq!(schema.of(&Value::Null), None);
        assert_eq!(schema.of(&state(Value::Null)), None);
        let expected = Value::object([("id", "1".into()), ("region", Value::Null)]);
        assert_eq!(schema.of(&state("1".into())), Some(expected));
        assert!(schema.of(&state(Value::unknown())).is_some());
    }
}
