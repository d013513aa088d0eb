//! What an operator can do.

use super::*;
use crate::sim::fleet::{FaultPhase, LaunchFault};
use crate::sim::world::admin::AdminError;
use crate::sim::world::fault::{Fault, Injected};

#[test]
fn every_command_can_be_written_down_and_read_again() {
    let server = "host-0001".to_owned();
    let instance = "i-00000000000000000".to_owned();
    for command in [
        AdminCommand::InjectFault(Injected::next(
            "StartRecovery",
            Fault::Throttle {
                retry_after_seconds: Some(3),
            },
        )),
        AdminCommand::InjectFault(Injected::next("DescribeJobs", Fault::Empty { seconds: 30 })),
        AdminCommand::ClearFaults,
        AdminCommand::ChangeSettings(json!({"shorten": 10.5})),
        AdminCommand::SetInitialized {
            place: here(),
            initialized: false,
        },
        AdminCommand::AddServer {
            place: here(),
            server: Box::new(Server::named("new")),
        },
        AdminCommand::RemoveServer {
            place: here(),
            server: server.clone(),
        },
        AdminCommand::SetReplication {
            place: here(),
            server: server.clone(),
            state: "STALLED".to_owned(),
            stall_reason: None,
            lag_seconds: 7,
        },
        AdminCommand::RestartReplication {
            place: here(),
            server: server.clone(),
        },
        AdminCommand::ScriptLaunches {
            place: here(),
            server,
            faults: vec![LaunchFault {
                phase: FaultPhase::Iam,
                raw_error: None,
            }],
        },
        AdminCommand::TerminateInstance {
            place: here(),
            instance: instance.clone(),
        },
        AdminCommand::SetStopped {
            place: here(),
            instance: instance.clone(),
            stopped: true,
        },
        AdminCommand::SetTerminationProtection {
            place: here(),
            instance,
            protected: true,
        },
        AdminCommand::ListAcceptedLaunches,
        AdminCommand::ListCounts,
        AdminCommand::ListFaults,
        AdminCommand::ShowSettings,
    ] {
        let text = serde_json::to_string(&command).unwrap();
        let read: AdminCommand = serde_json::from_str(&text).unwrap();
        assert_eq!(read, command, "{text}");
    }
}

#[test]
fn scripted_launches_and_replication_states_take_effect() {
    let mut bench = Bench::healthy(1);
    let ids = bench.ids(&["host-0001"]);
    bench.admin(AdminCommand::ScriptLaunches {
        place: here(),
        server: "host-0001".to_owned(),
        faults: vec![LaunchFault {
            phase: FaultPhase::Launch,
            raw_error: Some("it broke".to_owned()),
        }],
    });
    let job = bench.launch(&ids);
    bench.wait(HOUR);
    assert_eq!(bench.statuses(&job), ["FAILED"]);
    assert!(
        bench
            .log(&job)
            .iter()
            .any(|(_, _, data)| data["rawError"] == "it broke")
    );
    bench.admin(AdminCommand::SetReplication {
        place: here(),
        server: ids[0].clone(),
        state: "STALLED".to_owned(),
        stall_reason: Some("NOT_CONVERGING".to_owned()),
        lag_seconds: 60,
    });
    let info = bench.server(&ids[0])["dataReplicationInfo"].clone();
    assert_eq!(info["dataReplicationState"], "STALLED");
    assert_eq!(info["dataReplicationError"]["error"], "NOT_CONVERGING");
    bench.admin(AdminCommand::RestartReplication {
        place: here(),
        server: ids[0].clone(),
    });
    assert_eq!(bench.refusal("StartRecovery", drill(&ids)).1, 409);
    bench.wait(HOUR);
    bench.launch(&ids);
}

#[test]
fn settings_are_changed_member_by_member_and_checked() {
    let mut bench = Bench::healthy(1);
    let changes = json!({"shorten": 100, "quotas": {"jobs": 2}, "recovery_instance_id_in_job": true, "launch_end_events": false});
    bench.admin(AdminCommand::ChangeSettings(changes));
    assert_eq!(bench.world.settings().quotas.jobs, 2);
    assert_eq!(bench.world.settings().quotas.servers_per_job, 100);
    let ids = bench.ids(&["host-0001"]);
    let job = bench.launch(&ids);
    bench.wait(6.0);
    let seen = bench.job(&job);
    assert_eq!(seen["status"], "COMPLETED");
    let instance = bench.instances()[0]["recoveryInstanceID"].clone();
    assert_eq!(
        seen["participatingServers"][0]["recoveryInstanceID"],
        instance
    );
    assert!(!bench.events(&job).contains(&"LAUNCH_END".to_owned()));
    for changes in [
        json!({"shorten": 0}),
        json!({"shorten": "fast"}),
        json!({"unheard_of": 1}),
        json!(7),
    ] {
        let before = bench.world.settings().clone();
        let result = bench
            .world
            .admin(bench.now, AdminCommand::ChangeSettings(changes.clone()));
        assert!(matches!(result, Err(AdminError::Invalid(_))), "{changes}");
        assert_eq!(*bench.world.settings(), before);
    }
}

