//! What does not fit a history is refused with words, leaves no trace, and never panics.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::event::{
    Acceptance, Intent, Judgement, LiveInstance, Outcome, Remedy, ServerResult, WaveOutcome,
};
use crate::ids::{InstanceId, JobId, OwnerId, ServerId};
use crate::plan::AfterFailure;
use crate::testing::{Tale, beginning, ids, start, target};

fn intent(launch: u32, wave: usize, servers: &[&str]) -> Event {
    Event::LaunchIntended(Box::new(Intent {
        launch: LaunchId(launch),
        wave,
        attempt: 1,
        target: target(),
        servers: ids(servers),
        signed_at: start(),
        tagged: true,
    }))
}

fn accepted(launch: u32, job: &str) -> Event {
    Event::LaunchAccepted {
        launch: LaunchId(launch),
        job: JobId::new(job),
        how: Acceptance::Answered,
    }
}

fn judged(launch: u32, servers: &[&str]) -> Event {
    let results = ids(servers).into_iter().map(|server| Judgement {
        server,
        result: ServerResult::Launched,
        instance: None,
    });
    Event::ServersJudged {
        launch: LaunchId(launch),
        results: results.collect(),
    }
}

fn taken(owner: &str, previous: Option<&str>) -> Event {
    Event::OwnerTaken {
        owner: OwnerId::new(owner),
        host: "beta".to_owned(),
        previous: previous.map(OwnerId::new),
    }
}

fn finished(wave: usize, outcome: WaveOutcome) -> Event {
    Event::WaveFinished { wave, outcome }
}

/// A history with a wave that runs and one that waits.
fn running() -> Tale {
    let mut tale = Tale::new(&[("db", &["s-1", "s-2"]), ("web", &["s-3"])]);
    tale.settle();
    tale
}

