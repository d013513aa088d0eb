//! What stands against a start, asked without starting: the same as the start says, all of it, and nothing is written.

use super::guard::{boot_in, guarded};
use super::recovery::second_plan;
use super::*;
use crate::ids::SnapshotId;
use crate::plan::{DrillGuard, HookSpec};
use crate::resolve::Meanwhile;

fn asked(hub: &Hub, process: Process, begin: Begin, meanwhile: Meanwhile) -> Vec<BeginError> {
    let memory = process.executions.items.clone();
    let before = memory.all();
    let found = wait(
        hub,
        async move { process.objections(&begin, &meanwhile).await },
    );
    assert_eq!(memory.all(), before, "asking writes nothing");
    found
}

fn told(found: &[BeginError]) -> String {
    let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// The plan as it is stored.
fn spec(memory: &MemoryItems) -> PlanSpec {
    let plans = Plans::new(memory.clone());
    let stored = crate::testing::at_once(plans.find(&PlanId::new("p-1")));
    stored.unwrap().unwrap().spec
}

#[test]
fn a_start_that_nothing_is_against_has_no_objection() {
    let (hub, process) = guarded();
    let found = asked(&hub, process, begin("x-1", json!({})), Meanwhile::default());
    assert!(found.is_empty(), "{}", told(&found));
}

#[test]
fn everything_against_a_start_is_told_at_once_and_the_start_is_refused_for_the_first() {
    let (hub, process) = guarded();
    let memory = process.executions.items.clone();
    boot_in(&hub, &process, "web-2", "production");
    let mut changed = spec(&memory);
    changed.waves[0].before_hooks = Some(vec![HookSpec {
        name: "warn".to_owned(),
        lambda_function: Some("nobody".to_owned()),
        ..HookSpec::default()
    }]);
    let plans = Plans::new(memory);
    let id = PlanId::new("p-1");
    let written = plans.update(&id, changed, BTreeMap::new(), hub.both());
    crate::testing::at_once(written).unwrap();
    let point = SnapshotId::new("pit-00000000000000000");
    let points = RecoveryPoint::Named(BTreeMap::from([("db-1".to_owned(), point)]));
    let begin = Begin {
        points,
        ..begin("x-1", json!({}))
    };
    let wanted = begin.clone();
    let (process, refused) = wait(&hub, async move {
        let refused = process.begin_execution(&wanted).await.unwrap_err();
        (process, refused)
    });
    let found = asked(&hub, process, begin, Meanwhile::default());
    assert_eq!(found[0].to_string(), refused.to_string());
    insta::assert_snapshot!(told(&found));
}

#[test]
fn what_is_written_before_the_start_counts_as_written() {
    let (hub, process) = guarded();
    let memory = process.executions.items.clone();
    boot_in(&hub, &process, "web-2", "production");
    let planned = |value: &str| {
        let mut planned = spec(&memory);
        planned.drill_guard = Some(DrillGuard {
            subnet_tags: BTreeMap::from([("Purpose".to_owned(), value.to_owned())]),
        });
        planned
    };
    let unguarded = Meanwhile {
        plan: Some(PlanSpec {
            drill_guard: None,
            ..planned("drill")
        }),
        ..Meanwhile::default()
    };
    let found = asked(&hub, process, begin("x-1", json!({})), unguarded);
    assert!(found.is_empty(), "{}", told(&found));

    let empty = Groups::new(memory.clone());
    let empty = crate::testing::at_once(empty.find(&GroupId::new("g-1")));
    let mut empty = empty.unwrap().unwrap().config;
    empty.selection = Selection::Tags(BTreeMap::from([("Tier".to_owned(), "none".to_owned())]));
    let meanwhile = Meanwhile {
        plan: Some(planned("test")),
        groups: BTreeMap::from([(GroupId::new("g-1"), empty)]),
        ..Meanwhile::default()
    };
    let process = super::process(&hub, &memory, "o-2");
    let found = asked(&hub, process, begin("x-1", json!({})), meanwhile);
    assert!(
        matches!(&found[..], [BeginError::Resolve(_)]),
        "{}",
        told(&found)
    );
}

#[test]
fn executions_in_the_way_are_told_unless_they_will_have_ended() {
    let (hub, memory) = stage();
    second_plan(&memory);
    let first = super::process(&hub, &memory, "o-1");
    let running = begin("x-drill", json!({}));
    wait(&hub, async move {
        first.begin_execution(&running).await.unwrap()
    });
    let same = || begin("x-2", json!({}));
    let other = || Begin {
        plan: PlanId::new("p-2"),
        ..same()
    };
    let of = |begin: Begin, meanwhile: Meanwhile| {
        let process = super::process(&hub, &memory, "o-2");
        asked(&hub, process, begin, meanwhile)
    };
    let found = [
        of(same(), Meanwhile::default()),
        of(other(), Meanwhile::default()),
    ];
    insta::assert_snapshot!(found.map(|found| told(&found)).join("\n"));
    let recovery = Begin {
        mode: Mode::Recovery,
        ..other()
    };
    let found = of(recovery, Meanwhile::default());
    assert!(found.is_empty(), "{}", told(&found));
    let ended = || Meanwhile {
        ended: [ExecutionId::new("x-drill")].into(),
        ..Meanwhile::default()
    };
    for begin in [same(), other()] {
        let found = of(begin, ended());
        assert!(found.is_empty(), "{}", told(&found));
    }
}
