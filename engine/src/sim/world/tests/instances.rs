//! Recovery instances, as DRS and as EC2 tell of them.

use super::*;
use crate::sim::fleet::{FaultPhase, LaunchDisposition, LaunchFault};

#[test]
fn an_instance_goes_through_its_states_and_passes_its_checks() {
    let mut bench = Bench::healthy(1);
    let ids = bench.ids(&["host-0001"]);
    bench.launch(&ids);
    let mut states = Vec::new();
    for _ in 0..1_200 {
        bench.wait(1.0);
        for instance in bench.instances() {
            let status = bench.call(
                "ec2:DescribeInstanceStatus",
                json!({"IncludeAllInstances": true}),
            );
            let status = &status["instanceStatusSet"][0];
            let state = (
                instance["ec2InstanceState"].as_str().unwrap().to_owned(),
                status["instanceState"]["name"].as_str().unwrap().to_owned(),
                status["systemStatus"]["status"]
                    .as_str()
                    .unwrap()
                    .to_owned(),
            );
            if states.last() != Some(&state) {
                states.push(state);
            }
        }
    }
    let expected = [
        ("PENDING", "pending", "not-applicable"),
        ("RUNNING", "running", "initializing"),
        ("RUNNING", "running", "ok"),
    ];
    let expected =
        expected.map(|(drs, ec2, checks)| (drs.to_owned(), ec2.to_owned(), checks.to_owned()));
    assert_eq!(states, expected);
}

#[test]
fn an_instance_whose_checks_fail_is_launched_all_the_same_and_takes_no_command() {
    let mut servers = named(1);
    servers[0].faults = vec![LaunchFault {
        phase: FaultPhase::StatusChecks,
        raw_error: None,
    }];
    let mut bench = Bench::with(servers, Settings::default());
    let ids = bench.ids(&["host-0001"]);
    let job = bench.launch(&ids);
    bench.wait(HOUR);
    assert_eq!(bench.statuses(&job), ["LAUNCHED"]);
    let status = bench.call("ec2:DescribeInstanceStatus", json!({}));
    let status = &status["instanceStatusSet"][0];
    assert_eq!(status["instanceState"]["name"], "running");
    for checks in ["systemStatus", "instanceStatus"] {
        assert_eq!(status[checks]["status"], "impaired");
        assert_eq!(status[checks]["details"][0]["status"], "failed");
    }
    let send = json!({
        "DocumentName": "AWS-RunShellScript",
        "InstanceIds": [status["instanceId"]],
    });
    assert_eq!(
        bench.refusal("ssm:SendCommand", send).0,
        "InvalidInstanceId"
    );
    // The fault was for one launch.
    bench.launched(&ids);
    let status = bench.call("ec2:DescribeInstanceStatus", json!({}));
    assert_eq!(
        status["instanceStatusSet"][0]["systemStatus"]["status"],
        "ok"
    );
}

#[test]
fn a_server_whose_disposition_is_stopped_is_left_stopped() {
    let mut servers = named(1);
    servers[0].launch_disposition = LaunchDisposition::Stopped;
    let mut bench = Bench::with(servers, Settings::default());
    let ids = bench.ids(&["host-0001"]);
    bench.launched(&ids);
    assert_eq!(bench.instances()[0]["ec2InstanceState"], "STOPPED");
    assert_eq!(
        bench.call("ec2:DescribeInstanceStatus", json!({})),
        json!({"instanceStatusSet": []})
    );
}

#[test]
fn an_instance_terminated_behind_the_back_of_drs_stays_listed() {
    let mut bench = Bench::healthy(1);
    let ids = bench.ids(&["host-0001"]);
    let instance = bench.launched(&ids).remove(0);
    bench.admin(AdminCommand::TerminateInstance {
        place: here(),
        instance: instance.clone(),
    });
    assert_eq!(bench.instances()[0]["ec2InstanceState"], "TERMINATED");
    assert_eq!(bench.server(&ids[0])["recoveryInstanceId"], *instance);
    let listed = bench.call("ec2:DescribeInstances", json!({"InstanceIds": [instance]}));
    assert_eq!(
        listed["reservationSet"][0]["instancesSet"][0]["instanceState"]["name"],
        "terminated"
    );
    bench.wait(HOUR + 1.0);
    assert_eq!(bench.instances()[0]["ec2InstanceState"], "NOT_FOUND");
    let (code, status, _) =
        bench.refusal("ec2:DescribeInstances", json!({"InstanceIds": [instance]}));
    assert_eq!((code.as_str(), status), ("InvalidInstanceID.NotFound", 400));
    // DRS can still be asked to clean its record up.
    bench.call(
        "TerminateRecoveryInstances",
        json!({"recoveryInstanceIDs": [instance]}),
    );
    bench.wait(HOUR);
    assert!(bench.instances().is_empty());
}

