//! Rows 19 to 30: what keeps a recovery safe.

use drs_engine::begin::BeginError;
use drs_engine::event::{Event, Mode, Outcome};
use drs_engine::ports::{Drs, StartRecovery, StartServer, WhichInstances};
use drs_engine::state::Status;

use super::scene::{Scene, dead_after, group_id, server, server_id, take, target, two_waves, wave};

#[test]
fn a_guard_that_cannot_be_read_stops_a_drill() {
    let mut scene = two_waves();
    scene.hide_instances(true);
    let begun = scene.play(|process| async move { process.begin("p-1", "x-1", Mode::Drill).await });
    assert!(
        matches!(begun, Err(BeginError::GuardUnreadable(_))),
        "{begun:?}"
    );
    // The same in the middle of a drill: what was launched is followed, and nothing more is launched.
    scene.hide_instances(false);
    dead_after(&mut scene, 1);
    scene.hide_instances(true);
    let state = scene.play(|process| process.take_up("x-1"));
    assert_eq!(state.status, Status::Ended(Outcome::Failed));
    assert_eq!(scene.launches().len(), 1);
}

#[test]
fn only_own_instances_are_terminated() {
    let mut scene = Scene::of(vec![server(1), server(2)]);
    let drill = scene.play(|process| process.drill("x-1"));
    assert_eq!(drill.status, Status::Ended(Outcome::Completed));
    // Afterwards somebody recovers one of the servers for real: its instance is theirs.
    scene
        .play(|process| async move {
            let request = StartRecovery {
                servers: vec![StartServer {
                    id: server_id(1),
                    snapshot: None,
                }],
                is_drill: false,
                tags: Default::default(),
                signed_at: process.driver.drs.hub.now(),
            };
            let drs = &process.driver.drs;
            drs.start_recovery(&target(), &request).await.map(drop)
        })
        .expect("it is recovered");
    let asked = Event::TerminationRequested {
        reason: "the drill is over".to_owned(),
    };
    scene
        .play(|process| async move { process.ask("x-1", asked).await.map(drop) })
        .expect("it can be terminated");
    scene.play(|process| process.take_up("x-1"));
    let own: Vec<_> = drill.own_jobs().cloned().map(Some).collect();
    for (instance, job) in scene.ledger().terminated {
        assert!(own.contains(&job), "{instance} is not the drill's");
    }
    let which = WhichInstances::OfServers(vec![server_id(1), server_id(2)]);
    let left = scene.play(|process| async move {
        let found = process
            .driver
            .drs
            .recovery_instances(&target(), &which)
            .await;
        found.expect("they can be listed")
    });
    assert!(left.iter().all(|instance| !instance.is_drill), "{left:?}");
}

#[test]
fn two_plans_never_share_a_server() {
    let mut scene = Scene::of(vec![server(1)]);
    scene.add_plan("p-2", vec![wave("all")]);
    assert_eq!(wave("all").protection_group_ids, [group_id("all")]);
    let first =
        scene.spawn(|process| async move { process.begin("p-1", "x-1", Mode::Drill).await });
    let second =
        scene.spawn(|process| async move { process.begin("p-2", "x-2", Mode::Drill).await });
    scene.finish();
    let begun = [take(&first), take(&second)];
    let refused: Vec<_> = begun
        .iter()
        .filter_map(|begun| begun.as_ref().err())
        .collect();
    assert!(
        matches!(refused[..], [BeginError::Start(_)]),
        "one begins, and one is refused: {refused:?}"
    );
}
