//! The schema of a page: attributes in three groups, then the attributes that have attributes of their own.

use std::collections::BTreeMap;

use crate::schema::{Attribute, Block, BlockType, NestedType, type_name};
use crate::wrap::wrap;

/// Write-only arguments, as the language's documentation tells of them.
const WRITE_ONLY: &str =
    "https://developer.hashicorp.com/terraform/language/resources/ephemeral#write-only-arguments";

/// The part of a page that begins with `## Schema`.
pub(crate) fn schema(block: &Block) -> String {
    let body = Body {
        attributes: &block.attributes,
        blocks: Some(&block.block_types),
    };
    let mut parts = vec!["## Schema".to_owned()];
    parts.extend(body.groups("### ", ""));
    parts.extend(body.nested(&[]));
    parts.join("\n\n") + "\n"
}

/// What one section lists.
struct Body<'a> {
    attributes: &'a BTreeMap<String, Attribute>,
    blocks: Option<&'a BTreeMap<String, BlockType>>,
}

/// What one line of a section is about.
enum Item<'a> {
    Attribute(&'a Attribute),
    Block(&'a BlockType),
}

impl<'a> Body<'a> {
    fn of_nested(nested: &'a NestedType) -> Self {
        Body {
            attributes: &nested.attributes,
            blocks: None,
        }
    }

    fn of_block(block: &'a Block) -> Self {
        Body {
            attributes: &block.attributes,
            blocks: Some(&block.block_types),
        }
    }

    /// Attributes and blocks, by name.
    fn items(&self) -> BTreeMap<&'a str, Item<'a>> {
        let blocks = self.blocks.into_iter().flatten();
        let attributes = self.attributes.iter();
        attributes
            .map(|(name, attribute)| (name.as_str(), Item::Attribute(attribute)))
            .chain(blocks.map(|(name, block)| (name.as_str(), Item::Block(block))))
            .collect()
    }

    /// The lists of those that are required, optional and read-only, without the empty ones.
    fn groups(&self, before: &str, after: &str) -> Vec<String> {
        self.groups_below(before, after, &[])
    }

    fn groups_below(&self, before: &str, after: &str, path: &[&str]) -> Vec<String> {
        let mut parts = Vec::new();
        for group in ["Required", "Optional", "Read-Only"] {
            let lines: Vec<String> = self
                .items()
                .iter()
                .filter(|(_, item)| item.group() == group)
                .map(|(name, item)| item.line(name, path))
                .collect();
            if !lines.is_empty() {
                parts.push(format!("{before}{group}{after}"));
                parts.push(lines.join("\n"));
            }
        }
        parts
    }

    /// A section for each that has attributes of its own, each followed by what is below it.
    fn nested(&self, path: &[&str]) -> Vec<String> {
        let mut parts = Vec::new();
        for (name, item) in self.items() {
            let Some((prefix, body)) = item.body() else {
                continue;
            };
            let below: Vec<&str> = path.iter().copied().chain([name]).collect();
            parts.push(format!(
                "<a id=\"{prefix}--{}\"></a>\n### Nested Schema for `{}`",
                below.join("--"),
                below.join(".")
            ));
            parts.extend(body.groups_below("", ":", &below));
            parts.extend(body.nested(&below));
        }
        parts
    }
}

impl<'a> Item<'a> {
    fn group(&self) -> &'static str {
        match self {
            Item::Attribute(attribute) if attribute.required => "Required",
            Item::Attribute(attribute) if attribute.optional => "Optional",
            Item::Attribute(_) => "Read-Only",
            Item::Block(block) if block.min_items > 0 => "Required",
            Item::Block(_) => "Optional",
        }
    }

    fn line(&self, name: &str, path: &[&str]) -> String {
        let (words, description) = match self {
            Item::Attribute(attribute) => (attribute_words(attribute), &attribute.description),
            Item::Block(block) => (block_words(block), &block.block.description),
        };
        let mut text = format!("- `{name}` ({}) {}", words.join(", "), description.trim());
        if let Some((prefix, _)) = self.body() {
            let anchor: Vec<&str> = path.iter().copied().chain([name]).collect();
            let anchor = format!("{prefix}--{}", anchor.join("--"));
            text = format!(
                "{} (see [below for nested schema](#{anchor}))",
                text.trim_end()
            );
        }
        wrap_item(&text)
    }

    /// The anchor's first part and the attributes, when there are any.
    fn body(&self) -> Option<(&'static str, Body<'a>)> {
        match self {
            Item::Attribute(attribute) => {
                let nested = attribute.nested_type.as_ref()?;
                Some(("nestedatt", Body::of_nested(nested)))
            }
            Item::Block(block) => Some(("nestedblock", Body::of_block(&block.block))),
        }
    }
}

