//! When it is looked what servers were launched from, and what that says.

use std::collections::BTreeMap;

use super::*;
use crate::decide::points;
use crate::event::Acceptance;
use crate::ids::{InstanceId, JobId, SnapshotId};
use crate::limits;
use crate::point::{LaunchedFrom, Point, Source};
use crate::ports::{RecoveryInstance, Taken};
use crate::state::{ServerStatus, Status};
use crate::testing::beginning;

fn instance(server: &str, job: &str, minutes_ago: i64) -> RecoveryInstance {
    RecoveryInstance {
        id: InstanceId::new(format!("i-{server}")),
        server: ServerId::new(server),
        job: Some(JobId::new(job)),
        is_drill: true,
        point_in_time: Some(crate::time::before(
            start(),
            SignedDuration::from_mins(minutes_ago),
        )),
    }
}

/// Records what is due, as long as nothing else is.
fn recorded(tale: &mut Tale) -> Option<Command> {
    for _ in 0..10 {
        match tale.decide().command {
            Some(Command::Record(events)) => {
                for event in events {
                    tale.tell(event);
                }
            }
            other => return other,
        }
    }
    panic!("it never settles");
}

#[test]
fn it_is_looked_once_a_job_has_ended_and_everything_else_is_done() {
    let mut tale = Tale::new(&[("db", &["s-1"]), ("web", &["s-2"])]);
    let (first, servers) = tale.launch();
    tale.pass(600);
    tale.judge(first, &servers, None);
    assert!(tale.state.points_open.is_empty(), "its job runs");
    tale.tell(Event::JobEnded { launch: first });
    // The next wave comes first.
    let command = recorded(&mut tale);
    assert!(
        matches!(command, Some(Command::Survey(_) | Command::Launch(_))),
        "{command:?}"
    );
    tale.survey(|_| {});
    let intent = tale.decide().command;
    assert!(matches!(intent, Some(Command::Launch(_))), "{intent:?}");
    let Some(Command::Launch(plan)) = intent else {
        unreachable!()
    };
    let (second, servers) = {
        tale.tell(Event::LaunchIntended(Box::new(crate::event::Intent {
            launch: plan.launch,
            wave: plan.wave,
            attempt: plan.attempt,
            target: plan.target,
            servers: plan.servers.clone(),
            signed_at: tale.now.wall,
            tagged: plan.tagged,
        })));
        tale.tell(Event::LaunchAccepted {
            launch: plan.launch,
            job: JobId::new("job-2"),
            how: Acceptance::Answered,
        });
        (plan.launch, plan.servers)
    };
    tale.view.observed.insert(target(), tale.now.world);
    assert_eq!(
        tale.decide().command,
        Some(Command::FindPoints(vec![first]))
    );
    tale.tell(Event::PointsFound {
        launch: first,
        points: BTreeMap::new(),
    });
    assert_eq!(tale.decide().command, None, "once");
    tale.pass(600);
    tale.succeed(second, &servers);
    assert_eq!(recorded(&mut tale), Some(Command::FindPoints(vec![second])));
    assert_eq!(tale.state.status, Status::Running, "the end waits for it");
}

#[test]
fn a_log_that_cannot_be_read_is_asked_for_again_and_given_up_in_time() {
    let mut tale = Tale::new(&[("db", &["s-1"])]);
    let (launch, servers) = tale.launch();
    tale.pass(600);
    tale.succeed(launch, &servers);
    assert_eq!(recorded(&mut tale), Some(Command::FindPoints(vec![launch])));
    let key = points::points_key(&target());
    tale.view.hold_back(&key, None, tale.now);
    let decision = tale.decide();
    assert_eq!(decision.command, None);
    assert!(decision.wake.wall.is_some() && decision.wake.world.is_some());
    tale.pass(60);
    assert_eq!(
        tale.decide().command,
        Some(Command::FindPoints(vec![launch]))
    );
    tale.pass(limits::POINTS_GRACE.as_secs());
    assert_eq!(recorded(&mut tale), None);
    assert!(tale.state.status.is_terminal());
}

#[test]
fn nothing_is_asked_about_a_job_that_launched_nothing() {
    let mut tale = Tale::new(&[("db", &["s-1"])]);
    let (launch, servers) = tale.launch();
    tale.judge(launch, &servers, Some("no"));
    tale.tell(Event::JobEnded { launch });
    assert_eq!(recorded(&mut tale), None);
    assert!(tale.state.status.is_terminal());
}

