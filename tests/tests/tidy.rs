//! House rules that a machine can check: sizes, module docs, words, and what the crates may depend on.

use std::path::{Path, PathBuf};
use std::process::Command;

use acceptance::{files, root};

/// Most lines of code in a file, without comments, blank lines and tests.
const CODE_LINES_PER_FILE: usize = 500;
/// Most lines of a function.
const LINES_PER_FUNCTION: usize = 70;
/// Both limits for files of tests, where a table is long because it has many rows.
const CODE_LINES_PER_TEST_FILE: usize = 900;
const LINES_PER_TEST: usize = 140;
/// Longest line, in characters. Prose wraps at 120; texts inside macros, which rustfmt leaves alone, may run over.
const LINE_CHARS: usize = 130;

#[test]
fn files_have_one_idea() {
    let mut found = Vec::new();
    for (file, text) in rust_files() {
        let lines = code_lines(&text);
        let limit = if is_test(&file) {
            CODE_LINES_PER_TEST_FILE
        } else {
            CODE_LINES_PER_FILE
        };
        if lines > limit {
            found.push(format!("{}: {lines} lines of code", file.display()));
        }
    }
    none("files longer than the limit", &found);
}

#[test]
fn functions_have_one_level() {
    let mut found = Vec::new();
    for (file, text) in rust_files() {
        for (name, line, length) in functions(&text) {
            let limit = if is_test(&file) {
                LINES_PER_TEST
            } else {
                LINES_PER_FUNCTION
            };
            if length > limit {
                found.push(format!(
                    "{}:{line}: {name} has {length} lines",
                    file.display()
                ));
            }
        }
    }
    none("functions longer than the limit", &found);
}

#[test]
fn every_module_says_what_it_is_for() {
    let mut found = Vec::new();
    for (file, text) in rust_files() {
        if !text.starts_with("//!") && !text.starts_with("//! ") {
            found.push(file.display().to_string());
        }
    }
    none("modules without a first line of documentation", &found);
}

#[test]
fn lines_fit_a_screen() {
    let mut found = Vec::new();
    for (file, text) in texts(&["rs", "md", "py", "toml", "yaml", "tf", "sh"]) {
        let is_free = is_generated(&file) || file.ends_with("Cargo.lock") || is_golden(&file);
        if is_free {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            // Tables and links cannot be wrapped.
            let is_table = line.trim_start().starts_with('|')
                || line.starts_with("//! |")
                || line.contains("features = [")
                || line.contains("](")
                || line.contains("://");
            if !is_table && line.chars().count() > LINE_CHARS {
                found.push(format!("{}:{}", file.display(), number + 1));
            }
        }
    }
    none("lines that are too long", &found);
}

#[test]
fn words_that_say_nothing_are_not_used() {
    let banned = [
        (concat!("TO", "DO"), "finish it, or open an issue"),
        (concat!("FIX", "ME"), "fix it, or open an issue"),
        (concat!("todo", "!("), "a stub panics"),
        (concat!("unimplemented", "!("), "a stub panics"),
        (concat!("dbg", "!("), "log through tracing"),
        (concat!("mod ", "utils"), "name the idea"),
        (concat!("mod ", "helpers"), "name the idea"),
        (concat!("pub fn ", "get_"), "drop the prefix"),
    ];
    let mut found = Vec::new();
    for (file, text) in rust_files() {
        for (number, line) in text.lines().enumerate() {
            for (word, instead) in banned {
                if line.contains(word) {
                    found.push(format!(
                        "{}:{}: {word}: {instead}",
                        file.display(),
                        number + 1
                    ));
                }
            }
        }
    }
    none("banned words", &found);
}

#[test]
fn nothing_names_the_machine_it_was_written_on() {
    let paths = [
        concat!("/wo", "rk/"),
        concat!("/ro", "ot/"),
        concat!("../sha", "red"),
    ];
    let mut found = Vec::new();
    for file in files() {
        let Ok(text) = std::fs::read_to_string(root().join(&file)) else {
            continue;
        };
        for path in paths {
            if text.contains(path) {
                found.push(format!("{}: {path}", file.display()));
            }
        }
    }
    none("paths of one machine", &found);
}

#[test]
fn no_check_can_be_taken_out_of_a_build_that_is_not_a_test() {
    let mut places = 0;
    let mut found = Vec::new();
    for (file, text) in rust_files() {
        let is_of_tests = is_test(&file) || file.ends_with("sabotage.rs");
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for (number, line) in lines.iter().enumerate() {
            let names_it = line.contains("sabotage::is_taken_out") || *line == "mod sabotage;";
            if !names_it || is_of_tests {
                continue;
            }
            places += 1;
            let above = &lines[number.saturating_sub(3)..number];
            if !above.contains(&"#[cfg(test)]") {
                found.push(format!("{}:{}", file.display(), number + 1));
            }
        }
    }
    none("checks that a shipped build could do without", &found);
    assert!(places >= 5, "only {places} places are left");
}

