//! A recovery that is started while a drill is at any of its gates: runs on, sleeps there, or has died there.

use super::*;
use crate::sim::run::failover::Failover;

/// What becomes of the drill's process at that gate.
#[derive(Clone, Copy, Debug)]
enum Fate {
    RunsOn,
    /// For so many seconds.
    Sleeps(i64),
    Dies,
}

#[test]
fn a_recovery_that_comes_at_any_gate_of_a_drill_has_its_servers_to_itself() {
    preempt_at_every_gate();
}

/// A recovery takes the plan from a drill at each gate in turn. The judge looks for calls of the drill that came later, and
/// for recoveries that they deleted.
pub(in crate::sim::run) fn preempt_at_every_gate() {
    let mut scenario = shop();
    scenario.terminates = false;
    let steps = steps_of(&scenario);
    scenario.failover = Some(Failover {
        after: 0,
        plan: plan_id(),
        only: Only::default(),
    });
    let mut counted: BTreeMap<&str, u64> = BTreeMap::new();
    for at in 0..steps {
        // A request is good for half a minute here, and a look at live instances for a minute.
        for fate in [
            Fate::RunsOn,
            Fate::Sleeps(20),
            Fate::Sleeps(240),
            Fate::Sleeps(960),
            Fate::Dies,
        ] {
            let (run, _) = disturb(&scenario, at, |run, drill| {
                run.spawn_failover();
                match fate {
                    Fate::RunsOn => {}
                    Fate::Sleeps(seconds) => {
                        let until = after(run.hub.now(), SignedDuration::from_secs(seconds));
                        run.hub.set_asleep(drill, Some(until));
                    }
                    Fate::Dies => {
                        run.scheduler.kill(drill);
                        run.spawn();
                    }
                }
            });
            check_both(&run, at, fate);
            for (what, count) in run.counts() {
                *counted.entry(what).or_default() += count;
            }
        }
    }
    println!("{counted:?}");
    for what in [
        "drills that gave way",
        "jobs of drills that were waited for",
        "launches of servers that a drill had",
    ] {
        assert!(counted.contains_key(what), "no {what}: {counted:?}");
    }
}

/// The recovery has launched everything, and the drill is whole, cancelled, or never was.
fn check_both(run: &Run, at: u64, fate: Fate) {
    let (recoveries, drills): (Vec<_>, Vec<_>) = histories(run)
        .into_iter()
        .partition(|history| history.state.started.mode == Mode::Recovery);
    assert_eq!(recoveries.len(), 1, "at step {at}, {fate:?}");
    let recovery = &recoveries[0].state;
    assert_eq!(
        recovery.status,
        Status::Ended(Outcome::Completed),
        "at step {at}, {fate:?}"
    );
    assert!(drills.len() <= 1, "at step {at}, {fate:?}");
    for drill in drills {
        let state = drill.state;
        let expected = if let Some(by) = &state.preempted_by {
            let told = [state.started.execution_id.clone()];
            assert_eq!(*by, recovery.started.execution_id);
            assert_eq!(recovery.started.preempted, told);
            Outcome::Cancelled
        } else {
            // One that began after the recovery has met what the recovery launched.
            Outcome::Failed
        };
        let expected = [expected, Outcome::Completed];
        assert!(
            expected.map(Status::Ended).contains(&state.status),
            "at step {at}, {fate:?}: {:?}",
            state.status
        );
    }
}
