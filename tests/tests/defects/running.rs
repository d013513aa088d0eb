//! Rows 1 to 18: how waves are run.

use drs_engine::begin::BeginError;
use drs_engine::drive::{Ending, Unwatched};
use drs_engine::event::{Event, Mode, Outcome};
use drs_engine::ids::ExecutionId;
use drs_engine::plan::WaveSpec;
use drs_engine::ports::{Clock, Drs, StartRecovery, StartServer};
use drs_engine::sim::fleet::FaultPhase;
use drs_engine::sim::hub::Faults;
use drs_engine::state::{ServerStatus, State, Status};
use drs_engine::time::{Wake, after};
use jiff::SignedDuration;

use super::scene::{
    Scene, dead_after, failing, group_id, server, server_id, take, target, two_waves, wave,
};

const REASON: &str = "as agreed on the bridge";

fn reason() -> String {
    REASON.to_owned()
}

fn pause() -> Event {
    Event::PauseRequested {
        before: None,
        reason: reason(),
    }
}

fn cancel() -> Event {
    Event::CancelRequested { reason: reason() }
}

fn assert_ended(state: &State, outcome: Outcome) {
    let why = state.finished.as_ref().map(|(_, summary)| summary);
    assert_eq!(state.status, Status::Ended(outcome), "{why:?}");
}

#[test]
fn a_run_is_polled_to_its_end() {
    let mut scene = two_waves();
    let state = scene.play(|process| process.drill("x-1"));
    assert_ended(&state, Outcome::Completed);
    assert_eq!(scene.launches().len(), 2);
}

#[test]
fn a_pause_is_resumed_by_another_process() {
    let mut scene = two_waves();
    dead_after(&mut scene, 1);
    scene
        .play(|process| async move { process.ask("x-1", pause()).await.map(drop) })
        .expect("it can be paused");
    assert_eq!(scene.state("x-1").status, Status::Paused);
    let resumed = Event::ResumeRequested { reason: reason() };
    scene
        .play(|process| async move { process.ask("x-1", resumed).await.map(drop) })
        .expect("it can be resumed");
    let state = scene.play(|process| process.take_up("x-1"));
    assert_ended(&state, Outcome::Completed);
    assert_eq!(scene.launches().len(), 2);
}

#[test]
fn a_poll_never_overwrites_a_request() {
    let mut scene = two_waves();
    let drill = scene.spawn(|process| process.drill("x-1"));
    let asked = scene.spawn(|process| async move {
        loop {
            // The driver polls meanwhile, and appends to the same history.
            if process.ask("x-1", cancel()).await.is_ok() {
                break;
            }
        }
    });
    scene.finish();
    take(&asked);
    assert_ended(&take(&drill), Outcome::Cancelled);
    let (_, events) = scene.history("x-1");
    let requested = events
        .iter()
        .position(|recorded| matches!(recorded.event, Event::CancelRequested { .. }))
        .expect("the request is in the history");
    let launched_after = events[requested..]
        .iter()
        .any(|recorded| matches!(recorded.event, Event::LaunchIntended(_)));
    assert!(!launched_after);
}

#[test]
fn a_cancel_is_done_when_its_jobs_have_ended() {
    let mut scene = two_waves();
    dead_after(&mut scene, 1);
    let state = scene.play(|process| async move { process.ask("x-1", cancel()).await });
    let state = state.expect("it can be cancelled");
    assert_eq!(state.status, Status::Cancelling, "its job still runs");
    let state = scene.play(|process| process.take_up("x-1"));
    assert_ended(&state, Outcome::Cancelled);
    assert_eq!(
        state.waves[0].launched, 2,
        "its job was followed to its end"
    );
}

#[test]
fn a_cancelled_run_launches_no_further_wave() {
    let mut scene = two_waves();
    dead_after(&mut scene, 1);
    scene
        .play(|process| async move { process.ask("x-1", cancel()).await.map(drop) })
        .expect("it can be cancelled");
    let state = scene.play(|process| process.take_up("x-1"));
    assert_eq!(
        state.servers[&server_id(3)].status,
        ServerStatus::NotLaunched
    );
    assert_eq!(scene.launches().len(), 1);
}

