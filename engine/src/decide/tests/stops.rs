//! Limits of time and cancels: nothing more is launched, and what runs is followed to its end.

use jiff::SignedDuration;

use super::*;

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

/// A look that comes late may find both at once.
#[test]
fn a_retry_that_is_due_in_the_moment_in_which_the_limit_passes_is_not_made() {
    let mut tale = Tale::with(&[("db", &["s-1"])], |started| {
        started.timeout = Some(SignedDuration::from_secs(500));
        started.waves[0].policy.retries = 3;
    });
    let (launch, servers) = tale.launch();
    tale.pass(600)
        .judge(launch, &servers, Some("there is no capacity"));
    tale.tell(Event::JobEnded { launch });
    tale.settle();
    assert_eq!(tale.state.status, Status::Ended(Outcome::TimedOut));
}
