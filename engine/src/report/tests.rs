//! Whole transcripts, as people read them.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::*;
use crate::event::{LiveInstance, Mode};
use crate::ids::{InstanceId, JobId, OwnerId};
use crate::plan::{AfterFailure, LaunchOrder, Success};
use crate::testing::{Tale, beginning, ids, target};

mod board;
mod checks;

fn transcript(tale: &Tale, waves: &[(&str, &[&str])]) -> String {
    let (_, frozen) = beginning(waves);
    let (state, _, told) = timeline(frozen, &tale.log).unwrap();
    assert_eq!(state.seq, tale.state.seq);
    told.join("\n") + "\n"
}

const SHOP: &[(&str, &[&str])] = &[("db", &["s-1", "s-2"]), ("web", &["s-3"])];

fn terminate(tale: &mut Tale, left: &[&str]) {
    tale.pass(60).wish(Event::TerminationRequested {
        reason: "the drill is over".to_owned(),
    });
    let instances: Vec<InstanceId> = ["i-s-1", "i-s-2", "i-s-3"].map(InstanceId::new).to_vec();
    let (left, gone): (Vec<InstanceId>, Vec<InstanceId>) = instances
        .iter()
        .cloned()
        .partition(|id| left.contains(&id.as_str()));
    tale.tell(Event::TerminationIntended {
        target: target(),
        instances: instances.clone(),
    });
    tale.tell(Event::TerminationAccepted {
        target: target(),
        instances,
        job: Some(JobId::new("job-9")),
    });
    tale.pass(90).tell(Event::InstancesGone { instances: gone });
    let reason = (!left.is_empty()).then(|| "termination protection is on".to_owned());
    tale.tell(Event::TerminationFinished { left, reason });
    tale.wish(Event::ResultDelivered);
}

#[test]
fn a_drill_that_goes_well() {
    let mut tale = Tale::with(SHOP, |started| {
        started.waves[1].wait = SignedDuration::from_secs(30);
    });
    let (launch, servers) = tale.launch();
    tale.pass(581).succeed(launch, &servers);
    tale.settle();
    tale.pass(30);
    tale.finish();
    terminate(&mut tale, &[]);
    insta::assert_snapshot!(transcript(&tale, SHOP));
    insta::assert_snapshot!(table(&tale.state, tale.now.world));
}

#[test]
fn a_run_in_which_much_goes_wrong() {
    let mut tale = Tale::new(SHOP);
    let (lost, _) = tale.intend();
    tale.tell(Event::LaunchUnknown {
        launch: lost,
        message: "the connection was closed".to_owned(),
    });
    tale.pass(40).tell(Event::OwnerTaken {
        owner: OwnerId::new("o-1"),
        host: "beta".to_owned(),
        previous: Some(OwnerId::new("o-1")),
    });
    tale.tell(Event::LaunchAccepted {
        launch: lost,
        job: JobId::new("job-1"),
        how: Acceptance::AdoptedByTag,
    });
    tale.pass(540);
    tale.judge(lost, &ids(&["s-1"]), None);
    tale.judge(
        lost,
        &ids(&["s-2"]),
        Some("LAUNCH_FAILED: InsufficientInstanceCapacity"),
    );
    tale.tell(Event::JobEnded { launch: lost });
    tale.settle();
    insta::assert_snapshot!(transcript(&tale, SHOP));
    insta::assert_snapshot!(table(&tale.state, tale.now.world));
}

#[test]
fn failures_that_pass_and_servers_that_are_launched_again() {
    let waves: &[(&str, &[&str])] = &[
        ("db", &["s-1", "s-2"]),
        ("web", &["s-3", "s-4"]),
        ("app", &["s-5"]),
    ];
    let mut tale = Tale::with(waves, |started| {
        started.waves[0].policy.success = Success::Percent(50);
        started.waves[0].policy.retries = 2;
        started.waves[1].policy.on_failure = AfterFailure::Continue;
    });
    let reason = "LAUNCH_FAILED: InsufficientInstanceCapacity";
    let (launch, _) = tale.launch();
    tale.pass(580).judge(launch, &ids(&["s-1"]), None);
    tale.judge(launch, &ids(&["s-2"]), Some(reason));
    tale.tell(Event::JobEnded { launch });
    tale.settle();
    insta::assert_snapshot!(table(&tale.state, tale.now.world));
    for _ in 0..2 {
        let (launch, servers) = tale.launch();
        tale.pass(600).judge(launch, &servers, Some(reason));
        tale.tell(Event::JobEnded { launch });
    }
    let (launch, _) = tale.launch();
    tale.pass(600).judge(launch, &ids(&["s-3"]), None);
    tale.judge(launch, &ids(&["s-4"]), Some("LAUNCH_FAILED: no subnet"));
    tale.tell(Event::JobEnded { launch });
    tale.finish();
    insta::assert_snapshot!(transcript(&tale, waves));
    insta::assert_snapshot!(table(&tale.state, tale.now.world));
    insta::assert_snapshot!(next(&tale.state, Driven::Yes).join("\n"));
}

