//! Schemas in the shape of `terraform providers schema -json`, for documentation.

use serde_json::{Map, Value as Json, json};

use super::{Attribute, Attributes, Kind, Nesting, Schema};
use crate::provider::Provider;

/// Everything that a provider offers, as `terraform providers schema -json` prints it.
#[must_use]
pub fn schema_json<P: Provider>(provider: &P) -> Json {
    let catalog = provider.catalog();
    let resources = catalog
        .resources
        .iter()
        .map(|(name, e)| ((*name).to_owned(), schema(&e.schema)));
    let sources = catalog
        .data_sources
        .iter()
        .map(|(name, e)| ((*name).to_owned(), schema(&e.schema)));
    json!({
        "format_version": "1.0",
        "provider_schemas": {
            provider.address(): {
                "provider": schema(&provider.schema()),
                "resource_schemas": Json::Object(resources.collect()),
                "data_source_schemas": Json::Object(sources.collect()),
            }
        }
    })
}

/// One schema, as an entry of `resource_schemas` or `data_source_schemas`, or as `provider`.
#[must_use]
pub fn schema(schema: &Schema) -> Json {
    let mut block = Map::new();
    if !schema.attributes.is_empty() {
        block.insert("attributes".into(), attributes(&schema.attributes));
    }
    describe(
        &mut block,
        &schema.description,
        schema.deprecated.as_deref(),
    );
    json!({ "version": schema.version, "block": block })
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
