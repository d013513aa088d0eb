//! What a launch does, against what AWS recorded.

use super::*;
use crate::sim::fleet::{FaultPhase, LaunchFault, Os, RecoveryMode};

#[test]
fn a_job_keeps_the_times_and_the_lines_of_the_recorded_ones() {
    let mut bench = Bench::healthy(2);
    let ids = bench.ids(&["host-0001", "host-0002"]);
    let job = bench.launch(&ids);
    bench.wait(HOUR);
    let log = bench.log(&job);
    let mut phases = std::collections::BTreeMap::<String, Vec<f64>>::new();
    for (at, event, _) in &log {
        phases.entry(event.clone()).or_default().push(*at);
    }
    // The widest of the two recorded jobs, with what the phases before may add.
    for (event, count, least, most) in [
        ("JOB_START", 1, 0.0, 0.0),
        ("SNAPSHOT_START", 2, 0.40, 0.44),
        ("SNAPSHOT_END", 2, 0.55, 0.64),
        ("CONVERSION_START", 2, 51.5, 52.7),
        ("CONVERSION_END", 2, 226.4, 251.0),
        ("LAUNCH_START", 2, 226.8, 251.7),
        ("LAUNCH_END", 2, 504.0, 562.0),
        ("JOB_END", 1, 506.0, 565.0),
    ] {
        let at = &phases[event];
        assert_eq!(at.len(), count, "{event}");
        assert!(
            at.iter().all(|at| (least..=most).contains(at)),
            "{event}: {at:?}"
        );
    }
    assert_eq!(log.len(), 14);
    assert!(log.is_sorted_by(|one, next| one.0 <= next.0));
}

#[test]
fn every_line_of_the_log_has_the_recorded_members() {
    let mut bench = Bench::healthy(1);
    let ids = bench.ids(&["host-0001"]);
    let job = bench.launch(&ids);
    bench.wait(HOUR);
    let instance = bench.instances()[0]["ec2InstanceID"].clone();
    for (_, event, data) in bench.log(&job) {
        let members: Vec<&str> = data
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let expected: &[&str] = match event.as_str() {
            "JOB_START" | "JOB_END" => &[],
            "CONVERSION_END" => &["conversionServerID", "sourceServerID"],
            "LAUNCH_END" => &["sourceServerID", "targetInstanceID"],
            _ => &["sourceServerID"],
        };
        assert_eq!(members, expected, "{event}");
        if event == "LAUNCH_END" {
            assert_eq!(data["targetInstanceID"], instance);
        }
    }
}

#[test]
fn job_server_and_source_move_together_as_time_passes() {
    let mut bench = Bench::healthy(1);
    let ids = bench.ids(&["host-0001"]);
    let before = bench.server(&ids[0]);
    assert_eq!(before["lastLaunchResult"], "NOT_STARTED");
    assert_eq!(before["lifeCycle"]["lastLaunch"], json!({"initiated": {}}));
    let answer = bench.call("StartRecovery", drill(&ids));
    assert_eq!(answer["job"]["status"], "PENDING");
    assert_eq!(answer["job"]["initiatedBy"], "START_DRILL");
    assert_eq!(answer["job"]["tags"], json!({"Execution": "e-1"}));
    assert_eq!(answer["job"]["endDateTime"], Value::Null);
    assert_eq!(
        answer["job"]["creationDateTime"],
        "2026-11-24T08:00:00.000000+00:00"
    );
    let job = answer["job"]["jobID"].as_str().unwrap().to_owned();
    for (wait, status, launch, result, instances) in [
        (1.0, "STARTED", "PENDING", "PENDING", 0),
        (180.0, "STARTED", "PENDING", "PENDING", 0),
        (90.0, "STARTED", "IN_PROGRESS", "PENDING", 0),
        (300.0, "COMPLETED", "LAUNCHED", "SUCCEEDED", 1),
    ] {
        bench.wait(wait);
        let seen = bench.job(&job);
        let server = bench.server(&ids[0]);
        assert_eq!(seen["status"], status, "after {wait} more");
        assert_eq!(
            seen["participatingServers"],
            json!([{"sourceServerID": ids[0], "launchStatus": launch}])
        );
        assert_eq!(server["lastLaunchResult"], result);
        let last = &server["lifeCycle"]["lastLaunch"];
        assert_eq!(last["status"], launch);
        assert_eq!(last["initiated"]["jobID"], *job);
        assert_eq!(last["initiated"]["type"], "DRILL");
        assert_eq!(bench.instances().len(), instances);
    }
    let instance = bench.instances().remove(0);
    assert_eq!(instance["jobID"], *job);
    assert_eq!(instance["isDrill"], true);
    assert_eq!(
        bench.server(&ids[0])["recoveryInstanceId"],
        instance["recoveryInstanceID"]
    );
}

