//! What a preflight says: of a plan that is ready, of one that is not, and of what is in its way.

use serde_json::json;

use crate::begin::tests::{Process, begin, process, stage, wait};
use crate::event::Mode;
use crate::ids::{GroupId, PlanId};
use crate::only::Only;
use crate::sim::hub::Hub;
use crate::store::groups::Groups;
use crate::store::memory::MemoryItems;

use super::{Level, Preflight};

fn look(hub: &Hub, memory: &MemoryItems, mode: Mode, only: Only) -> Preflight {
    let process: Process = process(hub, memory, "o-9");
    wait(hub, async move {
        process.preflight(&PlanId::new("p-1"), mode, &only).await
    })
}

fn told(found: &Preflight) -> String {
    let lines: Vec<String> = found
        .findings
        .iter()
        .map(|finding| format!("{:?} {}: {}", finding.level, finding.check, finding.text))
        .collect();
    lines.join("\n")
}

#[test]
fn a_plan_that_is_ready_says_so_and_what_it_would_launch() {
    let (hub, memory) = stage();
    let found = look(&hub, &memory, Mode::Drill, Only::default());
    assert_eq!(found.level(), Level::Ready, "{}", told(&found));
    insta::assert_snapshot!("ready", told(&found));
    assert_eq!((found.next_run, found.jobs.len()), (Some(1), 1));
    let names: Vec<&str> = found.jobs[0]
        .servers
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["web-1", "web-2"]);
    assert!(
        memory.all().iter().all(|item| item.key.sort.is_none()),
        "a preflight writes nothing"
    );
}

#[test]
fn a_drill_in_the_way_stops_a_drill_and_only_warns_a_recovery() {
    let (hub, memory) = stage();
    let first = process(&hub, &memory, "o-1");
    wait(&hub, async move {
        first
            .begin_execution(&begin("x-1", json!({})))
            .await
            .unwrap()
    });
    let drill = look(&hub, &memory, Mode::Drill, Only::default());
    assert_eq!(drill.level(), Level::Problem);
    let recovery = look(&hub, &memory, Mode::Recovery, Only::default());
    assert_eq!(recovery.level(), Level::Warning);
    insta::assert_snapshot!(
        "in_the_way",
        format!("{}\n\n{}", told(&drill), told(&recovery))
    );
}

#[test]
fn everything_that_is_wrong_is_said() {
    let (hub, memory) = stage();
    let only = Only {
        waves: vec!["db".to_owned()],
        ..Only::default()
    };
    let found = look(&hub, &memory, Mode::Drill, only);
    let one = told(&found);
    let (groups, id) = (Groups::new(memory.clone()), GroupId::new("g-1"));
    crate::testing::at_once(groups.delete(&id)).unwrap();
    let found = look(&hub, &memory, Mode::Drill, Only::default());
    assert_eq!(found.level(), Level::Problem);
    insta::assert_snapshot!("everything_wrong", format!("{one}\n{}", told(&found)));
}
