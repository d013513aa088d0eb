//! What is decided when, as small histories.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::*;
use crate::event::{Outcome, Remedy, ServerResult, WaveOutcome};
use crate::ids::JobId;
use crate::plan::LaunchOrder;
use crate::ports::{CallError, Job, JobServer, Kind, LaunchStatus};
use crate::state::ServerStatus;
use crate::testing::{Tale, ids, start, target};
use crate::time::after;

fn launched(command: Option<Command>) -> Vec<ServerId> {
    match command {
        Some(Command::Launch(plan)) => plan.servers,
        other => panic!("no launch: {other:?}"),
    }
}

fn many(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("s-{number:04}")).collect()
}

fn names(many: &[String]) -> Vec<&str> {
    many.iter().map(String::as_str).collect()
}

fn cancel() -> Event {
    Event::CancelRequested {
        reason: "enough".to_owned(),
    }
}

fn job(id: &str, completed: bool, servers: &[(&str, LaunchStatus)]) -> Job {
    Job {
        id: JobId::new(id),
        launches: true,
        is_drill: true,
        completed,
        created_at: start(),
        ended_at: completed.then(start),
        servers: servers
            .iter()
            .map(|(id, status)| JobServer {
                id: ServerId::new(*id),
                status: status.clone(),
                instance: None,
            })
            .collect(),
        tags: BTreeMap::new(),
    }
}

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
fn waves_follow_one_another_and_the_whole_completes() {
    let mut tale = Tale::new(&[("db", &["s-1", "s-2"]), ("web", &["s-3"])]);
    assert_eq!(launched(tale.next_command()), ids(&["s-1", "s-2"]));
    let (launch, servers) = tale.launch();
    assert_eq!(
        tale.state.waves[1].ready_at, None,
        "the second wave waits for the first"
    );
    tale.pass(600).succeed(launch, &servers);
    assert_eq!(launched(tale.next_command()), ids(&["s-3"]));
    tale.finish();
    assert_eq!(tale.state.status, Status::Ended(Outcome::Completed));
    assert!(is_done(&tale.state));
}

#[test]
fn waves_without_dependencies_run_side_by_side_and_a_diamond_waits_for_both() {
    let mut tale = Tale::with(
        &[("a", &["s-1"]), ("b", &["s-2"]), ("c", &["s-3"])],
        |started| {
            started.waves[1].depends_on = Vec::new();
            started.waves[2].depends_on = vec![0, 1];
        },
    );
    let (first, first_servers) = tale.launch();
    let (second, second_servers) = tale.launch();
    assert_eq!(
        (&first_servers, &second_servers),
        (&ids(&["s-1"]), &ids(&["s-2"]))
    );
    tale.pass(60).succeed(second, &second_servers);
    assert!(!matches!(tale.next_command(), Some(Command::Launch(_))));
    tale.pass(60).succeed(first, &first_servers);
    assert_eq!(launched(tale.next_command()), ids(&["s-3"]));
}