#[test]
fn windows_takes_longer_and_fast_does_not_convert() {
    let mut servers = named(3);
    servers[1].os = Os::Windows;
    servers[2].recovery_mode = RecoveryMode::Fast;
    let mut bench = Bench::with(servers, Settings::default());
    let ids = bench.ids(&["host-0001", "host-0002", "host-0003"]);
    let jobs: Vec<String> = ids
        .iter()
        .map(|id| bench.launch(std::slice::from_ref(id)))
        .collect();
    bench.wait(HOUR);
    let length = |bench: &mut Bench, job: &str| bench.log(job).last().unwrap().0;
    let [linux, windows, fast] = [0, 1, 2].map(|number| length(&mut bench, &jobs[number]));
    assert!(windows > 1.7 * linux, "{windows} {linux}");
    assert!(fast < linux - 150.0, "{fast} {linux}");
    assert!(
        !bench
            .events(&jobs[2])
            .iter()
            .any(|event| event.starts_with("CONVERSION"))
    );
}

#[test]
fn one_server_fails_in_its_phase_and_the_others_launch() {
    for (phase, event, raw, lines) in [
        (
            FaultPhase::Snapshot,
            "SNAPSHOT_FAIL",
            "Failed to take snapshot",
            2,
        ),
        (
            FaultPhase::PreviousSnapshot,
            "USING_PREVIOUS_SNAPSHOT_FAILED",
            "No previous snapshot",
            2,
        ),
        (
            FaultPhase::Conversion,
            "CONVERSION_FAIL",
            "Conversion failed",
            4,
        ),
        (FaultPhase::Launch, "LAUNCH_FAILED", "Failed to launch", 6),
        (FaultPhase::Iam, "LAUNCH_FAILED", "not authorized", 6),
        (
            FaultPhase::Capacity,
            "LAUNCH_FAILED",
            "sufficient capacity",
            6,
        ),
    ] {
        let mut servers = named(3);
        servers[1].faults = vec![LaunchFault {
            phase,
            raw_error: None,
        }];
        let mut bench = Bench::with(servers, Settings::default());
        let ids = bench.ids(&["host-0001", "host-0002", "host-0003"]);
        let job = bench.launch(&ids);
        bench.wait(HOUR);
        assert_eq!(
            bench.statuses(&job),
            ["LAUNCHED", "FAILED", "LAUNCHED"],
            "{phase:?}"
        );
        assert_eq!(bench.job(&job)["status"], "COMPLETED");
        let log = bench.log(&job);
        let of_it: Vec<_> = log
            .iter()
            .filter(|(_, _, data)| data["sourceServerID"] == ids[1])
            .collect();
        let (_, last, data) = of_it.last().unwrap();
        assert_eq!(last, event);
        assert!(data["rawError"].as_str().unwrap().contains(raw), "{data}");
        assert_eq!(of_it.len(), lines, "{phase:?}");
        assert_eq!(bench.server(&ids[1])["lastLaunchResult"], "FAILED");
        assert_eq!(bench.server(&ids[1])["recoveryInstanceId"], Value::Null);
        assert_eq!(bench.instances().len(), 2);
        // The script has one launch; the next goes well.
        let job = bench.launch(&ids[1..2]);
        bench.wait(HOUR);
        assert_eq!(bench.statuses(&job), ["LAUNCHED"], "{phase:?}");
    }
}

#[test]
fn a_job_can_complete_while_a_server_is_still_pending() {
    let mut servers = named(2);
    servers[0].faults = vec![LaunchFault {
        phase: FaultPhase::Pending,
        raw_error: None,
    }];
    let mut bench = Bench::with(servers, Settings::default());
    let ids = bench.ids(&["host-0001", "host-0002"]);
    let job = bench.launch(&ids);
    bench.wait(HOUR);
    assert_eq!(bench.job(&job)["status"], "COMPLETED");
    assert_eq!(bench.statuses(&job), ["PENDING", "LAUNCHED"]);
    assert_eq!(bench.server(&ids[0])["lastLaunchResult"], "PENDING");
    bench.launch(&ids);
}

