//! Launch and replication settings of servers, and Service Quotas.

use super::*;
use crate::sim::world::Quotas;

#[test]
fn launch_settings_change_where_they_are_named_and_are_answered_whole() {
    let mut bench = Bench::healthy(1);
    let ids = bench.ids(&["host-0001"]);
    let before = bench.call("GetLaunchConfiguration", json!({"sourceServerID": ids[0]}));
    assert_eq!(before["launchDisposition"], "STARTED");
    assert!(
        before["ec2LaunchTemplateID"]
            .as_str()
            .unwrap()
            .starts_with("lt-")
    );
    let changes = json!({
        "sourceServerID": ids[0],
        "launchDisposition": "STOPPED",
        "licensing": {"osByol": true},
        "ec2LaunchTemplateID": "lt-00000000000000000",
    });
    let after = bench.call("UpdateLaunchConfiguration", changes);
    let mut expected = before;
    expected["launchDisposition"] = json!("STOPPED");
    expected["licensing"] = json!({"osByol": true});
    assert_eq!(after, expected);
    assert_eq!(
        bench.call("GetLaunchConfiguration", json!({"sourceServerID": ids[0]})),
        expected
    );
}

#[test]
fn only_the_days_of_a_policy_can_be_chosen() {
    let mut bench = Bench::healthy(1);
    let ids = bench.ids(&["host-0001"]);
    let before = bench.call(
        "GetReplicationConfiguration",
        json!({"sourceServerID": ids[0]}),
    );
    let mut policy = before["pitPolicy"].clone();
    policy[2]["retentionDuration"] = json!(30);
    let points = |bench: &mut Bench| {
        bench
            .items(
                "DescribeRecoverySnapshots",
                json!({"sourceServerID": ids[0]}),
            )
            .len()
    };
    let few = points(&mut bench);
    bench.call(
        "UpdateReplicationConfiguration",
        json!({"sourceServerID": ids[0], "pitPolicy": policy}),
    );
    assert!(points(&mut bench) > few + 20);
    policy[0]["interval"] = json!(5);
    let input = json!({"sourceServerID": ids[0], "pitPolicy": policy});
    assert_eq!(
        bench.refusal("UpdateReplicationConfiguration", input).0,
        "ValidationException"
    );
}

#[test]
fn settings_of_an_unknown_server_are_not_found() {
    let mut bench = Bench::healthy(1);
    for operation in [
        "GetLaunchConfiguration",
        "GetReplicationConfiguration",
        "UpdateLaunchConfiguration",
        "UpdateReplicationConfiguration",
    ] {
        let (code, status, _) =
            bench.refusal(operation, json!({"sourceServerID": "s-00000000000000000"}));
        assert_eq!(
            (code.as_str(), status),
            ("ResourceNotFoundException", 404),
            "{operation}"
        );
    }
}

#[test]
fn service_quotas_tells_what_the_world_enforces() {
    let settings = Settings {
        quotas: Quotas {
            jobs: 3,
            ..Quotas::default()
        },
        ..Settings::default()
    };
    let mut bench = Bench::with(named(1), settings);
    let quota = bench.call(
        "servicequotas:GetServiceQuota",
        json!({"ServiceCode": "drs", "QuotaCode": "L-D88FAC3A"}),
    );
    assert_eq!(quota["Quota"]["Value"], 3.0);
    let mut codes = Vec::new();
    let mut input = json!({"ServiceCode": "drs", "MaxResults": 4});
    loop {
        let page = bench.call("servicequotas:ListServiceQuotas", input.clone());
        let quotas = page["Quotas"].as_array().unwrap();
        codes.extend(
            quotas
                .iter()
                .map(|quota| quota["QuotaCode"].as_str().unwrap().to_owned()),
        );
        match page.get("NextToken") {
            Some(token) => input["NextToken"] = token.clone(),
            None => break,
        }
    }
    assert_eq!(codes.len(), 6);
    for input in [
        json!({"ServiceCode": "drs", "QuotaCode": "L-0"}),
        json!({"ServiceCode": "ec2", "QuotaCode": "L-D88FAC3A"}),
    ] {
        assert_eq!(
            bench.refusal("servicequotas:GetServiceQuota", input).0,
            "NoSuchResourceException"
        );
    }
}
