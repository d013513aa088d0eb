//! The rules of the registries about `docs/`: <https://developer.hashicorp.com/terraform/registry/providers/docs>. To them
//! comes one of ours: no link leads nowhere.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use crate::kind::KINDS;
use crate::markdown::Page;

/// What the Terraform Registry shows at most of a provider's version.
const FILES: usize = 1_000;
/// What it shows at most of a page.
const BYTES: usize = 500_000;
/// Guides are written by hand.
const GUIDES: &str = "guides";

/// Every rule that the pages below `docs/` break, one sentence for each. `repository` is where the tracked files can be read,
/// such as `https://github.com/owner/name/blob/main`: a page links there to what is not a page, and only to what exists.
///
/// # Panics
///
/// When a page cannot be read: then nothing can be said about it.
pub fn broken_rules(root: &Path, repository: &str) -> Vec<String> {
    let mut found = Vec::new();
    let files = files(&root.join("docs"));
    let files: Vec<PathBuf> = files
        .iter()
        .map(|file| file.strip_prefix(root).unwrap_or(file).to_owned())
        .collect();
    if files.len() >= FILES {
        found.push(format!(
            "docs has {} files; below {FILES} are allowed",
            files.len()
        ));
    }
    if !files.contains(&PathBuf::from("docs/index.md")) {
        found.push("docs/index.md is missing".to_owned());
    }
    let texts: BTreeMap<PathBuf, String> = files
        .into_iter()
        .map(|file| {
            let text = std::fs::read_to_string(root.join(&file));
            let text = text.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            (file, text)
        })
        .collect();
    let pages: BTreeMap<&Path, Page> = texts
        .iter()
        .map(|(file, text)| (file.as_path(), Page::new(text)))
        .collect();
    for (file, page) in &pages {
        let mut broken = layout(file);
        if texts[*file].len() >= BYTES {
            broken.push(format!(
                "it has {} bytes; below {BYTES} are allowed",
                texts[*file].len()
            ));
        }
        broken.extend(
            page.open_fence
                .map(|line| format!("the code block of line {line} is never closed")),
        );
        broken.extend(front_matter(file, page));
        broken.extend(links(file, page, &pages, root, repository));
        found.extend(
            broken
                .iter()
                .map(|what| format!("{}: {what}", file.display())),
        );
    }
    found
}

/// Only `index.md`, and pages in folders that the registries know.
fn layout(file: &Path) -> Vec<String> {
    let parts: Vec<&str> = file.iter().filter_map(|part| part.to_str()).collect();
    let is_known = match parts.as_slice() {
        ["docs", "index.md"] => true,
        ["docs", folder, name] => {
            let is_folder = *folder == GUIDES || KINDS.iter().any(|kind| kind.folder() == *folder);
            is_folder && name.ends_with(".md")
        }
        _ => false,
    };
    let broken = (!is_known).then(|| "no registry looks for a page there".to_owned());
    broken.into_iter().collect()
}

fn front_matter(file: &Path, page: &Page) -> Vec<String> {
    let keys = page.keys();
    let mut broken = Vec::new();
    if page.front_matter.is_none() {
        broken.push("it has no front matter".to_owned());
    }
    for (key, _) in &keys {
        if !["page_title", "subcategory", "description"].contains(key) {
            broken.push(format!(
                "the front matter has `{key}`, which no registry allows"
            ));
        }
    }
    let title = keys.iter().find(|(key, _)| *key == "page_title");
    if title.is_none_or(|(_, title)| title.is_empty()) {
        broken.push("the front matter has no `page_title`".to_owned());
    }
    let is_index = file == Path::new("docs/index.md");
    if is_index && keys.iter().any(|(key, _)| *key == "subcategory") {
        broken.push("an index has no `subcategory`".to_owned());
    }
    broken
}

fn links(
    file: &Path,
    page: &Page,
    pages: &BTreeMap<&Path, Page>,
    root: &Path,
    repository: &str,
) -> Vec<String> {
    let mut broken = Vec::new();
    for (line, target) in page.links() {
        let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
        if path.contains(':') {
            let inside = path
                .strip_prefix(repository)
                .map(|it| it.trim_start_matches('/'));
            if inside.is_some_and(|inside| !root.join(inside).exists()) {
                broken.push(format!("line {line}: the repository has no {target}"));
            }
            continue;
        }
        let to = if path.is_empty() {
            file.to_owned()
        } else {
            joined(file.parent().unwrap_or(file), path)
        };
        match pages.get(to.as_path()) {
            None => broken.push(format!("line {line}: there is no page {target}")),
            Some(to) if !anchor.is_empty() && !to.anchors().iter().any(|it| it == anchor) => {
                broken.push(format!(
                    "line {line}: the page has no such heading: {target}"
                ));
            }
            Some(_) => {}
        }
    }
    broken
}

/// A relative path from a folder, without its dots.
fn joined(folder: &Path, path: &str) -> PathBuf {
    let mut whole = PathBuf::new();
    for part in folder.join(path).components() {
        match part {
            Component::ParentDir => {
                whole.pop();
            }
            Component::CurDir => {}
            part => whole.push(part),
        }
    }
    whole
}

/// Every file below a folder; nothing when there is no folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
