//! What StartRecovery and the tag calls refuse, and that a refusal changes nothing.

use super::*;

const CONFLICT: (&str, u16) = ("ConflictException", 409);

#[test]
fn one_server_that_cannot_be_launched_refuses_the_whole_call() {
    for (state, message) in [
        ("DISCONNECTED", "does not replicate"),
        ("STOPPED", "does not replicate"),
        ("INITIATING", "no consistent recovery point"),
        ("INITIAL_SYNC", "no consistent recovery point"),
        ("CREATING_SNAPSHOT", "no consistent recovery point"),
    ] {
        let mut servers = named(2);
        servers[1].replication_state = state.to_owned();
        let mut bench = Bench::with(servers, Settings::default());
        let ids = bench.ids(&["host-0001", "host-0002"]);
        let (code, status, text) = bench.refusal("StartRecovery", drill(&ids));
        assert_eq!((code.as_str(), status), CONFLICT, "{state}");
        assert!(text.contains(message), "{state}: {text}");
        assert!(bench.items("DescribeJobs", json!({})).is_empty());
        bench.launch(&ids[..1]);
    }
}

#[test]
fn lag_and_stalls_do_not_stop_a_launch() {
    for state in ["CONTINUOUS", "BACKLOG", "RESCAN", "STALLED", "PAUSED"] {
        let mut servers = named(1);
        servers[0].replication_state = state.to_owned();
        let mut bench = Bench::with(servers, Settings::default());
        let ids = bench.ids(&["host-0001"]);
        bench.launch(&ids);
    }
}

#[test]
fn servers_that_are_unknown_given_twice_or_in_a_job_conflict() {
    let mut bench = Bench::healthy(2);
    let ids = bench.ids(&["host-0001", "host-0002"]);
    let twice = [ids[0].clone(), ids[0].clone()];
    assert!(
        bench
            .refusal("StartRecovery", drill(&twice))
            .2
            .contains("more than once")
    );
    let unknown = [ids[0].clone(), "s-00000000000000000".to_owned()];
    assert!(
        bench
            .refusal("StartRecovery", drill(&unknown))
            .2
            .contains("does not exist")
    );
    bench.launch(&ids[..1]);
    let text = "One or more of the Source Servers included in API call are currently being processed by a Job";
    let expected = ("ConflictException".to_owned(), 409, text.to_owned());
    // The same call again is no exception: there is no client token.
    assert_eq!(bench.refusal("StartRecovery", drill(&ids[..1])), expected);
    assert_eq!(bench.refusal("StartRecovery", drill(&ids)), expected);
    bench.wait(HOUR);
    bench.launch(&ids);
}

#[test]
fn a_point_in_time_must_be_one_of_the_servers_own_and_not_aged_out() {
    let mut bench = Bench::healthy(2);
    let ids = bench.ids(&["host-0001", "host-0002"]);
    let points = bench.items(
        "DescribeRecoverySnapshots",
        json!({"sourceServerID": ids[0]}),
    );
    let newest = points.last().unwrap()["snapshotID"].clone();
    let call = |id: &str, point: &Value| json!({"sourceServers": [{"sourceServerID": id, "recoverySnapshotID": point}]});
    assert!(
        bench
            .refusal("StartRecovery", call(&ids[1], &newest))
            .2
            .contains("no recovery snapshot")
    );
    assert!(
        bench
            .refusal(
                "StartRecovery",
                call(&ids[0], &json!("pit-00000000000000000"))
            )
            .1
            == 409
    );
    let oldest = points[0]["snapshotID"].clone();
    bench.wait(25.0 * HOUR);
    assert_eq!(
        bench.refusal("StartRecovery", call(&ids[0], &oldest)).1,
        409
    );
}

#[test]
fn quotas_are_refused_with_402_and_their_code() {
    let quota = |error: ApiError| {
        (
            error.status,
            error.members["quotaCode"].as_str().unwrap().to_owned(),
        )
    };
    let mut bench = Bench::healthy(620);
    let ids: Vec<String> = bench
        .items("DescribeSourceServers", json!({"maxResults": 1000}))
        .iter()
        .map(|server| server["sourceServerID"].as_str().unwrap().to_owned())
        .collect();
    let error = bench
        .try_call("StartRecovery", drill(&ids[..101]))
        .unwrap_err();
    assert_eq!(quota(error), (402, "L-B827C881".to_owned()));
    for hundred in 0..4 {
        bench.launch(&ids[hundred * 100..(hundred + 1) * 100]);
    }
    bench.launch(&ids[400..499]);
    let error = bench
        .try_call("StartRecovery", drill(&ids[500..502]))
        .unwrap_err();
    assert_eq!(quota(error), (402, "L-05AFA8C6".to_owned()));
    bench.launch(&ids[500..501]);
    bench.wait(HOUR);
    for one in 0..20 {
        bench.launch(&ids[one..=one]);
    }
    let error = bench
        .try_call("StartRecovery", drill(&ids[30..31]))
        .unwrap_err();
    assert_eq!(quota(error), (402, "L-D88FAC3A".to_owned()));
    // A job that has completed makes room.
    bench.wait(HOUR);
    bench.launch(&ids[30..31]);
}