#[test]
fn every_illegal_step_says_why() {
    let mut lines = Vec::new();
    let mut refuse = |tale: &mut Tale, event: Event| {
        let reason = tale.refuse(event);
        lines.push(reason);
    };
    let mut tale = running();
    let (started, _) = beginning(&[]);
    refuse(&mut tale, Event::ExecutionStarted(Box::new(started)));
    refuse(&mut tale, taken("o-1", Some("o-9")));
    refuse(&mut tale, Event::WaveReady { wave: 0 });
    refuse(&mut tale, Event::WaveReady { wave: 1 });
    refuse(&mut tale, Event::WaveReady { wave: 9 });
    refuse(&mut tale, Event::WaveStarted { wave: 1 });
    refuse(&mut tale, Event::WaveTimedOut { wave: 1 });
    refuse(&mut tale, finished(0, WaveOutcome::Completed));
    refuse(&mut tale, intent(1, 1, &["s-3"]));
    refuse(&mut tale, intent(2, 0, &["s-1"]));
    refuse(&mut tale, intent(1, 0, &[]));
    refuse(&mut tale, intent(1, 0, &["s-1", "s-1"]));
    refuse(&mut tale, intent(1, 0, &["s-3"]));
    refuse(&mut tale, intent(1, 0, &["s-9"]));
    refuse(&mut tale, accepted(1, "job-1"));
    tale.tell(intent(1, 0, &["s-1"]));
    refuse(&mut tale, intent(2, 0, &["s-1"]));
    refuse(&mut tale, judged(1, &["s-1"]));
    refuse(
        &mut tale,
        Event::JobEnded {
            launch: LaunchId(1),
        },
    );
    refuse(&mut tale, finished(0, WaveOutcome::Failed));
    tale.tell(accepted(1, "job-1"));
    tale.tell(intent(2, 0, &["s-2"]));
    refuse(&mut tale, accepted(2, "job-1"));
    refuse(&mut tale, accepted(1, "job-2"));
    refuse(&mut tale, judged(1, &["s-1", "s-1"]));
    refuse(&mut tale, judged(1, &["s-2"]));
    refuse(
        &mut tale,
        Event::InstancesFound {
            launch: LaunchId(1),
            instances: BTreeMap::from([(ServerId::new("s-2"), InstanceId::new("i-2"))]),
        },
    );
    refuse(
        &mut tale,
        Event::ExecutionFinished {
            outcome: Outcome::Completed,
            summary: String::new(),
        },
    );
    refuse(
        &mut tale,
        Event::TerminationIntended {
            target: target(),
            instances: Vec::new(),
        },
    );
    tale.tell(Event::ExecutionTimedOut);
    refuse(&mut tale, intent(3, 0, &["s-1"]));
    tale.tell(Event::Halted {
        reason: "broken".to_owned(),
    });
    refuse(&mut tale, Event::ExecutionTimedOut);
    refuse(
        &mut tale,
        Event::TerminationFinished {
            left: Vec::new(),
            reason: None,
        },
    );
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn facts_come_from_the_owner_and_wishes_from_anybody() {
    let mut tale = running();
    let mut by = |author: Author, event: Event| {
        let recorded = Recorded {
            seq: tale.state.seq + 1,
            now: tale.now,
            author,
            event,
        };
        tale.state.apply(&recorded).map_err(|error| error.reason)
    };
    let stranger = Author::Owner(OwnerId::new("o-2"));
    let operator = Author::Operator("arn:aws:iam::111122223333:user/ada".to_owned());
    let fact = Event::WaveTimedOut { wave: 0 };
    let wish = Event::CancelRequested {
        reason: "enough".to_owned(),
    };
    assert!(by(stranger.clone(), fact.clone()).is_err());
    assert!(by(operator.clone(), fact).is_err());
    assert!(by(stranger.clone(), wish.clone()).is_ok());
    assert!(by(operator, wish).is_ok());
    assert!(
        by(stranger.clone(), taken("o-3", Some("o-1"))).is_err(),
        "a process takes an execution for itself only"
    );
    assert!(by(stranger, taken("o-2", Some("o-1"))).is_ok());
    assert_eq!(tale.state.takeovers, 1);
    assert!(
        tale.refuse(Event::WaveTimedOut { wave: 0 })
            .contains("does not own"),
        "the old owner is an owner no longer"
    );
}

#[test]
fn a_history_must_begin_with_the_servers_it_committed() {
    let first = |started: Started| Recorded {
        seq: 1,
        now: Now {
            world: start(),
            wall: start(),
        },
        author: Author::Operator("arn".to_owned()),
        event: Event::ExecutionStarted(Box::new(started)),
    };
    let (started, frozen) = beginning(&[("db", &["s-1"])]);
    let (_, others) = beginning(&[("db", &["s-2"])]);
    assert!(State::new(Arc::new(frozen), &first(started.clone())).is_ok());
    assert!(State::new(Arc::new(others), &first(started)).is_err());
    let (started, twice) = beginning(&[("db", &["s-1"]), ("web", &["s-1"])]);
    assert!(
        State::new(Arc::new(twice), &first(started)).is_err(),
        "no server takes part twice"
    );
    let (started, frozen) = beginning(&[("db", &["s-1"])]);
    let mut late = first(started);
    late.seq = 2;
    assert!(State::new(Arc::new(frozen.clone()), &late).is_err());
    assert!(State::replay(Arc::new(frozen), &[]).is_err());
}

#[test]
fn a_job_that_turns_up_late_is_taken_as_long_as_its_servers_wait() {
    let mut tale = running();
    tale.tell(intent(1, 0, &["s-1"]));
    tale.wish(Event::LaunchNotCarriedOut {
        launch: LaunchId(1),
        assumed: true,
        reason: None,
    });
    let mut taken_back = tale.clone();
    taken_back.tell(accepted(1, "job-1"));
    assert_eq!(
        taken_back.state.servers[&ServerId::new("s-1")].status,
        ServerStatus::Launching
    );
    assert_eq!(taken_back.state.waves[0].launching, 1);
    let mut unknown = tale.clone();
    unknown.tell(Event::LaunchUnknown {
        launch: LaunchId(1),
        message: "reset".to_owned(),
    });
    assert_eq!(unknown.state.unresolved().count(), 1);
    tale.tell(intent(2, 0, &["s-1"]));
    let reason = tale.refuse(accepted(1, "job-1"));
    assert!(reason.contains("launched again"), "{reason}");
}

#[test]
fn a_cancel_is_shown_over_a_limit_but_not_over_a_guard() {
    let cancel = || Event::CancelRequested {
        reason: "enough".to_owned(),
    };
    let mut tale = running();
    tale.tell(Event::ExecutionTimedOut).wish(cancel());
    assert!(matches!(tale.state.stop, Some(Stop::Cancelled { .. })));
    let mut tale = running();
    tale.tell(Event::GuardUnreadable {
        wave: 0,
        message: "denied".to_owned(),
    })
    .wish(cancel());
    assert!(matches!(tale.state.stop, Some(Stop::Guard { .. })));
}

fn retried(wave: usize, servers: &[&str]) -> Event {
    Event::ServersRetried {
        wave,
        servers: ids(servers),
    }
}

/// A wave of two servers whose first one may be launched again once, and whose job has not ended.
fn failing() -> (Tale, LaunchId) {
    let mut tale = Tale::with(&[("db", &["s-1", "s-2"]), ("web", &["s-3"])], |started| {
        started.waves[0].policy.retries = 1;
    });
    let (launch, _) = tale.launch();
    tale.judge(launch, &ids(&["s-1"]), Some("no capacity"));
    tale.judge(launch, &ids(&["s-2"]), None);
    (tale, launch)
}

#[test]
fn a_server_is_launched_again_only_when_its_job_has_ended_and_its_policy_says_so() {
    let (mut tale, launch) = failing();
    let reason = tale.refuse(retried(0, &["s-1"]));
    assert_eq!(reason, "the job of server s-1 has not ended");
    tale.tell(Event::JobEnded { launch });
    let refusals = [
        (retried(0, &[]), "it names no server"),
        (retried(0, &["s-1", "s-1"]), "it names a server twice"),
        (
            retried(0, &["s-2"]),
            "server s-2 has not failed in this wave",
        ),
        (
            retried(0, &["s-3"]),
            "server s-3 has not failed in this wave",
        ),
        (
            retried(0, &["s-9"]),
            "server s-9 has not failed in this wave",
        ),
        (
            retried(1, &["s-3"]),
            "wave \"web\" has not started, or ran out of time",
        ),
        (retried(9, &["s-1"]), "there is no wave 9"),
    ];
    for (event, reason) in refusals {
        assert_eq!(tale.refuse(event), reason);
    }
    let mut late = tale.clone();
    late.tell(Event::WaveTimedOut { wave: 0 });
    late.refuse(retried(0, &["s-1"]));
    let mut stopped = tale.clone();
    stopped.tell(Event::ExecutionTimedOut);
    assert_eq!(
        stopped.refuse(retried(0, &["s-1"])),
        "nothing more may be launched"
    );
    tale.tell(retried(0, &["s-1"]));
    let server = &tale.state.servers[&ServerId::new("s-1")];
    assert_eq!(
        (&server.status, server.retries, server.attempts),
        (&ServerStatus::Waiting, 1, 1)
    );
    tale.refuse(judged(1, &["s-1"]));
    let (launch, servers) = tale.launch();
    assert_eq!(servers, ids(&["s-1"]));
    assert_eq!(tale.state.launches[&launch].attempt, 2);
    tale.judge(launch, &servers, Some("no capacity, still"));
    tale.tell(Event::JobEnded { launch });
    assert_eq!(
        tale.refuse(retried(0, &["s-1"])),
        "server s-1 was launched again 1 times"
    );
}

#[test]
fn a_job_that_turns_up_late_is_not_taken_over_a_later_launch_that_failed() {
    let mut tale = Tale::with(&[("db", &["s-1"])], |started| {
        started.waves[0].policy.retries = 1;
    });
    let (lost, _) = tale.intend();
    tale.wish(Event::LaunchNotCarriedOut {
        launch: lost,
        assumed: true,
        reason: None,
    });
    let (launch, servers) = tale.launch();
    tale.judge(launch, &servers, Some("no capacity"));
    tale.tell(Event::JobEnded { launch });
    tale.tell(retried(0, &["s-1"]));
    tale.refuse(accepted(lost.0, "job-9"));
}

#[test]
fn a_wave_is_partial_only_when_its_policy_lets_every_failure_pass() {
    let (mut tale, launch) = failing();
    tale.tell(Event::JobEnded { launch });
    let reason = tale.refuse(finished(0, WaveOutcome::Partial));
    assert_eq!(reason, "its policy does not let these failures pass");
    let mut half = Tale::with(&[("db", &["s-1", "s-2"])], |started| {
        started.waves[0].policy.success = crate::plan::Success::Percent(50);
    });
    half.settle();
    half.tell(intent(1, 0, &["s-1"])).tell(accepted(1, "job-1"));
    half.judge(LaunchId(1), &ids(&["s-1"]), None);
    half.refuse(finished(0, WaveOutcome::Partial));
    half.tell(intent(2, 0, &["s-2"])).tell(accepted(2, "job-2"));
    half.judge(LaunchId(2), &ids(&["s-2"]), Some("no"));
    half.tell(finished(0, WaveOutcome::Partial));
}

#[test]
fn a_replay_gives_the_same_state() {
    let mut tale = Tale::new(&[("db", &["s-1", "s-2"]), ("web", &["s-3"])]);
    tale.finish();
    let frozen = beginning(&[("db", &["s-1", "s-2"]), ("web", &["s-3"])]).1;
    let again = State::replay(Arc::new(frozen), &tale.log).unwrap();
    assert_eq!(format!("{again:?}"), format!("{:?}", tale.state));
}

fn a_server() -> impl Strategy<Value = ServerId> {
    (1..5u8).prop_map(|number| ServerId::new(format!("s-{number}")))
}

fn a_judgement() -> impl Strategy<Value = Judgement> {
    (a_server(), any::<bool>()).prop_map(|(server, launched)| Judgement {
        instance: launched.then(|| InstanceId::new(format!("i-{server}"))),
        server,
        result: if launched {
            ServerResult::Launched
        } else {
            ServerResult::Failed {
                reason: "no".to_owned(),
            }
        },
    })
}

fn a_remedy() -> impl Strategy<Value = Remedy> {
    prop_oneof![
        Just(Remedy::GiveUp),
        Just(Remedy::RetryLater { after: None }),
        Just(Remedy::RetryWithoutTags),
        Just(Remedy::RetryInHalves),
    ]
}

fn an_outcome() -> impl Strategy<Value = WaveOutcome> {
    prop_oneof![
        Just(WaveOutcome::Completed),
        Just(WaveOutcome::Partial),
        Just(WaveOutcome::Failed),
        Just(WaveOutcome::TimedOut),
        Just(WaveOutcome::NotLaunched),
    ]
}

/// Any event, mostly about things that exist.
fn an_event() -> impl Strategy<Value = Event> {
    let wave = 0..3usize;
    let launch = (0..6u32).prop_map(LaunchId);
    let servers = prop::collection::vec(a_server(), 0..4);
    let instances = prop::collection::vec(
        (1..4u8).prop_map(|n| InstanceId::new(format!("i-{n}"))),
        0..3,
    );
    let text = || "why".to_owned();
    prop_oneof![
        2 => wave.clone().prop_map(|wave| Event::WaveReady { wave }),
        3 => wave.clone().prop_map(|wave| Event::WaveStarted { wave }),
        6 => (launch.clone(), wave.clone(), servers).prop_map(|(launch, wave, servers)| {
            Event::LaunchIntended(Box::new(Intent {
                launch, wave, attempt: 1, target: target(), servers, signed_at: start(), tagged: true,
            }))
        }),
        4 => (launch.clone(), 0..4u8).prop_map(|(launch, job)| Event::LaunchAccepted {
            launch, job: JobId::new(format!("job-{job}")), how: Acceptance::AdoptedByTag,
        }),
        3 => (launch.clone(), a_remedy()).prop_map(move |(launch, remedy)| Event::LaunchRefused {
            launch, code: text(), message: text(), remedy,
        }),
        2 => launch.clone().prop_map(move |launch| Event::LaunchUnknown { launch, message: text() }),
        2 => (launch.clone(), any::<bool>())
            .prop_map(|(launch, assumed)| Event::LaunchNotCarriedOut { launch, assumed, reason: None }),
        1 => launch.clone().prop_map(move |launch| Event::LaunchGivenUp { launch, reason: text() }),
        5 => (launch.clone(), prop::collection::vec(a_judgement(), 0..4))
            .prop_map(|(launch, results)| Event::ServersJudged { launch, results }),
        2 => (launch.clone(), a_server()).prop_map(|(launch, server)| Event::InstancesFound {
            launch, instances: BTreeMap::from([(server, InstanceId::new("i-9"))]),
        }),
        3 => launch.prop_map(|launch| Event::JobEnded { launch }),
        3 => (wave.clone(), prop::collection::vec(a_server(), 0..3))
            .prop_map(|(wave, servers)| Event::ServersRetried { wave, servers }),
        1 => wave.clone().prop_map(|wave| Event::WaveTimedOut { wave }),
        3 => (wave.clone(), an_outcome()).prop_map(|(wave, outcome)| Event::WaveFinished { wave, outcome }),
        1 => wave.prop_map(|wave| Event::GuardTripped { wave, instances: vec![LiveInstance {
            server: ServerId::new("s-1"), instance: InstanceId::new("i-1"),
        }] }),
        1 => Just(Event::CancelRequested { reason: text() }),
        1 => Just(Event::ExecutionTimedOut),
        1 => Just(Event::ExecutionFinished { outcome: Outcome::Failed, summary: text() }),
        1 => Just(Event::ResultDelivered),
        1 => Just(Event::TerminationRequested { reason: text() }),
        1 => instances.clone().prop_map(|instances| Event::TerminationAccepted {
            target: target(), instances, job: None,
        }),
        1 => instances.clone().prop_map(|instances| Event::InstancesGone { instances }),
        1 => instances.prop_map(|left| Event::TerminationFinished { left, reason: None }),
        1 => prop_oneof![Just("o-1"), Just("o-2")].prop_map(|owner| taken(owner, Some("o-1"))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is appended, in whatever order: it fits or is refused, the counters agree, and no server is launching in
    /// two launches.
    #[test]
    fn no_sequence_of_events_breaks_a_state(
        events in prop::collection::vec((an_event(), 0..3u8), 0..120),
    ) {
        let mut tale = Tale::with(
            &[("db", &["s-1", "s-2"]), ("web", &["s-3"]), ("app", &["s-4"])],
            |started| {
                started.waves[0].policy.retries = 1;
                started.waves[1].policy.on_failure = AfterFailure::Continue;
                started.waves[1].policy.retries = 3;
            },
        );
        for (event, author) in events {
            let recorded = Recorded {
                seq: tale.state.seq + 1,
                now: tale.now,
                author: match author {
                    0 => Author::Operator("arn".to_owned()),
                    1 => Author::Owner(OwnerId::new("o-2")),
                    _ => Author::Owner(tale.state.owner.as_ref().map_or_else(
                        || OwnerId::new("o-1"), |owner| owner.id.clone())),
                },
                event,
            };
            let before = tale.state.seq;
            match tale.state.apply(&recorded) {
                Ok(()) => tale.log.push(recorded),
                Err(_) => prop_assert_eq!(tale.state.seq, before),
            }
            prop_assert!(tale.state.counts_agree());
            prop_assert!(each_server_is_in_one_open_launch(&tale.state));
            let _ = tale.decide();
            let _ = crate::report::table(&tale.state, tale.now.world);
        }
        let frozen = beginning(&[("db", &["s-1", "s-2"]), ("web", &["s-3"]), ("app", &["s-4"])]).1;
        let again = State::replay(Arc::new(frozen), &tale.log).unwrap();
        prop_assert_eq!(format!("{again:?}"), format!("{:?}", tale.state));
    }
}

fn each_server_is_in_one_open_launch(state: &State) -> bool {
    let launching = |id: &&ServerId| {
        state
            .servers
            .get(*id)
            .is_some_and(|server| server.status == ServerStatus::Launching)
    };
    let all: Vec<&ServerId> = state
        .open
        .iter()
        .flat_map(|id| &state.launches[id].servers)
        .filter(launching)
        .collect();
    let distinct: std::collections::BTreeSet<&&ServerId> = all.iter().collect();
    distinct.len() == all.len()
}