#[test]
fn the_wait_of_a_wave_begins_when_its_dependencies_are_finished() {
    let mut tale = Tale::with(&[("db", &["s-1"]), ("web", &["s-2"])], |started| {
        started.waves[1].wait = SignedDuration::from_secs(300);
    });
    let (launch, servers) = tale.launch();
    tale.pass(600).succeed(launch, &servers);
    let decision = tale.settle();
    assert_eq!(decision.command, None);
    assert_eq!(
        decision.wake.world,
        Some(after(start(), SignedDuration::from_secs(900)))
    );
    tale.pass(299);
    assert_eq!(tale.next_command(), None);
    tale.pass(1);
    assert_eq!(launched(tale.next_command()), ids(&["s-2"]));
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
fn a_sequential_wave_launches_the_next_when_the_one_before_is_launched() {
    let mut tale = Tale::with(&[("db", &["s-1", "s-2", "s-3"])], |started| {
        started.waves[0].order = LaunchOrder::Sequential;
    });
    let (first, servers) = tale.launch();
    assert_eq!(servers, ids(&["s-1"]));
    assert!(!matches!(tale.next_command(), Some(Command::Launch(_))));
    tale.judge(first, &servers, None);
    let (second, servers) = tale.launch();
    assert_eq!(
        servers,
        ids(&["s-2"]),
        "LAUNCHED is enough; the job need not have ended"
    );
    tale.judge(second, &servers, Some("no capacity"));
    tale.tell(Event::JobEnded { launch: first });
    tale.tell(Event::JobEnded { launch: second });
    tale.settle();
    assert_eq!(tale.state.status, Status::Ended(Outcome::Failed));
    let last = &tale.state.servers[&ServerId::new("s-3")];
    assert_eq!(
        last.status,
        ServerStatus::NotLaunched,
        "in order: nothing after a failure"
    );
}

#[test]
fn max_in_flight_bounds_what_launches_at_the_same_time() {
    let all = many(5);
    let mut tale = Tale::with(&[("web", &names(&all))], |started| {
        started.waves[0].max_in_flight = Some(2);
    });
    let (launch, servers) = tale.launch();
    assert_eq!(servers.len(), 2);
    assert!(!matches!(tale.next_command(), Some(Command::Launch(_))));
    tale.judge(launch, &servers[..1], None);
    assert_eq!(launched(tale.next_command()).len(), 1);
}

#[test]
fn servers_are_judged_not_jobs() {
    let mut tale = Tale::new(&[("web", &["s-1", "s-2", "s-3"])]);
    let (launch, _) = tale.launch();
    let seen = job(
        "job-1",
        false,
        &[
            ("s-1", LaunchStatus::Launched),
            ("s-2", LaunchStatus::Failed),
            ("s-3", LaunchStatus::InProgress),
        ],
    );
    let reasons = BTreeMap::from([(ServerId::new("s-2"), "no capacity".to_owned())]);
    let events = jobs::judge(&tale.state, &[launch], &[seen], &reasons, tale.now);
    let [Event::ServersJudged { results, .. }] = events.as_slice() else {
        panic!("{events:?}");
    };
    assert_eq!(results[0].result, ServerResult::Launched);
    assert_eq!(
        results[1].result,
        ServerResult::Failed {
            reason: "no capacity".to_owned()
        }
    );
    assert_eq!(results.len(), 2, "the third still launches");
}

#[test]
fn pending_or_missing_when_the_job_completed_is_a_failure_after_the_grace() {
    let mut tale = Tale::new(&[("web", &["s-1", "s-2", "s-3"])]);
    let (launch, _) = tale.launch();
    let seen = job(
        "job-1",
        true,
        &[
            ("s-1", LaunchStatus::Pending),
            ("s-2", LaunchStatus::Other("RESTING".to_owned())),
        ],
    );
    tale.pass(89);
    let judged = |tale: &Tale| {
        jobs::judge(
            &tale.state,
            &[launch],
            std::slice::from_ref(&seen),
            &BTreeMap::new(),
            tale.now,
        )
    };
    assert_eq!(
        judged(&tale),
        [],
        "within the grace an answer may still come"
    );
    tale.pass(1);
    let events = judged(&tale);
    let [Event::ServersJudged { results, .. }, Event::JobEnded { .. }] = events.as_slice() else {
        panic!("{events:?}");
    };
    let reasons: Vec<String> = results
        .iter()
        .map(|result| match &result.result {
            ServerResult::Failed { reason } => reason.clone(),
            ServerResult::Launched => "launched".to_owned(),
        })
        .collect();
    insta::assert_snapshot!(reasons.join("\n"));
}

#[test]
fn a_word_that_is_not_known_is_waited_out_while_the_job_runs() {
    let mut tale = Tale::new(&[("web", &["s-1"])]);
    let (launch, _) = tale.launch();
    let seen = job(
        "job-1",
        false,
        &[("s-1", LaunchStatus::Other("RESTING".to_owned()))],
    );
    tale.pass(100_000);
    assert_eq!(
        jobs::judge(&tale.state, &[launch], &[seen], &BTreeMap::new(), tale.now),
        []
    );
}

#[test]
fn a_job_without_an_end_time_is_judged_by_its_beginning() {
    let mut tale = Tale::new(&[("web", &["s-1"])]);
    let (launch, _) = tale.launch();
    let mut seen = job("job-1", true, &[("s-1", LaunchStatus::Pending)]);
    seen.ended_at = None;
    tale.pass(90);
    let events = jobs::judge(&tale.state, &[launch], &[seen], &BTreeMap::new(), tale.now);
    assert_eq!(events.len(), 2);
}

#[test]
fn the_end_waits_a_while_for_the_instances_of_launched_servers() {
    let mut tale = Tale::new(&[("web", &["s-1"])]);
    let (launch, servers) = tale.launch();
    tale.pass(600);
    let result = crate::event::Judgement {
        server: servers[0].clone(),
        result: ServerResult::Launched,
        instance: None,
    };
    tale.tell(Event::ServersJudged {
        launch,
        results: vec![result],
    });
    tale.tell(Event::JobEnded { launch });
    let decision = tale.settle();
    assert_eq!(
        decision.command,
        Some(Command::FindInstances {
            target: target(),
            servers
        })
    );
    assert_eq!(tale.state.status, Status::Running);
    tale.pass(limits::INSTANCE_GRACE.as_secs());
    tale.settle();
    assert_eq!(
        tale.state.status,
        Status::Ended(Outcome::Completed),
        "it is recorded without them"
    );
}

#[test]
fn a_wave_that_runs_out_of_time_follows_its_jobs_and_starts_no_other() {
    let all = many(150);
    let mut tale = Tale::new(&[("web", &names(&all)), ("late", &["s-x"])]);
    let (launch, servers) = tale.launch();
    tale.pass(limits::WAVE_TIMEOUT.as_secs());
    let decision = tale.settle();
    assert!(
        matches!(decision.command, Some(Command::Observe { .. })),
        "{decision:?}"
    );
    tale.succeed(launch, &servers);
    tale.settle();
    assert_eq!(tale.state.status, Status::Ended(Outcome::TimedOut));
    assert_eq!(
        tale.state.waves[1].finished.map(|(_, outcome)| outcome),
        Some(WaveOutcome::NotLaunched)
    );
}

#[test]
fn a_job_that_never_ends_is_given_up_at_last() {
    let mut tale = Tale::new(&[("web", &["s-1"])]);
    tale.launch();
    tale.pass(limits::WAVE_TIMEOUT.as_secs());
    tale.settle();
    tale.pass(limits::FOLLOW_AFTER_STOP.as_secs() - 1);
    tale.settle();
    assert_eq!(tale.state.status, Status::Running);
    tale.pass(1);
    tale.settle();
    assert_eq!(tale.state.status, Status::Ended(Outcome::TimedOut));
}

#[test]
fn the_limit_of_the_whole_stops_launches() {
    let mut tale = Tale::with(&[("db", &["s-1"]), ("web", &["s-2"])], |started| {
        started.timeout = Some(SignedDuration::from_secs(500));
    });
    let (launch, servers) = tale.launch();
    tale.pass(600).settle();
    tale.succeed(launch, &servers);
    tale.settle();
    assert_eq!(tale.state.status, Status::Ended(Outcome::TimedOut));
    assert_eq!(tale.state.launches.len(), 1);
}

#[test]
fn a_cancel_launches_no_more_and_follows_the_jobs_to_their_end() {
    let mut tale = Tale::new(&[("db", &["s-1"]), ("web", &["s-2"])]);
    let (launch, servers) = tale.launch();
    tale.pass(60).wish(cancel());
    let decision = tale.settle();
    assert_eq!(tale.state.status, Status::Cancelling);
    assert!(matches!(decision.command, Some(Command::Observe { .. })));
    tale.pass(540).succeed(launch, &servers);
    tale.settle();
    assert_eq!(tale.state.status, Status::Ended(Outcome::Cancelled));
    assert_eq!(tale.state.launches.len(), 1);
}

#[test]
fn a_cancel_that_changes_nothing_does_not_spoil_a_success() {
    let mut tale = Tale::new(&[("db", &["s-1"])]);
    let (launch, servers) = tale.launch();
    tale.wish(cancel());
    tale.succeed(launch, &servers);
    tale.settle();
    assert_eq!(tale.state.status, Status::Ended(Outcome::Completed));
}

#[test]
fn a_failed_wave_lets_running_ones_finish_and_starts_no_other() {
    let mut tale = Tale::with(
        &[("a", &["s-1"]), ("b", &["s-2"]), ("c", &["s-3"])],
        |started| started.waves[1].depends_on = Vec::new(),
    );
    let (first, first_servers) = tale.launch();
    let (second, second_servers) = tale.launch();
    tale.judge(first, &first_servers, Some("no capacity"));
    tale.tell(Event::JobEnded { launch: first });
    tale.settle();
    assert_eq!(tale.state.status, Status::Running);
    tale.succeed(second, &second_servers);
    tale.settle();
    let outcomes: Vec<_> = tale
        .state
        .waves
        .iter()
        .filter_map(|wave| wave.finished.map(|(_, outcome)| outcome))
        .collect();
    assert_eq!(
        outcomes,
        [
            WaveOutcome::Failed,
            WaveOutcome::Completed,
            WaveOutcome::NotLaunched
        ]
    );
    assert_eq!(tale.state.status, Status::Ended(Outcome::Failed));
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
        let found = launches::remedy(&error(kind, code, message), &plan(1));
        assert_eq!(found, wanted, "{code} {message} {servers} {tagged}");
        if code == "ConflictException" && servers == 1 {
            let often = plan(limits::CONFLICTS_PER_SERVER);
            let found = launches::remedy(&error(kind, code, message), &often);
            assert_eq!(found, Remedy::GiveUp, "no job has it: it is something else");
        }
    }
}

