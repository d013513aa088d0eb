//! The pages of the registry are those of this provider: `make docs` writes them.

use std::path::{Path, PathBuf};
use std::process::Command;

use tfplugin_docs::{broken_rules, drift, missing, pages};

/// Where the pages lead to what is no page.
const REPOSITORY: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main");

#[test]
fn pages_are_what_the_schemas_say() {
    let pages = pages(&schemas(), &root()).expect("pages can be written");
    none(
        "pages that `make docs` would change",
        &drift(&pages, &root()),
    );
}

#[test]
fn everything_is_described_and_has_an_example() {
    let found = missing(&schemas(), &root()).expect("the schemas can be read");
    none("descriptions and examples that are missing", &found);
}

#[test]
fn the_rules_of_the_registries_are_kept() {
    none("rules that are broken", &broken_rules(&root(), REPOSITORY));
}

/// What the built provider prints.
fn schemas() -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_terraform-provider-drs"))
        .arg("schema")
        .output()
        .expect("the provider can be run");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("JSON is UTF-8")
}

fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package
        .parent()
        .expect("the package lies in a folder of the repository")
        .to_owned()
}

fn none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}
