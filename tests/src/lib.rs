//! What the checks of this package share: the repository's root and its tracked files.
//!
//! The checks themselves are in `tests/`: tidy and docs here in Rust, conformance and acceptance in Python, because their
//! judges (boto3, the AWS CLI, Terraform as a library) are Python packages.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the repository.
pub fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package
        .parent()
        .expect("the package lies in a folder of the repository")
        .to_owned()
}

/// Every file that belongs to the project, relative to the root: tracked, or new and not ignored.
///
/// # Panics
///
/// When git cannot be run; the checks are then worth nothing.
pub fn files() -> Vec<PathBuf> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root())
        .output()
        .expect("git can be run");
    assert!(output.status.success(), "git ls-files failed");
    let mut files: Vec<PathBuf> = output
        .stdout
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
        .map(|name| PathBuf::from(String::from_utf8_lossy(name).into_owned()))
        .filter(|file| root().join(file).is_file())
        .collect();
    files.sort();
    files.dedup();
    files
}
