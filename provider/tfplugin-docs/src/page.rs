//! Whole pages, in the order of `tfplugindocs`: front matter, title, description, examples, schema, import.

use std::path::{Path, PathBuf};

use crate::examples;
use crate::function;
use crate::kind::{KINDS, Kind};
use crate::schema::{Function, Provider, Schema};
use crate::template::{self, Values};
use crate::wrap::wrap;
use crate::{Error, Pages, table};

const BLOCK: &str = "https://developer.hashicorp.com/terraform/language/import";
const COMMAND: &str = "https://developer.hashicorp.com/terraform/cli/commands/import";

/// Every page of the provider.
pub(crate) fn all(provider: &Provider, root: &Path) -> Result<Pages, Error> {
    let mut pages = Pages::new();
    pages.insert(PathBuf::from("docs/index.md"), index(provider, root)?);
    for kind in KINDS {
        for (name, subject) in subjects(provider, kind) {
            let short = short(provider, kind, name);
            let page = of_subject(provider, root, kind, name, subject)?;
            pages.insert(path(kind, short), page);
        }
    }
    Ok(pages)
}

/// Where the page of a type belongs.
pub(crate) fn path(kind: Kind, short: &str) -> PathBuf {
    PathBuf::from(format!("docs/{}/{short}.md", kind.folder()))
}

/// The name of a type without that of its provider. Functions have no prefix.
pub(crate) fn short<'a>(provider: &Provider, kind: Kind, name: &'a str) -> &'a str {
    if kind == Kind::Function {
        return name;
    }
    name.strip_prefix(provider.name.as_str())
        .and_then(|rest| rest.strip_prefix('_'))
        .unwrap_or(name)
}

