//! Pages of a provider for the Terraform and OpenTofu registries: written from its schemas and its examples, in the layout
//! and the order of `tfplugindocs`, and held to the registries' rules.
//!
//! It knows no provider: schemas come as the JSON of `terraform providers schema -json`. It writes no guides, which are
//! written by hand in `docs/guides`; it only checks them.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod check;
mod examples;
mod function;
mod kind;
mod markdown;
mod page;
mod rules;
mod schema;
mod table;
mod template;
mod wrap;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schema::Provider;

pub use check::{drift, missing};
pub use rules::broken_rules;

/// Pages by their path from the root of the repository, such as `docs/resources/server.md`.
pub type Pages = BTreeMap<PathBuf, String>;

/// Why no pages could be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The text is not what `terraform providers schema -json` prints.
    #[error("the schemas cannot be read: {0}")]
    Schema(#[from] serde_json::Error),
    /// One provider is documented at a time.
    #[error("the schemas are of {0} providers, and must be of one")]
    Providers(usize),
    /// A file that is there cannot be read, or a page cannot be written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A template says something that this generator does not know.
    #[error("{path}: {what}")]
    Template {
        /// The template.
        path: PathBuf,
        /// What it says, and what it may say.
        what: String,
    },
}

/// The pages of the provider whose schemas these are, with the examples and the templates below `root`.
pub fn pages(schemas: &str, root: &Path) -> Result<Pages, Error> {
    page::all(&Provider::read(schemas)?, root)
}

/// Writes the pages, and removes those of types that there are no more.
pub fn write(pages: &Pages, root: &Path) -> Result<(), Error> {
    for path in check::left_over(pages, root) {
        let whole = root.join(&path);
        std::fs::remove_file(&whole).map_err(|source| Error::File { path, source })?;
    }
    for (path, text) in pages {
        let whole = root.join(path);
        let folder = whole.parent().unwrap_or(root);
        std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(&whole, text))
            .map_err(|source| Error::File {
                path: path.clone(),
                source,
            })?;
    }
    Ok(())
}