#[test]
fn a_source_that_does_not_answer_is_launched_from_its_last_state_after_ten_minutes() {
    let mut servers = named(1);
    servers[0].replication_state = "STALLED".to_owned();
    servers[0].lag_seconds = 7_200;
    let mut bench = Bench::with(servers, Settings::default());
    let ids = bench.ids(&["host-0001"]);
    let called_at = bench.now;
    let job = bench.launch(&ids);
    bench.wait(HOUR);
    let log = bench.log(&job);
    let (at, ..) = log
        .iter()
        .find(|(_, event, _)| event == "USING_PREVIOUS_SNAPSHOT")
        .unwrap();
    assert!((600.0..=601.0).contains(at), "{at}");
    assert_eq!(bench.statuses(&job), ["LAUNCHED"]);
    let point = bench.instances()[0]["pointInTimeSnapshotDateTime"]
        .as_str()
        .unwrap()
        .to_owned();
    let point: Timestamp = point.parse().unwrap();
    assert_eq!(
        called_at.duration_since(point),
        SignedDuration::from_hours(2)
    );
}

#[test]
fn a_named_point_in_time_is_launched_without_a_snapshot() {
    let mut bench = Bench::healthy(1);
    let ids = bench.ids(&["host-0001"]);
    let points = bench.items(
        "DescribeRecoverySnapshots",
        json!({"sourceServerID": ids[0], "order": "DESC"}),
    );
    let wanted = &points[3];
    let server = json!({"sourceServerID": ids[0], "recoverySnapshotID": wanted["snapshotID"]});
    let answer = bench.call("StartRecovery", json!({"sourceServers": [server]}));
    assert_eq!(answer["job"]["initiatedBy"], "START_RECOVERY");
    bench.wait(HOUR);
    let job = answer["job"]["jobID"].as_str().unwrap();
    assert!(
        !bench
            .events(job)
            .iter()
            .any(|event| event.contains("SNAPSHOT"))
    );
    let instance = bench.instances().remove(0);
    assert_eq!(instance["pointInTimeSnapshotDateTime"], wanted["timestamp"]);
    assert_eq!(instance["isDrill"], false);
}

#[test]
fn a_relaunch_removes_the_previous_instance_first() {
    let mut bench = Bench::healthy(1);
    let ids = bench.ids(&["host-0001"]);
    let first = bench.launched(&ids).remove(0);
    let job = bench.launch(&ids);
    bench.wait(5.0);
    assert_eq!(bench.instances()[0]["ec2InstanceState"], "SHUTTING-DOWN");
    bench.wait(60.0);
    assert!(bench.instances().is_empty());
    assert_eq!(bench.server(&ids[0])["recoveryInstanceId"], Value::Null);
    bench.wait(HOUR);
    assert_eq!(
        bench.events(&job)[1..4],
        ["CLEANUP_START", "CLEANUP_END", "SNAPSHOT_START"]
    );
    let second = bench.server(&ids[0])["recoveryInstanceId"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_ne!(first, second);
    assert_eq!(bench.instances().len(), 1);
}

#[test]
fn a_protected_instance_outlives_the_relaunch() {
    let mut servers = named(1);
    servers[0].recovery_instance = Some(crate::sim::fleet::ExistingInstance {
        is_drill: false,
        termination_protected: true,
    });
    let mut bench = Bench::with(servers, Settings::default());
    let ids = bench.ids(&["host-0001"]);
    let first = bench.server(&ids[0])["recoveryInstanceId"].clone();
    assert_eq!(bench.instances()[0]["isDrill"], false);
    let job = bench.launch(&ids);
    bench.wait(HOUR);
    let log = bench.log(&job);
    let (_, _, data) = log
        .iter()
        .find(|(_, event, _)| event == "CLEANUP_FAIL")
        .unwrap();
    assert!(
        data["rawError"]
            .as_str()
            .unwrap()
            .contains("disableApiTermination")
    );
    assert_eq!(bench.statuses(&job), ["LAUNCHED"]);
    assert_eq!(bench.instances().len(), 2);
    assert_ne!(bench.server(&ids[0])["recoveryInstanceId"], first);
}

#[test]
fn accepted_launches_are_listed_with_who_asked_for_them() {
    let mut bench = Bench::healthy(2);
    let ids = bench.ids(&["host-0002", "host-0001"]);
    let job = bench.launch(&ids);
    let accepted = bench.world.accepted_launches();
    assert_eq!(accepted.len(), 1);
    assert_eq!(accepted[0].job_id, job);
    assert_eq!(accepted[0].servers, ids);
    assert_eq!(accepted[0].caller, bench.caller.arn);
    assert!(accepted[0].is_drill);
    assert_eq!(bench.world.counts()["StartRecovery"], 1);
}
