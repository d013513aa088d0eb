//! Schemas as `terraform providers schema -json` has them. What no page needs is not read.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::Error;

/// Everything that one provider has.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Provider {
    /// Its short name, the last part of its address.
    #[serde(skip)]
    pub(crate) name: String,
    pub(crate) provider: Schema,
    #[serde(rename = "resource_schemas")]
    pub(crate) resources: BTreeMap<String, Schema>,
    #[serde(rename = "data_source_schemas")]
    pub(crate) data_sources: BTreeMap<String, Schema>,
    #[serde(rename = "ephemeral_resource_schemas")]
    pub(crate) ephemeral_resources: BTreeMap<String, Schema>,
    #[serde(rename = "list_resource_schemas")]
    pub(crate) list_resources: BTreeMap<String, Schema>,
    #[serde(rename = "action_schemas")]
    pub(crate) actions: BTreeMap<String, Schema>,
    pub(crate) functions: BTreeMap<String, Function>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Schema {
    pub(crate) block: Block,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Block {
    pub(crate) description: String,
    pub(crate) deprecated: bool,
    pub(crate) attributes: BTreeMap<String, Attribute>,
    pub(crate) block_types: BTreeMap<String, BlockType>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct BlockType {
    pub(crate) nesting_mode: String,
    pub(crate) block: Block,
    pub(crate) min_items: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Attribute {
    #[serde(rename = "type")]
    pub(crate) type_: Option<Value>,
    pub(crate) nested_type: Option<NestedType>,
    pub(crate) description: String,
    pub(crate) required: bool,
    pub(crate) optional: bool,
    pub(crate) sensitive: bool,
    pub(crate) deprecated: bool,
    pub(crate) write_only: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct NestedType {
    pub(crate) attributes: BTreeMap<String, Attribute>,
    pub(crate) nesting_mode: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Function {
    pub(crate) summary: String,
    pub(crate) description: String,
    pub(crate) deprecation_message: String,
    pub(crate) return_type: Value,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) variadic_parameter: Option<Parameter>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) is_nullable: bool,
    #[serde(rename = "type")]
    pub(crate) type_: Value,
}

impl Provider {
    pub(crate) fn read(text: &str) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Document {
            provider_schemas: BTreeMap<String, Provider>,
        }

        let document: Document = serde_json::from_str(text)?;
        let count = document.provider_schemas.len();
        let mut providers = document.provider_schemas.into_iter();
        let (Some((address, mut provider)), None) = (providers.next(), providers.next()) else {
            return Err(Error::Providers(count));
        };
        let name = address.rsplit('/').next().unwrap_or(&address);
        provider.name = name.to_owned();
        Ok(provider)
    }
}

/// A type as people read it: `List of String`.
pub(crate) fn type_name(type_: &Value) -> String {
    match type_ {
        Value::String(name) => match name.as_str() {
            "bool" => "Boolean".to_owned(),
            _ => capital(name),
        },
        Value::Array(parts) => match parts.as_slice() {
            [Value::String(kind), Value::Object(members)] if kind == "object" => {
                let members = members
                    .iter()
                    .map(|(name, type_)| format!("`{name}` {}", type_name(type_)));
                format!("Object of {}", members.collect::<Vec<_>>().join(", "))
            }
            [Value::String(kind), Value::Array(members)] if kind == "tuple" => {
                let members: Vec<String> = members.iter().map(type_name).collect();
                format!("Tuple of {}", members.join(", "))
            }
            [Value::String(kind), element] => {
                format!("{} of {}", capital(kind), type_name(element))
            }
            _ => "Dynamic".to_owned(),
        },
        _ => "Dynamic".to_owned(),
    }
}

/// A type in the signature of a function, where the members of an object would be too much.
pub(crate) fn type_word(type_: &Value) -> String {
    match type_ {
        Value::String(name) => name.clone(),
        Value::Array(parts) => match parts.as_slice() {
            [Value::String(kind), _] if kind == "object" || kind == "tuple" => kind.clone(),
            [Value::String(kind), element] => format!("{kind} of {}", type_word(element)),
            _ => "dynamic".to_owned(),
        },
        _ => "dynamic".to_owned(),
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn types_are_told_in_words() {
        let table = [
            (json!("string"), "String", "string"),
            (json!("bool"), "Boolean", "bool"),
            (json!("dynamic"), "Dynamic", "dynamic"),
            (json!(["map", "number"]), "Map of Number", "map of number"),
            (
                json!(["list", ["set", "string"]]),
                "List of Set of String",
                "list of set of string",
            ),
            (
                json!(["object", {"a": "string", "b": "bool"}]),
                "Object of `a` String, `b` Boolean",
                "object",
            ),
        ];
        for (type_, name, word) in table {
            assert_eq!(type_name(&type_), name);
            assert_eq!(type_word(&type_), word);
        }
    }

    #[test]
    fn one_provider_is_read_and_named_by_its_address() {
        let one = r#"{"provider_schemas": {"registry.terraform.io/some/thing": {}}}"#;
        assert_eq!(Provider::read(one).unwrap().name, "thing");
        let none = Provider::read(r#"{"provider_schemas": {}}"#);
        assert!(matches!(none, Err(Error::Providers(0))), "{none:?}");
        assert!(matches!(Provider::read("{}"), Err(Error::Schema(_))));
    }
}
