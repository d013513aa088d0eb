//! Pauses, approvals, skips and retries: what holds, what goes on, and which clocks stand.

use super::*;

fn pause(before: Option<usize>) -> Event {
    Event::PauseRequested {
        before,
        reason: "the network team is not ready".to_owned(),
    }
}

fn resume() -> Event {
    Event::ResumeRequested {
        reason: "ready now".to_owned(),
    }
}

fn skip(wave: usize) -> Event {
    Event::SkipRequested {
        wave,
        reason: "it is retired".to_owned(),
    }
}

fn outcome(tale: &Tale, wave: usize) -> Option<WaveOutcome> {
    tale.state.waves[wave].finished.map(|(_, outcome)| outcome)
}

#[test]
fn a_pause_launches_no_more_and_follows_the_jobs() {
    let mut tale = Tale::new(&[("db", &["s-1"]), ("web", &["s-2"])]);
    let (launch, servers) = tale.launch();
    tale.wish(pause(None));
    assert_eq!(tale.state.status, Status::Paused);
    assert!(matches!(
        tale.settle().command,
        Some(Command::Observe { .. })
    ));
    tale.succeed(launch, &servers);
    assert_eq!(tale.next_command(), None);
    assert_eq!(outcome(&tale, 0), Some(WaveOutcome::Completed));
    assert_eq!(tale.state.waves[1].ready_at, None);
    tale.wish(resume());
    assert_eq!(tale.state.status, Status::Running);
    let (launch, servers) = tale.launch();
    tale.succeed(launch, &servers);
    tale.settle();
    assert_eq!(tale.state.status, Status::Ended(Outcome::Completed));
}

#[test]
fn an_intent_does_not_fit_a_paused_history() {
    let mut tale = Tale::new(&[("db", &["s-1"])]);
    let Some(Command::Launch(plan)) = tale.next_command() else {
        panic!("a launch is due");
    };
    tale.wish(pause(None));
    let intent = crate::event::Intent {
        launch: plan.launch,
        wave: plan.wave,
        attempt: plan.attempt,
        target: plan.target,
        servers: plan.servers,
        signed_at: tale.now.wall,
        tagged: true,
    };
    let reason = tale.refuse(Event::LaunchIntended(Box::new(intent)));
    assert_eq!(reason, "the execution is paused");
}

#[test]
fn paused_time_counts_against_no_limit() {
    let mut tale = Tale::with(&[("db", &["s-1"])], |started| {
        started.timeout = Some(limits::WAVE_TIMEOUT);
    });
    let (launch, servers) = tale.launch();
    tale.pass(600).wish(pause(None));
    tale.pass(limits::WAVE_TIMEOUT.as_secs() * 5).settle();
    assert_eq!(tale.state.status, Status::Paused);
    tale.wish(resume());
    tale.pass(limits::WAVE_TIMEOUT.as_secs() - 601).settle();
    assert_eq!(tale.state.status, Status::Running);
    assert_eq!(tale.state.waves[0].timed_out_at, None);
    tale.pass(1).settle();
    assert!(tale.state.waves[0].timed_out_at.is_some());
    tale.succeed(launch, &servers);
}

#[test]
fn a_wave_waits_for_its_approval_and_others_go_on() {
    let mut tale = Tale::with(&[("db", &["s-1"]), ("web", &["s-2"])], |started| {
        started.waves[0].pause_before = true;
        started.waves[1].depends_on = Vec::new();
    });
    let (launch, servers) = tale.launch();
    assert_eq!(servers, ids(&["s-2"]));
    assert_eq!(tale.state.status, Status::Paused);
    tale.succeed(launch, &servers);
    assert_eq!(tale.next_command(), None);
    tale.wish(resume());
    let (launch, servers) = tale.launch();
    assert_eq!(servers, ids(&["s-1"]));
    tale.succeed(launch, &servers);
    tale.settle();
    assert_eq!(tale.state.status, Status::Ended(Outcome::Completed));
}

#[test]
fn a_pause_before_a_wave_holds_it_when_it_is_due() {
    let mut tale = Tale::new(&[("db", &["s-1"]), ("web", &["s-2"])]);
    let (launch, servers) = tale.launch();
    tale.wish(pause(Some(1)));
    assert_eq!(tale.state.status, Status::Running);
    tale.succeed(launch, &servers);
    assert_eq!(tale.next_command(), None);
    assert_eq!(tale.state.status, Status::Paused);
    assert_eq!(
        tale.refuse(pause(Some(0))),
        "wave \"db\" is finished",
        "a wave that is over cannot be held"
    );
}

