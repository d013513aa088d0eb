//! Terminating what was launched.

use super::*;

#[test]
fn a_termination_begins_after_the_end_and_looks_before_it_asks() {
    let mut tale = Tale::new(&[("db", &["s-1"])]);
    let (launch, servers) = tale.launch();
    tale.wish(cancel()).wish(Event::TerminationRequested {
        reason: "over".to_owned(),
    });
    assert!(matches!(
        tale.settle().command,
        Some(Command::Observe { .. })
    ));
    tale.pass(3 * 3_600).succeed(launch, &servers);
    let decision = tale.settle();
    assert!(tale.state.status.is_terminal());
    assert_eq!(decision.command, Some(Command::FindOwnInstances(target())));
    let look = |tale: &mut Tale, listed: &[&str], alive: &[&str]| {
        let ids = |names: &[&str]| names.iter().map(|name| InstanceId::new(*name)).collect();
        tale.view.own_instances.insert(
            target(),
            view::OwnInstances {
                at: tale.now.world,
                listed: ids(listed),
                alive: ids(alive),
            },
        );
    };
    look(&mut tale, &["i-s-1"], &["i-s-1"]);
    let instances = vec![InstanceId::new("i-s-1")];
    assert_eq!(
        tale.decide().command,
        Some(Command::Terminate {
            target: target(),
            instances: instances.clone()
        })
    );
    tale.tell(Event::TerminationAccepted {
        target: target(),
        instances,
        job: None,
    });
    assert_eq!(tale.settle().command, None, "asked once");
    tale.pass(60);
    look(&mut tale, &[], &["i-s-1"]);
    assert_eq!(
        tale.settle().command,
        None,
        "what EC2 still has is not gone"
    );
    look(&mut tale, &[], &[]);
    tale.settle();
    let termination = tale.state.termination.clone().unwrap();
    assert!(is_done(&tale.state));
    assert_eq!(termination.gone.len(), 1);
    assert_eq!(termination.finished.unwrap().1, []);
}

#[test]
fn a_termination_that_was_asked_for_early_has_its_whole_time_after_the_end() {
    let mut tale = Tale::new(&[("db", &["s-1"])]);
    let (launch, servers) = tale.launch();
    tale.wish(cancel()).wish(Event::TerminationRequested {
        reason: "over".to_owned(),
    });
    tale.pass(3 * 3_600).succeed(launch, &servers);
    tale.settle();
    tale.view.own_instances.insert(
        target(),
        view::OwnInstances {
            at: tale.now.world,
            listed: Vec::new(),
            alive: vec![InstanceId::new("i-s-1")],
        },
    );
    assert_eq!(tale.settle().command, None);
    tale.pass(limits::TERMINATION_TIMEOUT.as_secs());
    let instances = tale.view.own_instances.get_mut(&target()).unwrap();
    instances.at = tale.now.world;
    tale.settle();
    let finished = tale.state.termination.clone().unwrap().finished.unwrap();
    assert_eq!(finished.1, [InstanceId::new("i-s-1")]);
    insta::assert_snapshot!(finished.2.unwrap());
}

#[test]
fn what_could_not_be_seen_when_the_time_is_over_is_not_told_as_gone() {
    let mut tale = Tale::new(&[("db", &["s-1"])]);
    tale.finish();
    tale.wish(Event::TerminationRequested {
        reason: "over".to_owned(),
    });
    tale.pass(limits::TERMINATION_TIMEOUT.as_secs());
    let key = crate::decide::termination::own_instances_key(&target());
    tale.view.hold_back(&key, None, tale.now);
    tale.settle();
    let ended = tale.state.termination.as_ref().unwrap();
    assert!(!ended.is_clean());
    let (_, left, reason) = ended.finished.clone().unwrap();
    assert_eq!(left, []);
    assert_eq!(
        reason.unwrap(),
        "it could not be seen what is left in 111122223333/us-east-1 when the time limit of the termination passed"
    );
}

#[test]
fn a_termination_that_nobody_took_up_for_long_has_its_whole_time_when_somebody_does() {
    let mut tale = Tale::new(&[("db", &["s-1"])]);
    tale.finish();
    tale.wish(Event::TerminationRequested {
        reason: "over".to_owned(),
    });
    tale.pass(2 * limits::TERMINATION_TIMEOUT.as_secs());
    tale.tell_as(
        "o-2",
        Event::OwnerTaken {
            owner: crate::ids::OwnerId::new("o-2"),
            host: "beta".to_owned(),
            previous: Some(crate::ids::OwnerId::new("o-1")),
        },
    );
    tale.view.own_instances.insert(
        target(),
        view::OwnInstances {
            at: tale.now.world,
            listed: Vec::new(),
            alive: vec![InstanceId::new("i-s-1")],
        },
    );
    let decision = tale.decide();
    assert_eq!(decision.command, None, "it is looked at again later");
    assert!(!is_done(&tale.state));
}

#[test]
fn nothing_is_terminated_for_an_execution_that_launched_nothing() {
    let mut tale = Tale::new(&[("db", &["s-1"])]);
    tale.settle();
    tale.wish(cancel()).wish(Event::TerminationRequested {
        reason: "over".to_owned(),
    });
    assert_eq!(tale.settle().command, None);
    assert!(is_done(&tale.state));
}
