//! Terminate jobs.

use super::*;

fn terminate(instances: &[String]) -> Value {
    json!({"recoveryInstanceIDs": instances})
}

#[test]
fn a_termination_is_a_job_after_which_the_record_is_gone() {
    let mut bench = Bench::healthy(2);
    let ids = bench.ids(&["host-0001", "host-0002"]);
    let instances = bench.launched(&ids);
    let answer = bench.call("TerminateRecoveryInstances", terminate(&instances));
    let job = answer["job"]["jobID"].as_str().unwrap().to_owned();
    assert_eq!(answer["job"]["type"], "TERMINATE");
    assert_eq!(answer["job"]["initiatedBy"], "TERMINATE_RECOVERY_INSTANCES");
    bench.wait(1.0);
    assert_eq!(bench.job(&job)["status"], "STARTED");
    assert_eq!(bench.statuses(&job), ["PENDING", "PENDING"]);
    assert_eq!(bench.instances()[0]["ec2InstanceState"], "SHUTTING-DOWN");
    bench.wait(200.0);
    assert_eq!(bench.job(&job)["status"], "COMPLETED");
    assert_eq!(bench.statuses(&job), ["TERMINATED", "TERMINATED"]);
    assert!(bench.instances().is_empty());
    assert_eq!(bench.server(&ids[0])["recoveryInstanceId"], Value::Null);
    assert_eq!(bench.server(&ids[0])["lastLaunchResult"], "SUCCEEDED");
    let events = bench.events(&job);
    assert_eq!(events.first().map(String::as_str), Some("JOB_START"));
    assert_eq!(events.last().map(String::as_str), Some("JOB_END"));
}

#[test]
fn what_is_in_a_job_is_not_terminated_and_not_launched() {
    let mut bench = Bench::healthy(2);
    let ids = bench.ids(&["host-0001", "host-0002"]);
    let instances = bench.launched(&ids);
    bench.launch(&ids[..1]);
    let (code, status, _) = bench.refusal("TerminateRecoveryInstances", terminate(&instances));
    assert_eq!((code.as_str(), status), ("ConflictException", 409));
    bench.call("TerminateRecoveryInstances", terminate(&instances[1..]));
    assert_eq!(
        bench
            .refusal("TerminateRecoveryInstances", terminate(&instances[1..]))
            .1,
        409
    );
    assert_eq!(bench.refusal("StartRecovery", drill(&ids[1..])).1, 409);
}

#[test]
fn a_protected_instance_is_not_terminated_and_the_others_are() {
    let mut bench = Bench::healthy(2);
    let ids = bench.ids(&["host-0001", "host-0002"]);
    let instances = bench.launched(&ids);
    bench.admin(AdminCommand::SetTerminationProtection {
        place: here(),
        instance: instances[0].clone(),
        protected: true,
    });
    let answer = bench.call("TerminateRecoveryInstances", terminate(&instances));
    let job = answer["job"]["jobID"].as_str().unwrap();
    bench.wait(HOUR);
    let mut statuses = bench.statuses(job);
    statuses.sort();
    assert_eq!(statuses, ["FAILED", "TERMINATED"]);
    assert_eq!(bench.instances().len(), 1);
    assert_eq!(bench.instances()[0]["recoveryInstanceID"], *instances[0]);
    assert!(bench.events(job).contains(&"CLEANUP_FAIL".to_owned()));
}

#[test]
fn an_instance_that_is_gone_or_none_at_all_is_refused() {
    let mut bench = Bench::healthy(1);
    let unknown = terminate(&["i-00000000000000000".to_owned()]);
    assert_eq!(
        bench.refusal("TerminateRecoveryInstances", unknown).0,
        "ConflictException"
    );
    assert_eq!(
        bench
            .refusal("TerminateRecoveryInstances", terminate(&[]))
            .0,
        "ValidationException"
    );
}
