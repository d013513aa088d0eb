//! Recovery points: resolved and frozen when an execution starts, or refused with everything that is wrong.

use super::*;
use crate::ids::SnapshotId;
use crate::ports::{Drs, RecoverySnapshot};
use crate::time::before;

/// The servers of the plan with their points, oldest first.
fn kept(hub: &Hub, memory: &MemoryItems) -> (Process, Vec<(ServerId, Vec<RecoverySnapshot>)>) {
    let reader = process(hub, memory, "o-9");
    wait(hub, async move {
        let target = crate::testing::target();
        let id = PlanId::new("p-1");
        let only = crate::only::Only::default();
        let (drs, items) = (&reader.drs, &reader.executions.items);
        let plan = crate::resolve::resolve(drs, items, &id, &only);
        let mut found = Vec::new();
        for (_, server) in plan.await.unwrap().frozen.servers() {
            let points = reader.drs.recovery_snapshots(&target, &server.id).await;
            found.push((server.id.clone(), points.unwrap()));
        }
        (reader, found)
    })
}

fn asked(id: &str, points: RecoveryPoint) -> Begin {
    Begin {
        points,
        ..begin(id, json!({}))
    }
}

fn started(hub: &Hub, process: Process, wanted: Begin) -> Result<State, BeginError> {
    wait(hub, async move { process.begin_execution(&wanted).await })
}

#[test]
fn named_points_are_frozen_and_servers_that_are_not_named_have_none() {
    let (hub, memory) = stage();
    let (process, kept) = kept(&hub, &memory);
    let (server, points) = &kept[0];
    let wanted = points[3].clone();
    let named = BTreeMap::from([(server.to_string(), wanted.id.clone())]);
    let state = started(
        &hub,
        process,
        asked("x-1", RecoveryPoint::Named(named.clone())),
    );
    let state = state.unwrap();
    assert_eq!(state.started.points, RecoveryPoint::Named(named));
    let frozen = state.frozen_point(server).unwrap();
    assert_eq!((&frozen.id, Some(frozen.at)), (&wanted.id, wanted.taken_at));
    assert_eq!(state.frozen_point(&kept[1].0), None);
    // What is read back is what was started.
    let again = super::process(&hub, &memory, "o-2");
    let loaded = wait(
        &hub,
        async move { again.load(&ExecutionId::new("x-1")).await },
    );
    let loaded = loaded.unwrap();
    assert_eq!(loaded.frozen_point(server), state.frozen_point(server));
    assert_eq!(loaded.started.points, state.started.points);
}

#[test]
fn a_time_freezes_the_newest_point_before_it_for_every_server() {
    let (hub, memory) = stage();
    let (process, kept) = kept(&hub, &memory);
    let time = before(began_at(), SignedDuration::from_mins(25));
    let state = started(&hub, process, asked("x-1", RecoveryPoint::Before(time))).unwrap();
    for (server, points) in &kept {
        let newest = points.iter().rfind(|point| point.taken_at <= Some(time));
        let frozen = state.frozen_point(server).unwrap();
        assert_eq!(Some(&frozen.id), newest.map(|point| &point.id));
        assert!(frozen.at <= time && frozen.at > before(time, SignedDuration::from_mins(10)));
    }
}

#[test]
fn what_cannot_be_launched_is_told_at_once_and_nothing_is_started() {
    let (hub, memory) = stage();
    let (process, kept) = kept(&hub, &memory);
    let foreign = kept[1].1[0].id.clone();
    let named = BTreeMap::from([
        (kept[0].0.to_string(), foreign.clone()),
        ("web-2".to_owned(), SnapshotId::new("LATEST")),
        ("db-1".to_owned(), foreign),
    ]);
    let refused = started(&hub, process, asked("x-1", RecoveryPoint::Named(named)));
    let Err(BeginError::Points(problems)) = &refused else {
        panic!("{refused:?}");
    };
    assert_eq!(problems.len(), 3, "{problems:?}");
    let text = refused.unwrap_err().to_string();
    for part in [
        "no server that takes part has this id or host name",
        "\"LATEST\" is no recovery point",
        "aged out, or is another server's; it has 3",
    ] {
        assert!(text.contains(part), "{text}");
    }
    let early = RecoveryPoint::Before("2020-01-01T00:00:00Z".parse().unwrap());
    let process = super::process(&hub, &memory, "o-2");
    let refused = started(&hub, process, asked("x-2", early));
    assert!(
        matches!(&refused, Err(BeginError::Points(problems)) if problems.len() == kept.len()),
        "{refused:?}"
    );
    assert!(
        memory
            .all()
            .iter()
            .all(|item| !item.key.partition.starts_with("x-"))
    );
}
