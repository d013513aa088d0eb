//! What the guides tell people to type can be typed: every `$ drsctl` line of their console blocks is parsed.

use std::path::Path;

use clap::Parser as _;

use super::Cli;

#[test]
fn every_command_of_the_guides_is_one() {
    let mut count = 0;
    let mut wrong = Vec::new();
    for (page, text) in pages() {
        for command in commands(&text) {
            count += 1;
            let mut words = words(&command);
            // Where a page has exported the directory of the history, its commands leave it out.
            if text.contains("$ export DRS_HISTORY=") && command.contains("--plan-file") {
                words.extend(["--history".to_owned(), "directory".to_owned()]);
            }
            if let Err(error) = Cli::try_parse_from(words) {
                wrong.push(format!("{page}: {command}\n{error}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 40, "only {count} commands were found");
}

#[test]
fn a_line_is_cut_as_a_shell_would() {
    let text = "```console\n\
        $ drsctl cancel e --reason \"it is # wrong\" | tee log # why\n\
        $ drsctl run \\\n    e\n\
        drsctl no\n\
        ```\n";
    let found: Vec<Vec<String>> = commands(text).iter().map(|it| words(it)).collect();
    assert_eq!(
        found[0],
        ["drsctl", "cancel", "e", "--reason", "it is # wrong"]
    );
    assert_eq!(found[1], ["drsctl", "run", "e"]);
    assert_eq!(found.len(), 2);
}

fn pages() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guides");
    let entries = std::fs::read_dir(&folder).expect("there are guides");
    entries
        .map(|entry| {
            let path = entry.expect("the folder can be read").path();
            let text = std::fs::read_to_string(&path).expect("a guide is text");
            (path.display().to_string(), text)
        })
        .collect()
}

/// The commands of the console blocks, those of several lines in one.
fn commands(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let (mut is_console, mut goes_on) = (false, false);
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with("```") {
            is_console = line == "```console";
            goes_on = false;
            continue;
        }
        let begins = is_console && line.starts_with("$ drsctl");
        if !begins && !goes_on {
            continue;
        }
        let part = line.trim_start_matches("$ ").trim_end_matches('\\');
        if goes_on {
            let last = found.last_mut().expect("a command that goes on has begun");
            last.push_str(part);
        } else {
            found.push(part.to_owned());
        }
        goes_on = line.ends_with('\\');
    }
    found
}

/// The words of a command, up to a pipe, a redirection or a comment.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    for letter in command.chars().chain([' ']) {
        match (quote, letter) {
            (Some(open), _) if open == letter => quote = None,
            (None, '"' | '\'') => quote = Some(letter),
            (None, '|' | '>' | '#') if word.is_empty() => break,
            (None, ' ') => {
                words.extend(Some(std::mem::take(&mut word)).filter(|it| !it.is_empty()))
            }
            _ => word.push(letter),
        }
    }
    words
}

/// The table of who may run what has every command.
#[test]
fn every_command_has_its_rights() {
    use clap::CommandFactory as _;
    let listed: Vec<&str> = drs_engine::iam::COMMANDS
        .iter()
        .map(|command| command.name)
        .collect();
    let known = |name: &str| {
        listed
            .iter()
            .any(|listed| *listed == name || listed.starts_with(&format!("{name} ")))
    };
    let mut missing = Vec::new();
    for command in Cli::command().get_subcommands() {
        let name = format!("drsctl {}", command.get_name());
        if listed.contains(&name.as_str()) {
            continue;
        }
        let below = command
            .get_subcommands()
            .map(|below| format!("{name} {}", below.get_name()));
        let below: Vec<String> = below.collect();
        let names = if below.is_empty() { vec![name] } else { below };
        missing.extend(names.into_iter().filter(|name| !known(name)));
    }
    assert_eq!(missing, [""; 0]);
}
