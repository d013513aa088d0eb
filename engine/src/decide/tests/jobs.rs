//! How servers are judged by their jobs.

use std::collections::BTreeMap;

use super::*;
use crate::decide::jobs;
use crate::event::ServerResult;
use crate::ids::JobId;
use crate::ports::{Job, JobServer, LaunchStatus};

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

/// Looks until a job of this length is seen to end: how many, and how long after its end.
fn looks_until(seconds: i64) -> (usize, i64) {
    let mut tale = Tale::new(&[("web", &["s-1"])]);
    tale.launch();
    let (mut looks, mut age) = (0, 0);
    loop {
        match tale.settle().command {
            Some(Command::Observe { target, .. }) => {
                looks += 1;
                if age >= seconds {
                    return (looks, age - seconds);
                }
                tale.view.observed.insert(target, tale.now.world);
            }
            None => {
                tale.pass(1);
                age += 1;
            }
            Some(other) => panic!("{other:?}"),
        }
    }
}

#[test]
fn looks_are_frequent_only_while_a_job_may_end_and_never_add_more_than_a_hundredth() {
    for seconds in [310, 533, 700, 1_016, 2_400, 3_000] {
        let (looks, late) = looks_until(seconds);
        let most = (seconds / 100).max(limits::POLL_SHORTEST.as_secs()) + 1;
        assert!(late <= most, "{seconds} s: {late} s late");
        assert!(looks < 260, "{seconds} s: {looks} looks");
    }
    let (looks, late) = looks_until(250);
    assert!(
        late <= limits::POLL_LONGEST.as_secs() && looks <= 25,
        "{looks}"
    );
    assert!(looks_until(2).1 <= limits::POLL_SHORTEST.as_secs());
}