#[test]
fn tags_of_the_source_are_copied_unless_the_launch_settings_say_otherwise() {
    for copies in [true, false] {
        let mut servers = named(1);
        servers[0].tags = [("Application", "shop"), ("aws:autoscaling", "x")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        let mut bench = Bench::with(servers, Settings::default());
        let ids = bench.ids(&["host-0001"]);
        bench.call(
            "UpdateLaunchConfiguration",
            json!({"sourceServerID": ids[0], "copyTags": copies}),
        );
        bench.launched(&ids);
        let listed = bench.call("ec2:DescribeInstances", json!({}));
        let tags = listed["reservationSet"][0]["instancesSet"][0]["tagSet"]
            .as_array()
            .unwrap();
        let value = |key: &str| {
            tags.iter()
                .find(|tag| tag["key"] == key)
                .map(|tag| tag["value"].clone())
        };
        assert_eq!(value("Application").is_some(), copies);
        assert_eq!(value("aws:autoscaling"), None);
        assert_eq!(
            value("AWSElasticDisasterRecoverySourceServerID"),
            Some(json!(ids[0]))
        );
        assert_eq!(value("Name"), Some(json!("host-0001")));
    }
}

#[test]
fn ec2_filters_by_tag_and_state_and_refuses_what_it_does_not_know() {
    let mut bench = Bench::healthy(2);
    let ids = bench.ids(&["host-0001", "host-0002"]);
    let instances = bench.launched(&ids);
    bench.admin(AdminCommand::SetStopped {
        place: here(),
        instance: instances[0].clone(),
        stopped: true,
    });
    bench.wait(30.0);
    let mut count = |name: &str, value: &str| {
        let input = json!({"Filters": [{"Name": name, "Values": [value]}]});
        bench.call("ec2:DescribeInstances", input)["reservationSet"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(count("instance-state-name", "running"), 1);
    assert_eq!(count("instance-state-name", "stopped"), 1);
    assert_eq!(count("tag:Name", "host-0002"), 1);
    assert_eq!(count("tag-key", "AWSElasticDisasterRecoveryManaged"), 2);
    let (code, ..) = bench.refusal(
        "ec2:DescribeInstances",
        json!({"Filters": [{"Name": "colour", "Values": []}]}),
    );
    assert_eq!(code, "InvalidParameterValue");
}

#[test]
fn both_filters_of_recovery_instances_can_be_used() {
    let mut bench = Bench::healthy(3);
    let ids = bench.ids(&["host-0001", "host-0002", "host-0003"]);
    let instances = bench.launched(&ids);
    let mut found = |filters: Value| {
        bench
            .items("DescribeRecoveryInstances", json!({"filters": filters}))
            .len()
    };
    assert_eq!(
        found(json!({"recoveryInstanceIDs": [], "sourceServerIDs": []})),
        3
    );
    assert_eq!(
        found(json!({"recoveryInstanceIDs": [instances[0], instances[1]]})),
        2
    );
    assert_eq!(found(json!({"sourceServerIDs": [ids[2]]})), 1);
    assert_eq!(
        found(json!({"sourceServerIDs": [ids[2]], "recoveryInstanceIDs": [instances[0]]})),
        0
    );
}

#[test]
fn ids_are_in_the_alphabets_of_the_model() {
    let mut bench = Bench::healthy(1);
    let ids = bench.ids(&["host-0001"]);
    let instances = bench.launched(&ids);
    let is = |id: &str, prefix: &str, alphabet: fn(&u8) -> bool| {
        let digits = id.strip_prefix(prefix).unwrap();
        digits.len() == 17 && digits.bytes().all(|byte| alphabet(&byte))
    };
    assert!(is(&ids[0], "s-", u8::is_ascii_alphanumeric));
    assert!(is(&instances[0], "i-", u8::is_ascii_hexdigit));
    let job = bench.items("DescribeJobs", json!({})).remove(0);
    assert!(is(
        job["jobID"].as_str().unwrap(),
        "drsjob-",
        u8::is_ascii_alphanumeric
    ));
    let instance = bench.instances().remove(0);
    assert_eq!(instance["ec2InstanceID"], instance["recoveryInstanceID"]);
    assert_eq!(
        instance["arn"],
        format!(
            "arn:aws:drs:us-east-1:111122223333:recovery-instance/{}",
            instances[0]
        )
    );
}
