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

/// A page shows what the terminal shows, or a piece of an example, in the code block after a comment that names the file.
/// Golden texts are shown as a whole; `UPDATE_GOLDEN=1` writes them into the pages.
#[test]
fn guides_show_what_is_there() {
    let update = std::env::var("UPDATE_GOLDEN").is_ok_and(|value| value == "1");
    let mut found = Vec::new();
    for page in guides() {
        let text = std::fs::read_to_string(&page).expect("a guide can be read");
        let name = page.strip_prefix(root()).unwrap_or(&page).display();
        let (shown, mut problems) = with_what_is_there(&text);
        if update && shown != text {
            std::fs::write(&page, &shown).expect("a guide can be written");
            problems = with_what_is_there(&shown).1;
        }
        found.extend(problems.iter().map(|problem| format!("{name}: {problem}")));
    }
    none("code blocks that show what is not there", &found);
}

fn guides() -> Vec<PathBuf> {
    let guides = std::fs::read_dir(root().join("docs/guides")).expect("there are guides");
    let mut pages: Vec<PathBuf> = guides
        .map(|entry| entry.expect("a guide has a name").path())
        .collect();
    pages.sort();
    pages
}

/// A page as it should be, and what is wrong with it.
fn with_what_is_there(text: &str) -> (String, Vec<String>) {
    let mut lines = text.lines();
    let mut shown = Vec::new();
    let mut problems = Vec::new();
    while let Some(line) = lines.next() {
        shown.push(line.to_owned());
        let named = line.strip_prefix("<!-- shows ");
        let Some(path) = named.and_then(|rest| rest.strip_suffix(" -->")) else {
            continue;
        };
        let Ok(source) = std::fs::read_to_string(root().join(path)) else {
            problems.push(format!("{path} cannot be read"));
            continue;
        };
        let fence = lines.next().filter(|line| line.starts_with("```"));
        let Some(fence) = fence else {
            problems.push(format!("no code block follows the comment about {path}"));
            continue;
        };
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let block = block.join("\n");
        let whole = source.trim_end();
        let is_golden = path.ends_with(".txt");
        let fits = if is_golden {
            block == whole
        } else {
            source.contains(&block)
        };
        if !fits {
            problems.push(format!("it shows another text than {path}"));
        }
        let right = if is_golden { whole.to_owned() } else { block };
        shown.extend([fence.to_owned(), right, "```".to_owned()]);
    }
    (shown.join("\n") + "\n", problems)
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
