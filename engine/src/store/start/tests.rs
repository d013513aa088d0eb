//! Starting executions: races for servers and plans, crashes at every gate, changes meanwhile.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use jiff::SignedDuration;

use super::*;
use crate::ids::ServerId;
use crate::plan::{PlanSpec, WaveSpec};
use crate::sim::hub::{Faults, Hub, TaskId};
use crate::sim::items::SimItems;
use crate::sim::scheduler::{Scheduler, Stopped};
use crate::store::group::{GroupConfig, Selection};
use crate::store::groups::{GroupError, Groups};
use crate::store::memory::MemoryItems;
use crate::store::plans::{PlanStoreError, Plans};
use crate::testing::{at_once, beginning, start, target};

fn now() -> Now {
    Now {
        world: start(),
        wall: start(),
    }
}

fn later(seconds: i64) -> Now {
    let wall = after(start(), SignedDuration::from_secs(seconds));
    Now { world: wall, wall }
}

fn config(name: &str) -> GroupConfig {
    GroupConfig {
        name: name.to_owned(),
        description: None,
        target: target(),
        selection: Selection::Tags(BTreeMap::from([("Tier".to_owned(), name.to_owned())])),
        tags: BTreeMap::new(),
    }
}

fn spec(name: &str) -> PlanSpec {
    PlanSpec {
        name: name.to_owned(),
        waves: vec![WaveSpec {
            name: "all".to_owned(),
            protection_group_ids: vec![GroupId::new(name)],
            ..WaveSpec::default()
        }],
        ..PlanSpec::default()
    }
}

/// A plan and its group.
fn prepare(memory: &MemoryItems, name: &str) {
    let groups = Groups::new(memory.clone());
    at_once(groups.create(GroupId::new(name), config(name), now())).unwrap();
    let plans = Plans::new(memory.clone());
    let made = plans.create(PlanId::new(name), spec(name), BTreeMap::new(), now());
    at_once(made).unwrap();
}

/// A start of a plan over so many servers, resolved now.
fn request(memory: &MemoryItems, plan: &str, execution: &str, servers: usize) -> StartRequest {
    let names: Vec<String> = (0..servers)
        .map(|number| format!("s-{number:04}"))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (mut started, frozen) = beginning(&[("all", &names)]);
    started.execution_id = ExecutionId::new(execution);
    started.plan_id = PlanId::new(plan);
    let plans = Plans::new(memory.clone());
    let groups = Groups::new(memory.clone());
    StartRequest {
        started,
        frozen,
        owner: OwnerId::new(format!("owner-of-{execution}")),
        host: "alpha".to_owned(),
        initiated_by: "arn".to_owned(),
        inputs_digest: "d".to_owned(),
        hub: target(),
        plan: at_once(plans.find(&PlanId::new(plan))).unwrap().unwrap(),
        groups: vec![at_once(groups.find(&GroupId::new(plan))).unwrap().unwrap()],
        run: None,
    }
}

fn begin(memory: &MemoryItems, request: &StartRequest, now: Now) -> Result<(), StartError> {
    at_once(Executions::new(memory.clone()).start(request, now)).map(|_| ())
}

fn end(memory: &MemoryItems, execution: &str) {
    let key = keys::summary(&ExecutionId::new(execution));
    let mut summary = Summary::decode(&memory.item_now(&key).unwrap()).unwrap();
    summary.is_terminal = true;
    summary.status = "COMPLETED".to_owned();
    let put = Write::Put {
        item: summary.encode(),
        condition: Condition::Always,
    };
    memory.write_now(&[put]).unwrap();
}

#[test]
fn one_execution_of_a_plan_runs_and_its_plan_and_groups_stay_as_they_are() {
    for servers in [3, 300] {
        let memory = MemoryItems::default();
        prepare(&memory, "a");
        let first = request(&memory, "a", "x-1", servers);
        begin(&memory, &first, now()).unwrap();
        let second = request(&memory, "a", "x-2", servers);
        assert_eq!(
            begin(&memory, &second, now()),
            Err(StartError::Running(ExecutionId::new("x-1")))
        );
        let plans = Plans::new(memory.clone());
        let groups = Groups::new(memory.clone());
        let by = ExecutionId::new("x-1");
        let in_use = at_once(plans.delete(&PlanId::new("a")));
        let wanted = PlanStoreError::InUse {
            name: "a".to_owned(),
            by: by.clone(),
        };
        assert_eq!(in_use, Err(wanted));
        let other = GroupConfig {
            name: "a".to_owned(),
            ..config("other")
        };
        let in_use = at_once(groups.update(&GroupId::new("a"), other, now()));
        let name = "a".to_owned();
        assert_eq!(in_use.map(|_| ()), Err(GroupError::InUse { name, by }));
        let renamed = GroupConfig {
            name: "b".to_owned(),
            ..config("a")
        };
        at_once(groups.update(&GroupId::new("a"), renamed, now())).unwrap();
        end(&memory, "x-1");
        begin(&memory, &request(&memory, "a", "x-2", servers), now()).unwrap();
        assert_eq!(
            at_once(plans.find(&PlanId::new("a")))
                .unwrap()
                .unwrap()
                .runs,
            2
        );
    }
}

#[test]
fn a_server_takes_part_in_one_execution_at_a_time() {
    for servers in [3, 300] {
        let memory = MemoryItems::default();
        prepare(&memory, "a");
        prepare(&memory, "b");
        begin(&memory, &request(&memory, "a", "x-1", servers), now()).unwrap();
        let refused = begin(&memory, &request(&memory, "b", "x-2", servers), now());
        let Err(StartError::Leased(held)) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(held.by[0].1, "x-1");
        end(&memory, "x-1");
        begin(&memory, &request(&memory, "b", "x-2", servers), now()).unwrap();
    }
}