#[test]
fn the_version_is_read_in_one_place() {
    // Whatever reads the manifest's version says something else than a release that was stamped from its tag.
    let words = [concat!("DRS_", "VERSION"), concat!("CARGO_PKG_", "VERSION")];
    let place = Path::new("engine/aws/src/version.rs");
    let mut found = Vec::new();
    for (file, text) in rust_files() {
        if file != place && words.iter().any(|word| text.contains(word)) {
            found.push(file.display().to_string());
        }
    }
    none("versions that are not drs_engine_aws::VERSION", &found);
    let text = std::fs::read_to_string(root().join(place)).expect("the place is there");
    let reads = concat!("option_env!(\"DRS_", "VERSION\")");
    assert!(text.contains(reads), "{reads} is gone");
}

#[test]
fn the_engine_and_the_framework_stay_light() {
    let heavy = ["tokio v", "hyper v", "aws-", "rusqlite", "tonic v"];
    refuse("drs-engine", &heavy);
    refuse("tfplugin", &["aws-sdk", "aws-config", "drs-", "rusqlite"]);
    refuse("drs-simulator", &["aws-sdk", "aws-config", "tonic v"]);
}

#[test]
fn without_the_simulator_there_is_no_sqlite() {
    for package in ["terraform-provider-drs", "drsctl"] {
        let tree = cargo_tree(&["-p", package, "--no-default-features"]);
        assert!(
            !tree.contains("rusqlite"),
            "{package} has SQLite without its simulator"
        );
    }
}

#[test]
fn links_in_the_papers_lead_somewhere() {
    let mut found = Vec::new();
    for (file, text) in texts(&["md"]) {
        let folder = file.parent().unwrap_or(Path::new("")).to_owned();
        for target in links(&text) {
            let path = target.split('#').next().unwrap_or_default();
            let is_outside = path.is_empty() || path.contains("://") || path.starts_with("mailto:");
            if !is_outside && !root().join(&folder).join(path).exists() {
                found.push(format!("{}: {target}", file.display()));
            }
        }
    }
    none("links to nothing", &found);
}

fn refuse(package: &str, heavy: &[&str]) {
    let tree = cargo_tree(&["-p", package]);
    let found: Vec<&str> = tree
        .lines()
        .filter(|line| heavy.iter().any(|name| line.contains(name)))
        // The package itself and its siblings by path are no weight from outside.
        .filter(|line| !line.starts_with(package))
        .collect();
    assert!(found.is_empty(), "{package} must not depend on {found:?}");
}

fn cargo_tree(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "-e", "normal", "--prefix", "none"])
        .args(arguments)
        .current_dir(root())
        .output()
        .expect("cargo can be run");
    assert!(
        output.status.success(),
        "cargo tree failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn rust_files() -> Vec<(PathBuf, String)> {
    texts(&["rs"])
        .into_iter()
        .filter(|(file, _)| !is_generated(file))
        .collect()
}

fn texts(extensions: &[&str]) -> Vec<(PathBuf, String)> {
    files()
        .into_iter()
        .filter(|file| {
            let extension = file.extension().and_then(|text| text.to_str());
            extension.is_some_and(|extension| extensions.contains(&extension))
        })
        .filter_map(|file| {
            let text = std::fs::read_to_string(root().join(&file)).ok()?;
            Some((file, text))
        })
        .collect()
}

fn is_generated(file: &Path) -> bool {
    file.starts_with("proto/src/generated")
}

fn is_test(file: &Path) -> bool {
    file.ends_with("tests.rs")
        || file
            .components()
            .any(|part| part.as_os_str() == "tests" || part.as_os_str() == "examples")
}

fn is_golden(file: &Path) -> bool {
    file.components()
        .any(|part| part.as_os_str() == "golden" || part.as_os_str() == "snapshots")
}

/// Lines that are neither blank nor comment, up to the tests at the end of a file.
fn code_lines(text: &str) -> usize {
    text.lines()
        .take_while(|line| *line != "#[cfg(test)]")
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("//"))
        .count()
}

/// Every function with its line and its length: from its signature to the brace that closes it, by indentation, which
/// rustfmt guarantees.
fn functions(text: &str) -> Vec<(String, usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let trimmed = line.trim_start();
        let Some(name) = function_name(trimmed) else {
            continue;
        };
        // One on a single line ends where it begins.
        if line.ends_with('}') {
            continue;
        }
        let indent = line.len() - trimmed.len();
        let closing = format!("{}}}", " ".repeat(indent));
        let length = lines[start..].iter().position(|line| {
            **line == closing
                || (line.ends_with(';') && line.len() - line.trim_start().len() == indent)
        });
        if let Some(length) = length {
            found.push((name, start + 1, length + 1));
        }
    }
    found
}

fn function_name(line: &str) -> Option<String> {
    let signature = ["pub ", "pub(crate) ", "pub(super) ", "async ", "const "]
        .iter()
        .fold(line, |line, word| line.strip_prefix(word).unwrap_or(line));
    let rest = signature.strip_prefix("fn ")?;
    Some(rest.split(['(', '<']).next()?.to_owned())
}

/// The targets of Markdown links, code blocks left out.
fn links(text: &str) -> Vec<String> {
    let mut is_code = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        }
        if is_code {
            continue;
        }
        for part in line.split("](").skip(1) {
            if let Some(target) = part.split(')').next() {
                found.push(target.to_owned());
            }
        }
    }
    found
}

fn none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}
