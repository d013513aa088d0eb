//! Schemas as wire messages.

use tfplugin_proto::tfplugin6::{self as pb, schema as pbs};

use super::{Attribute, Attributes, Kind, Nesting, Schema};

impl Schema {
    pub(crate) fn to_wire(&self) -> pb::Schema {
        let block = pbs::Block {
            attributes: attributes(&self.attributes),
            description: self.description.clone(),
            description_kind: pb::StringKind::Markdown.into(),
            deprecated: self.deprecated.is_some(),
            deprecation_message: self.deprecated.clone().unwrap_or_default(),
            ..Default::default()
        };
        pb::Schema {
            version: self.version,
            block: Some(block),
        }
    }
}

fn attributes(attributes: &Attributes) -> Vec<pbs::Attribute> {
    attributes
        .iter()
        .map(|(name, a)| attribute(name, a))
        .collect()
}

fn attribute(name: &str, attribute: &Attribute) -> pbs::Attribute {
    let (ty, nested_type) = match &attribute.kind {
        Kind::Plain(ty) => (ty.to_json_bytes(), None),
        Kind::Nested(nesting, inner) => (Vec::new(), Some(object(*nesting, inner))),
    };
    pbs::Attribute {
        name: name.to_owned(),
        r#type: ty,
        nested_type,
        description: attribute.description.clone(),
        description_kind: pb::StringKind::Markdown.into(),
        required: attribute.required,
        optional: attribute.optional,
        computed: attribute.computed,
        sensitive: attribute.sensitive,
        deprecated: attribute.deprecated.is_some(),
        write_only: attribute.write_only,
        deprecation_message: attribute.deprecated.clone().unwrap_or_default(),
    }
}

fn object(nesting: Nesting, inner: &Attributes) -> pbs::Object {
    use pbs::object::NestingMode;
    let nesting = match nesting {
        Nesting::Single => NestingMode::Single,
        Nesting::List => NestingMode::List,
        Nesting::Set => NestingMode::Set,
        Nesting::Map => NestingMode::Map,
    };
    pbs::Object {
        attributes: attributes(inner),
        nesting: nesting.into(),
        ..Default::default()
    }
}