/// A line of a list, wrapped; its own mark is no mark of a line within the text.
fn wrap_item(text: &str) -> String {
    let text = text.strip_prefix("- ").unwrap_or(text);
    format!("- {}", wrap(text, "  "))
}

fn attribute_words(attribute: &Attribute) -> Vec<String> {
    let type_ = match (&attribute.nested_type, &attribute.type_) {
        (Some(nested), _) => nesting("Attributes", &nested.nesting_mode),
        (None, Some(type_)) => type_name(type_),
        (None, None) => "Dynamic".to_owned(),
    };
    let mut words = vec![type_];
    if attribute.sensitive {
        words.push("Sensitive".to_owned());
    }
    if attribute.write_only {
        words.push(format!("[Write-only]({WRITE_ONLY})"));
    }
    if attribute.deprecated {
        words.push("Deprecated".to_owned());
    }
    words
}

fn block_words(block: &BlockType) -> Vec<String> {
    let mut words = vec![nesting("Block", &block.nesting_mode)];
    if block.block.deprecated {
        words.push("Deprecated".to_owned());
    }
    words
}

fn nesting(what: &str, mode: &str) -> String {
    match mode {
        "list" => format!("{what} List"),
        "set" => format!("{what} Set"),
        "map" => format!("{what} Map"),
        _ => what.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn attributes_are_grouped_and_nested_ones_have_sections() {
        let block: Block = serde_json::from_value(json!({
            "attributes": {
                "name": {"type": "string", "required": true, "description": "Its name."},
                "secret": {"type": "string", "optional": true, "computed": true, "sensitive": true,
                    "description": "Nobody sees it."},
                "old": {"type": "string", "optional": true, "deprecated": true, "description": "Use `name`."},
                "id": {"type": "string", "computed": true, "description": "Its id."},
                "waves": {"optional": true, "description": "The waves.", "nested_type": {
                    "nesting_mode": "list",
                    "attributes": {"hook": {"optional": true, "description": "A hook.", "nested_type": {
                        "nesting_mode": "single",
                        "attributes": {"arn": {"type": "string", "required": true, "description": "Its ARN."}}
                    }}}
                }}
            },
            "block_types": {"config": {"nesting_mode": "set", "min_items": 1, "block": {"description": "A block."}}}
        }))
        .unwrap();
        let expected = "\
## Schema

### Required

- `config` (Block Set) A block. (see [below for nested schema](#nestedblock--config))
- `name` (String) Its name.

### Optional

- `old` (String, Deprecated) Use `name`.
- `secret` (String, Sensitive) Nobody sees it.
- `waves` (Attributes List) The waves. (see [below for nested schema](#nestedatt--waves))

### Read-Only

- `id` (String) Its id.

<a id=\"nestedblock--config\"></a>
### Nested Schema for `config`

<a id=\"nestedatt--waves\"></a>
### Nested Schema for `waves`

Optional:

- `hook` (Attributes) A hook. (see [below for nested schema](#nestedatt--waves--hook))

<a id=\"nestedatt--waves--hook\"></a>
### Nested Schema for `waves.hook`

Required:

- `arn` (String) Its ARN.
";
        assert_eq!(schema(&block), expected);
    }
}
