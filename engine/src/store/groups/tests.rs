//! Claims of many servers: races, crashes after every batch, and owners that come back too late.

use std::sync::{Arc, Mutex};

use jiff::SignedDuration;

use super::*;
use crate::sim::hub::{Faults, Hub};
use crate::sim::items::SimItems;
use crate::sim::scheduler::{Scheduler, Stopped};
use crate::store::group::Selection;
use crate::store::memory::MemoryItems;
use crate::testing::{at_once, start, target};

/// Servers of a group that needs many batches: as many as DRS can hold.
const MANY: usize = limits::SERVERS_PER_GROUP;

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

fn servers(numbers: std::ops::Range<usize>) -> Vec<ServerId> {
    numbers
        .map(|number| ServerId::new(format!("s-{number:017}")))
        .collect()
}

fn config(name: &str, numbers: std::ops::Range<usize>) -> GroupConfig {
    GroupConfig {
        name: name.to_owned(),
        description: None,
        target: target(),
        selection: Selection::Servers(servers(numbers)),
        tags: BTreeMap::new(),
    }
}

fn id(name: &str) -> GroupId {
    GroupId::new(name)
}

fn store() -> (MemoryItems, Groups<MemoryItems>) {
    let memory = MemoryItems::default();
    (memory.clone(), Groups::new(memory))
}

