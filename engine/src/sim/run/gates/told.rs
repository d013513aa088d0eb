//! Notices and lifetimes, disturbed at every gate: no launch waits for a notice, none is lost, and no drill is forgotten.

use super::*;
use crate::plan::NotificationsSpec;
use crate::sim::fleet::Stub;
use crate::state::{Notice, NoticePhase};

/// The shop, which tells a topic everything.
fn told() -> Scenario {
    let mut scenario = shop();
    let topic = "arn:aws:sns:us-east-1:111122223333:topic";
    scenario.plan.notifications = Some(NotificationsSpec {
        topic_arns: vec![topic.to_owned()],
        events: None,
    });
    scenario.fleet.accounts[0].regions[0].topics = vec![Stub {
        name: "topic".to_owned(),
        script: Vec::new(),
    }];
    scenario
}

/// When the world accepted launches, in one undisturbed run, and how its notices ended.
fn launches_of(scenario: &Scenario) -> (Vec<Timestamp>, Vec<NoticePhase>) {
    let (run, _) = disturb(scenario, 0, |_, _| {});
    let world = crate::sim::drs::lock(&run.context.world).clone();
    let launches = world.accepted_launches().iter().map(|launch| launch.at);
    let notices = only(&run).notices.all.into_values();
    (
        launches.collect(),
        notices.map(|notice| notice.phase).collect(),
    )
}

#[test]
fn no_launch_waits_for_a_notice_whatever_becomes_of_it() {
    let (untold, nothing) = launches_of(&shop());
    assert_eq!(nothing, []);
    // What is written about notices takes its moment; a publication would take seconds.
    let same = |launches: &[Timestamp]| {
        let apart = |(one, other): (&Timestamp, &Timestamp)| one.duration_since(*other).abs();
        let most = launches.iter().zip(&untold).map(apart).max();
        assert_eq!(launches.len(), untold.len());
        assert!(
            most < Some(SignedDuration::from_secs(1)),
            "{launches:?} {untold:?}"
        );
    };
    let (launches, sent) = launches_of(&told());
    same(&launches);
    assert!(matches!(
        sent[..],
        [NoticePhase::Sent { .. }, NoticePhase::Sent { .. }]
    ));
    let mut silent = told();
    silent.manners.topics_hang = true;
    let mut missing = told();
    missing.fleet.accounts[0].regions[0].topics.clear();
    for scenario in [silent, missing] {
        let (launches, notices) = launches_of(&scenario);
        same(&launches);
        let given_up = |phase: &NoticePhase| matches!(phase, NoticePhase::GivenUp { .. });
        assert!(
            notices.len() == 2 && notices.iter().all(given_up),
            "{notices:?}"
        );
    }
}

#[test]
fn a_crash_at_any_gate_loses_no_notice() {
    let scenario = told();
    for at in 0..steps_of(&scenario) {
        let (run, verdict) = disturb(&scenario, at, |run, first| {
            run.scheduler.kill(first);
            run.spawn();
        });
        assert_eq!(verdict.launches, 2, "crashed at step {at}");
        let sent = |notice: &Notice| matches!(notice.phase, NoticePhase::Sent { .. });
        let notices = only(&run).notices;
        assert_eq!(notices.all.len(), 2, "crashed at step {at}");
        assert!(notices.all.values().all(sent), "crashed at step {at}");
    }
}

/// What a drill launched is gone after its lifetime, wherever its process died, and although nobody took it up again.
#[test]
fn a_drill_whose_process_died_at_any_gate_is_swept() {
    let mut scenario = shop();
    scenario.max_lifetime = Some(3_600);
    scenario.terminates = false;
    let mut swept = 0;
    for at in 0..steps_of(&shop()) {
        let mut run = Run::new(scenario.clone(), 7);
        let first = run.spawn();
        run.scheduler.run(at, |_, _| {});
        run.scheduler.kill(first);
        if histories(&run).is_empty() {
            continue;
        }
        let process = Process::new(run.context.clone(), run.scheduler.next_task(), 3_000);
        run.scheduler.spawn(Box::pin(sweep::sweep_marked(process)));
        assert_eq!(run.scheduler.run(ENOUGH, |_, _| {}), Stopped::AllEnded);
        let state = only(&run);
        assert!(state.is_clean(), "died at step {at}");
        let termination = state.termination.map_or(0, |ended| ended.gone.len());
        let launched = state
            .servers
            .values()
            .filter(|server| server.status == ServerStatus::Launched);
        assert_eq!(termination, launched.count(), "died at step {at}");
        swept += u64::from(termination > 0);
        judge(&run);
    }
    assert!(swept > 0, "nothing was ever launched");
}