#[test]
fn a_paused_plan_cannot_be_started_again() {
    let mut scene = two_waves();
    dead_after(&mut scene, 1);
    scene
        .play(|process| async move { process.ask("x-1", pause()).await.map(drop) })
        .expect("it can be paused");
    let again = scene.play(|process| async move { process.begin("p-1", "x-2", Mode::Drill).await });
    assert!(matches!(again, Err(BeginError::Start(_))), "{again:?}");
}

#[test]
fn one_failure_leaves_nobody_unobserved() {
    let mut servers = vec![failing(0, FaultPhase::Snapshot)];
    servers.extend((1..20).map(server));
    let mut scene = Scene::of(servers);
    let state = scene.play(|process| process.drill("x-1"));
    assert_ended(&state, Outcome::Failed);
    let launched = state
        .servers
        .values()
        .filter(|server| server.status == ServerStatus::Launched && server.instance.is_some());
    assert_eq!(launched.count(), 19);
}

#[test]
fn a_server_left_pending_has_failed_soon() {
    let mut scene = Scene::of(vec![failing(1, FaultPhase::Pending), server(2)]);
    let state = scene.play(|process| process.drill("x-1"));
    assert_ended(&state, Outcome::Failed);
    let ended = state.finished.as_ref().expect("it has ended").0.world;
    let took = ended.duration_since(state.started_at.world);
    assert!(took < SignedDuration::from_mins(30), "{took}");
}

#[test]
fn throttling_fails_nothing() {
    let mut scene = two_waves();
    scene.disturb(Faults {
        throttled: 80,
        ..Faults::default()
    });
    let state = scene.play(|process| async move {
        while process.begin("p-1", "x-1", Mode::Drill).await.is_err() {}
        loop {
            if let Ok((state, Ending::Done)) = process.drive("x-1").await {
                return state;
            }
        }
    });
    scene.disturb(Faults::default());
    assert_ended(&state, Outcome::Completed);
    assert_eq!(scene.launches().len(), 2);
}

#[test]
fn two_drivers_launch_a_wave_once() {
    let mut scene = two_waves();
    let first = scene.spawn(|process| process.drill("x-1"));
    let others = [0; 3].map(|_| {
        scene.spawn(|process| async move {
            let execution = ExecutionId::new("x-1");
            // Each takes it over from a driver that lives and acts on.
            for _ in 0..50 {
                let taken = process.driver.take_over(&execution, &Unwatched);
                if taken.await.is_ok() {
                    drop(process.drive("x-1").await);
                }
            }
        })
    });
    scene.finish();
    drop(take(&first));
    others.iter().for_each(take);
    let state = scene.state("x-1");
    assert_ended(&state, Outcome::Completed);
    assert!(state.takeovers > 0, "nobody took over");
    let mut launched: Vec<String> = scene
        .launches()
        .into_iter()
        .flat_map(|launch| launch.servers)
        .collect();
    launched.sort();
    let all: Vec<String> = (1..=3)
        .map(|number| server_id(number).to_string())
        .collect();
    assert_eq!(launched, all, "each server once");
}

#[test]
fn a_job_without_record_is_adopted() {
    let mut scene = two_waves();
    // DRS has the job, and the process dies before it can write that down.
    dead_after(&mut scene, 1);
    let state = scene.state("x-1");
    assert_eq!(state.unresolved().count(), 1, "nothing is known of the job");
    let state = scene.play(|process| process.take_up("x-1"));
    assert_ended(&state, Outcome::Completed);
    assert_eq!(scene.launches().len(), 2);
}

#[test]
fn a_conflict_is_waited_out() {
    let mut scene = Scene::of(vec![server(1), server(2)]);
    scene
        .play(|process| async move {
            let request = StartRecovery {
                servers: vec![StartServer {
                    id: server_id(1),
                    snapshot: None,
                }],
                is_drill: true,
                tags: Default::default(),
                signed_at: process.driver.drs.hub.now(),
            };
            let drs = &process.driver.drs;
            drs.start_recovery(&target(), &request).await.map(drop)
        })
        .expect("somebody else launches one of the servers");
    let state = scene.play(|process| process.drill("x-1"));
    assert_ended(&state, Outcome::Completed);
    let again = scene.play(|process| async move { process.begin("p-1", "x-1", Mode::Drill).await });
    assert!(again.is_err(), "the same execution begins once");
}

