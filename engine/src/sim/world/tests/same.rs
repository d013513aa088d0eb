//! The same beginning and the same changes give the same world, to the byte.

use super::*;
use crate::sim::fleet::{FaultPhase, LaunchFault};

/// A change and its time.
#[derive(Clone)]
enum Change {
    Call(&'static str, Value),
    Admin(AdminCommand),
}

/// A run with launches, failures, relaunches and terminations. Reads happen only when `looks` says so.
fn run(seed: u64, looks: bool) -> (Bench, Vec<(Timestamp, Change)>) {
    let mut bench = Bench::of(&Fleet::built_in());
    bench.world = World::new(&Fleet::built_in(), seed, bench.now);
    let mut changes = Vec::new();
    let ids = bench.ids(&["db-1", "db-2", "app-1", "files-1", "print-1"]);
    let place = Place {
        account_id: None,
        region: REGION.to_owned(),
    };
    let script = AdminCommand::ScriptLaunches {
        place: place.clone(),
        server: "app-1".to_owned(),
        faults: vec![LaunchFault {
            phase: FaultPhase::Conversion,
            raw_error: None,
        }],
    };
    let mut make = |bench: &mut Bench, change: Change| {
        changes.push((bench.now, change.clone()));
        let answer = match change {
            Change::Call(operation, input) => {
                bench.try_call(operation, input).unwrap_or(Value::Null)
            }
            Change::Admin(command) => bench.admin(command),
        };
        for _ in 0..10 {
            bench.wait(71.3);
            if looks {
                for operation in [
                    "DescribeSourceServers",
                    "DescribeJobs",
                    "DescribeRecoveryInstances",
                    "ec2:DescribeInstances",
                ] {
                    bench.call(operation, json!({}));
                }
            }
        }
        answer
    };
    make(&mut bench, Change::Admin(script));
    make(&mut bench, Change::Call("StartRecovery", drill(&ids[..3])));
    make(&mut bench, Change::Call("StartRecovery", drill(&ids[..3])));
    make(&mut bench, Change::Call("StartRecovery", drill(&ids[3..])));
    bench.wait(HOUR);
    make(&mut bench, Change::Call("StartRecovery", drill(&ids)));
    bench.wait(HOUR);
    let instance = bench.server(&ids[0])["recoveryInstanceId"].clone();
    make(
        &mut bench,
        Change::Call(
            "TerminateRecoveryInstances",
            json!({"recoveryInstanceIDs": [instance]}),
        ),
    );
    (bench, changes)
}

fn bytes(world: &World) -> String {
    serde_json::to_string(world).unwrap()
}

#[test]
fn the_same_seed_and_the_same_calls_give_the_same_bytes() {
    assert_eq!(bytes(&run(1, true).0.world), bytes(&run(1, true).0.world));
    assert_ne!(bytes(&run(1, true).0.world), bytes(&run(2, true).0.world));
}

#[test]
fn looking_changes_nothing() {
    assert_eq!(bytes(&run(1, true).0.world), bytes(&run(1, false).0.world));
}

#[test]
fn a_replay_from_a_stored_world_equals_the_live_one() {
    let (live, changes) = run(3, true);
    let began = Bench::of(&Fleet::built_in());
    let mut replayed = World::new(&Fleet::built_in(), 3, began.now);
    for (at, change) in changes {
        // Stored and loaded before every change, as by processes that live for one call each.
        replayed = serde_json::from_str(&bytes(&replayed)).unwrap();
        match change {
            Change::Call(operation, input) => {
                drop(replayed.call(at, &began.caller, REGION, operation, &input))
            }
            Change::Admin(command) => drop(replayed.admin(at, command)),
        }
    }
    assert_eq!(bytes(&live.world), bytes(&replayed));
}

#[test]
fn time_does_not_go_back_behind_a_change() {
    let mut bench = Bench::healthy(1);
    let ids = bench.ids(&["host-0001"]);
    let began = bench.now;
    bench.wait(HOUR);
    let job = bench.launch(&ids);
    bench.now = began;
    assert_eq!(bench.job(&job)["status"], "PENDING");
    assert_eq!(
        bench.job(&job)["creationDateTime"],
        "2026-11-24T09:00:00.000000+00:00"
    );
}