#[test]
fn inputs_that_cannot_be_meant_are_validation_errors() {
    let mut bench = Bench::healthy(1);
    let ids = bench.ids(&["host-0001"]);
    let many: std::collections::BTreeMap<String, String> = (0..51)
        .map(|number| (format!("key-{number}"), String::new()))
        .collect();
    let servers = json!([{"sourceServerID": ids[0]}]);
    for input in [
        json!({}),
        json!({"sourceServers": []}),
        json!({"sourceServers": "all"}),
        json!({"sourceServers": servers, "isDrill": "yes"}),
        json!({"sourceServers": servers, "tags": many}),
        json!({"sourceServers": servers, "tags": {"aws:x": "y"}}),
        json!({"sourceServers": servers, "tags": {"key": "v".repeat(257)}}),
    ] {
        let (code, status, _) = bench.refusal("StartRecovery", input.clone());
        assert_eq!(
            (code.as_str(), status),
            ("ValidationException", 400),
            "{input}"
        );
    }
    assert!(bench.world.accepted_launches().is_empty());
}

#[test]
fn tags_are_set_listed_and_removed_on_every_kind_of_resource() {
    let mut bench = Bench::healthy(1);
    let ids = bench.ids(&["host-0001"]);
    bench.launched(&ids);
    let job = bench.items("DescribeJobs", json!({})).remove(0);
    let templates = bench.items("DescribeLaunchConfigurationTemplates", json!({}));
    let replication = bench.items("DescribeReplicationConfigurationTemplates", json!({}));
    let server = bench.server(&ids[0]);
    let instance = bench.instances().remove(0);
    for resource in [&server, &instance, &job, &templates[0], &replication[0]] {
        let arn = &resource["arn"];
        bench.call(
            "TagResource",
            json!({"resourceArn": arn, "tags": {"Owner": "ops", "Old": "1"}}),
        );
        bench.call(
            "TagResource",
            json!({"resourceArn": arn, "tags": {"Owner": "dr"}}),
        );
        bench.call(
            "UntagResource",
            json!({"resourceArn": arn, "tagKeys": ["Old", "Missing"]}),
        );
        let tags = bench.call("ListTagsForResource", json!({"resourceArn": arn}))["tags"].clone();
        assert_eq!(tags["Owner"], "dr", "{arn}");
        assert_eq!(tags["Old"], Value::Null, "{arn}");
    }
    assert_eq!(bench.server(&ids[0])["tags"]["Owner"], "dr");
    let many: serde_json::Map<String, Value> =
        (0..50).map(|n| (format!("key-{n}"), json!("v"))).collect();
    let input = json!({"resourceArn": server["arn"], "tags": many});
    assert_eq!(bench.refusal("TagResource", input).0, "ValidationException");
}

#[test]
fn an_arn_with_wild_cards_or_of_elsewhere_names_nothing() {
    let mut bench = Bench::healthy(1);
    for (arn, code) in [
        (
            "arn:aws:drs:*:*:source-server/s-00000000000000000",
            "ValidationException",
        ),
        (
            "arn:aws:ec2:us-east-1:111122223333:instance/i-00000000000000000",
            "ValidationException",
        ),
        ("not an arn at all, really", "ValidationException"),
        (
            "arn:aws:drs:us-west-2:111122223333:source-server/s-00000000000000000",
            "ResourceNotFoundException",
        ),
        (
            "arn:aws:drs:us-east-1:111122223333:source-server/s-00000000000000000",
            "ResourceNotFoundException",
        ),
        (
            "arn:aws:drs:us-east-1:111122223333:recovery-plan/rp-1",
            "ResourceNotFoundException",
        ),
    ] {
        for operation in ["ListTagsForResource", "TagResource", "UntagResource"] {
            let input = json!({"resourceArn": arn, "tags": {"a": "b"}, "tagKeys": ["a"]});
            assert_eq!(bench.refusal(operation, input).0, code, "{operation} {arn}");
        }
    }
}