#[test]
fn four_thousand_servers_are_claimed_moved_and_given_back() {
    let (memory, groups) = store();
    let made = at_once(groups.create(id("g-1"), config("all", 0..MANY), now())).unwrap();
    assert!(made.is_complete);
    assert_eq!(at_once(groups.find(&id("g-1"))).unwrap(), Some(made));
    let some = servers(17..20);
    let holders = at_once(groups.holders(&target(), &some)).unwrap();
    assert_eq!(holders.len(), 3);
    let refused = at_once(groups.create(id("g-2"), config("two", 3_990..3_995), now()));
    let Err(GroupError::ServersTaken(held)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(held.count, 5);
    let smaller = config("all", 0..10);
    at_once(groups.update(&id("g-1"), smaller, now())).unwrap();
    at_once(groups.create(id("g-2"), config("two", 3_990..3_995), now())).unwrap();
    let wider = config("all", 0..3_990);
    at_once(groups.update(&id("g-1"), wider, now())).unwrap();
    at_once(groups.delete(&id("g-1"))).unwrap();
    at_once(groups.delete(&id("g-2"))).unwrap();
    assert_eq!(memory.all(), [], "nothing is left behind");
}

#[test]
fn a_name_belongs_to_one_group_whatever_its_case() {
    let (_, groups) = store();
    at_once(groups.create(id("g-1"), config("Shop", 0..1), now())).unwrap();
    let refused = at_once(groups.create(id("g-2"), config("SHOP", 1..2), now()));
    let taken = GroupError::NameTaken {
        name: "SHOP".to_owned(),
        by: id("g-1"),
    };
    assert_eq!(refused, Err(taken));
    assert_eq!(at_once(groups.find(&id("g-2"))).unwrap(), None);
    let found = at_once(groups.find_by_name("sHoP")).unwrap();
    assert_eq!(found.map(|group| group.id), Some(id("g-1")));
    at_once(groups.update(&id("g-1"), config("Store", 0..1), now())).unwrap();
    at_once(groups.create(id("g-2"), config("SHOP", 1..2), now())).unwrap();
}

#[test]
fn a_group_is_found_by_its_id_and_else_by_its_name() {
    let (_, groups) = store();
    at_once(groups.create(id("g-1"), config("Shop", 0..1), now())).unwrap();
    // A name that is another group's id means that other group.
    at_once(groups.create(id("g-2"), config("g-1", 1..2), now())).unwrap();
    let found = |meant: &str| {
        let group = at_once(groups.find_by_id_or_name(meant)).unwrap();
        group.map(|group| group.id)
    };
    assert_eq!(found("g-1"), Some(id("g-1")));
    assert_eq!(found("G-1"), Some(id("g-2")), "ids have a case");
    assert_eq!(found("sHoP"), Some(id("g-1")));
    assert_eq!(found("Store"), None);
    at_once(groups.update(&id("g-1"), config("Store", 0..1), now())).unwrap();
    assert_eq!(found("Shop"), None, "a name that was given up");
    assert_eq!(found("STORE"), Some(id("g-1")));
    at_once(groups.delete(&id("g-1"))).unwrap();
    assert_eq!(found("Store"), None);
    assert_eq!(found("g-1"), Some(id("g-2")));
}

#[test]
fn a_group_that_still_claims_its_servers_is_not_found() {
    let (hub, memory, mut scheduler) = stage();
    make(&mut scheduler, &hub, &memory, "Shop", 0..MANY);
    scheduler.run(20, |_, _| {});
    assert!(!memory.all().is_empty(), "it has begun");
    let groups = Groups::new(memory);
    let found = at_once(groups.find_by_id_or_name("shop")).unwrap();
    assert_eq!(found, None);
}

#[test]
fn an_update_that_cannot_have_its_servers_changes_nothing() {
    let (_, groups) = store();
    at_once(groups.create(id("g-1"), config("one", 0..1), now())).unwrap();
    at_once(groups.create(id("g-2"), config("two", 3_000..3_001), now())).unwrap();
    for wanted in [0..3_001, 2_990..3_001] {
        let refused = at_once(groups.update(&id("g-1"), config("one", wanted), now()));
        assert!(matches!(refused, Err(GroupError::ServersTaken(_))));
        let group = at_once(groups.find(&id("g-1"))).unwrap().unwrap();
        assert_eq!(group.config.selection.listed(), servers(0..1));
        assert_eq!(group.claiming_until, None);
        at_once(groups.create(id("g-3"), config("three", 1..2_990), now())).unwrap();
        at_once(groups.delete(&id("g-3"))).unwrap();
    }
}

/// A simulated store, and a scheduler for tasks that use it.
fn stage() -> (Hub, MemoryItems, Scheduler) {
    let hub = Hub::new(start(), 1);
    (hub.clone(), MemoryItems::default(), Scheduler::new(hub))
}

type Made = Arc<Mutex<Option<Result<Group, GroupError>>>>;

/// A task that makes a group.
fn make(
    scheduler: &mut Scheduler,
    hub: &Hub,
    memory: &MemoryItems,
    group: &str,
    numbers: std::ops::Range<usize>,
) -> (crate::sim::hub::TaskId, Made) {
    let made = Made::default();
    let groups = Groups::new(SimItems {
        hub: hub.clone(),
        memory: memory.clone(),
    });
    let (id, config, result, now) = (
        id(group),
        config(group, numbers),
        Arc::clone(&made),
        hub.both(),
    );
    let task = scheduler.spawn(Box::pin(async move {
        let outcome = groups.create(id, config, now).await;
        *result.lock().unwrap() = Some(outcome);
    }));
    (task, made)
}

/// No server is listed by two groups that exist.
fn check_distinct(memory: &MemoryItems, ids: &[&str]) {
    let groups = Groups::new(memory.clone());
    let mut seen = BTreeSet::new();
    for name in ids {
        let Some(group) = at_once(groups.find(&id(name))).unwrap() else {
            continue;
        };
        for server in group.config.selection.listed() {
            assert!(seen.insert(server.clone()), "{server} is in two groups");
            let holders = at_once(groups.holders(&target(), std::slice::from_ref(server))).unwrap();
            assert!(holders.contains_key(server), "{server} is not claimed");
        }
    }
}

#[test]
fn two_applies_that_race_for_servers_never_both_have_them() {
    let mut won = 0;
    for seed in 0..60 {
        let hub = Hub::new(start(), seed);
        let memory = MemoryItems::default();
        let mut scheduler = Scheduler::new(hub.clone());
        hub.set_faults(Faults {
            throttled: 20,
            lost_before: 20,
            lost_after: 20,
            ..Faults::default()
        });
        let (_, one) = make(&mut scheduler, &hub, &memory, "one", 0..400);
        let (_, two) = make(&mut scheduler, &hub, &memory, "two", 250..600);
        assert_eq!(scheduler.run(20_000, |_, _| {}), Stopped::AllEnded);
        hub.set_faults(Faults::default());
        let made = |made: &Made| made.lock().unwrap().clone().unwrap().is_ok();
        assert!(!(made(&one) && made(&two)), "seed {seed}: both have them");
        won += u64::from(made(&one) || made(&two));
        check_distinct(&memory, &["one", "two"]);
        // Whatever happened, it can be had once its claims are overdue.
        hub.advance_to(after(hub.now(), SignedDuration::from_mins(10)));
        let (_, three) = make(&mut scheduler, &hub, &memory, "three", 600..1_000);
        scheduler.run(20_000, |_, _| {});
        assert!(made(&three), "seed {seed}");
    }
    assert!(won > 10, "hardly anybody ever wins: {won}");
}

#[test]
fn a_crash_after_any_batch_blocks_the_servers_for_the_claiming_time_only() {
    let (hub, memory, mut scheduler) = stage();
    let (_, made) = make(&mut scheduler, &hub, &memory, "whole", 0..MANY);
    let mut steps = 0;
    while scheduler.run(1, |_, _| {}) == Stopped::OutOfSteps {
        steps += 1;
    }
    assert!(made.lock().unwrap().clone().unwrap().is_ok());
    assert!(
        steps > 2 * MANY / CLAIMS_PER_BATCH,
        "a gate for every batch"
    );
    let mut blocked = 0;
    for at in 0..steps {
        let (hub, memory, mut scheduler) = stage();
        let (first, made) = make(&mut scheduler, &hub, &memory, "first", 0..MANY);
        scheduler.run(at as u64, |_, _| {});
        scheduler.kill(first);
        assert!(made.lock().unwrap().is_none());
        let groups = Groups::new(memory.clone());
        let complete = at_once(groups.find(&id("first"))).unwrap().is_some();
        let soon = at_once(groups.create(id("soon"), config("soon", 5..50), later(60)));
        blocked += u64::from(soon.is_err());
        let late = at_once(groups.create(id("late"), config("late", 100..150), later(301)));
        assert_eq!(late.is_ok(), !complete, "crashed at step {at}: {late:?}");
        check_distinct(&memory, &["first", "soon", "late"]);
        let name = at_once(groups.create(id("again"), config("First", 4_000..4_001), later(301)));
        assert_eq!(name.is_ok(), !complete, "its name, crashed at step {at}");
    }
    assert!(
        blocked > 40,
        "claims are taken before the group is complete"
    );
}

#[test]
fn an_owner_that_comes_back_after_its_claiming_time_does_not_commit() {
    for at in [4, 20, 60, 100] {
        let (hub, memory, mut scheduler) = stage();
        let (first, made) = make(&mut scheduler, &hub, &memory, "first", 0..MANY);
        scheduler.run(at, |_, _| {});
        hub.set_asleep(first, Some(after(start(), SignedDuration::from_mins(10))));
        let groups = Groups::new(memory.clone());
        at_once(groups.create(id("late"), config("late", 0..5), later(301))).unwrap();
        scheduler.run(20_000, |_, _| {});
        let first = made.lock().unwrap().clone().unwrap();
        assert!(first.is_err(), "slept at step {at}");
        check_distinct(&memory, &["first", "late"]);
        assert_eq!(at_once(groups.find(&id("first"))).unwrap(), None);
    }
}