#[test]
fn refusals_of_every_kind() {
    let mut tale = Tale::new(SHOP);
    for remedy in [
        Remedy::RetryWithoutTags,
        Remedy::RetryInHalves,
        Remedy::RetryLater { after: None },
    ] {
        let (launch, _) = tale.intend();
        tale.refused(launch, "ValidationException", remedy);
    }
    let (launch, _) = tale.intend();
    tale.pass(600).tell(Event::LaunchNotCarriedOut {
        launch,
        assumed: false,
        reason: None,
    });
    let (launch, _) = tale.intend();
    tale.wish(Event::LaunchNotCarriedOut {
        launch,
        assumed: true,
        reason: Some("the machine had no network".to_owned()),
    });
    let (launch, _) = tale.intend();
    tale.refused(launch, "AccessDeniedException", Remedy::GiveUp);
    insta::assert_snapshot!(transcript(&tale, SHOP));
}

#[test]
fn a_cancel_names_the_jobs_that_it_cannot_stop() {
    let mut tale = Tale::new(SHOP);
    let (launch, servers) = tale.launch();
    tale.pass(60).wish(Event::CancelRequested {
        reason: "wrong week".to_owned(),
    });
    insta::assert_snapshot!(table(&tale.state, tale.now.world));
    tale.pass(540).succeed(launch, &servers);
    tale.settle();
    terminate(&mut tale, &["i-s-2"]);
    insta::assert_snapshot!(transcript(&tale, SHOP));
}

#[test]
fn guards_and_limits() {
    let waves: &[(&str, &[&str])] = &[("db", &["s-1"])];
    let mut text = String::new();
    let mut tell = |event: Event| {
        let mut tale = Tale::with(waves, |started| started.mode = Mode::Recovery);
        tale.settle();
        tale.tell(event);
        tale.settle();
        text.push_str(&transcript(&tale, waves));
        text.push('\n');
    };
    let live = LiveInstance {
        server: ServerId::new("s-1"),
        instance: InstanceId::new("i-0123456789abcdef0"),
    };
    tell(Event::GuardTripped {
        wave: 0,
        instances: vec![live],
    });
    tell(Event::GuardUnreadable {
        wave: 0,
        message: "drs:DescribeRecoveryInstances was refused: AccessDeniedException: no".to_owned(),
    });
    tell(Event::WaveTimedOut { wave: 0 });
    tell(Event::ExecutionTimedOut);
    tell(Event::Halted {
        reason: "event 7 does not fit".to_owned(),
    });
    insta::assert_snapshot!(text);
}

#[test]
fn a_wave_in_order_and_one_that_waits() {
    let mut tale = Tale::with(
        &[
            ("db", &["s-1", "s-2"]),
            ("web", &["s-3"]),
            ("app", &["s-4"]),
        ],
        |started| {
            started.waves[0].order = LaunchOrder::Sequential;
            started.waves[2].depends_on = vec![0, 1];
        },
    );
    tale.launch();
    tale.pass(90);
    tale.tell(Event::InstancesFound {
        launch: LaunchId(1),
        instances: BTreeMap::from([(ServerId::new("s-1"), InstanceId::new("i-1"))]),
    });
    insta::assert_snapshot!(table(&tale.state, tale.now.world));
}

#[test]
fn durations_as_people_say_them() {
    let said = |seconds| duration(SignedDuration::from_secs(seconds));
    assert_eq!(said(-5), "0s");
    assert_eq!(said(59), "59s");
    assert_eq!(said(581), "9m 41s");
    assert_eq!(said(3_720), "1h 02m");
    assert_eq!(said(360_000), "100h 00m");
}
