//! Templates: pages that say more than their schema does. They are a small part of what `tfplugindocs` understands, so
//! that it would make the same of them; what is not that part is an error.

use std::path::{Path, PathBuf};

use crate::Error;
use crate::examples;

/// What a template can ask for.
pub(crate) struct Values<'a> {
    pub(crate) name: &'a str,
    pub(crate) description: &'a str,
    pub(crate) schema: &'a str,
}

const KNOWN: &str = "`.Name`, `.Description`, `.SchemaMarkdown`, `tffile \"PATH\"` and `codefile \"LANGUAGE\" \"PATH\"`, \
    each with or without `| trimspace`";

/// The text of a page's template, when it has one.
pub(crate) fn of(root: &Path, page: &str) -> Result<Option<(PathBuf, String)>, Error> {
    let path = PathBuf::from(format!("templates/{page}.md.tmpl"));
    let whole = root.join(&path);
    if !whole.exists() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(&whole).map_err(|source| Error::File {
        path: path.clone(),
        source,
    })?;
    Ok(Some((path, text)))
}

/// The template with everything that it asks for in place.
pub(crate) fn filled(
    root: &Path,
    path: &Path,
    text: &str,
    values: &Values,
) -> Result<String, Error> {
    let fault = |what: String| Error::Template {
        path: path.to_owned(),
        what,
    };
    let mut page = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (asked, after) = after
            .split_once("}}")
            .ok_or_else(|| fault("a `{{` that is not closed".to_owned()))?;
        page.push_str(before);
        let asked = asked.trim();
        let value = value(root, asked, values)?
            .ok_or_else(|| fault(format!("`{asked}` is not known; known are {KNOWN}")))?;
        page.push_str(value.trim());
        rest = after;
    }
    page.push_str(rest);
    Ok(page)
}

fn value(root: &Path, asked: &str, values: &Values) -> Result<Option<String>, Error> {
    let asked = match asked.split_once('|') {
        None => asked,
        Some((asked, filter)) if filter.trim() == "trimspace" => asked.trim(),
        Some(_) => return Ok(None),
    };
    let words: Vec<&str> = asked.split_whitespace().collect();
    Ok(match words.as_slice() {
        [".Name"] => Some(values.name.to_owned()),
        [".Description"] => Some(values.description.to_owned()),
        [".SchemaMarkdown"] => Some(values.schema.to_owned()),
        ["tffile", file] => Some(code(root, "terraform", file)?),
        ["codefile", language, file] => Some(code(root, unquoted(language), file)?),
        _ => None,
    })
}

fn code(root: &Path, language: &str, file: &str) -> Result<String, Error> {
    let text = examples::read(&root.join(unquoted(file)))?;
    Ok(examples::block(language, &text))
}

fn unquoted(word: &str) -> &str {
    word.trim_matches('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(text: &str) -> Result<String, Error> {
        let values = Values {
            name: "thing",
            description: "What it is.",
            schema: "## Schema\n",
        };
        filled(Path::new("."), Path::new("templates/x"), text, &values)
    }

    #[test]
    fn values_are_put_in() {
        let page = fill("# {{ .Name }}\n\n{{.Description | trimspace}}\n\n{{ .SchemaMarkdown }}\n")
            .unwrap();
        assert_eq!(page, "# thing\n\nWhat it is.\n\n## Schema\n");
    }

    #[test]
    fn what_is_not_known_is_an_error() {
        for text in [
            "{{ .Nothing }}",
            "{{ .Name | upper }}",
            "{{ if .Name }}",
            "{{ .Name",
        ] {
            let filled = fill(text);
            assert!(matches!(filled, Err(Error::Template { .. })), "{filled:?}");
        }
        let missing = fill("{{ tffile \"examples/none.tf\" }}");
        assert!(matches!(missing, Err(Error::File { .. })), "{missing:?}");
    }
}
