//! How many servers one job takes, what becomes of a launch that was refused or has no outcome, and how long to wait.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::*;
use crate::decide::launches;
use crate::event::Remedy;
use crate::ports::{CallError, Kind};

fn error(kind: Kind, code: &str, message: &str) -> CallError {
    CallError {
        kind,
        call: "drs:StartRecovery",
        code: code.to_owned(),
        message: message.to_owned(),
        retry_after: None,
    }
}

#[test]
fn a_parallel_wave_is_packed_into_as_few_jobs_as_the_quotas_allow() {
    let all = many(250);
    let mut tale = Tale::new(&[("web", &names(&all))]);
    let sizes: Vec<usize> = (0..3).map(|_| tale.launch().1.len()).collect();
    assert_eq!(sizes, [100, 100, 50]);
    assert!(!matches!(tale.next_command(), Some(Command::Launch(_))));
}

#[test]
fn foreign_jobs_count_and_their_servers_are_waited_for() {
    let all = many(6);
    let mut tale = Tale::new(&[("web", &names(&all))]);
    tale.settle();
    tale.survey(|survey| {
        survey.quotas.servers_in_jobs = 10;
        survey.foreign_servers = 7;
        survey.busy = BTreeSet::from([ServerId::new("s-0000")]);
    });
    assert_eq!(
        launched(tale.next_command()),
        ids(&["s-0001", "s-0002", "s-0003"]),
        "three fit, and the busy one is left out"
    );
    tale.survey(|survey| {
        survey.quotas.jobs = 4;
        survey.foreign_jobs = 4;
    });
    assert_eq!(tale.next_command(), None, "no job is free");
    assert!(
        tale.decide().wake.world.is_some(),
        "but it is looked at again"
    );
}

#[test]
fn a_guard_stops_every_launch() {
    let mut tale = Tale::new(&[("db", &["s-1"])]);
    tale.settle();
    tale.tell(Event::GuardTripped {
        wave: 0,
        instances: vec![crate::event::LiveInstance {
            server: ServerId::new("s-1"),
            instance: InstanceId::new("i-1"),
        }],
    });
    tale.settle();
    assert_eq!(tale.state.status, Status::Ended(Outcome::Failed));
    assert!(tale.state.launches.is_empty());
}

#[test]
fn a_launch_without_outcome_is_looked_for_until_the_fence_and_only_then_made_again() {
    let mut tale = Tale::new(&[("db", &["s-1"])]);
    let (launch, _) = tale.intend();
    assert_eq!(tale.settle().command, Some(Command::FindJob(launch)));
    let fence = limits::launch_fence(limits::SIGNATURE_AGE).as_secs();
    tale.pass(fence - 1);
    let looked = |tale: &mut Tale| {
        tale.view.searches.insert(
            launch,
            view::Search {
                empty_at: tale.now.wall,
                looks: 9,
            },
        );
    };
    looked(&mut tale);
    assert_eq!(
        tale.settle().command,
        None,
        "an empty look before the fence proves nothing"
    );
    assert_eq!(
        tale.decide().wake.wall,
        Some(after(start(), SignedDuration::from_secs(fence)))
    );
    tale.pass(1);
    assert_eq!(tale.settle().command, Some(Command::FindJob(launch)));
    looked(&mut tale);
    let (again, servers) = tale.intend();
    assert_ne!(again, launch);
    assert_eq!(servers, ids(&["s-1"]));
    assert_eq!(tale.state.launches[&again].attempt, 2);
}

#[test]
fn a_new_owner_begins_with_an_empty_view_and_keeps_to_the_fence() {
    let mut tale = Tale::new(&[("db", &["s-1"])]);
    let (launch, _) = tale.intend();
    tale.view = View::default();
    tale.pass(30);
    assert_eq!(tale.settle().command, Some(Command::FindJob(launch)));
    assert!(!matches!(tale.decide().command, Some(Command::Launch(_))));
}

#[test]
fn a_server_refused_for_now_waits_and_the_others_go_on() {
    let all = many(3);
    let mut tale = Tale::new(&[("web", &names(&all))]);
    let (launch, _) = tale.intend();
    tale.refused(launch, "ConflictException", Remedy::RetryInHalves);
    let (first, servers) = tale.intend();
    assert_eq!(servers.len(), 2);
    tale.refused(first, "ConflictException", Remedy::RetryInHalves);
    let (alone, servers) = tale.intend();
    assert_eq!(servers, ids(&["s-0000"]));
    tale.refused(
        alone,
        "ConflictException",
        Remedy::RetryLater { after: None },
    );
    assert_eq!(
        tale.launch().1,
        ids(&["s-0001"]),
        "the one that spoils it does not keep the others"
    );
    assert_eq!(tale.launch().1, ids(&["s-0002"]));
    assert!(!matches!(tale.next_command(), Some(Command::Launch(_))));
    tale.pass(60);
    assert_eq!(launched(tale.next_command()), ids(&["s-0000"]));
}

