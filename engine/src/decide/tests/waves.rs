//! Which servers of which wave are next.

use jiff::SignedDuration;

use super::*;
use crate::plan::LaunchOrder;
use crate::state::ServerStatus;

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
