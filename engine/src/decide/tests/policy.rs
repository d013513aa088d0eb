//! What follows when servers fail, for every policy.

use super::*;
use crate::event::ServerResult;
use crate::plan::{AfterFailure, LaunchOrder, Policy, Success};
use crate::state::ServerStatus;
use crate::testing::beginning;

/// A policy, the servers that fail, the outcomes of the two waves, and of the whole.
type Case = (
    AfterFailure,
    Success,
    &'static [&'static str],
    &'static str,
    &'static str,
);

/// What must succeed, the retries, the servers that fail, what is launched in which order, and the wave's outcome.
type InOrder = (
    Success,
    u32,
    &'static [&'static str],
    &'static str,
    &'static str,
);

/// A wave of four servers, `s-1` critical where the policy goes by that, and a wave after it.
fn tale(policy: Policy, order: LaunchOrder) -> Tale {
    let (mut started, mut frozen) =
        beginning(&[("db", &["s-1", "s-2", "s-3", "s-4"]), ("web", &["s-9"])]);
    frozen.waves[0][0].critical = policy.success == Success::Critical;
    started.resolution_digest = frozen.digest();
    started.waves[0].policy = policy;
    started.waves[1].policy.on_failure = policy.on_failure;
    started.waves[0].order = order;
    Tale::of(started, frozen)
}

fn policy(on_failure: AfterFailure, success: Success, retries: u32) -> Policy {
    Policy {
        on_failure,
        success,
        retries,
    }
}

/// Judges the servers of a launch, these as failed, and ends its job.
fn end(tale: &mut Tale, launch: LaunchId, servers: &[ServerId], failed: &[&str]) {
    let (failed, launched): (Vec<ServerId>, Vec<ServerId>) = servers
        .iter()
        .cloned()
        .partition(|id| failed.contains(&id.as_str()));
    if !launched.is_empty() {
        tale.judge(launch, &launched, None);
    }
    if !failed.is_empty() {
        tale.judge(launch, &failed, Some("no capacity"));
    }
    tale.tell(Event::JobEnded { launch });
}

/// Runs to the end; these servers fail whenever they are launched. What was launched, in order.
fn run(tale: &mut Tale, failing: &[&str]) -> Vec<String> {
    let mut launched = Vec::new();
    while let Some(command) = tale.next_command() {
        assert!(matches!(command, Command::Launch(_)), "{command:?}");
        let (launch, servers) = tale.launch();
        launched.extend(servers.iter().map(ToString::to_string));
        tale.pass(60);
        end(tale, launch, &servers, failing);
    }
    launched
}

fn outcomes(tale: &Tale) -> Vec<&'static str> {
    let finished = tale.state.waves.iter().filter_map(|wave| wave.finished);
    finished.map(|(_, outcome)| outcome.as_str()).collect()
}

fn status(tale: &Tale, id: &str) -> ServerStatus {
    tale.state.servers[&ServerId::new(id)].status.clone()
}

#[test]
fn a_policy_says_when_a_wave_has_failed_and_what_follows() {
    use AfterFailure::{Continue, Halt, Pause};
    use Success::{Critical, Every, Percent};
    let all: &'static [&str] = &["s-1", "s-2", "s-3", "s-4", "s-9"];
    let table: [Case; 19] = [
        (Halt, Every, &[], "COMPLETED COMPLETED", "COMPLETED"),
        (Halt, Every, &["s-2"], "FAILED NOT_LAUNCHED", "FAILED"),
        (Pause, Every, &["s-2"], "", "PAUSED"),
        (Continue, Every, &["s-2"], "FAILED COMPLETED", "PARTIAL"),
        (Continue, Every, all, "FAILED FAILED", "FAILED"),
        (Continue, Every, &["s-2", "s-9"], "FAILED FAILED", "PARTIAL"),
        (Continue, Every, &["s-9"], "COMPLETED FAILED", "PARTIAL"),
        (Halt, Critical, &["s-2"], "PARTIAL COMPLETED", "PARTIAL"),
        (Halt, Critical, &all[1..4], "PARTIAL COMPLETED", "PARTIAL"),
        (Halt, Critical, &["s-2", "s-9"], "PARTIAL FAILED", "FAILED"),
        (Halt, Critical, &["s-1"], "FAILED NOT_LAUNCHED", "FAILED"),
        (Pause, Critical, &["s-1"], "", "PAUSED"),
        (Continue, Critical, &["s-1"], "FAILED COMPLETED", "PARTIAL"),
        (Halt, Percent(50), &[], "COMPLETED COMPLETED", "COMPLETED"),
        (Halt, Percent(50), &all[..2], "PARTIAL COMPLETED", "PARTIAL"),
        (
            Halt,
            Percent(51),
            &all[..2],
            "FAILED NOT_LAUNCHED",
            "FAILED",
        ),
        (
            Pause,
            Percent(75),
            &all[..1],
            "PARTIAL COMPLETED",
            "PARTIAL",
        ),
        (
            Continue,
            Percent(75),
            &all[..2],
            "FAILED COMPLETED",
            "PARTIAL",
        ),
        (Halt, Percent(1), &all[..4], "FAILED NOT_LAUNCHED", "FAILED"),
    ];
    for (on_failure, success, failing, waves, whole) in table {
        let mut tale = tale(policy(on_failure, success, 0), LaunchOrder::Parallel);
        run(&mut tale, failing);
        let case = format!("{on_failure:?} {success:?} {failing:?}");
        assert_eq!(outcomes(&tale).join(" "), waves, "{case}");
        assert_eq!(tale.state.status.as_str(), whole, "{case}");
        for id in failing {
            let expected = if *id == "s-9" && waves.ends_with("NOT_LAUNCHED") {
                ServerStatus::NotLaunched
            } else {
                ServerStatus::Failed {
                    reason: "no capacity".to_owned(),
                }
            };
            assert_eq!(status(&tale, id), expected, "{case}: {id}");
        }
    }
}

