//! Golden texts of every notice.

use super::*;
use crate::event::{CheckResult, Checked, Started};
use crate::ids::ServerId;
use crate::plan::{Check, Checks, Notifications};
use crate::ports::subject_line;
use crate::testing::Tale;

fn told(started: &mut Started) {
    let topic = "arn:aws:sns:us-east-1:111122223333:disaster-recovery";
    started.notifications = Some(Notifications {
        topics: vec![topic.to_owned()],
        events: NoticeKind::ALL.into(),
    });
    started.origin = "drsctl".to_owned();
    started
        .inputs
        .insert(REASON.to_owned(), "a quarter has passed".into());
}

fn tale() -> Tale {
    Tale::with(&[("db", &["s-1", "s-2"]), ("web", &["s-3"])], |started| {
        told(started);
        started.waves[0].checks = Some(Checks::default());
        started.waves[1].pause_before = true;
    })
}

/// The last notice there is, as a person gets it, and what subscriptions choose by.
fn last(tale: &Tale) -> String {
    let id = tale.state.notices.all.keys().next_back().unwrap();
    let message = notice(&tale.state, id, tale.now.world).unwrap();
    assert_eq!(subject_line(&message.subject), message.subject);
    let attributes = message.attributes.iter();
    let attributes: Vec<String> = attributes
        .map(|(name, value)| format!("{name} = {value}"))
        .collect();
    format!(
        "Subject: {}\n\n{}\n[attributes]\n{}",
        message.subject,
        message.text,
        attributes.join("\n")
    )
}

fn degraded(server: &str) -> Event {
    Event::ServersChecked {
        wave: 0,
        check: Check::Status,
        results: vec![Checked {
            server: ServerId::new(server),
            result: CheckResult::Degraded {
                reason: "instance status impaired after 10m".to_owned(),
            },
        }],
    }
}

#[test]
fn a_drill_that_is_told_from_its_start_to_its_end() {
    let mut tale = tale();
    insta::assert_snapshot!("started", last(&tale));
    let (launch, servers) = tale.launch();
    tale.pass(600).succeed(launch, &servers);
    tale.tell(Event::ServersChecked {
        wave: 0,
        check: Check::Status,
        results: vec![Checked {
            server: ServerId::new("s-2"),
            result: CheckResult::Passed,
        }],
    });
    tale.tell(degraded("s-1"));
    insta::assert_snapshot!("degraded", last(&tale));
    tale.pass(10).settle();
    insta::assert_snapshot!("paused", last(&tale));
    tale.pass(60).wish(Event::ResumeRequested {
        reason: "seen".to_owned(),
    });
    insta::assert_snapshot!("paused-no-more", last(&tale));
    let (launch, servers) = tale.launch();
    tale.pass(600).judge(launch, &servers, Some("no capacity"));
    tale.tell(Event::JobEnded { launch });
    tale.settle();
    insta::assert_snapshot!("finished", last(&tale));
}

#[test]
fn a_pause_of_the_whole_and_a_broken_rule() {
    let mut tale = Tale::with(&[("db", &["s-1"])], |started| {
        told(started);
        started.max_lifetime = Some(jiff::SignedDuration::from_hours(8));
    });
    tale.wish(Event::PauseRequested {
        before: None,
        reason: "the network team is not ready".to_owned(),
    });
    insta::assert_snapshot!("paused-as-a-whole", last(&tale));
    tale.tell(Event::Halted {
        reason: "event 7 does not fit".to_owned(),
    });
    insta::assert_snapshot!("halted", last(&tale));
}

/// However large a plan is, a notice can be sent and read.
#[test]
fn a_notice_of_many_servers_is_no_longer_than_a_person_reads() {
    let names: Vec<String> = (0..200).map(|number| format!("s-{number:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut tale = Tale::with(&[("db", &names)], |started| {
        told(started);
        started.waves[0].checks = Some(Checks::default());
    });
    for (launch, servers) in [tale.launch(), tale.launch()] {
        for part in servers.chunks(limits::SERVERS_PER_JUDGEMENT) {
            tale.judge(launch, part, None);
        }
        tale.tell(Event::JobEnded { launch });
    }
    for name in names {
        tale.tell(degraded(name));
    }
    let text = last(&tale);
    assert!(text.contains("- and 150 more"), "{text}");
    assert!(text.lines().count() < limits::NOTICE_ROWS + limits::SERVERS_PER_NOTICE + 30);
}

/// Whoever looks sees that somebody was not told, and so do the other topics.
#[test]
fn a_topic_that_refuses_is_named_with_what_helps() {
    let mut tale = tale();
    let notice = tale.decide().publish.remove(0);
    tale.tell(Event::NoticeFailed {
        notice,
        message: "sns:Publish was refused: NotFound: Topic does not exist".to_owned(),
        given_up: true,
    });
    insta::assert_snapshot!(next(&tale.state, Driven::Yes).join("\n"));
    tale.wish(Event::CancelRequested {
        reason: "enough".to_owned(),
    });
    tale.settle();
    let silent = Driven::Silent(jiff::SignedDuration::from_secs(60));
    insta::assert_snapshot!("not-sent", next(&tale.state, silent).join("\n"));
}

#[test]
fn what_came_of_a_notice_is_told() {
    let tale = tale();
    let notice = tale.decide().publish.remove(0);
    let failed = |given_up| Event::NoticeFailed {
        notice: notice.clone(),
        message: "sns:Publish was refused: NotFound: Topic does not exist".to_owned(),
        given_up,
    };
    let events = [
        failed(false),
        failed(true),
        Event::NoticeSent {
            notice: notice.clone(),
        },
    ];
    let told = events.map(|event| tell(&tale.state, &event).unwrap().join("\n"));
    insta::assert_snapshot!(told.join("\n"));
}
