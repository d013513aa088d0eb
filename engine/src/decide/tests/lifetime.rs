//! A drill whose lifetime passes while it runs, while it waits, and after it has ended.

use jiff::SignedDuration;

use super::*;
use crate::event::{Author, Mode, Started};
use crate::ids::OwnerId;
use crate::state::Stop;
use crate::sweep::{Chore, chore};

const HOUR: i64 = 3_600;

fn drill(started: &mut Started) {
    started.max_lifetime = Some(SignedDuration::from_hours(1));
}

fn tale() -> Tale {
    Tale::with(&[("db", &["s-1"]), ("web", &["s-2"])], drill)
}

#[test]
fn one_that_runs_is_cancelled_and_terminated_by_whoever_drives_it() {
    let mut tale = tale();
    let (launch, servers) = tale.launch();
    tale.pass(HOUR - 1);
    assert!(tale.settle().wake.world <= Some(after(start(), SignedDuration::from_hours(1))));
    assert_eq!(tale.state.stop, None);
    tale.pass(1).settle();
    let Some(Stop::Cancelled { by, reason, .. }) = &tale.state.stop else {
        panic!("it is cancelled: {:?}", tale.state.stop);
    };
    assert_eq!(*by, Author::Owner(OwnerId::new("o-1")));
    assert_eq!(reason, "the drill's maximum lifetime of 1h 00m has passed");
    assert_eq!(tale.state.status, Status::Cancelling);
    let termination = tale.state.termination.clone();
    assert!(termination.is_some_and(|asked| asked.finished.is_none()));
    let seq = tale.state.seq;
    tale.settle();
    assert_eq!(tale.state.seq, seq, "it is asked for once");
    tale.succeed(launch, &servers);
    let decision = tale.settle();
    assert!(tale.state.status.is_terminal());
    assert_eq!(decision.command, Some(Command::FindOwnInstances(target())));
    assert!(!is_done(&tale.state));
}

#[test]
fn one_that_is_paused_is_not_kept_for_ever() {
    let mut tale = tale();
    tale.settle();
    tale.wish(Event::PauseRequested {
        before: None,
        reason: "lunch".to_owned(),
    });
    let wake = tale.settle().wake;
    assert_eq!(wake.world, tale.state.lifetime_ends());
    tale.pass(HOUR).settle();
    assert_eq!(tale.state.status, Status::Ended(Outcome::Cancelled));
    assert!(is_done(&tale.state), "nothing was launched");
    assert!(tale.state.is_clean());
}

#[test]
fn one_that_has_stopped_already_is_only_terminated() {
    let mut tale = tale();
    let (launch, servers) = tale.launch();
    tale.wish(cancel());
    tale.pass(HOUR).settle();
    assert!(matches!(
        &tale.state.stop,
        Some(Stop::Cancelled { reason, .. }) if reason == "enough"
    ));
    assert!(tale.state.termination.is_some());
    tale.succeed(launch, &servers);
    tale.settle();
    assert!(tale.state.status.is_terminal());
}

#[test]
fn what_has_ended_is_the_chore_of_a_sweep() {
    let mut tale = tale();
    let swept = |tale: &Tale| chore(&tale.state, tale.now, "drsctl sweep");
    tale.finish();
    assert!(is_done(&tale.state));
    assert_eq!(swept(&tale), None, "its time has not come");
    assert_eq!(tale.state.sweep_at(), tale.state.lifetime_ends());
    tale.pass(HOUR);
    let reason = "drsctl sweep: the drill's maximum lifetime of 1h 00m has passed".to_owned();
    let asked = vec![Event::TerminationRequested { reason }];
    assert_eq!(swept(&tale), Some(Chore::CleanUp(asked.clone())));
    for event in asked.clone() {
        tale.wish(event);
    }
    assert_eq!(swept(&tale), Some(Chore::CleanUp(Vec::new())), "asked once");
    let finished = |left: &[&str]| Event::TerminationFinished {
        left: left.iter().map(|id| InstanceId::new(*id)).collect(),
        reason: (!left.is_empty()).then(|| "no".to_owned()),
    };
    tale.tell(finished(&["i-s-1"]));
    assert_eq!(swept(&tale), Some(Chore::CleanUp(asked.clone())), "again");
    for event in asked {
        tale.wish(event);
    }
    tale.tell(finished(&[]));
    assert_eq!(swept(&tale), None);
    assert_eq!(tale.state.sweep_at(), None);
}

#[test]
fn a_recovery_and_a_drill_without_a_lifetime_are_left_alone() {
    for change in [
        |started: &mut Started| {
            drill(started);
            started.mode = Mode::Recovery;
        },
        |_: &mut Started| {},
    ] {
        let mut tale = Tale::with(&[("db", &["s-1"])], change);
        tale.finish();
        tale.pass(1_000 * HOUR);
        assert_eq!(tale.state.sweep_at(), None);
        assert_eq!(chore(&tale.state, tale.now, ""), None);
    }
}
