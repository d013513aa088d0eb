//! Schemas in the shape of `terraform providers schema -json`, for documentation.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::{Attribute, Attributes, Kind, Nesting, Schema};
use crate::{
    function::{Parameter, Signature},
    identity::IdentitySchema,
    provider::Provider,
};

/// Everything that a provider offers, as `terraform providers schema -json` prints it. Kinds of which there
/// are none are left out.
#[must_use]
pub fn schema_json<P: Provider>(provider: &P) -> Json {
    let catalog = provider.catalog();
    let kinds = [
        (
            "resource_schemas",
            each(&catalog.resources, |entry| schema(&entry.schema)),
        ),
        (
            "data_source_schemas",
            each(&catalog.data_sources, |entry| schema(&entry.schema)),
        ),
        (
            "action_schemas",
            each(&catalog.actions, |entry| action(&entry.schema)),
        ),
        (
            "functions",
            each(&catalog.functions, |item| function(item.signature())),
        ),
    ];
    let mut identities = Map::new();
    for (name, entry) in &catalog.resources {
        if let Some(schema) = entry.item.identity() {
            identities.insert((*name).to_owned(), identity(schema));
        }
    }
    let mut out = Map::from_iter([("provider".to_owned(), schema(&provider.schema()))]);
    let kinds = kinds
        .into_iter()
        .chain([("resource_identity_schemas", identities)]);
    for (kind, entries) in kinds.filter(|(_, entries)| !entries.is_empty()) {
        out.insert(kind.to_owned(), entries.into());
    }
    json!({ "format_version": "1.0", "provider_schemas": { provider.address(): out } })
}

fn each<T>(entries: &BTreeMap<&'static str, T>, one: impl Fn(&T) -> Json) -> Map<String, Json> {
    let entries = entries.iter();
    entries
        .map(|(name, entry)| ((*name).to_owned(), one(entry)))
        .collect()
}

/// One schema, as an entry of `resource_schemas` or `data_source_schemas`, or as `provider`.
#[must_use]
pub fn schema(schema: &Schema) -> Json {
    json!({ "version": schema.version, "block": block(schema) })
}

/// One action, as an entry of `action_schemas`.
#[must_use]
pub fn action(schema: &Schema) -> Json {
    json!({ "block": block(schema) })
}

fn block(schema: &Schema) -> Json {
    let mut block = Map::new();
    if !schema.attributes.is_empty() {
        block.insert("attributes".into(), attributes(&schema.attributes));
    }
    describe(
        &mut block,
        &schema.description,
        schema.deprecated.as_deref(),
    );
    Json::Object(block)
}

/// One identity, as an entry of `resource_identity_schemas`.
#[must_use]
pub fn identity(identity: &IdentitySchema) -> Json {
    let attributes = identity.attributes.iter().map(|(name, attribute)| {
        let mut out = Map::from_iter([("type".to_owned(), attribute.ty.to_json())]);
        if !attribute.description.is_empty() {
            out.insert("description".into(), attribute.description.as_str().into());
        }
        let import = if attribute.required_for_import {
            "required_for_import"
        } else {
            "optional_for_import"
        };
        out.insert(import.into(), true.into());
        (name.clone(), Json::Object(out))
    });
    json!({ "version": identity.version, "attributes": Json::Object(attributes.collect()) })
}

/// One function, as an entry of `functions`.
#[must_use]
pub fn function(signature: &Signature) -> Json {
    let mut out = Map::from_iter([("return_type".to_owned(), signature.returns.to_json())]);
    let texts = [
        ("summary", Some(&signature.summary)),
        ("description", Some(&signature.description)),
        ("deprecation_message", signature.deprecated.as_ref()),
    ];
    for (name, text) in texts {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            out.insert(name.into(), text.as_str().into());
        }
    }
    if !signature.parameters.is_empty() {
        let parameters = signature.parameters.iter().map(parameter);
        out.insert("parameters".into(), parameters.collect());
    }
    if let Some(variadic) = &signature.variadic {
        out.insert("variadic_parameter".into(), parameter(variadic));
    }
    Json::Object(out)
}

fn parameter(parameter: &Parameter) -> Json {
    let mut out = Map::from_iter([
        ("name".to_owned(), parameter.name.as_str().into()),
        ("type".to_owned(), parameter.ty.to_json()),
    ]);
    if !parameter.description.is_empty() {
        out.insert("description".into(), parameter.description.as_str().into());
    }
    if parameter.allow_null {
        out.insert("is_nullable".into(), true.into());
    }
    Json::Object(out)
}

fn attributes(attributes: &Attributes) -> Json {
    Json::Object(
        attributes
            .iter()
            .map(|(name, a)| (name.clone(), attribute(a)))
            .collect(),
    )
}

fn attribute(attribute: &Attribute) -> Json {
    let mut out = Map::new();
    match &attribute.kind {
        Kind::Plain(ty) => out.insert("type".into(), ty.to_json()),
        Kind::Nested(nesting, inner) => {
            let mode = match nesting {
                Nesting::Single => "single",
                Nesting::List => "list",
                Nesting::Set => "set",
                Nesting::Map => "map",
            };
            let nested = json!({ "attributes": attributes(inner), "nesting_mode": mode });
            out.insert("nested_type".into(), nested)
        }
    };
    describe(
        &mut out,
        &attribute.description,
        attribute.deprecated.as_deref(),
    );
    let flags = [
        ("required", attribute.required),
        ("optional", attribute.optional),
        ("computed", attribute.computed),
        ("sensitive", attribute.sensitive),
        ("write_only", attribute.write_only),
    ];
    for (name, _) in flags.into_iter().filter(|(_, set)| *set) {
        out.insert(name.into(), true.into());
    }
    Json::Object(out)
}

fn describe(out: &mut Map<String, Json>, description: &str, deprecated: Option<&str>) {
    if !description.is_empty() {
        out.insert("description".into(), description.into());
    }
    out.insert("description_kind".into(), "markdown".into());
    if let Some(message) = deprecated {
        out.insert("deprecated".into(), true.into());
        out.insert("deprecation_message".into(), message.into());
    }
}
