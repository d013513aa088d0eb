//! Accounts and Regions where DRS is not initialised.

use super::*;

#[test]
fn nothing_but_initialising_tags_and_other_services_works_before_drs_is_initialised() {
    let mut fleet = Fleet::built_in();
    fleet.accounts[0].regions[0].initialized = false;
    let mut bench = Bench::of(&fleet);
    for operation in [
        "DescribeSourceServers",
        "DescribeJobs",
        "DescribeRecoveryInstances",
        "DescribeLaunchConfigurationTemplates",
        "StartRecovery",
        "TerminateRecoveryInstances",
        "UpdateLaunchConfiguration",
    ] {
        let (code, status, _) = bench.refusal(operation, json!({}));
        assert_eq!(
            (code.as_str(), status),
            ("UninitializedAccountException", 400),
            "{operation}"
        );
    }
    bench.call("ec2:DescribeInstances", json!({}));
    let reply = bench.world.call(
        bench.now,
        &bench.caller.clone(),
        REGION,
        "InitializeService",
        &Value::Null,
    );
    assert_eq!(
        reply.map(|reply| (reply.status, reply.body)),
        Ok((204, None))
    );
    assert!(!bench.items("DescribeSourceServers", json!({})).is_empty());
    bench.call("InitializeService", Value::Null);
}

#[test]
fn a_region_that_the_fleet_does_not_name_can_be_initialised_and_is_empty() {
    let mut bench = Bench::healthy(1);
    let caller = bench.caller.clone();
    let mut call = |operation: &str| {
        bench
            .world
            .call(bench.now, &caller, "eu-west-1", operation, &json!({}))
            .map(|reply| reply.body)
    };
    assert_eq!(
        call("DescribeJobs").unwrap_err().code,
        "UninitializedAccountException"
    );
    assert_eq!(call("InitializeService"), Ok(None));
    assert_eq!(
        call("DescribeSourceServers"),
        Ok(Some(json!({"items": []})))
    );
}

#[test]
fn another_account_sees_its_own_servers_only() {
    let mut bench = Bench::of(&Fleet::built_in());
    let here = bench.items("DescribeSourceServers", json!({})).len();
    bench.caller.account_id = "444455556666".to_owned();
    assert_eq!(bench.items("DescribeSourceServers", json!({})).len(), 1);
    assert!(here > 7);
}

#[test]
fn an_operation_that_the_world_does_not_have_is_refused() {
    let (code, _, message) = Bench::healthy(1).refusal("CreateRecoveryPlan", json!({}));
    assert_eq!(code, "ValidationException");
    assert!(message.contains("CreateRecoveryPlan"), "{message}");
}
