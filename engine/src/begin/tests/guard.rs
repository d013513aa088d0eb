//! The drill guard: what it lets pass, what it stops, and that it looks again before a launch.

use super::*;
use crate::event::{Mode, Outcome};
use crate::plan::DrillGuard;
use crate::sim::drs::lock;
use crate::sim::fleet::Subnet;
use crate::sim::world::admin::{AdminCommand, Place};
use crate::sim::world::fault::{Fault, Injected};
use crate::state::Status;

/// A plan that only drills in subnets for drills, and a process that can run it.
pub(super) fn guarded() -> (Hub, Process) {
    let (hub, memory) = stage();
    let plans = Plans::new(memory.clone());
    let (id, now) = (PlanId::new("p-1"), hub.both());
    let stored = crate::testing::at_once(plans.find(&id)).unwrap().unwrap();
    let mut spec = stored.spec.clone();
    spec.drill_guard = Some(DrillGuard {
        subnet_tags: BTreeMap::from([("Purpose".to_owned(), "drill".to_owned())]),
    });
    let changed = plans.update(&id, spec, BTreeMap::new(), now);
    crate::testing::at_once(changed).unwrap();
    let process = process(&hub, &memory, "o-1");
    (hub, process)
}

pub(super) fn place() -> Place {
    Place {
        account_id: None,
        region: crate::testing::target().region,
    }
}

fn change(hub: &Hub, process: &Process, command: AdminCommand) {
    let mut world = lock(&process.drs.world);
    world.admin(hub.now(), command).unwrap();
}

pub(super) fn boot_in(hub: &Hub, process: &Process, server: &str, subnet: &str) {
    let command = AdminCommand::SetLaunchTemplate {
        place: place(),
        server: server.to_owned(),
        subnet: Some(subnet.to_owned()),
        instance_type: None,
    };
    change(hub, process, command);
}

fn start_of(hub: &Hub, process: Process, mode: Mode) -> Result<State, BeginError> {
    let wanted = Begin {
        mode,
        ..begin("x-1", json!({}))
    };
    wait(hub, async move { process.begin_execution(&wanted).await })
}

fn refusal(hub: &Hub, process: Process) -> String {
    match start_of(hub, process, Mode::Drill) {
        Err(BeginError::DrillGuard(stopped)) => stopped.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_drill_in_its_own_subnet_starts_and_its_history_proves_it() {
    let (hub, process) = guarded();
    let state = start_of(&hub, process, Mode::Drill).unwrap();
    let passed = state.started.drill_guard.unwrap();
    assert_eq!(passed.servers, 2);
    assert_eq!(passed.subnet_tags["Purpose"], "drill");
    assert_eq!(passed.subnets.len(), 1, "{passed}");
}

#[test]
fn a_drill_that_would_boot_anywhere_else_is_refused_and_writes_nothing() {
    let (hub, process) = guarded();
    let untagged = Subnet {
        id: Some("subnet-0000000000000000a".to_owned()),
        ..Subnet::named("cellar")
    };
    let subnet = AdminCommand::SetSubnet {
        place: place(),
        subnet: untagged,
    };
    change(&hub, &process, subnet);
    boot_in(&hub, &process, "web-1", "cellar");
    boot_in(&hub, &process, "web-2", "none");
    let memory = process.executions.items.clone();
    insta::assert_snapshot!(refusal(&hub, process));
    assert!(memory.all().iter().all(|item| item.key.sort.is_none()));
}

#[test]
fn a_subnet_of_production_is_refused_with_what_its_tag_is() {
    let (hub, process) = guarded();
    boot_in(&hub, &process, "web-1", "production");
    insta::assert_snapshot!(refusal(&hub, process));
}

#[test]
fn what_cannot_be_seen_stops_a_drill_too() {
    let said = [
        "GetLaunchConfiguration",
        "ec2:DescribeLaunchTemplateVersions",
        "ec2:DescribeSubnets",
    ]
    .map(|operation| {
        let (hub, process) = guarded();
        let fault = Injected::next(operation, Fault::AccessDenied);
        change(&hub, &process, AdminCommand::InjectFault(fault));
        refusal(&hub, process)
    });
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn a_recovery_is_not_held_up() {
    let (hub, process) = guarded();
    boot_in(&hub, &process, "web-1", "production");
    let state = start_of(&hub, process, Mode::Recovery).unwrap();
    assert_eq!(state.started.drill_guard, None);
}

#[test]
fn a_template_that_is_changed_after_the_start_stops_the_launch() {
    let (hub, process) = guarded();
    let id = ExecutionId::new("x-1");
    let wanted = begin("x-1", json!({}));
    let (process, state) = wait(&hub, async move {
        let state = process.begin_execution(&wanted).await;
        (process, state)
    });
    state.unwrap();
    boot_in(&hub, &process, "web-2", "production");
    let world = process.drs.world.clone();
    let state = wait(&hub, async move {
        process.drive(&id, &Unwatched).await.unwrap().0
    });
    assert_eq!(state.status, Status::Ended(Outcome::Failed));
    assert!(lock(&world).accepted_launches().is_empty());
    let (_, text) = state.finished.unwrap();
    insta::assert_snapshot!(text);
}
