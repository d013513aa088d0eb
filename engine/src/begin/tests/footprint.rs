//! Which executions a target is kept for.

use super::*;
use crate::store::target::{ExternalId, TargetConfig};
use crate::store::targets::{Instances, TargetError, Targets};
use crate::testing::{at_once, target};

/// Starts from another account than that of the servers.
fn from_elsewhere(mode: Mode) -> Begin {
    let mut hub = target();
    "999988887777".clone_into(&mut hub.account_id);
    let cleanup = BTreeMap::from([("_cleanup".to_owned(), json!("on_destroy"))]);
    Begin {
        mode,
        hub,
        inputs: cleanup,
        ..begin("x-1", json!({}))
    }
}

/// The executions that may have something left in an account, in a Region of it.
fn left_in(memory: &MemoryItems, account: &str, region: Option<&str>) -> Vec<String> {
    let regions = region.map(|region| [region.to_owned()].into());
    let executions = Executions::new(memory.clone());
    let found = at_once(executions.left_in(account, regions.as_ref())).unwrap();
    found
        .into_iter()
        .map(|summary| summary.execution_id.to_string())
        .collect()
}

fn everywhere(memory: &MemoryItems) -> Vec<String> {
    left_in(memory, &target().account_id, None)
}

/// Starts one and drives it to its end.
fn driven(hub: &Hub, memory: &MemoryItems, wanted: Begin) -> Process {
    let process = process(hub, memory, "o-1");
    wait(hub, async move {
        process.begin_execution(&wanted).await.unwrap();
        let id = &wanted.execution_id;
        let (state, _) = process.drive(id, &Unwatched).await.unwrap();
        assert_eq!(state.status.as_str(), "COMPLETED", "{state:?}");
        process
    })
}

#[test]
fn a_drill_in_another_account_is_found_there_until_its_instances_are_gone() {
    let (hub, memory) = stage();
    let process = driven(&hub, &memory, from_elsewhere(Mode::Drill));
    assert_eq!(everywhere(&memory), ["x-1"]);
    let region = target().region;
    let account = target().account_id;
    assert_eq!(left_in(&memory, &account, Some(&region)), ["x-1"]);
    assert_eq!(left_in(&memory, &account, Some("eu-west-1")).len(), 0);
    assert_eq!(left_in(&memory, "999988887777", None).len(), 0);
    wait(&hub, async move {
        let id = ExecutionId::new("x-1");
        let by = Author::Operator("arn".to_owned());
        let asked = Event::TerminationRequested {
            reason: "enough".to_owned(),
        };
        process.request(&id, by, asked, &Unwatched).await.unwrap();
        process.drive(&id, &Unwatched).await.unwrap();
    });
    assert_eq!(everywhere(&memory).len(), 0);
}

#[test]
fn a_recovery_needs_no_target_once_it_has_ended() {
    let (hub, memory) = stage();
    let begun = process(&hub, &memory, "o-1");
    let wanted = from_elsewhere(Mode::Recovery);
    let begun = wait(&hub, async move {
        begun.begin_execution(&wanted).await.unwrap();
        begun
    });
    assert_eq!(everywhere(&memory), ["x-1"], "it runs");
    wait(&hub, async move {
        let id = ExecutionId::new("x-1");
        begun.drive(&id, &Unwatched).await.unwrap();
    });
    assert_eq!(everywhere(&memory).len(), 0, "nobody terminates those");
}

#[test]
fn what_is_at_home_needs_no_target() {
    let (hub, memory) = stage();
    driven(&hub, &memory, begin("x-1", json!({})));
    assert_eq!(everywhere(&memory).len(), 0);
}

#[test]
fn a_target_and_its_regions_stay_while_a_drill_has_instances_there() {
    let (hub, memory) = stage();
    let targets = Targets::new(memory.clone());
    let groups = Groups::new(memory.clone());
    let account = target().account_id;
    let now = hub.both();
    let config = |regions: &[&str]| TargetConfig {
        name: None,
        description: None,
        regions: regions.iter().map(|region| (*region).to_owned()).collect(),
        role_arn: format!("arn:aws:iam::{account}:role/dr"),
        session_name: None,
        session_duration_seconds: None,
    };
    let both = config(&["eu-west-1", "us-east-1"]);
    at_once(targets.create(&account, both, ExternalId::new("drs-1"), now)).unwrap();
    driven(&hub, &memory, from_elsewhere(Mode::Drill));
    at_once(targets.update(&account, config(&["us-east-1"]), now)).unwrap();
    let refused = at_once(targets.update(&account, config(&["eu-west-1"]), now)).unwrap_err();
    let mut told = vec![refused.to_string()];
    at_once(Plans::new(memory.clone()).delete(&PlanId::new("p-1"))).unwrap();
    at_once(groups.delete(&GroupId::new("g-1"))).unwrap();
    let refused = at_once(targets.delete(&account, Instances::Keep)).unwrap_err();
    assert!(
        matches!(&refused, TargetError::HasInstances { executions, .. } if executions.len() == 1)
    );
    told.push(refused.to_string());
    insta::assert_snapshot!(told.join("\n"));
    at_once(targets.delete(&account, Instances::Leave)).unwrap();
    assert_eq!(at_once(targets.find(&account)).unwrap(), None);
}