#[test]
fn in_order_means_in_order_until_a_failure_that_does_not_pass() {
    use Success::{Critical, Every, Percent};
    let all: &'static [&str] = &["s-1", "s-2", "s-3", "s-4"];
    let table: [InOrder; 7] = [
        (Every, 0, &["s-2"], "s-1 s-2", "FAILED"),
        (Every, 1, &["s-2"], "s-1 s-2 s-2", "FAILED"),
        (Critical, 0, &["s-1"], "s-1", "FAILED"),
        (Critical, 0, &["s-2"], "s-1 s-2 s-3 s-4 s-9", "PARTIAL"),
        (Critical, 1, &["s-2"], "s-1 s-2 s-2 s-3 s-4 s-9", "PARTIAL"),
        (Percent(50), 0, &all[..2], "s-1 s-2 s-3 s-4 s-9", "PARTIAL"),
        (Percent(75), 0, &all[..3], "s-1 s-2", "FAILED"),
    ];
    for (success, retries, failing, launched, first) in table {
        let policy = policy(AfterFailure::Halt, success, retries);
        let mut tale = tale(policy, LaunchOrder::Sequential);
        let case = format!("{success:?} {retries} {failing:?}");
        assert_eq!(run(&mut tale, failing).join(" "), launched, "{case}");
        assert_eq!(outcomes(&tale)[0], first, "{case}");
        if first == "FAILED" {
            let last = status(&tale, "s-4");
            assert_eq!(last, ServerStatus::NotLaunched, "{case}");
        }
    }
}

#[test]
fn a_failed_server_is_launched_again_once_its_job_has_ended() {
    let policy = policy(AfterFailure::Halt, Success::Every, 2);
    let mut tale = tale(policy, LaunchOrder::Parallel);
    let (launch, servers) = tale.launch();
    assert_eq!(servers.len(), 4);
    tale.judge(launch, &ids(&["s-2", "s-3"]), Some("no capacity"));
    tale.judge(launch, &ids(&["s-1", "s-4"]), None);
    assert!(
        matches!(tale.next_command(), None | Some(Command::Observe { .. })),
        "DRS refuses a server that is in a job"
    );
    assert_eq!(tale.state.waves[0].finished, None);
    tale.tell(Event::JobEnded { launch });
    let (again, servers) = tale.launch();
    assert_eq!(servers, ids(&["s-2", "s-3"]));
    assert_eq!(tale.state.launches[&again].attempt, 2);
    let recorded = tale.log.iter().filter(|recorded| {
        matches!(&recorded.event, Event::ServersRetried { wave: 0, servers } if servers.len() == 2)
    });
    assert_eq!(recorded.count(), 1);
    end(&mut tale, again, &servers, &["s-3"]);
    let (last, servers) = tale.launch();
    assert_eq!(servers, ids(&["s-3"]));
    assert_eq!(tale.state.launches[&last].attempt, 3);
    end(&mut tale, last, &servers, &[]);
    run(&mut tale, &[]);
    assert_eq!(tale.state.status, Status::Ended(Outcome::Completed));
}

#[test]
fn retries_come_to_an_end() {
    for retries in 0..=limits::RETRIES_PER_SERVER {
        let policy = policy(AfterFailure::Continue, Success::Every, retries);
        let mut tale = tale(policy, LaunchOrder::Parallel);
        let launched = run(&mut tale, &["s-2"]);
        let tries = launched.iter().filter(|id| *id == "s-2").count();
        assert_eq!(tries, retries as usize + 1);
        assert_eq!(tale.state.status, Status::Ended(Outcome::Partial));
    }
}

#[test]
fn many_failed_servers_are_retried_a_hundred_at_a_time() {
    let all = many(150);
    let mut tale = Tale::with(&[("web", &names(&all))], |started| {
        started.waves[0].policy.retries = 1;
    });
    let jobs = [tale.launch(), tale.launch()];
    for (launch, servers) in jobs {
        let failed: Vec<&str> = servers.iter().map(ServerId::as_str).collect();
        end(&mut tale, launch, &servers, &failed);
    }
    tale.settle();
    let sizes: Vec<usize> = tale
        .log
        .iter()
        .filter_map(|recorded| match &recorded.event {
            Event::ServersRetried { servers, .. } => Some(servers.len()),
            _ => None,
        })
        .collect();
    assert_eq!(sizes.iter().sum::<usize>(), 150);
    assert!(sizes.iter().all(|size| *size <= limits::SERVERS_PER_EVENT));
}

