//! The tables of the guide on permissions, made of the policies and of what misses their actions.

use std::fmt::Write as _;

use drs_engine::iam::{self, COMMANDS, Names, Principal, dependents};

use super::{HUB, KEPT, MISSED, TAGS, hub_names, runner};
use crate::*;

/// The part of an ARN that says something to a reader.
fn short(resource: &str) -> String {
    let last = resource.splitn(6, ':').last().unwrap_or(resource);
    let own = last.replace(&format!("-{ENVIRONMENT}"), "-ENVIRONMENT");
    format!("`{own}`")
}

fn actions_table() -> String {
    let whole = runner();
    let mut table = "| action | on | without it, this does not work |\n|---|---|---|\n".to_owned();
    for (action, scenario) in MISSED {
        let on: Vec<String> = whole.resources_of(action).into_iter().map(short).collect();
        let told = if *action == TAGS {
            "a launch with tags; it is tried again without them, and is harder to find after a crash"
        } else {
            scenario.told()
        };
        let _ = writeln!(table, "| `{action}` | {} | {told} |", on.join(", "));
    }
    for (action, why) in KEPT {
        let on: Vec<String> = whole.resources_of(action).into_iter().map(short).collect();
        let _ = writeln!(table, "| `{action}` | {} | {why} |", on.join(", "));
    }
    let listed = |action: &&str| !MISSED.iter().any(|(listed, _)| listed == action);
    let launched: Vec<String> = dependents("StartRecovery")
        .iter()
        .map(|dependent| dependent.action)
        .filter(listed)
        .map(|action| format!("`{action}`"))
        .collect();
    let _ = writeln!(
        table,
        "| {} | as the policy says | every launch |",
        launched.join(", ")
    );
    table
}

fn principals_table() -> String {
    let machine = |name: &str| {
        Some(format!(
            "arn:aws:states:us-east-1:{HUB}:stateMachine:{name}"
        ))
    };
    let names = Names {
        runner_function: Some(format!("arn:aws:lambda:us-east-1:{HUB}:function:runner")),
        sweeper_function: Some(format!("arn:aws:lambda:us-east-1:{HUB}:function:sweeper")),
        ..hub_names()
    };
    let hosted = Names {
        drill_machine: machine("drills"),
        recovery_machine: machine("recoveries"),
        ..names.clone()
    };
    let mut table = "| principal | who it is | statements |\n|---|---|---|\n".to_owned();
    for principal in Principal::ALL {
        let of = |names: &Names| {
            let policy = iam::policy(principal, names).expect("a policy");
            let sids: Vec<String> = policy
                .statements
                .iter()
                .map(|one| format!("`{}`", one.sid))
                .collect();
            sids.join(", ")
        };
        let (alone, with) = (of(&names), of(&hosted));
        let statements = match (alone == with, principal) {
            (false, Principal::Operator | Principal::RecoveryManager) => {
                format!("with state machines {with}; without, {alone}")
            }
            _ => with,
        };
        let _ = writeln!(
            table,
            "| `{principal}` | {} | {statements} |",
            principal.describe()
        );
    }
    table
}

fn commands_table() -> String {
    let roles = Principal::ROLES;
    let heads: Vec<String> = roles.iter().map(|role| format!("`{role}`")).collect();
    let mut table = format!(
        "| command | {} |\n|---|{}\n",
        heads.join(" | "),
        "---|".repeat(roles.len())
    );
    for command in COMMANDS {
        let may = roles.map(|role| if role.may(command.rights) { "yes" } else { "" });
        let _ = writeln!(
            table,
            "| `{}` | {} |",
            command.name.replace(", ", "`, `"),
            may.join(" | ")
        );
    }
    table
}

/// `UPDATE_GUIDES=1` writes them.
#[test]
fn the_guide_has_the_tables_of_the_policies() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guides/permissions.md");
    let before = std::fs::read_to_string(&path).expect("the guide");
    let mut guide = before.clone();
    for (name, table) in [
        ("principals", principals_table()),
        ("commands", commands_table()),
        ("actions", actions_table()),
    ] {
        let (begin, end) = (
            format!("<!-- {name}: begin -->\n"),
            format!("<!-- {name}: end -->"),
        );
        let from = guide
            .find(&begin)
            .unwrap_or_else(|| panic!("{begin} is missing"))
            + begin.len();
        let to = guide
            .find(&end)
            .unwrap_or_else(|| panic!("{end} is missing"));
        guide.replace_range(from..to, &table);
    }
    if std::env::var_os("UPDATE_GUIDES").is_some() {
        std::fs::write(&path, &guide).expect("written");
    } else {
        assert!(
            guide == before,
            "docs/guides/permissions.md differs; UPDATE_GUIDES=1 writes its tables"
        );
    }
}