#[test]
fn a_skipped_wave_is_left_out_once_it_is_due_and_the_rest_goes_on() {
    let mut tale = Tale::new(&[("db", &["s-1"]), ("app", &["s-2"]), ("web", &["s-3"])]);
    let (launch, servers) = tale.launch();
    tale.wish(skip(1));
    tale.settle();
    assert_eq!(outcome(&tale, 1), None, "what it waits for is not finished");
    assert_eq!(
        tale.refuse(skip(0)),
        "wave \"db\" has started: cancel the execution, or let it end"
    );
    tale.succeed(launch, &servers);
    let (launch, servers) = tale.launch();
    assert_eq!(servers, ids(&["s-3"]));
    assert_eq!(outcome(&tale, 1), Some(WaveOutcome::Skipped));
    tale.succeed(launch, &servers);
    tale.settle();
    assert_eq!(tale.state.status, Status::Ended(Outcome::Partial));
    let summary = tale
        .state
        .finished
        .as_ref()
        .map(|(_, summary)| summary.as_str());
    assert_eq!(
        summary,
        Some("2 of 3 servers launched; wave \"app\" was skipped: it is retired")
    );
}

fn fails(server: &str) -> crate::event::Judgement {
    crate::event::Judgement {
        server: ServerId::new(server),
        result: crate::event::ServerResult::Failed {
            reason: "no capacity".to_owned(),
        },
        instance: None,
    }
}

fn retry(servers: &[&str]) -> Event {
    Event::RetryRequested {
        wave: 0,
        servers: ids(servers),
        reason: "capacity is back".to_owned(),
    }
}

/// A wave that pauses after failures, of whose two servers one has failed.
fn held() -> Tale {
    let mut tale = Tale::with(&[("db", &["s-1", "s-2"]), ("web", &["s-3"])], |started| {
        started.waves[0].policy.on_failure = crate::plan::AfterFailure::Pause;
    });
    let (launch, _) = tale.launch();
    tale.tell(Event::ServersJudged {
        launch,
        results: vec![fails("s-1")],
    });
    assert_eq!(
        tale.refuse(retry(&["s-1"])),
        "the job of server s-1 has not ended; ask again when it has"
    );
    assert_eq!(
        tale.refuse(retry(&["s-2"])),
        "server s-2 has not failed in this wave"
    );
    assert_eq!(tale.refuse(retry(&[])), "it names no failed server");
    tale.succeed(launch, &ids(&["s-2"]));
    assert_eq!(tale.next_command(), None);
    assert_eq!(tale.state.status, Status::Paused);
    assert_eq!(outcome(&tale, 0), None);
    tale
}

#[test]
fn failed_servers_of_a_wave_that_is_held_are_launched_again() {
    let mut tale = held();
    tale.wish(retry(&["s-1"]));
    assert_eq!(tale.state.status, Status::Running);
    let (again, servers) = tale.launch();
    assert_eq!(servers, ids(&["s-1"]));
    assert_eq!(tale.state.launches[&again].attempt, 2);
    tale.succeed(again, &servers);
    let (launch, servers) = tale.launch();
    tale.succeed(launch, &servers);
    tale.settle();
    assert_eq!(tale.state.status, Status::Ended(Outcome::Completed));
}

#[test]
fn a_wave_that_is_held_after_failures_goes_on_without_them_when_it_is_resumed_or_skipped() {
    for wish in [resume(), skip(0)] {
        let mut tale = held();
        tale.wish(wish);
        let (launch, servers) = tale.launch();
        assert_eq!(servers, ids(&["s-3"]));
        assert_eq!(outcome(&tale, 0), Some(WaveOutcome::Failed));
        tale.succeed(launch, &servers);
        tale.settle();
        assert_eq!(tale.state.status, Status::Ended(Outcome::Partial));
    }
}

#[test]
fn a_cancel_ends_a_pause() {
    let mut tale = Tale::new(&[("db", &["s-1"]), ("web", &["s-2"])]);
    tale.launch();
    tale.wish(pause(None));
    tale.wish(cancel());
    assert_eq!(tale.state.status, Status::Cancelling);
    assert_eq!(tale.state.pause, None);
    assert_eq!(
        tale.refuse(resume()),
        "it is being cancelled, so nothing more is launched"
    );
    assert_eq!(
        tale.refuse(pause(None)),
        "it is being cancelled, so nothing more is launched"
    );
}
