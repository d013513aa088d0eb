//! Which notices there are, when each is tried, and that nothing waits for them.

use std::collections::BTreeSet;

use super::*;
use crate::decide::notices::tried;
use crate::event::{CheckResult, Checked, NoticeId, Started};
use crate::plan::{Check, Checks, NoticeKind, Notifications};
use crate::ports::{CallError, Kind};
use crate::state::NoticePhase;
use crate::sweep::{Chore, chore};

const TOPICS: [&str; 2] = [
    "arn:aws:sns:us-east-1:111122223333:one",
    "arn:aws:sns:us-east-1:111122223333:two",
];

fn told(started: &mut Started) {
    started.notifications = Some(Notifications {
        topics: TOPICS.map(ToOwned::to_owned).to_vec(),
        events: NoticeKind::ALL.into(),
    });
}

fn tale() -> Tale {
    Tale::with(&[("db", &["s-1", "s-2"]), ("web", &["s-3"])], told)
}

/// What is to be published now, by kind.
fn kinds(tale: &Tale) -> Vec<NoticeKind> {
    let due = tale.decide().publish;
    let kind = |id: &NoticeId| tale.state.notices.all[id].kind;
    due.iter().map(kind).collect()
}

fn sent(tale: &mut Tale) {
    for notice in tale.decide().publish {
        tale.tell(Event::NoticeSent { notice });
    }
}

fn error(kind: Kind) -> CallError {
    CallError {
        kind,
        call: "sns:Publish",
        code: "Code".to_owned(),
        message: "why".to_owned(),
        retry_after: None,
    }
}

#[test]
fn the_start_and_the_end_are_told_to_every_topic() {
    let mut tale = tale();
    assert_eq!(kinds(&tale), [NoticeKind::Started; 2]);
    let decision = tale.settle();
    assert!(decision.command.is_some(), "the launch does not wait");
    assert_eq!(decision.publish.len(), 2);
    sent(&mut tale);
    assert_eq!(kinds(&tale), []);
    tale.finish();
    assert!(tale.state.status.is_terminal());
    assert!(!is_done(&tale.state), "the end is to be told");
    assert_eq!(kinds(&tale), [NoticeKind::Finished; 2]);
    assert_eq!(chore(&tale.state, tale.now, ""), Some(Chore::SendNotices));
    assert_eq!(tale.state.sweep_at(), Some(tale.now.world));
    sent(&mut tale);
    assert!(is_done(&tale.state));
    assert_eq!(tale.state.sweep_at(), None);
}

#[test]
fn every_pause_that_begins_is_told_once() {
    let mut tale = tale();
    tale.settle();
    sent(&mut tale);
    let pause = || Event::PauseRequested {
        before: None,
        reason: "wait".to_owned(),
    };
    tale.wish(pause()).wish(pause());
    assert_eq!(kinds(&tale), [NoticeKind::Paused; 2], "once to each topic");
    sent(&mut tale);
    tale.wish(Event::ResumeRequested {
        reason: "go".to_owned(),
    });
    tale.wish(pause());
    assert_eq!(kinds(&tale), [NoticeKind::Paused; 2], "another one");
    sent(&mut tale);
    tale.wish(Event::ResumeRequested {
        reason: "go".to_owned(),
    });
    tale.wish(Event::PauseRequested {
        before: Some(1),
        reason: "look first".to_owned(),
    });
    assert_eq!(kinds(&tale), [], "the wave is not due yet");
    let (launch, servers) = tale.launch();
    tale.succeed(launch, &servers);
    tale.settle();
    assert_eq!(tale.state.status, Status::Paused);
    assert_eq!(kinds(&tale), [NoticeKind::Paused; 2]);
}

#[test]
fn a_wave_is_told_to_be_degraded_once_and_when_its_checks_have_ended() {
    let mut tale = Tale::with(&[("db", &["s-1", "s-2"])], |started| {
        told(started);
        started.waves[0].checks = Some(Checks::default());
    });
    let (launch, servers) = tale.launch();
    sent(&mut tale);
    tale.pass(600).succeed(launch, &servers);
    let checked = |server: &str| Event::ServersChecked {
        wave: 0,
        check: Check::Status,
        results: vec![Checked {
            server: ServerId::new(server),
            result: CheckResult::Degraded {
                reason: "impaired".to_owned(),
            },
        }],
    };
    tale.tell(checked("s-1"));
    assert_eq!(kinds(&tale), [], "another server is being checked");
    tale.tell(checked("s-2"));
    assert_eq!(kinds(&tale), [NoticeKind::Degraded; 2]);
    sent(&mut tale);
    tale.settle();
    assert_eq!(kinds(&tale), [NoticeKind::Finished; 2]);
}

#[test]
fn only_what_was_chosen_is_told() {
    let mut tale = Tale::with(&[("db", &["s-1"])], |started| {
        told(started);
        let chosen = BTreeSet::from([NoticeKind::Paused]);
        started.notifications.as_mut().unwrap().events = chosen;
    });
    assert_eq!(kinds(&tale), []);
    tale.wish(Event::PauseRequested {
        before: None,
        reason: "wait".to_owned(),
    });
    assert_eq!(kinds(&tale), [NoticeKind::Paused; 2]);
    sent(&mut tale);
    tale.wish(cancel()).settle();
    assert!(is_done(&tale.state));
}

#[test]
fn what_has_no_answer_is_tried_again_later_and_in_the_end_given_up() {
    let mut tale = tale();
    tale.settle();
    let notice = tale.decide().publish.remove(0);
    tale.view.publishing.insert(notice.clone());
    assert_eq!(tale.decide().publish.len(), 1, "it is on its way");
    tale.view.publishing.clear();
    let mut tries = 0;
    while tale.decide().publish.contains(&notice) {
        let event = tried(&tale.state, notice.clone(), Err(error(Kind::Unknown)));
        tale.tell(event);
        tries += 1;
        assert!(!tale.decide().publish.contains(&notice), "not at once");
        let wake = tale.decide().wake.wall;
        tale.pass(120);
        let found = &tale.state.notices.all[&notice];
        if let NoticePhase::Failed { .. } = found.phase {
            assert!(wake.is_some_and(|at| at <= tale.now.wall));
        }
    }
    assert_eq!(tries, limits::NOTICE_TRIES);
    let found = &tale.state.notices.all[&notice];
    assert!(matches!(found.phase, NoticePhase::GivenUp { .. }));
    let other = tale.decide().publish.remove(0);
    let refused = tried(&tale.state, other.clone(), Err(error(Kind::Refused)));
    tale.tell(refused);
    assert_eq!(kinds(&tale), [], "SNS would refuse it again");
    let again = tale.refuse(Event::NoticeSent { notice: other });
    insta::assert_snapshot!(again);
}

#[test]
fn notices_are_bounded_and_the_end_is_told_all_the_same() {
    let mut tale = Tale::with(&[("db", &["s-1"])], told);
    for _ in 0..limits::NOTICES_PER_EXECUTION + 5 {
        tale.wish(Event::PauseRequested {
            before: None,
            reason: "wait".to_owned(),
        });
        tale.wish(Event::ResumeRequested {
            reason: "go".to_owned(),
        });
    }
    let most = limits::NOTICES_PER_EXECUTION * TOPICS.len();
    assert_eq!(tale.state.notices.all.len(), most);
    tale.wish(cancel()).settle();
    assert_eq!(tale.state.notices.all.len(), most + TOPICS.len());
    assert!(tale.decide().publish.len() <= limits::CALLS_TOGETHER);
}