#[test]
fn a_limit_or_a_cancel_ends_retries_and_the_last_failure_stays_told() {
    let failed = ServerStatus::Failed {
        reason: "no capacity".to_owned(),
    };
    let begun = || {
        let policy = policy(AfterFailure::Continue, Success::Every, 3);
        let mut tale = tale(policy, LaunchOrder::Parallel);
        let (launch, servers) = tale.launch();
        end(&mut tale, launch, &servers, &["s-2"]);
        tale
    };
    // Between the failure and the next launch.
    let mut cancelled = begun();
    cancelled.settle();
    assert_eq!(status(&cancelled, "s-2"), ServerStatus::Waiting);
    cancelled.wish(cancel());
    cancelled.settle();
    assert_eq!(status(&cancelled, "s-2"), failed);
    assert_eq!(outcomes(&cancelled), ["FAILED", "NOT_LAUNCHED"]);
    assert_eq!(cancelled.state.status, Status::Ended(Outcome::Cancelled));
    assert_eq!(cancelled.state.servers[&ServerId::new("s-2")].retries, 0);
    // The same, when the time of the wave has passed: it counts as failed, and its policy goes on.
    let mut late = begun();
    late.settle();
    late.pass(limits::WAVE_TIMEOUT.as_secs());
    run(&mut late, &[]);
    assert_eq!(status(&late, "s-2"), failed);
    assert_eq!(outcomes(&late), ["TIMED_OUT", "COMPLETED"]);
    assert_eq!(late.state.status, Status::Ended(Outcome::TimedOut));
    // Nothing is retried when the time had passed before.
    let mut later = begun();
    later.pass(limits::WAVE_TIMEOUT.as_secs());
    later.settle();
    assert_eq!(later.state.servers[&ServerId::new("s-2")].retries, 0);
}

#[test]
fn what_was_refused_outright_is_not_tried_again() {
    let policy = policy(AfterFailure::Halt, Success::Every, 3);
    let mut tale = tale(policy, LaunchOrder::Parallel);
    let (launch, _) = tale.intend();
    tale.refused(
        launch,
        "AccessDeniedException",
        crate::event::Remedy::GiveUp,
    );
    tale.settle();
    assert_eq!(tale.state.launches.len(), 1);
    assert_eq!(tale.state.status, Status::Ended(Outcome::Failed));
}

#[test]
fn the_instance_of_a_failed_launch_is_forgotten_and_the_new_one_is_looked_for() {
    let policy = policy(AfterFailure::Halt, Success::Every, 1);
    let mut tale = tale(policy, LaunchOrder::Parallel);
    let (launch, servers) = tale.launch();
    tale.judge(launch, &servers[1..], None);
    let result = |result, instance: Option<&str>| crate::event::Judgement {
        server: ServerId::new("s-1"),
        result,
        instance: instance.map(crate::ids::InstanceId::new),
    };
    let failed = ServerResult::Failed {
        reason: "no".to_owned(),
    };
    tale.tell(Event::ServersJudged {
        launch,
        results: vec![result(failed, Some("i-old"))],
    });
    tale.tell(Event::JobEnded { launch });
    let (again, _) = tale.launch();
    tale.tell(Event::ServersJudged {
        launch: again,
        results: vec![result(ServerResult::Launched, None)],
    });
    assert_eq!(tale.state.servers[&ServerId::new("s-1")].instance, None);
    let without: Vec<_> = tale.state.without_instance().map(|(id, _)| id).collect();
    assert_eq!(without, [&ServerId::new("s-1")]);
}

#[test]
fn one_sentence_says_what_failed_and_whether_that_passes() {
    use AfterFailure::{Continue, Halt};
    let table = [
        (Halt, Success::Every, vec!["s-2"]),
        (Continue, Success::Every, vec!["s-2"]),
        (Halt, Success::Critical, vec!["s-2"]),
        (Halt, Success::Critical, vec!["s-1", "s-2"]),
        (Halt, Success::Percent(80), vec!["s-2"]),
        (Continue, Success::Percent(80), vec!["s-2", "s-9"]),
        (Halt, Success::Percent(50), vec!["s-2", "s-9"]),
    ];
    let mut text = String::new();
    for (on_failure, success, failing) in table {
        let mut tale = tale(policy(on_failure, success, 0), LaunchOrder::Parallel);
        run(&mut tale, &failing);
        let (_, summary) = tale.state.finished.as_ref().unwrap();
        let status = tale.state.status.as_str();
        text.push_str(&format!(
            "{on_failure:?} {success:?}: {status}: {summary}\n"
        ));
    }
    insta::assert_snapshot!(text);
}
