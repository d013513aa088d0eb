//! What the pages of a repository are compared with: what would be written now, and what the schemas have.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::kind::{KINDS, Kind};
use crate::page::{self, Subject};
use crate::schema::{Attribute, Block, Function, Parameter, Provider};
use crate::{Error, Pages, examples};

/// Pages that are not what would be written now, one sentence for each.
pub fn drift(pages: &Pages, root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in pages {
        match std::fs::read_to_string(root.join(path)) {
            Ok(there) if there == *text => {}
            Ok(there) => found.push(format!("{}: {}", path.display(), difference(&there, text))),
            Err(error) => found.push(format!("{}: {error}", path.display())),
        }
    }
    let left_over = left_over(pages, root);
    found.extend(
        left_over
            .iter()
            .map(|path| format!("{}: there is no such type", path.display())),
    );
    found
}

/// Generated pages of types that there are no more.
pub(crate) fn left_over(pages: &Pages, root: &Path) -> Vec<PathBuf> {
    KINDS
        .iter()
        .flat_map(|kind| names_in(root, &format!("docs/{}", kind.folder())))
        .filter(|path| !pages.contains_key(path))
        .collect()
}

/// Types, attributes and parameters that nobody described, types without an example, and examples without a type.
pub fn missing(schemas: &str, root: &Path) -> Result<Vec<String>, Error> {
    let provider = Provider::read(schemas)?;
    let mut found = Vec::new();
    let block = &provider.provider.block;
    undescribed(block, &format!("provider {}", provider.name), &mut found);
    if !root.join("examples/provider/provider.tf").exists() {
        found.push("examples/provider/provider.tf: there is no example".to_owned());
    }
    for kind in KINDS {
        let subjects = page::subjects(&provider, kind);
        for (name, subject) in &subjects {
            let place = format!("{} {name}", kind.folder());
            match subject {
                Subject::Schema(schema) => undescribed(&schema.block, &place, &mut found),
                Subject::Function(function) => unexplained(function, &place, &mut found),
            }
            if examples::of(root, kind, name)?.is_empty() {
                found.push(format!("{}: there is no example", example(kind, name)));
            }
        }
        let folder = format!("examples/{}", kind.folder());
        for path in names_in(root, &folder) {
            let name = path.file_name().and_then(|name| name.to_str());
            if !subjects.iter().any(|(subject, _)| Some(*subject) == name) {
                found.push(format!("{}: there is no such type", path.display()));
            }
        }
    }
    Ok(found)
}

fn example(kind: Kind, name: &str) -> String {
    let (begin, end) = kind.example();
    format!("examples/{}/{name}/{begin}{end}", kind.folder())
}

fn undescribed(block: &Block, place: &str, found: &mut Vec<String>) {
    if block.description.trim().is_empty() {
        found.push(format!("{place}: has no description"));
    }
    undescribed_attributes(&block.attributes, place, found);
    for (name, nested) in &block.block_types {
        undescribed(&nested.block, &format!("{place}: {name}"), found);
    }
}

fn undescribed_attributes(
    attributes: &BTreeMap<String, Attribute>,
    place: &str,
    found: &mut Vec<String>,
) {
    for (name, attribute) in attributes {
        let place = format!("{place}: {name}");
        if attribute.description.trim().is_empty() {
            found.push(format!("{place}: has no description"));
        }
        if let Some(nested) = &attribute.nested_type {
            undescribed_attributes(&nested.attributes, &place, found);
        }
    }
}

fn unexplained(function: &Function, place: &str, found: &mut Vec<String>) {
    let texts = [
        ("summary", &function.summary),
        ("description", &function.description),
    ];
    for (what, text) in texts {
        if text.trim().is_empty() {
            found.push(format!("{place}: has no {what}"));
        }
    }
    let parameters: Vec<&Parameter> = function
        .parameters
        .iter()
        .chain(&function.variadic_parameter)
        .collect();
    for parameter in parameters {
        if parameter.description.trim().is_empty() {
            found.push(format!("{place}: {}: has no description", parameter.name));
        }
    }
}

/// The first line that differs, which is what a reader needs to see whether it is a change or a mistake.
fn difference(there: &str, wanted: &str) -> String {
    let (mut old, mut new) = (there.lines(), wanted.lines());
    let mut number = 0;
    loop {
        number += 1;
        match (old.next(), new.next()) {
            (None, None) => return "white space at its end differs".to_owned(),
            (old, new) if old == new => {}
            (old, new) => {
                let (old, new) = (old.unwrap_or("(its end)"), new.unwrap_or("(its end)"));
                return format!("line {number} is\n    {old}\n  and would be\n    {new}");
            }
        }
    }
}

/// What is in a folder, by its path from the root; nothing when there is no folder.
fn names_in(root: &Path, folder: &str) -> Vec<PathBuf> {
    let mut names: Vec<PathBuf> = std::fs::read_dir(root.join(folder))
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(Path::new(folder).join(entry.ok()?.file_name())))
        .collect();
    names.sort();
    names
}