/// What a page is about.
#[derive(Clone, Copy)]
pub(crate) enum Subject<'a> {
    Schema(&'a Schema),
    Function(&'a Function),
}

/// Everything of one kind, by name.
pub(crate) fn subjects(provider: &Provider, kind: Kind) -> Vec<(&str, Subject<'_>)> {
    let schemas = match kind {
        Kind::Resource => &provider.resources,
        Kind::DataSource => &provider.data_sources,
        Kind::EphemeralResource => &provider.ephemeral_resources,
        Kind::ListResource => &provider.list_resources,
        Kind::Action => &provider.actions,
        Kind::Function => {
            let functions = provider.functions.iter();
            return functions
                .map(|(name, function)| (name.as_str(), Subject::Function(function)))
                .collect();
        }
    };
    let schemas = schemas.iter();
    schemas
        .map(|(name, schema)| (name.as_str(), Subject::Schema(schema)))
        .collect()
}

fn index(provider: &Provider, root: &Path) -> Result<String, Error> {
    let block = &provider.provider.block;
    let title = format!("{} Provider", provider.name);
    let description = block.description.as_str();
    let schema = marked(&table::schema(block));
    if let Some((path, text)) = template::of(root, "index")? {
        let description = wrap(description, "");
        let values = Values {
            name: &provider.name,
            description: &description,
            schema: &schema,
        };
        return template::filled(root, &path, &text, &values);
    }
    let mut parts = vec![
        front_matter(&title, None, description),
        format!("# {title}\n\n{}\n", wrap(description, "")),
    ];
    let example = root.join("examples/provider/provider.tf");
    if example.exists() {
        parts.push(usage(&[examples::read(&example)?]));
    }
    parts.push(schema);
    Ok(parts.join("\n"))
}

fn of_subject(
    provider: &Provider,
    root: &Path,
    kind: Kind,
    name: &str,
    subject: Subject,
) -> Result<String, Error> {
    let (description, schema) = match subject {
        Subject::Schema(schema) => (
            described(&schema.block.description, schema.block.deprecated),
            marked(&table::schema(&schema.block)),
        ),
        Subject::Function(function) => (
            function_description(function),
            function::usage(name, function),
        ),
    };
    let page = format!("{}/{}", kind.folder(), short(provider, kind, name));
    if let Some((path, text)) = template::of(root, &page)? {
        let values = Values {
            name,
            description: &wrap(&description, ""),
            schema: &schema,
        };
        return template::filled(root, &path, &text, &values);
    }
    let summary = match subject {
        Subject::Function(function) if !function.summary.is_empty() => &function.summary,
        _ => &description,
    };
    let title = format!("{name} {} - {}", kind.title(), provider.name);
    let heading = match kind {
        Kind::Function => format!("function: {name}"),
        _ => format!("{name} ({})", kind.title()),
    };
    let mut parts = vec![
        front_matter(&title, Some(""), summary),
        format!("# {heading}\n\n{}\n", wrap(&description, "")),
    ];
    let shown = examples::of(root, kind, name)?;
    if !shown.is_empty() {
        parts.push(usage(&shown));
    }
    parts.push(schema);
    parts.extend(import(root, kind, name)?);
    Ok(parts.join("\n"))
}

fn described(description: &str, is_deprecated: bool) -> String {
    if is_deprecated {
        format!("~> It is deprecated.\n\n{description}")
    } else {
        description.to_owned()
    }
}

fn function_description(function: &Function) -> String {
    let description = if function.description.is_empty() {
        &function.summary
    } else {
        &function.description
    };
    if function.deprecation_message.is_empty() {
        description.clone()
    } else {
        format!(
            "~> It is deprecated. {}\n\n{description}",
            function.deprecation_message
        )
    }
}

fn front_matter(title: &str, subcategory: Option<&str>, description: &str) -> String {
    let subcategory = subcategory.map(|it| format!("subcategory: \"{it}\"\n"));
    let plain = plain(description);
    format!(
        "---\npage_title: \"{title}\"\n{}description: |-\n  {}\n---\n",
        subcategory.unwrap_or_default(),
        wrap(&plain, "  ")
    )
}

/// The first paragraph without marks and links: search results show it as it is.
fn plain(description: &str) -> String {
    let paragraph = description.trim().split("\n\n").next().unwrap_or_default();
    let mut text = String::new();
    let mut rest = paragraph;
    while let Some((before, after)) = rest.split_once("](") {
        text.push_str(before);
        rest = after.split_once(')').map_or("", |(_, after)| after);
    }
    text.push_str(rest);
    text.replace(['`', '[', ']'], "")
}

fn usage(shown: &[String]) -> String {
    let blocks: Vec<String> = shown
        .iter()
        .map(|text| examples::block("terraform", text))
        .collect();
    format!("## Example Usage\n\n{}", blocks.join("\n"))
}

fn marked(schema: &str) -> String {
    format!("<!-- schema generated by tfplugin-docs -->\n{schema}")
}

/// How something that exists comes into the state, where that can be.
fn import(root: &Path, kind: Kind, name: &str) -> Result<Option<String>, Error> {
    let mut parts = Vec::new();
    let identity = examples::file(root, kind, name, "import-by-identity.tf")?;
    if let Some(text) = identity {
        let what =
            format!("From Terraform 1.12 on, the [`import` block]({BLOCK}) takes the `identity`:");
        parts.push((what, examples::block("terraform", &text)));
    }
    if let Some(text) = examples::file(root, kind, name, "import-by-string-id.tf")? {
        let what = format!("From Terraform 1.5 on, the [`import` block]({BLOCK}) takes the `id`:");
        parts.push((what, examples::block("terraform", &text)));
    }
    if let Some(text) = examples::file(root, kind, name, "import.sh")? {
        let what = format!("The [`terraform import` command]({COMMAND}) takes it, too:");
        parts.push((what, examples::block("shell", &text)));
    }
    if parts.is_empty() {
        return Ok(None);
    }
    let parts: Vec<String> = parts
        .into_iter()
        .map(|(what, block)| format!("{what}\n\n{block}"))
        .collect();
    Ok(Some(format!("## Import\n\n{}", parts.join("\n"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn search_results_get_plain_text() {
        let description = "Reads `a` of [the plan](x.md), once.\n\nMore.";
        assert_eq!(plain(description), "Reads a of the plan, once.");
    }

    #[test]
    fn types_lose_the_name_of_their_provider_and_functions_have_none() {
        let provider = Provider {
            name: "drs".to_owned(),
            ..Provider::default()
        };
        assert_eq!(short(&provider, Kind::Resource, "drs_plan"), "plan");
        assert_eq!(short(&provider, Kind::Function, "drs_plan"), "drs_plan");
        assert_eq!(short(&provider, Kind::Action, "other"), "other");
    }
}
