//! The roles of operators where state machines drive, proved in the simulator: what they do works with exactly their
//! policies, each action on Step Functions is missed by something, and who may start drills may start no recovery.

use std::sync::Arc;

use drs_engine::event::{Author, Event};
use drs_engine::iam::{self, Names, Policy, Principal};
use drs_engine::store::machine::Token;
use drs_engine_aws::machines::Hosting;
use serde_json::json;
use tokio::task::JoinSet;

use super::scenario::copy_all;
use super::{HUB, hub_names};
use crate::*;

/// What is run; every one is something that an operator with state machines does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    /// A drill is given to the machine of drills, and followed until its run, which fails at once, is seen to have ended.
    Drill,
    /// A recovery is given to the machine of recoveries.
    Recovery,
    /// A machine that waits in a pause is woken.
    Resume,
}

const MISSED: &[(&str, Use)] = &[
    ("states:DescribeExecution", Use::Drill),
    ("states:DescribeStateMachine", Use::Drill),
    ("states:SendTaskSuccess", Use::Resume),
    ("states:StartExecution", Use::Drill),
];

fn machine(name: &str) -> String {
    format!("arn:aws:states:us-east-1:{HUB}:stateMachine:{name}")
}

fn policy(principal: Principal) -> Policy {
    let names = Names {
        drill_machine: Some(machine("drills")),
        recovery_machine: Some(machine("recoveries")),
        ..hub_names()
    };
    iam::policy(principal, &names).expect("a policy")
}

/// A store with a plan, and state machines whose runs fail at once.
async fn prepared() -> (Folder, World) {
    let folder = Folder::new();
    let servers = ["db-1", "web-1"].map(|name| json!({ "hostname": name }));
    let failing =
        |name: &str| json!({"name": name, "script": [{"outcome": "fail", "delay_seconds": 0}]});
    let region = json!({
        "name": "us-east-1", "servers": servers, "state_machines": [failing("drills"), failing("recoveries")],
    });
    let fleet = folder.0.join("fleet.yaml");
    // JSON is YAML.
    let text = json!({"accounts": [{"id": HUB, "regions": [region]}]}).to_string();
    std::fs::write(&fleet, text).expect("written");
    let world = World::of(Options {
        fleet: Some(fleet),
        ..Options::at(folder.store())
    })
    .await;
    (folder, world)
}

/// The same with a drill in a pause, whose machine waits for its token.
async fn paused() -> Folder {
    let (folder, world) = prepared().await;
    let id = ExecutionId::new("exec-paused");
    let hosting = Hosting::new(&machine("drills"), &id);
    let (first, _) = world.begin(id.as_str()).await;
    let driver = hosting.name(world.session.driver(String::new()));
    driver.take_over(&id, &Unwatched).await.expect("taken");
    let (by, reason) = (Author::Operator("arn".to_owned()), "wait".to_owned());
    let pause = Event::PauseRequested {
        before: None,
        reason,
    };
    let asked = first.request(&id, by, pause, &Unwatched).await;
    asked.expect("asked");
    let token = Token {
        owner: hosting.owner(),
        state_machine: machine("drills"),
        token: "drills/1".to_owned(),
    };
    driver
        .executions
        .keep_token(&id, &token)
        .await
        .expect("kept");
    world.simulator.stop().await;
    folder
}

/// Runs something on a copy of the store with a policy. Whether it works, and everything that it printed.
async fn tried(prepared: &Folder, what: Use, policy: &Policy) -> (bool, String) {
    let copy = Folder::new();
    copy_all(&prepared.store(), &copy.store());
    let iam = copy.0.join("iam.yaml");
    let user = format!("arn:aws:iam::{HUB}:user/simulator");
    let listed = json!({"principals": [{"arn": user, "policies": [policy.json()]}]});
    std::fs::write(&iam, listed.to_string()).expect("written");
    let simulator = Simulator::start(Options {
        iam: Some(iam),
        ..Options::at(copy.store())
    });
    let simulator = simulator.await.expect("a simulator");
    let mut confirm = String::new();
    if what == Use::Recovery {
        let dry = ran(&simulator, &["failover", "shop", "--dry-run"]).await.1;
        let after = dry
            .split("--confirm \"")
            .nth(1)
            .unwrap_or_else(|| panic!("{dry}"));
        confirm = after.split('"').next().unwrap_or_default().to_owned();
    }
    let (drills, recoveries) = (machine("drills"), machine("recoveries"));
    let hosted = |arn| {
        [
            "--reason",
            "r",
            "--runner",
            "step-functions",
            "--state-machine",
            arn,
        ]
    };
    let arguments = match what {
        Use::Drill => [&["start", "shop"][..], &hosted(&drills)].concat(),
        Use::Recovery => [
            &["failover", "shop", "--confirm", &confirm][..],
            &hosted(&recoveries),
        ]
        .concat(),
        Use::Resume => vec!["cancel", "exec-paused", "--reason", "r"],
    };
    let (code, told) = ran(&simulator, &arguments).await;
    simulator.stop().await;
    let works = match what {
        Use::Drill | Use::Recovery => told.contains("is FAILED"),
        Use::Resume => code == Some(0) && !told.contains("not woken"),
    };
    (works, told)
}

async fn ran(simulator: &Simulator, arguments: &[&str]) -> (Option<i32>, String) {
    let credentials = simulator.credentials();
    let mut command = drsctl(arguments);
    command
        .env("AWS_ENDPOINT_URL", simulator.endpoint())
        .env("AWS_REGION", simulator.default_region())
        .env("AWS_ACCESS_KEY_ID", credentials.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key);
    let ended = ended(command).await;
    let all = format!("{} {}", text(&ended.stdout), text(&ended.stderr));
    let words: Vec<&str> = all.split_whitespace().collect();
    (ended.status.code(), words.join(" "))
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_with_state_machines_can_do_what_is_theirs_and_no_more() {
    let (idle, world) = prepared().await;
    world.simulator.stop().await;
    let (idle, paused) = (Arc::new(idle), Arc::new(paused().await));
    let both = policy(Principal::RecoveryManager);
    let drills = policy(Principal::Operator);
    let mut trials: Vec<(Use, Policy, Option<&str>)> = vec![
        (Use::Drill, both.clone(), None),
        (Use::Recovery, both.clone(), None),
        (Use::Resume, both.clone(), None),
        (Use::Drill, drills.clone(), None),
        (Use::Resume, drills.clone(), None),
        // Who may start drills looks at the machine of recoveries in vain.
        (Use::Recovery, drills, Some("states:DescribeStateMachine")),
    ];
    for (action, missed_by) in MISSED {
        trials.push((*missed_by, both.without(action), Some(action)));
    }
    let listed: Vec<&str> = MISSED.iter().map(|(action, _)| *action).collect();
    let allowed: Vec<&str> = both
        .actions()
        .into_iter()
        .filter(|action| action.starts_with("states:"))
        .collect();
    assert_eq!(allowed, listed, "something is said to miss every action");
    let mut running = JoinSet::new();
    for (what, policy, missing) in trials {
        let prepared = Arc::clone(if what == Use::Resume { &paused } else { &idle });
        running.spawn(async move {
            let (works, told) = tried(&prepared, what, &policy).await;
            let is_right = missing.map_or(works, |action| !works && told.contains(action));
            (!is_right).then(|| format!("{what:?} without {missing:?}: {told}"))
        });
    }
    let wrong: Vec<String> = running.join_all().await.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
