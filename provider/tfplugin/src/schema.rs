//! Schemas: what can be written in a configuration and what a state holds.
//!
//! Only attributes, plain and nested, are offered: new providers have no use for blocks.

pub mod attribute;
pub mod check;
pub mod json;
pub mod modifier;
pub(crate) mod validate;
pub mod validator;
mod wire;

use std::collections::BTreeMap;

pub use attribute::{Attribute, Kind, Nesting};
pub use modifier::{ModifierContext, PlanModifier};
pub use validator::Validator;

use crate::value::Type;

/// The attributes of a resource, a data source or a provider, by name.
pub type Attributes = BTreeMap<String, Attribute>;

/// The schema of a resource, a data source or a provider.
///
/// ```
/// use tfplugin::{Attribute, Schema};
/// let schema = Schema::new("A named thing.")
///     .attribute("id", Attribute::string().computed().use_state_for_unknown())
///     .attribute("name", Attribute::string().required().describe("Its name."));
/// assert!(tfplugin::schema::check::check(&schema).is_empty());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Schema {
    /// Rises when stored state changes shape.
    pub version: i64,
    /// Markdown, for the documentation.
    pub description: String,
    /// Why and what instead, when deprecated.
    pub deprecated: Option<String>,
    /// The attributes by name.
    pub attributes: Attributes,
}

impl Schema {
    /// An empty schema with a description in Markdown.
    #[must_use]
    pub fn new(description: impl Into<String>) -> Self {
        Self {
            description: description.into(),
            ..Self::default()
        }
    }

    /// The same schema at a version.
    #[must_use]
    pub fn version(mut self, version: i64) -> Self {
        self.version = version;
        self
    }

    /// The same schema with one more attribute.
    #[must_use]
    pub fn attribute(mut self, name: impl Into<String>, attribute: Attribute) -> Self {
        self.attributes.insert(name.into(), attribute);
        self
    }

    /// The same schema, marked as deprecated.
    #[must_use]
    pub fn deprecated(mut self, message: impl Into<String>) -> Self {
        self.deprecated = Some(message.into());
        self
    }

    /// The type of a value of this schema.
    #[must_use]
    pub fn ty(&self) -> Type {
        object_type(&self.attributes)
    }
}

pub(crate) fn object_type(attributes: &Attributes) -> Type {
    Type::Object(
        attributes
            .iter()
            .map(|(name, a)| (name.clone(), a.ty()))
            .collect(),
    )
}