#[test]
fn what_does_not_exist_is_refused_with_its_name() {
    let mut bench = Bench::healthy(1);
    let nowhere = Place {
        account_id: None,
        region: "eu-west-9".to_owned(),
    };
    let stranger = Place {
        account_id: Some("999999999999".to_owned()),
        region: REGION.to_owned(),
    };
    let remove = |place: Place, server: &str| AdminCommand::RemoveServer {
        place,
        server: server.to_owned(),
    };
    let initialize = AdminCommand::SetInitialized {
        place: stranger,
        initialized: true,
    };
    let terminate = AdminCommand::TerminateInstance {
        place: here(),
        instance: "i-0".to_owned(),
    };
    for (command, says) in [
        (remove(here(), "nobody"), "nobody"),
        (remove(nowhere, "host-0001"), "eu-west-9"),
        (initialize, "999999999999"),
        (terminate, "i-0"),
    ] {
        let refusal = bench.world.admin(bench.now, command).unwrap_err();
        assert!(matches!(refusal, AdminError::Missing { .. }), "{says}");
        assert!(refusal.to_string().contains(says), "{refusal}");
    }
}

#[test]
fn what_cannot_be_is_refused_with_its_reason() {
    let mut bench = Bench::healthy(1);
    let ids = bench.ids(&["host-0001"]);
    let instance = bench.launched(&ids).remove(0);
    bench.admin(AdminCommand::SetTerminationProtection {
        place: here(),
        instance: instance.clone(),
        protected: true,
    });
    bench.launch(&ids);
    let add = |hostname: &str| AdminCommand::AddServer {
        place: here(),
        server: Box::new(Server::named(hostname)),
    };
    let remove = AdminCommand::RemoveServer {
        place: here(),
        server: ids[0].clone(),
    };
    let terminate = AdminCommand::TerminateInstance {
        place: here(),
        instance,
    };
    for (command, says) in [
        (terminate, "disableApiTermination"),
        (add("host-0001"), "exists already"),
        (add(""), "hostname"),
        (remove, "in a job"),
    ] {
        let refusal = bench.world.admin(bench.now, command).unwrap_err();
        assert!(refusal.to_string().contains(says), "{refusal}");
    }
}

#[test]
fn a_fault_meets_the_calls_that_it_is_for_and_is_used_up() {
    let mut bench = Bench::healthy(1);
    let mut fault = Injected::next("StartRecovery", Fault::LostAnswer);
    fault.region = Some(REGION.to_owned());
    fault.skip = 1;
    fault.times = 2;
    bench.admin(AdminCommand::InjectFault(fault));
    let (now, world) = (bench.now, &mut bench.world);
    assert!(!world.has_fault("us-west-2", "StartRecovery"));
    assert!(!world.has_fault(REGION, "DescribeJobs"));
    let taken: Vec<Option<Fault>> = (0..4)
        .map(|_| world.take_fault(now, REGION, "StartRecovery"))
        .collect();
    assert_eq!(
        taken,
        [None, Some(Fault::LostAnswer), Some(Fault::LostAnswer), None]
    );
    assert!(!world.has_fault(REGION, "StartRecovery"));
    world.inject(Injected::next("*", Fault::Hold));
    bench.admin(AdminCommand::ClearFaults);
    assert_eq!(bench.admin(AdminCommand::ListFaults), json!({"faults": []}));
}

#[test]
fn an_empty_list_lasts_for_its_time_from_the_first_call_on() {
    let mut bench = Bench::healthy(1);
    bench
        .world
        .inject(Injected::next("DescribeJobs", Fault::Empty { seconds: 30 }));
    bench.wait(100.0);
    for (wait, is_empty) in [(0.0, true), (29.0, true), (1.0, false), (0.0, false)] {
        bench.wait(wait);
        let fault = bench.world.take_fault(bench.now, REGION, "DescribeJobs");
        assert_eq!(fault.is_some(), is_empty, "after {wait} more");
    }
}
