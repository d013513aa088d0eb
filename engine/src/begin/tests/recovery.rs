//! A recovery: it takes servers from drills, is confirmed for one run, and may be for a part of a plan.

use super::*;
use crate::decide::{Command, decide};
use crate::only::Only;
use crate::state::{Status, Stop};

fn recovery(id: &str) -> Begin {
    Begin {
        mode: Mode::Recovery,
        origin: "drsctl".to_owned(),
        ..begin(id, json!({}))
    }
}

fn started(hub: &Hub, process: Process, wanted: Begin) -> (Process, Result<State, BeginError>) {
    wait(hub, async move {
        let result = process.begin_execution(&wanted).await;
        (process, result)
    })
}

/// A second plan over the same group.
pub(super) fn second_plan(memory: &MemoryItems) {
    let now = Now {
        world: began_at(),
        wall: began_at(),
    };
    let spec = PlanSpec {
        name: "shop, all at once".to_owned(),
        waves: vec![WaveSpec {
            name: "all".to_owned(),
            protection_group_ids: vec![GroupId::new("g-1")],
            ..WaveSpec::default()
        }],
        ..PlanSpec::default()
    };
    let plans = Plans::new(memory.clone());
    let made = plans.create(PlanId::new("p-2"), spec, BTreeMap::new(), now);
    crate::testing::at_once(made).unwrap();
}

#[test]
fn a_recovery_takes_the_plan_and_the_servers_of_a_drill_that_runs() {
    let (hub, memory) = stage();
    let drill = process(&hub, &memory, "o-1");
    let (drill, state) = started(&hub, drill, begin("x-drill", json!({})));
    state.unwrap();
    let rescuer = process(&hub, &memory, "o-2");
    let (rescuer, state) = started(&hub, rescuer, recovery("x-recovery"));
    let state = state.unwrap();
    assert_eq!(state.started.preempted, [ExecutionId::new("x-drill")]);
    let state = crate::testing::at_once(drill.load(&ExecutionId::new("x-drill"))).unwrap();
    assert_eq!(state.status, Status::Cancelling);
    assert!(matches!(
        &state.stop,
        Some(Stop::Preempted { by, .. }) if by.as_str() == "x-recovery"
    ));
    let now = hub.both();
    let decided = decide(
        &state,
        &crate::decide::View::default(),
        now,
        &Settings::default(),
    );
    assert!(
        matches!(decided.command, Some(Command::Record(_))),
        "the drill only ends: {decided:?}"
    );
    // Neither a drill nor another recovery takes anything from a recovery.
    let (_, refused) = started(&hub, drill, begin("x-late", json!({})));
    let refused = refused.unwrap_err();
    assert!(
        matches!(&refused, BeginError::Start(StartError::Running(id)) if id.as_str() == "x-recovery"),
        "{refused}"
    );
    let (_, refused) = started(&hub, rescuer, recovery("x-again"));
    assert!(matches!(
        refused,
        Err(BeginError::Start(StartError::Running(_)))
    ));
}

#[test]
fn a_recovery_takes_servers_that_a_drill_of_another_plan_leases() {
    let (hub, memory) = stage();
    second_plan(&memory);
    let drill = process(&hub, &memory, "o-1");
    let (_, state) = started(&hub, drill, begin("x-drill", json!({})));
    state.unwrap();
    let other = Begin {
        plan: PlanId::new("p-2"),
        ..begin("x-other", json!({}))
    };
    let (_, refused) = started(&hub, process(&hub, &memory, "o-2"), other);
    assert!(
        matches!(refused, Err(BeginError::Start(StartError::Leased(_)))),
        "a drill never pre-empts"
    );
    let other = Begin {
        plan: PlanId::new("p-2"),
        ..recovery("x-recovery")
    };
    let (_, state) = started(&hub, process(&hub, &memory, "o-3"), other);
    let state = state.unwrap();
    assert_eq!(state.started.preempted, [ExecutionId::new("x-drill")]);
}

