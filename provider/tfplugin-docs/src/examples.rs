//! The examples of a type: files below `examples`, which are shown as they are.

use std::path::{Path, PathBuf};

use crate::Error;
use crate::kind::Kind;

/// The examples of a type, the plain one first.
pub(crate) fn of(root: &Path, kind: Kind, name: &str) -> Result<Vec<String>, Error> {
    let (begin, end) = kind.example();
    let folder = root.join("examples").join(kind.folder()).join(name);
    let plain = format!("{begin}{end}");
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|file| file.starts_with(begin) && file.ends_with(end))
        .collect();
    names.sort_by_key(|file| (*file != plain, file.clone()));
    names.iter().map(|file| read(&folder.join(file))).collect()
}

/// A file of the examples of a type, when there is one.
pub(crate) fn file(
    root: &Path,
    kind: Kind,
    name: &str,
    file: &str,
) -> Result<Option<String>, Error> {
    let path = root
        .join("examples")
        .join(kind.folder())
        .join(name)
        .join(file);
    if path.exists() {
        read(&path).map(Some)
    } else {
        Ok(None)
    }
}

/// A text without blank lines around it.
pub(crate) fn read(path: &Path) -> Result<String, Error> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::File {
        path: PathBuf::from(path),
        source,
    })?;
    Ok(text.trim_matches('\n').to_owned())
}

/// A block of code. Its fence is longer than every fence in it.
pub(crate) fn block(language: &str, text: &str) -> String {
    let longest = text
        .lines()
        .map(|line| {
            line.trim_start()
                .chars()
                .take_while(|it| *it == '`')
                .count()
        })
        .max()
        .unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{language}\n{text}\n{fence}\n")
}