#[test]
fn what_follows_a_refusal() {
    let later = Remedy::RetryLater { after: None };
    let table = [
        (
            Kind::Busy,
            "ThrottlingException",
            "",
            5,
            false,
            later.clone(),
        ),
        (Kind::Busy, "ConflictException", "", 1, true, later.clone()),
        (
            Kind::Busy,
            "ConflictException",
            "",
            2,
            true,
            Remedy::RetryInHalves,
        ),
        (
            Kind::Refused,
            "ConflictException",
            "",
            1,
            true,
            later.clone(),
        ),
        (
            Kind::Refused,
            "ValidationException",
            "bad tags",
            2,
            true,
            Remedy::RetryWithoutTags,
        ),
        (
            Kind::Refused,
            "ValidationException",
            "bad tags",
            2,
            false,
            Remedy::RetryInHalves,
        ),
        (
            Kind::Refused,
            "ValidationException",
            "bad",
            1,
            true,
            Remedy::GiveUp,
        ),
        (
            Kind::Refused,
            "ResourceNotFoundException",
            "",
            3,
            true,
            Remedy::RetryInHalves,
        ),
        (
            Kind::Refused,
            "AccessDeniedException",
            "drs:TagResource",
            3,
            true,
            Remedy::RetryWithoutTags,
        ),
        (
            Kind::Refused,
            "AccessDeniedException",
            "drs:StartRecovery",
            3,
            true,
            Remedy::GiveUp,
        ),
        (
            Kind::Refused,
            "InvalidSignatureException",
            "Signature expired: 1 < 2",
            3,
            true,
            later.clone(),
        ),
        (
            Kind::Refused,
            "InvalidSignatureException",
            "does not match",
            3,
            true,
            Remedy::GiveUp,
        ),
        (
            Kind::Refused,
            "UninitializedAccountException",
            "",
            3,
            true,
            Remedy::GiveUp,
        ),
    ];
    for (kind, code, message, servers, tagged, wanted) in table {
        let plan = |attempt: u32| LaunchPlan {
            launch: LaunchId(1),
            wave: 0,
            attempt,
            target: target(),
            servers: vec![ServerId::new("s-1"); servers],
            tagged,
        };
        let found = launches::remedy(&error(kind, code, message), &plan(1), false);
        assert_eq!(found, wanted, "{code} {message} {servers} {tagged}");
        if code == "ConflictException" && servers == 1 {
            let often = plan(limits::CONFLICTS_PER_SERVER);
            let found = launches::remedy(&error(kind, code, message), &often, false);
            assert_eq!(found, Remedy::GiveUp, "no job has it: it is something else");
        }
    }
}

#[test]
fn a_point_that_is_gone_does_not_come_back_and_a_job_of_others_ends() {
    let plan = |servers: usize| LaunchPlan {
        launch: LaunchId(1),
        wave: 0,
        attempt: 1,
        target: target(),
        servers: vec![ServerId::new("s-1"); servers],
        tagged: true,
    };
    let gone = error(
        Kind::Busy,
        "ConflictException",
        "Source server s-1 has no recovery snapshot pit-1",
    );
    assert_eq!(launches::remedy(&gone, &plan(1), true), Remedy::GiveUp);
    assert_eq!(
        launches::remedy(&gone, &plan(2), true),
        Remedy::RetryInHalves
    );
    let later = Remedy::RetryLater { after: None };
    assert_eq!(launches::remedy(&gone, &plan(1), false), later);
    let busy = error(
        Kind::Busy,
        "ConflictException",
        "One or more of the Source Servers included in API call are currently being processed by a Job",
    );
    assert_eq!(launches::remedy(&busy, &plan(1), true), later);
}

#[test]
fn backoff_doubles_up_to_a_bound_and_never_undercuts_what_aws_asked() {
    let waits: Vec<i64> = (0..8)
        .map(|failures| view::backoff("k", failures, None).as_secs())
        .collect();
    assert!(waits.windows(2).take(5).all(|pair| pair[0] < pair[1]));
    assert!(
        waits.iter().all(|wait| (2..=75).contains(wait)),
        "{waits:?}"
    );
    let asked = Some(SignedDuration::from_secs(300));
    assert!(view::backoff("k", 0, asked).as_secs() >= 300);
}