#[test]
fn a_plan_or_group_that_was_changed_after_it_was_resolved_is_not_started() {
    let memory = MemoryItems::default();
    prepare(&memory, "a");
    let stale = request(&memory, "a", "x-1", 3);
    let groups = Groups::new(memory.clone());
    let other = GroupConfig {
        name: "a".to_owned(),
        ..config("other")
    };
    at_once(groups.update(&GroupId::new("a"), other, now())).unwrap();
    assert_eq!(begin(&memory, &stale, now()), Err(StartError::Changed));
    let stale = request(&memory, "a", "x-1", 3);
    at_once(groups.delete(&GroupId::new("a"))).unwrap();
    let missing = StartError::GroupMissing(GroupId::new("a"));
    assert_eq!(begin(&memory, &stale, now()), Err(missing));
    let plans = Plans::new(memory.clone());
    at_once(plans.delete(&PlanId::new("a"))).unwrap();
    let missing = StartError::PlanMissing(PlanId::new("a"));
    assert_eq!(begin(&memory, &stale, now()), Err(missing));
    let left: Vec<_> = memory
        .all()
        .into_iter()
        .filter(|item| item.key.table == super::super::items::Table::ExecutionHistory)
        .collect();
    assert_eq!(left, [], "nothing is left of a start that was refused");
}

type Begun = Arc<Mutex<Option<Result<(), StartError>>>>;

fn begin_later(
    scheduler: &mut Scheduler,
    hub: &Hub,
    memory: &MemoryItems,
    request: StartRequest,
) -> (TaskId, Begun) {
    let begun = Begun::default();
    let executions = Executions::new(SimItems {
        hub: hub.clone(),
        memory: memory.clone(),
    });
    let (result, now) = (Arc::clone(&begun), hub.both());
    let task = scheduler.spawn(Box::pin(async move {
        let outcome = executions.start(&request, now).await.map(|_| ());
        *result.lock().unwrap() = Some(outcome);
    }));
    (task, begun)
}

/// Executions that exist, with how many of their servers' leases they hold.
fn live(memory: &MemoryItems, executions: &[(&str, usize)]) -> Vec<String> {
    let mut found = Vec::new();
    for (name, servers) in executions {
        let id = ExecutionId::new(*name);
        if !at_once(is_live(memory, &id)).unwrap() {
            continue;
        }
        let leases = (0..*servers).filter(|number| {
            let server = ServerId::new(format!("s-{number:04}"));
            let item = memory.item_now(&keys::lease(&target(), &server));
            item.is_some_and(|item| Claim::decode(&item).unwrap().owner == *name)
        });
        assert_eq!(leases.count(), *servers, "{name} lacks leases");
        let loaded = at_once(Executions::new(memory.clone()).load(&id)).unwrap();
        crate::state::State::replay(Arc::new(loaded.frozen), &loaded.events).unwrap();
        found.push((*name).to_owned());
    }
    found
}

#[test]
fn two_starts_that_race_for_servers_never_both_have_them() {
    let mut won = 0;
    for seed in 0..120 {
        let servers = if seed % 2 == 0 { 20 } else { 250 };
        let hub = Hub::new(start(), seed);
        let memory = MemoryItems::default();
        prepare(&memory, "a");
        prepare(&memory, "b");
        hub.set_faults(Faults {
            throttled: 30,
            lost_before: 30,
            lost_after: 30,
            ..Faults::default()
        });
        let mut scheduler = Scheduler::new(hub.clone());
        let other = if seed % 3 == 0 { "a" } else { "b" };
        let first = request(&memory, "a", "x-1", servers);
        let second = request(&memory, other, "x-2", servers);
        let (_, one) = begin_later(&mut scheduler, &hub, &memory, first);
        let (_, two) = begin_later(&mut scheduler, &hub, &memory, second);
        assert_eq!(scheduler.run(20_000, |_, _| {}), Stopped::AllEnded);
        let live = live(&memory, &[("x-1", servers), ("x-2", servers)]);
        assert!(live.len() < 2, "seed {seed}: both run");
        let told = [&one, &two].map(|begun| begun.lock().unwrap().clone().unwrap().is_ok());
        assert_eq!(told.iter().filter(|ok| **ok).count(), live.len(), "{seed}");
        won += live.len();
    }
    assert!(won > 60, "hardly anybody ever wins: {won}");
}

#[test]
fn a_crash_at_any_gate_of_a_start_leaves_it_made_or_not() {
    for servers in [20, 400] {
        let mut made = 0;
        for at in 0..1_000 {
            let hub = Hub::new(start(), 1);
            let memory = MemoryItems::default();
            prepare(&memory, "a");
            prepare(&memory, "b");
            let mut scheduler = Scheduler::new(hub.clone());
            let first = request(&memory, "a", "x-1", servers);
            let (task, _) = begin_later(&mut scheduler, &hub, &memory, first);
            if scheduler.run(at, |_, _| {}) == Stopped::AllEnded {
                break;
            }
            scheduler.kill(task);
            let exists = !live(&memory, &[("x-1", servers)]).is_empty();
            made += u64::from(exists);
            let other = request(&memory, "b", "x-2", servers);
            let overdue = begin(&memory, &other, later(301));
            assert_eq!(overdue.is_ok(), !exists, "at {at}: {overdue:?}");
        }
        assert!(made > 0, "no crash fell between the commit and its answer");
    }
}