#[test]
fn a_call_of_the_drill_that_may_still_arrive_is_waited_for() {
    let (hub, memory) = stage();
    let drill = process(&hub, &memory, "o-1");
    let (drill, state) = started(&hub, drill, begin("x-drill", json!({})));
    let state = state.unwrap();
    let id = ExecutionId::new("x-drill");
    let servers: Vec<ServerId> = state.servers.keys().cloned().collect();
    let signed_at = hub.now();
    let intent = crate::event::Intent {
        launch: crate::event::LaunchId(1),
        wave: 0,
        attempt: 1,
        target: crate::testing::target(),
        servers,
        signed_at,
        tagged: true,
    };
    for event in [
        Event::WaveReady { wave: 0 },
        Event::WaveStarted { wave: 0 },
        Event::LaunchIntended(Box::new(intent)),
    ] {
        let by = Author::Owner(OwnerId::new("o-1"));
        crate::testing::at_once(drill.request(&id, by, event, &Unwatched)).unwrap();
    }
    let (_, state) = started(&hub, process(&hub, &memory, "o-2"), recovery("x-recovery"));
    let state = state.unwrap();
    let fence = after(signed_at, limits::launch_fence(limits::SIGNATURE_AGE));
    assert!(state.started_at.wall >= fence, "{:?}", state.started_at);
}

#[test]
fn a_confirmation_is_good_for_one_run() {
    let (hub, memory) = stage();
    let confirmed = |id: &str, run| Begin {
        run: Some(run),
        ..recovery(id)
    };
    let (process, refused) = started(&hub, process(&hub, &memory, "o-1"), confirmed("x-1", 2));
    assert_eq!(
        refused.unwrap_err().to_string(),
        "run 2 was asked for, but the next run of the plan is 1: it was run meanwhile"
    );
    let (_, state) = started(&hub, process, confirmed("x-2", 1));
    assert_eq!(state.unwrap().started.mode, Mode::Recovery);
}

#[test]
fn a_part_of_a_plan_is_run_and_recorded() {
    let (hub, memory) = stage();
    let asked = |id: &str, only: Only| Begin {
        only,
        ..begin(id, json!({}))
    };
    let without = |names: &[&str]| Only {
        without: names.iter().map(|name| (*name).to_owned()).collect(),
        ..Only::default()
    };
    let mut first = process(&hub, &memory, "o-1");
    let unknown = Only {
        waves: vec!["wbe".to_owned()],
        groups: vec!["data".to_owned()],
        without: Vec::new(),
    };
    for (only, expected) in [
        (
            unknown,
            "the plan has no wave \"wbe\"; its waves are \"web\"\n\
             the plan has no protection group \"data\"; its groups are \"web\"",
        ),
        (
            without(&["host-9"]),
            "no server that takes part has the id or the host name \"host-9\"",
        ),
        (
            without(&["web-1", "web-2"]),
            "no server would be left: name other waves or groups, or leave out fewer servers",
        ),
    ] {
        let (process, refused) = started(&hub, first, asked("x-0", only));
        first = process;
        assert_eq!(refused.unwrap_err().to_string(), expected);
    }
    let only = Only {
        groups: vec!["WEB".to_owned()],
        ..without(&["web-1"])
    };
    let (_, state) = started(&hub, first, asked("x-1", only.clone()));
    let state = state.unwrap();
    assert_eq!(state.started.only, only);
    let names: Vec<&str> = state
        .servers
        .values()
        .map(|server| server.hostname.as_str())
        .collect();
    assert_eq!(names, ["web-2"]);
}

#[test]
fn a_recovery_may_go_on_without_a_guard_that_cannot_be_read_and_says_so() {
    use crate::sim::hub::Faults;

    for (mode, forced, starts) in [
        (Mode::Recovery, false, false),
        (Mode::Drill, true, false),
        (Mode::Recovery, true, true),
    ] {
        let (hub, memory) = stage();
        let wanted = Begin {
            mode,
            force_unknown: forced.then_some(Guard::LiveInstances).into_iter().collect(),
            ..begin("x-1", json!({}))
        };
        let driver = process(&hub, &memory, "o-1");
        let frozen = wait(&hub, {
            let memory = memory.clone();
            let drs = driver.drs.clone();
            async move {
                resolve(&drs, &memory, &PlanId::new("p-1"), &Only::default())
                    .await
                    .unwrap()
                    .frozen
            }
        });
        hub.set_faults(Faults {
            expired: 1_000,
            ..Faults::default()
        });
        let result = wait(&hub, async move {
            driver.refuse_live_instances(&wanted, &frozen).await
        });
        match result {
            Ok(unread) => {
                assert!(starts);
                assert_eq!(unread[0].guard, Guard::LiveInstances);
            }
            Err(error) => assert!(matches!(error, BeginError::GuardUnreadable(_)) && !starts),
        }
    }
}
