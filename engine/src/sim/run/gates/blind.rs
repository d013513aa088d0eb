//! A right that is lost at any gate: what the guard cannot see stops a launch, unless a recovery was told to go on.

use super::*;
use crate::event::Recorded;
use crate::guard::Guard;
use crate::sim::world::fault::{Fault, Injected};
use crate::state::Stop;

fn shop_for(mode: Mode, forced: bool) -> Scenario {
    let mut scenario = shop();
    scenario.mode = mode;
    scenario.terminates = false;
    scenario.force_unknown = forced.then_some(Guard::LiveInstances).into_iter().collect();
    scenario
}

/// From here on nobody may list recovery instances. How many launches there were.
fn go_blind(run: &Run) -> usize {
    let mut world = crate::sim::drs::lock(&run.context.world);
    let denied = Injected {
        times: u64::MAX,
        ..Injected::next("DescribeRecoveryInstances", Fault::AccessDenied)
    };
    assert!(world.inject(denied));
    world.accepted_launches().len()
}

/// The events of the only execution, if it ever began.
fn events(run: &Run) -> Vec<Recorded> {
    let history = histories(run).pop();
    history.map_or_else(Vec::new, |history| history.events)
}

#[test]
fn a_right_that_is_lost_at_any_gate_stops_every_later_launch() {
    for scenario in [shop_for(Mode::Recovery, false), shop_for(Mode::Drill, true)] {
        let mut midway = 0;
        for at in 0..steps_of(&scenario) {
            let mut before = 0;
            let (run, verdict) = disturb(&scenario, at, |run, _| before = go_blind(run));
            let events = events(&run);
            let seen =
                |recorded: &Recorded| matches!(recorded.event, Event::GuardUnreadable { .. });
            let Some(stopped) = events.iter().position(seen) else {
                // It was lost before there was anything to start, or after the last look.
                let all = if events.is_empty() { 0 } else { 2 };
                assert_eq!(verdict.launches, all, "lost at step {at}");
                continue;
            };
            let is_intent =
                |recorded: &&Recorded| matches!(recorded.event, Event::LaunchIntended(_));
            assert_eq!(events[stopped..].iter().find(is_intent), None, "{at}");
            let intended = events.iter().filter(is_intent).count() as u64;
            assert_eq!(verdict.launches, intended, "lost at step {at}");
            let state = only(&run);
            assert!(matches!(state.stop, Some(Stop::Guard { .. })), "{at}");
            assert_ne!(state.status, Status::Ended(Outcome::Completed));
            midway += u64::from(before == 1 && verdict.launches == 1);
        }
        assert!(midway > 0, "it was never lost between two launches");
    }
}

#[test]
fn a_recovery_that_was_told_so_goes_on_without_a_right_that_is_lost_at_any_gate() {
    let scenario = shop_for(Mode::Recovery, true);
    let mut midway = 0;
    for at in 0..steps_of(&scenario) {
        let mut before = 0;
        let (run, verdict) = disturb(&scenario, at, |run, _| before = go_blind(run));
        assert_eq!(verdict.launches, 2, "lost at step {at}");
        let state = only(&run);
        assert_eq!(state.status, Status::Ended(Outcome::Completed), "{at}");
        assert_eq!(state.started.force_unknown, [Guard::LiveInstances]);
        // Who launched without a look said so in the same breath, for the same wave.
        let events = events(&run);
        let forced_wave = |recorded: &Recorded| match &recorded.event {
            Event::GuardForced { wave, .. } => Some(*wave),
            _ => None,
        };
        let first = events.iter().position(|event| forced_wave(event).is_some());
        for (position, recorded) in events.iter().enumerate() {
            if let Event::LaunchIntended(intent) = &recorded.event
                && first.is_some_and(|first| first < position)
            {
                let said = forced_wave(&events[position - 1]);
                assert_eq!(said, Some(intent.wave), "lost at step {at}");
            }
        }
        let forced = events.iter().filter_map(forced_wave).count();
        midway += u64::from(before == 1 && forced == 1);
    }
    assert!(midway > 0, "it was never lost between two launches");
}