#[test]
fn a_termination_begins_after_the_end_and_looks_before_it_asks() {
    let mut tale = Tale::new(&[("db", &["s-1"])]);
    let (launch, servers) = tale.launch();
    tale.wish(cancel()).wish(Event::TerminationRequested {
        reason: "over".to_owned(),
    });
    assert!(matches!(
        tale.settle().command,
        Some(Command::Observe { .. })
    ));
    tale.pass(3 * 3_600).succeed(launch, &servers);
    let decision = tale.settle();
    assert!(tale.state.status.is_terminal());
    assert_eq!(decision.command, Some(Command::FindOwnInstances(target())));
    let look = |tale: &mut Tale, listed: &[&str], alive: &[&str]| {
        let ids = |names: &[&str]| names.iter().map(|name| InstanceId::new(*name)).collect();
        tale.view.own_instances.insert(
            target(),
            view::OwnInstances {
                at: tale.now.world,
                listed: ids(listed),
                alive: ids(alive),
            },
        );
    };
    look(&mut tale, &["i-s-1"], &["i-s-1"]);
    let instances = vec![InstanceId::new("i-s-1")];
    assert_eq!(
        tale.decide().command,
        Some(Command::Terminate {
            target: target(),
            instances: instances.clone()
        })
    );
    tale.tell(Event::TerminationAccepted {
        target: target(),
        instances,
        job: None,
    });
    assert_eq!(tale.settle().command, None, "asked once");
    tale.pass(60);
    look(&mut tale, &[], &["i-s-1"]);
    assert_eq!(
        tale.settle().command,
        None,
        "what EC2 still has is not gone"
    );
    look(&mut tale, &[], &[]);
    tale.settle();
    let termination = tale.state.termination.clone().unwrap();
    assert!(is_done(&tale.state));
    assert_eq!(termination.gone.len(), 1);
    assert_eq!(termination.finished.unwrap().1, []);
}

