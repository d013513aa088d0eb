//! Every command that a program of this repository tells somebody to type is one that `drsctl` takes.
//!
//! At 03:00 what stands between backquotes is copied. So all of them are collected from the sources and from the golden
//! texts and parsed; a mere name of a command, without anything after it, is a word and not meant to be typed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{CommandFactory as _, Parser as _};

use super::Cli;

/// Where programs get their words from: sources, snapshots and golden texts. Not the guides, which shorten at times.
const TOLD_IN: [&str; 5] = [
    "engine/src",
    "engine/aws/src",
    "engine/cli/src",
    "provider/src",
    "tests/acceptance/golden",
];

#[test]
fn what_people_are_told_to_type_can_be_typed() {
    let mut told = BTreeSet::new();
    for folder in TOLD_IN {
        for file in files_below(&root().join(folder)) {
            let text = fs::read_to_string(&file).expect("a text file");
            told.extend(commands_in(&without_comments(&text)));
        }
    }
    assert!(told.len() > 50, "only {} commands were found", told.len());

    let wrong: Vec<String> = told
        .iter()
        .filter_map(|command| mistake_in(command))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_mistake_would_be_found() {
    let refused = |text: &str| {
        commands_in(text)
            .iter()
            .filter_map(|command| mistake_in(command))
            .count()
    };
    assert_eq!(
        refused("then `drsctl resume exec-1` lets it go on"),
        1,
        "there is no reason"
    );
    assert_eq!(
        refused("`drsctl pause exec-1 --reason TEXT --untill NOON`"),
        1,
        "there is no such option"
    );
    assert_eq!(
        refused("`drsctl cancel` ends it, `drsctl resume {id} --reason TEXT` does not"),
        0
    );
    assert_eq!(
        refused("`drsctl failover p --reason TEXT --confirm \"shop/1\"` runs\nit"),
        0
    );
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        let kind = path.extension().and_then(|kind| kind.to_str());
        if path.is_dir() {
            found.extend(files_below(&path));
        } else if matches!(kind, Some("rs" | "snap" | "txt")) && !path.ends_with("told.rs") {
            found.push(path);
        }
    }
    found
}

/// A comment speaks to whoever reads the code.
fn without_comments(text: &str) -> String {
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// What stands between backquotes and begins with `drsctl`, on one line, whatever it was wrapped with: an indent, the
/// backslash of a literal, or the bar that hosts draw beside a diagnostic.
fn commands_in(text: &str) -> Vec<String> {
    let parts = text
        .split('`')
        .filter(|part| part.starts_with("drsctl ") && part.len() < 400);
    parts.map(on_one_line).collect()
}

fn on_one_line(part: &str) -> String {
    let words = part
        .split_whitespace()
        .filter(|word| !matches!(*word, "\\" | "│" | "|"));
    words.collect::<Vec<_>>().join(" ").replace("\\\"", "\"")
}

/// Why the command would be refused; nothing where it is taken, or where it is no more than a name.
fn mistake_in(command: &str) -> Option<String> {
    let words = filled_in(command);
    if is_a_name(&words) {
        return None;
    }
    match Cli::try_parse_from(&words) {
        Ok(_) => None,
        Err(answer) if answer.exit_code() == 0 => None,
        Err(answer) => Some(format!(
            "`{command}`: {}",
            answer.to_string().lines().next().unwrap_or_default()
        )),
    }
}

/// The words as they would be typed, with something in place of every gap. A gap for an account takes digits only; what
/// is left open with dots, or goes into a file, ends there.
fn filled_in(command: &str) -> Vec<String> {
    let ends = |word: &&str| !matches!(*word, "..." | ">" | "|");
    let words = command.split(' ').take_while(ends).map(|word| {
        let word = word.trim_matches('"');
        let is_account = ["ACCOUNT", "{account}", "<account>"].contains(&word);
        let word = if is_account { "111122223333" } else { word };
        word.replace(['{', '}', '<', '>'], "_")
    });
    words.collect()
}

fn is_a_name(words: &[String]) -> bool {
    let mut command = Cli::command();
    for word in &words[1..] {
        let Some(next) = command.find_subcommand(word) else {
            return false;
        };
        command = next.clone();
    }
    true
}
