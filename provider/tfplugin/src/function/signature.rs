//! What a function takes and gives.

use std::collections::BTreeSet;

use tfplugin_proto::tfplugin6::{self as pb, function as pbf};

use crate::{schema::check::set_of_dynamic, value::Type};

/// The parameters of a function, its return type and its documentation.
#[derive(Clone, Debug)]
pub struct Signature {
    /// One line.
    pub summary: String,
    /// Markdown, for the documentation.
    pub description: String,
    /// What to use instead, when deprecated.
    pub deprecated: Option<String>,
    /// The parameters in order.
    pub parameters: Vec<Parameter>,
    /// What takes all further arguments, if anything does.
    pub variadic: Option<Parameter>,
    /// The type of the result.
    pub returns: Type,
}

/// One parameter of a function.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its name, which hosts show in errors.
    pub name: String,
    /// The type of its argument.
    pub ty: Type,
    /// Markdown, for the documentation.
    pub description: String,
    /// Whether an argument may be null. Otherwise null is refused.
    pub allow_null: bool,
    /// Whether an argument may hold unknown values. Otherwise the result is unknown too, without a call.
    pub allow_unknown: bool,
}

impl Signature {
    /// A function without parameters, with one line about it and the type of its result.
    #[must_use]
    pub fn new(summary: impl Into<String>, returns: Type) -> Self {
        Self {
            summary: summary.into(),
            description: String::new(),
            deprecated: None,
            parameters: Vec::new(),
            variadic: None,
            returns,
        }
    }

    /// A description in Markdown, for the documentation.
    #[must_use]
    pub fn describe(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// The same signature with one more parameter.
    #[must_use]
    pub fn parameter(mut self, parameter: Parameter) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// The same signature with a parameter that takes all further arguments, of which there may be none.
    #[must_use]
    pub fn variadic(mut self, parameter: Parameter) -> Self {
        self.variadic = Some(parameter);
        self
    }

    /// The same signature, marked as deprecated.
    #[must_use]
    pub fn deprecated(mut self, message: impl Into<String>) -> Self {
        self.deprecated = Some(message.into());
        self
    }

    /// Every parameter, the variadic one last.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Parameter> {
        self.parameters.iter().chain(&self.variadic)
    }

    /// The parameter of each argument in turn. It ends where no further argument can be.
    pub(crate) fn positions(&self) -> impl Iterator<Item = &Parameter> {
        let rest = self.variadic.as_ref().into_iter();
        self.parameters.iter().chain(rest.cycle())
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.all().map(|parameter| parameter.name.as_str())
    }

    /// Everything that hosts would refuse.
    pub(crate) fn check(&self, name: &str) -> Vec<String> {
        let mut found = Vec::new();
        if !is_identifier(name) {
            found.push(format!("the name {name:?} is not an identifier"));
        }
        let mut seen = BTreeSet::new();
        for Parameter { name, ty, .. } in self.all() {
            if !is_identifier(name) {
                found.push(format!("the parameter {name:?} is not an identifier"));
            }
            if !seen.insert(name) {
                found.push(format!("two parameters are named {name:?}"));
            }
            if set_of_dynamic(ty) {
                found.push(format!("{name}: a set cannot hold dynamic types"));
            }
        }
        if set_of_dynamic(&self.returns) {
            found.push("the result: a set cannot hold dynamic types".to_owned());
        }
        found
    }

    pub(crate) fn to_wire(&self) -> pb::Function {
        pb::Function {
            parameters: self.parameters.iter().map(Parameter::to_wire).collect(),
            variadic_parameter: self.variadic.as_ref().map(Parameter::to_wire),
            r#return: Some(pbf::Return {
                r#type: self.returns.to_json_bytes(),
            }),
            summary: self.summary.clone(),
            description: self.description.clone(),
            description_kind: pb::StringKind::Markdown.into(),
            deprecation_message: self.deprecated.clone().unwrap_or_default(),
        }
    }
}

impl Parameter {
    /// A parameter whose argument must be known and not null.
    #[must_use]
    pub fn new(name: impl Into<String>, ty: Type) -> Self {
        Self {
            name: name.into(),
            ty,
            description: String::new(),
            allow_null: false,
            allow_unknown: false,
        }
    }

    /// A description in Markdown, for the documentation.
    #[must_use]
    pub fn describe(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// The argument may be null.
    #[must_use]
    pub fn allow_null(mut self) -> Self {
        self.allow_null = true;
        self
    }

    /// The argument may hold unknown values.
    #[must_use]
    pub fn allow_unknown(mut self) -> Self {
        self.allow_unknown = true;
        self
    }

    fn to_wire(&self) -> pbf::Parameter {
        pbf::Parameter {
            name: self.name.clone(),
            r#type: self.ty.to_json_bytes(),
            allow_null_value: self.allow_null,
            allow_unknown_values: self.allow_unknown,
            description: self.description.clone(),
            description_kind: pb::StringKind::Markdown.into(),
        }
    }
}

/// Whether a name is an identifier of the configuration language. Letters beyond ASCII are ones too, but
/// a name that some keyboards lack is no good name.
fn is_identifier(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}
