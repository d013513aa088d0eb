//! What a large execution looks like on a small screen, and who drives it. Whole outputs are golden texts of `drsctl`.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::super::*;
use crate::event::{FrozenWave, Intent, Judgement, Mode, Started};
use crate::frozen::{Frozen, FrozenServer};
use crate::ids::{ExecutionId, GroupId, JobId, OwnerId, PlanId, Target};
use crate::plan::{LaunchOrder, Policy};
use crate::store::record::SignOfLife;
use crate::time::{Now, after};

const SERVERS: usize = 40;

fn beginning() -> Now {
    let at = "2026-11-25T23:59:58Z".parse().unwrap();
    Now {
        world: at,
        wall: at,
    }
}

fn target() -> Target {
    Target {
        account_id: "111122223333".to_owned(),
        region: "us-east-1".to_owned(),
    }
}

fn server(wave: usize, position: usize) -> FrozenServer {
    FrozenServer {
        id: ServerId::new(format!("s-{wave}{position:016}")),
        hostname: format!("host-{wave}-{position:02}"),
        group: GroupId::new("pg-1"),
        target: target(),
        critical: false,
        snapshot: None,
        windows: false,
    }
}

/// Two waves of 40 servers; the first one's launch was intended a second after the start.
fn history() -> (Frozen, Vec<Recorded>) {
    let frozen = Frozen {
        waves: (0..2)
            .map(|wave| {
                (0..SERVERS)
                    .map(|position| server(wave, position))
                    .collect()
            })
            .collect(),
    };
    let wave = |name: &str, depends_on| FrozenWave {
        name: name.to_owned(),
        depends_on,
        order: LaunchOrder::Parallel,
        max_in_flight: None,
        wait: SignedDuration::ZERO,
        timeout: SignedDuration::from_hours(2),
        servers: SERVERS,
        pause_before: false,
        policy: Policy::default(),
        checks: None,
        before_hooks: Vec::new(),
        after_hooks: Vec::new(),
    };
    let started = Started {
        execution_id: ExecutionId::new("exec-1"),
        plan_id: PlanId::new("plan-1"),
        plan_name: "shop".to_owned(),
        plan_digest: String::new(),
        mode: Mode::Drill,
        waves: vec![wave("first", vec![]), wave("second", vec![0])],
        resolution_digest: frozen.digest(),
        timeout: None,
        origin: "terraform".to_owned(),
        inputs: BTreeMap::new(),
        replace_live_instances: false,
        only: crate::only::Only::default(),
        points: crate::point::RecoveryPoint::default(),
        preempted: Vec::new(),
        force_unknown: Vec::new(),
        unchecked: Vec::new(),
    };
    let servers: Vec<ServerId> = frozen.waves[0]
        .iter()
        .map(|server| server.id.clone())
        .collect();
    let launch = LaunchId(1);
    let failed = Judgement {
        server: servers[7].clone(),
        result: ServerResult::Failed {
            reason: "no capacity".to_owned(),
        },
        instance: None,
    };
    let events = vec![
        Event::ExecutionStarted(Box::new(started)),
        Event::OwnerTaken {
            owner: OwnerId::new("owner-1"),
            host: "host (process 1)".to_owned(),
            previous: None,
        },
        Event::WaveReady { wave: 0 },
        Event::WaveStarted { wave: 0 },
        Event::LaunchIntended(Box::new(Intent {
            launch,
            wave: 0,
            attempt: 1,
            target: target(),
            servers,
            signed_at: beginning().wall,
            tagged: true,
        })),
        Event::LaunchAccepted {
            launch,
            job: JobId::new("drsjob-1"),
            how: Acceptance::Answered,
        },
        Event::ServersJudged {
            launch,
            results: vec![failed],
        },
    ];
    let recorded = (1..).zip(events).map(|(seq, event)| Recorded {
        seq,
        now: Now {
            world: after(beginning().world, SignedDuration::from_secs(seq as i64 / 2)),
            wall: beginning().wall,
        },
        author: Author::Owner(OwnerId::new("owner-1")),
        event,
    });
    (frozen, recorded.collect())
}

fn state() -> State {
    let (frozen, events) = history();
    timeline(frozen, &events).unwrap().0
}

#[test]
fn a_board_never_has_more_rows_than_the_screen() {
    let state = state();
    let now = after(state.started_at.world, SignedDuration::from_mins(5));
    for rows in 0..120 {
        let lines = board(&state, now, rows).lines().count();
        assert!(lines <= rows.max(1), "{lines} lines on {rows} rows");
    }
    assert_eq!(board(&state, now, 200), table(&state, now));
}

#[test]
fn the_least_interesting_servers_go_first() {
    let state = state();
    let now = after(state.started_at.world, SignedDuration::from_mins(5));
    let some = board(&state, now, 50);
    assert!(
        some.contains("host-0-00"),
        "waves that run are shown: {some}"
    );
    assert!(
        !some.contains("host-1-00") && some.contains("  40 more"),
        "{some}"
    );
    let boards = [12, 6, 3].map(|rows| board(&state, now, rows));
    insta::assert_snapshot!(boards.join("---\n"));
}

#[test]
fn a_timeline_says_when_a_day_begins() {
    let (frozen, events) = history();
    let (_, _, told) = timeline(frozen, &events).unwrap();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn an_owner_is_judged_by_its_own_signs_of_life() {
    let state = state();
    let since = state.owner.as_ref().unwrap().since.wall;
    let at = |seconds| after(since, SignedDuration::from_secs(seconds));
    let sign = |owner: &str, seconds| SignOfLife {
        owner: OwnerId::new(owner),
        host: String::new(),
        at: at(seconds),
    };
    assert_eq!(Driven::judge(&state, None, at(29)), Driven::Yes);
    let silent = Driven::Silent(SignedDuration::from_secs(30));
    assert_eq!(Driven::judge(&state, None, at(30)), silent);
    let of_another = sign("owner-0", 60);
    assert_eq!(Driven::judge(&state, Some(&of_another), at(30)), silent);
    let own = sign("owner-1", 60);
    assert_eq!(Driven::judge(&state, Some(&own), at(89)), Driven::Yes);
    assert_eq!(Driven::judge(&state, Some(&own), at(90)), silent);
    let left = sign("owner-1", -30);
    assert!(
        matches!(Driven::judge(&state, Some(&left), at(1)), Driven::Silent(_)),
        "an owner that left has no say, however lately it began"
    );
}