#[test]
fn the_log_says_of_which_kind_it_was_and_the_instance_which_time_it_has() {
    let (mut started, mut frozen) =
        beginning(&[("db", &["s-1", "s-2", "s-3", "s-4", "s-5", "s-6"])]);
    let point = Point {
        id: SnapshotId::new("pit-1"),
        at: start(),
    };
    frozen.waves[0][2].snapshot = Some(point.clone());
    frozen.waves[0][3].snapshot = Some(point.clone());
    started.resolution_digest = frozen.digest();
    let mut tale = Tale::of(started, frozen);
    let (launch, servers) = tale.launch();
    tale.judge(launch, &servers[..5], None);
    tale.judge(launch, &servers[5..], Some("no"));
    tale.tell(Event::JobEnded { launch });
    let taken = BTreeMap::from([
        (ServerId::new("s-1"), Taken::Fresh),
        (ServerId::new("s-2"), Taken::Previous),
        (ServerId::new("s-4"), Taken::Previous),
        (ServerId::new("s-6"), Taken::Fresh),
    ]);
    let instances = [
        instance("s-1", "job-1", 0),
        instance("s-2", "job-1", 30),
        // An older one, of another job, says nothing about this launch.
        instance("s-5", "job-0", 60),
    ];
    let found = points::launched_from(&tale.state, launch, &taken, &instances);
    let from = |source, snapshot: Option<&Point>, at| LaunchedFrom {
        source: Some(source),
        snapshot: snapshot.map(|point| point.id.clone()),
        at,
    };
    let wanted = BTreeMap::from([
        (
            ServerId::new("s-1"),
            from(Source::Latest, None, instances[0].point_in_time),
        ),
        (
            ServerId::new("s-2"),
            from(Source::Previous, None, instances[1].point_in_time),
        ),
        (
            ServerId::new("s-3"),
            from(Source::Named, Some(&point), Some(point.at)),
        ),
        (ServerId::new("s-4"), from(Source::Previous, None, None)),
    ]);
    assert_eq!(found, wanted);
    tale.refuse(Event::PointsFound {
        launch,
        points: BTreeMap::from([(ServerId::new("s-6"), LaunchedFrom::default())]),
    });
    tale.tell(Event::PointsFound {
        launch,
        points: found,
    });
    let told = &tale.state.servers[&ServerId::new("s-2")].launched_from;
    assert_eq!(
        told.as_ref().and_then(|from| from.source),
        Some(Source::Previous)
    );
    tale.refuse(Event::PointsFound {
        launch,
        points: BTreeMap::new(),
    });
}

#[test]
fn a_server_is_launched_again_from_the_same_point_and_says_so_when_drs_refuses_it() {
    let (mut started, mut frozen) = beginning(&[("db", &["s-1"])]);
    frozen.waves[0][0].snapshot = Some(Point {
        id: SnapshotId::new("pit-1"),
        at: start(),
    });
    started.resolution_digest = frozen.digest();
    let mut tale = Tale::of(started, frozen);
    let (launch, servers) = tale.intend();
    tale.refused(
        launch,
        "ConflictException",
        crate::event::Remedy::RetryLater { after: None },
    );
    tale.pass(600);
    let (again, _) = tale.intend();
    assert_eq!(
        tale.state
            .frozen_point(&servers[0])
            .map(|point| point.id.as_str()),
        Some("pit-1")
    );
    let mut denied = tale.clone();
    for (tale, code) in [
        (&mut tale, "ConflictException"),
        (&mut denied, "AccessDeniedException"),
    ] {
        tale.refused(again, code, crate::event::Remedy::GiveUp);
    }
    let why = |tale: &Tale| match &tale.state.servers[&servers[0]].status {
        ServerStatus::Failed { reason } => reason.clone(),
        status => panic!("{status:?}"),
    };
    assert_eq!(why(&denied), "AccessDeniedException: no");
    assert_eq!(
        why(&tale),
        "ConflictException: no; it was to be launched from recovery point pit-1 of 2026-03-01 10:00:00 UTC, which DRS \
         may no longer keep: start again with another"
    );
}