#[test]
fn a_termination_that_was_asked_for_early_has_its_whole_time_after_the_end() {
    let mut tale = Tale::new(&[("db", &["s-1"])]);
    let (launch, servers) = tale.launch();
    tale.wish(cancel()).wish(Event::TerminationRequested {
        reason: "over".to_owned(),
    });
    tale.pass(3 * 3_600).succeed(launch, &servers);
    tale.settle();
    tale.view.own_instances.insert(
        target(),
        view::OwnInstances {
            at: tale.now.world,
            listed: Vec::new(),
            alive: vec![InstanceId::new("i-s-1")],
        },
    );
    assert_eq!(tale.settle().command, None);
    tale.pass(limits::TERMINATION_TIMEOUT.as_secs());
    let instances = tale.view.own_instances.get_mut(&target()).unwrap();
    instances.at = tale.now.world;
    tale.settle();
    let finished = tale.state.termination.clone().unwrap().finished.unwrap();
    assert_eq!(finished.1, [InstanceId::new("i-s-1")]);
    insta::assert_snapshot!(finished.2.unwrap());
}

#[test]
fn nothing_is_terminated_for_an_execution_that_launched_nothing() {
    let mut tale = Tale::new(&[("db", &["s-1"])]);
    tale.settle();
    tale.wish(cancel()).wish(Event::TerminationRequested {
        reason: "over".to_owned(),
    });
    assert_eq!(tale.settle().command, None);
    assert!(is_done(&tale.state));
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
