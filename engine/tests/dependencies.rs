//! The engine is pure, and stays light: nothing in its dependencies does I/O or speaks to AWS.

use std::process::Command;

/// Crates that would bring a runtime, a network or AWS in; a name that ends in `-` stands for all that begin with it.
const BANNED: [&str; 11] = [
    "async-std",
    "aws-",
    "axum",
    "h2",
    "hyper",
    "mio",
    "reqwest",
    "rusqlite",
    "rustls",
    "smol",
    "tokio",
];

#[test]
fn the_engine_depends_on_no_runtime_no_network_and_no_aws() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args([
            "tree",
            "-p",
            "drs-engine",
            "-e",
            "normal",
            "--offline",
            "--prefix",
            "none",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo can be run");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(text.contains("drs-engine"), "{text}");
    let found: Vec<&str> = text
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| BANNED.iter().any(|banned| is_of(name, banned)))
        .collect();
    assert!(found.is_empty(), "the engine depends on {found:?}");
}

fn is_of(name: &str, banned: &str) -> bool {
    name == banned || name.starts_with(&format!("{}-", banned.trim_end_matches('-')))
}
