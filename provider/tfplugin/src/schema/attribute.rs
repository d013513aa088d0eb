//! One attribute of a schema, and the builder that declares it.

use std::sync::Arc;

use super::{Attributes, PlanModifier, Validator, object_type};
use crate::value::{Type, Value};

/// How the objects of a nested attribute are collected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nesting {
    /// One object.
    Single,
    /// A list of objects.
    List,
    /// A set of objects.
    Set,
    /// A map of objects.
    Map,
}

/// What an attribute holds.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A value of a type.
    Plain(Type),
    /// Objects with attributes of their own.
    Nested(Nesting, Attributes),
}

/// One attribute: what it holds, who sets it, and how it is planned.
#[derive(Clone, Debug)]
pub struct Attribute {
    /// What it holds.
    pub kind: Kind,
    /// Must be set in configuration.
    pub required: bool,
    /// May be set in configuration.
    pub optional: bool,
    /// The provider may set it.
    pub computed: bool,
    /// Hidden in output.
    pub sensitive: bool,
    /// Sent to the provider and never stored.
    pub write_only: bool,
    /// Markdown, for the documentation.
    pub description: String,
    /// What to use instead, when deprecated.
    pub deprecated: Option<String>,
    /// Planned when the configuration has no value.
    pub default: Option<Value>,
    /// Checks of a configured value.
    pub validators: Vec<Arc<dyn Validator>>,
    /// Steps of the plan, in order.
    pub modifiers: Vec<PlanModifier>,
}

impl Attribute {
    /// An attribute of any type.
    #[must_use]
    pub fn of(ty: Type) -> Self {
        Self::new(Kind::Plain(ty))
    }

    /// Text.
    #[must_use]
    pub fn string() -> Self {
        Self::of(Type::String)
    }

    /// A number.
    #[must_use]
    pub fn number() -> Self {
        Self::of(Type::Number)
    }

    /// A boolean.
    #[must_use]
    pub fn bool() -> Self {
        Self::of(Type::Bool)
    }

    /// A list of plain values.
    #[must_use]
    pub fn list(element: Type) -> Self {
        Self::of(Type::list(element))
    }

    /// A set of plain values.
    #[must_use]
    pub fn set(element: Type) -> Self {
        Self::of(Type::set(element))
    }

    /// A map of plain values.
    #[must_use]
    pub fn map(element: Type) -> Self {
        Self::of(Type::map(element))
    }

    /// One object with attributes of its own.
    #[must_use]
    pub fn single_nested<K: Into<String>>(
        attributes: impl IntoIterator<Item = (K, Attribute)>,
    ) -> Self {
        Self::nested(Nesting::Single, attributes)
    }

    /// A list of objects with attributes of their own.
    #[must_use]
    pub fn list_nested<K: Into<String>>(
        attributes: impl IntoIterator<Item = (K, Attribute)>,
    ) -> Self {
        Self::nested(Nesting::List, attributes)
    }

    /// A set of objects with attributes of their own.
    #[must_use]
    pub fn set_nested<K: Into<String>>(
        attributes: impl IntoIterator<Item = (K, Attribute)>,
    ) -> Self {
        Self::nested(Nesting::Set, attributes)
    }

    /// A map of objects with attributes of their own.
    #[must_use]
    pub fn map_nested<K: Into<String>>(
        attributes: impl IntoIterator<Item = (K, Attribute)>,
    ) -> Self {
        Self::nested(Nesting::Map, attributes)
    }

    fn nested<K: Into<String>>(
        nesting: Nesting,
        attributes: impl IntoIterator<Item = (K, Attribute)>,
    ) -> Self {
        let attributes = attributes
            .into_iter()
            .map(|(name, a)| (name.into(), a))
            .collect();
        Self::new(Kind::Nested(nesting, attributes))
    }

    fn new(kind: Kind) -> Self {
        Self {
            kind,
            required: false,
            optional: false,
            computed: false,
            sensitive: false,
            write_only: false,
            description: String::new(),
            deprecated: None,
            default: None,
            validators: Vec::new(),
            modifiers: Vec::new(),
        }
    }

    /// Must be set in configuration.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// May be set in configuration. With [`computed`](Self::computed), the provider fills it in
    /// when it is not.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// The provider sets it. Alone, a configured value is refused.
    #[must_use]
    pub fn computed(mut self) -> Self {
        self.computed = true;
        self
    }

    /// Hidden in output. It is still stored in the state.
    #[must_use]
    pub fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    /// Sent to the provider and never stored. Needs Terraform or OpenTofu 1.11.
    #[must_use]
    pub fn write_only(mut self) -> Self {
        self.write_only = true;
        self
    }

    /// A description in Markdown, for the documentation.
    #[must_use]
    pub fn describe(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// A warning, when the attribute is set, that says what to use instead.
    #[must_use]
    pub fn deprecated(mut self, message: impl Into<String>) -> Self {
        self.deprecated = Some(message.into());
        self
    }

    /// Planned when the configuration has no value. Makes the attribute optional and computed.
    #[must_use]
    pub fn default_value(mut self, value: impl Into<Value>) -> Self {
        self.default = Some(value.into());
        self.optional = true;
        self.computed = true;
        self
    }

    /// A check of a configured value. It does not run on null or unknown values.
    #[must_use]
    pub fn validate(mut self, validator: impl Validator + 'static) -> Self {
        self.validators.push(Arc::new(validator));
        self
    }

    /// A step of the plan.
    #[must_use]
    pub fn modify_plan(mut self, modifier: PlanModifier) -> Self {
        self.modifiers.push(modifier);
        self
    }

    /// Keeps the stored value of a computed attribute while other attributes change.
    #[must_use]
    pub fn use_state_for_unknown(self) -> Self {
        self.modify_plan(PlanModifier::UseStateForUnknown)
    }

    /// A change of this attribute replaces the resource.
    #[must_use]
    pub fn requires_replace(self) -> Self {
        self.modify_plan(PlanModifier::RequiresReplace)
    }

    /// A change of this attribute replaces the resource when a function says so.
    #[must_use]
    pub fn requires_replace_if(
        self,
        condition: impl Fn(&super::ModifierContext<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.modify_plan(PlanModifier::RequiresReplaceIf(Arc::new(condition)))
    }

    /// The type of a value of this attribute.
    #[must_use]
    pub fn ty(&self) -> Type {
        match &self.kind {
            Kind::Plain(ty) => ty.clone(),
            Kind::Nested(nesting, attributes) => {
                let object = object_type(attributes);
                match nesting {
                    Nesting::Single => object,
                    Nesting::List => Type::list(object),
                    Nesting::Set => Type::set(object),
                    Nesting::Map => Type::map(object),
                }
            }
        }
    }
}
