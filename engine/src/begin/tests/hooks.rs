//! Functions and documents that do not exist: a drill is refused, a recovery is not held up.

use super::*;
use crate::event::Mode;
use crate::plan::{ChecksSpec, HookSpec};
use crate::sim::drs::lock;
use crate::sim::world::admin::AdminCommand;
use crate::sim::world::fault::{Fault, Injected};

/// A plan whose wave runs these functions before it, and a command check.
pub(crate) fn with_hooks(functions: &[&str], command: &str) -> (Hub, MemoryItems, Process) {
    let (hub, memory) = stage();
    let plans = Plans::new(memory.clone());
    let (id, now) = (PlanId::new("p-1"), hub.both());
    let stored = crate::testing::at_once(plans.find(&id)).unwrap().unwrap();
    let mut spec = stored.spec.clone();
    let hook = |(number, function): (usize, &&str)| HookSpec {
        name: format!("hook-{number}"),
        lambda_function: Some((*function).to_owned()),
        ..HookSpec::default()
    };
    spec.waves[0].before_hooks = Some(functions.iter().enumerate().map(hook).collect());
    spec.waves[0].checks = Some(ChecksSpec {
        ssm_document: Some(command.to_owned()),
        ..ChecksSpec::default()
    });
    let changed = plans.update(&id, spec, BTreeMap::new(), now);
    crate::testing::at_once(changed).unwrap();
    let process = process(&hub, &memory, "o-1");
    (hub, memory, process)
}

fn start_of(hub: &Hub, process: Process, mode: Mode) -> Result<State, BeginError> {
    let wanted = Begin {
        mode,
        ..begin("x-1", json!({}))
    };
    wait(hub, async move { process.begin_execution(&wanted).await })
}

#[test]
fn a_drill_whose_hooks_do_not_exist_is_refused_with_every_one_and_writes_nothing() {
    let (hub, memory, process) =
        with_hooks(&["nobody", "nobody", "shop-smoke-test"], "No-Such-Document");
    let before = memory.all();
    let refused = start_of(&hub, process, Mode::Drill).unwrap_err();
    assert!(
        matches!(refused, BeginError::HooksMissing(_)),
        "{refused:?}"
    );
    insta::assert_snapshot!(refused.to_string());
    assert_eq!(memory.all(), before);
}

#[test]
fn a_drill_whose_hooks_exist_starts() {
    let (hub, _, process) = with_hooks(&["shop-smoke-test"], "AWS-RunShellScript");
    start_of(&hub, process, Mode::Drill).unwrap();
}

#[test]
fn a_recovery_starts_whatever_its_hooks_run() {
    let (hub, _, process) = with_hooks(&["nobody"], "AWS-RunShellScript");
    start_of(&hub, process, Mode::Recovery).unwrap();
}

#[test]
fn hooks_that_may_not_be_looked_for_hold_nothing_up() {
    let (hub, _, process) = with_hooks(&["shop-smoke-test"], "AWS-RunShellScript");
    for operation in ["lambda:GetFunctionConfiguration", "ssm:DescribeDocument"] {
        let fault = Injected::next(operation, Fault::AccessDenied);
        let command = AdminCommand::InjectFault(fault);
        lock(&process.drs.world).admin(hub.now(), command).unwrap();
    }
    start_of(&hub, process, Mode::Drill).unwrap();
}