#[test]
fn every_group_and_every_dependency_counts() {
    let both = WaveSpec {
        protection_group_ids: vec![group_id("db"), group_id("cache")],
        depends_on_waves: Some(Vec::new()),
        ..wave("data")
    };
    let last = WaveSpec {
        depends_on_waves: Some(vec!["data".to_owned(), "mail".to_owned()]),
        ..wave("web")
    };
    let apart = WaveSpec {
        depends_on_waves: Some(Vec::new()),
        ..wave("mail")
    };
    let mut scene = Scene::new(
        vec![
            ("db", vec![server(1)]),
            ("cache", vec![server(2)]),
            ("web", vec![server(3)]),
            ("mail", vec![server(4)]),
        ],
        vec![both, last, apart],
    );
    let state = scene.play(|process| process.drill("x-1"));
    assert_ended(&state, Outcome::Completed);
    let launches = scene.launches();
    let at = |number: u64| {
        let id = server_id(number).to_string();
        let launch = launches.iter().find(|launch| launch.servers.contains(&id));
        launch.expect("it was launched").at
    };
    let minute = SignedDuration::from_mins(1);
    assert_eq!(at(1), at(2), "both groups of a wave are one launch");
    assert!(
        at(4).duration_since(at(1)).abs() < minute,
        "mail waits for nobody"
    );
    assert!(at(3) > at(1) && at(3) > at(4), "web waits for both");
}

#[test]
fn a_pause_takes_nothing_from_a_limit() {
    let limited = WaveSpec {
        timeout_seconds: Some(3_600),
        ..wave("db")
    };
    let mut scene = Scene::new(
        vec![("db", vec![server(1)]), ("web", vec![server(2)])],
        vec![wave("web"), limited],
    );
    let drill = scene.spawn(|process| process.drill("x-1"));
    let paused = scene.spawn(|process| async move {
        while process.ask("x-1", pause()).await.is_err() {}
        let clock = &process.driver.clock;
        let mut wake = Wake::default();
        wake.at_wall(after(clock.now().wall, SignedDuration::from_hours(24)));
        clock.sleep(wake).await;
        let resume = Event::ResumeRequested { reason: reason() };
        process.ask("x-1", resume).await.map(drop)
    });
    scene.finish();
    take(&paused).expect("it can be resumed");
    assert_ended(&take(&drill), Outcome::Completed);
}

#[test]
fn a_timed_out_run_can_be_terminated() {
    let short = WaveSpec {
        launch_order: Some("SEQUENTIAL".to_owned()),
        timeout_seconds: Some(60),
        ..wave("db")
    };
    let servers = vec![server(1), server(2)];
    let mut scene = Scene::new(vec![("db", servers)], vec![short]);
    let state = scene.play(|process| process.drill("x-1"));
    assert_ended(&state, Outcome::TimedOut);
    assert_eq!(state.waves[0].launched, 1, "it was followed past its limit");
    let asked = Event::TerminationRequested { reason: reason() };
    scene
        .play(|process| async move { process.ask("x-1", asked).await.map(drop) })
        .expect("it can be terminated");
    let state = scene.play(|process| process.take_up("x-1"));
    let (_, left, _) = state
        .termination
        .and_then(|termination| termination.finished)
        .expect("the termination ended");
    assert!(left.is_empty());
    assert_eq!(scene.ledger().terminated.len(), 1);
}

#[test]
fn unknown_words_of_drs_are_carried() {
    let mut scene = two_waves();
    scene.disturb(Faults {
        unknown_words: 500,
        ..Faults::default()
    });
    let state = scene.play(|process| process.drill("x-1"));
    assert_ended(&state, Outcome::Completed);
    assert!(scene.hub.counts()["unknown words"] > 0);
}

#[test]
fn a_job_that_is_not_listed_is_waited_for() {
    let mut scene = two_waves();
    scene.hide_new_jobs(SignedDuration::from_secs(60));
    scene.disturb(Faults {
        empty: 200,
        ..Faults::default()
    });
    let state = scene.play(|process| process.drill("x-1"));
    assert_ended(&state, Outcome::Completed);
    assert!(scene.hub.counts()["empty answers"] > 0);
    assert_eq!(scene.launches().len(), 2);
}
