//! LAUNCHED is not healthy: what is looked at, for how long, and what it means for the wave.

use jiff::SignedDuration;

use super::*;
use crate::decide::checks::Disposition;
use crate::decide::{actions, checks};
use crate::event::{ActionResult, CheckResult, Checked, Purpose};
use crate::ids::InstanceId;
use crate::plan::{Check, Checks, CommandCheck, Consequence, FunctionCheck};
use crate::ports::{CallError, InstanceHealth, Kind};
use crate::state::Verdict;

const TWO: &[(&str, &[&str])] = &[("db", &["s-1", "s-2"]), ("web", &["s-3"])];

/// A history of two waves that are checked.
fn tale(change: impl FnOnce(&mut Checks)) -> Tale {
    let mut checks = Checks::default();
    change(&mut checks);
    Tale::with(TWO, |started| {
        for wave in &mut started.waves {
            wave.checks = Some(checks.clone());
        }
    })
}

/// The first wave is launched, and its instances are known.
fn launched(change: impl FnOnce(&mut Checks)) -> Tale {
    let mut tale = tale(change);
    let (launch, servers) = tale.launch();
    tale.pass(600).succeed(launch, &servers);
    tale
}

fn health(state: &str, status: &str) -> InstanceHealth {
    InstanceHealth {
        state: state.to_owned(),
        instance_status: status.to_owned(),
        system_status: status.to_owned(),
    }
}

fn error(kind: Kind) -> CallError {
    CallError {
        kind,
        call: "ec2:DescribeInstanceStatus",
        code: "UnauthorizedOperation".to_owned(),
        message: "no".to_owned(),
        retry_after: None,
    }
}

/// A look finds every instance like this.
fn look(tale: &mut Tale, seen: &InstanceHealth) -> usize {
    let instances = tale.state.known_instances(&target());
    let seen = instances.into_iter().map(|id| (id, seen.clone()));
    let seen = seen.collect();
    let events = checks::judge(&tale.state, &tale.view, &target(), Ok(&seen), tale.now);
    tale.view.health_looked.insert(target(), tale.now.world);
    let count = events.len();
    for event in events {
        tale.tell(event);
    }
    count
}

fn verdict(tale: &Tale, server: &str) -> Option<Verdict> {
    let health = tale.state.servers[&ServerId::new(server)].health.clone();
    health.map(|health| health.verdict)
}

fn outcome(tale: &Tale, wave: usize) -> Option<WaveOutcome> {
    tale.state.waves[wave].finished.map(|(_, outcome)| outcome)
}

#[test]
fn a_wave_is_finished_when_its_servers_are_healthy_and_only_then_the_next_one_starts() {
    let mut tale = launched(|_| {});
    assert_eq!(tale.next_command(), Some(Command::LookAtHealth(target())));
    assert_eq!(look(&mut tale, &health("running", "initializing")), 0);
    assert_eq!(tale.next_command(), None);
    assert!(tale.state.waves[1].ready_at.is_none());
    tale.pass(15);
    assert_eq!(tale.next_command(), Some(Command::LookAtHealth(target())));
    assert_eq!(look(&mut tale, &health("running", "ok")), 1);
    assert_eq!(verdict(&tale, "s-1"), Some(Verdict::Healthy));
    assert!(matches!(tale.next_command(), Some(Command::Launch(_))));
    assert_eq!(outcome(&tale, 0), Some(WaveOutcome::Completed));
}

#[test]
fn the_status_of_the_first_servers_is_looked_at_while_the_others_launch() {
    let mut tale = tale(|_| {});
    let (launch, servers) = tale.launch();
    tale.pass(600).judge(launch, &servers[..1], None);
    assert_eq!(tale.next_command(), Some(Command::LookAtHealth(target())));
    look(&mut tale, &health("running", "ok"));
    assert_eq!(verdict(&tale, "s-1"), Some(Verdict::Healthy));
    assert_eq!(verdict(&tale, "s-2"), None);
}

#[test]
fn an_instance_that_does_not_pass_in_time_is_degraded_and_windows_has_more_time() {
    let mut tale = launched(|_| {});
    tale.state
        .servers
        .get_mut(&ServerId::new("s-2"))
        .unwrap()
        .is_windows = true;
    tale.pass(599);
    assert_eq!(look(&mut tale, &health("running", "impaired")), 0);
    tale.pass(1);
    assert_eq!(look(&mut tale, &health("running", "impaired")), 1);
    let reason =
        "its instance is running; instance status impaired, system status impaired after 10m 00s";
    let degraded = Verdict::Degraded {
        reason: reason.to_owned(),
    };
    assert_eq!(verdict(&tale, "s-1"), Some(degraded));
    assert_eq!(verdict(&tale, "s-2"), None);
    tale.pass(35 * 60);
    assert_eq!(look(&mut tale, &health("running", "impaired")), 1);
    assert!(tale.state.servers[&ServerId::new("s-2")].is_degraded());
    tale.settle();
    assert_eq!(
        outcome(&tale, 0),
        Some(WaveOutcome::Completed),
        "degraded servers pass, unless the plan says otherwise"
    );
}

#[test]
fn degraded_servers_fail_the_wave_where_the_plan_says_so() {
    for (percent, wanted) in [
        (None, WaveOutcome::Failed),
        (Some(50), WaveOutcome::Partial),
    ] {
        let mut tale = launched(|checks| checks.on_degraded = Consequence::Fail);
        let policy = &mut tale.state.waves[0].frozen.policy;
        policy.success = percent.map_or(policy.success, crate::plan::Success::Percent);
        let checked = |server: &str, result| Checked {
            server: ServerId::new(server),
            result,
        };
        let reason = "no disk".to_owned();
        let results = vec![
            checked("s-1", CheckResult::Degraded { reason }),
            checked("s-2", CheckResult::Passed),
        ];
        tale.tell(Event::ServersChecked {
            wave: 0,
            check: Check::Status,
            results,
        });
        tale.settle();
        assert_eq!(outcome(&tale, 0), Some(wanted));
        let wave = 0;
        let outcome = WaveOutcome::Completed;
        tale.state.waves[0].finished = None;
        tale.refuse(Event::WaveFinished { wave, outcome });
        if percent.is_none() {
            let (_, summary) = tale.state.finished.as_ref().unwrap();
            insta::assert_snapshot!(summary);
        }
    }
}

/// How the first server's instance was to be launched, and every instance is found stopped.
fn at_rest(disposition: Option<Disposition>) -> Tale {
    let mut tale = launched(|_| {});
    let instance = tale.state.servers[&ServerId::new("s-1")].instance.clone();
    let known = disposition.map(|one| (instance.unwrap(), one));
    tale.view.dispositions.extend(known);
    look(&mut tale, &health("stopped", "not-applicable"));
    tale
}

#[test]
fn a_stopped_instance_is_judged_by_its_launch_disposition() {
    let not_checked = |tale: &Tale| match verdict(tale, "s-1") {
        Some(Verdict::NotChecked { reason }) => reason,
        other => panic!("{other:?}"),
    };
    let tale = at_rest(Some(Disposition::Stopped));
    let reason =
        "its instance is stopped, which EC2 does not check; its launch disposition is STOPPED";
    assert_eq!(not_checked(&tale), reason);
    let tale = at_rest(Some(Disposition::Unreadable("denied".to_owned())));
    assert!(not_checked(&tale).ends_with("cannot be seen: denied"));

    // It may be started again, and is not once its time is up.
    let mut tale = at_rest(Some(Disposition::Started));
    assert_eq!(verdict(&tale, "s-1"), None);
    tale.pass(limits::STATUS_TIMEOUT.as_secs());
    look(&mut tale, &health("stopped", "not-applicable"));
    let reason = "its instance is stopped after 10m 00s, and its launch disposition is STARTED";
    let reason = reason.to_owned();
    assert_eq!(verdict(&tale, "s-1"), Some(Verdict::Degraded { reason }));

    let mut tale = at_rest(None);
    tale.pass(limits::STATUS_TIMEOUT.as_secs());
    look(&mut tale, &health("stopped", "not-applicable"));
    assert_eq!(verdict(&tale, "s-1"), None, "it is asked once more");
    tale.pass(limits::STATUS_GRACE.as_secs());
    look(&mut tale, &health("stopped", "not-applicable"));
    assert!(not_checked(&tale).ends_with("could not be read in time"));
}

#[test]
fn an_instance_that_is_gone_is_degraded() {
    let mut tale = launched(|_| {});
    look(&mut tale, &health("shutting-down", "not-applicable"));
    assert!(tale.state.servers[&ServerId::new("s-1")].is_degraded());
}

#[test]
fn a_status_that_cannot_be_read_is_no_sign_of_ill_health() {
    let mut tale = launched(|_| {});
    let judge = |tale: &Tale, kind| {
        checks::judge(
            &tale.state,
            &tale.view,
            &target(),
            Err(&error(kind)),
            tale.now,
        )
        .len()
    };
    assert_eq!(judge(&tale, Kind::Refused), 1);
    assert_eq!(judge(&tale, Kind::Busy), 0);
    tale.pass(limits::STATUS_TIMEOUT.as_secs());
    assert_eq!(judge(&tale, Kind::Unknown), 0, "it is asked once more");
    tale.pass(limits::STATUS_GRACE.as_secs());
    let failed = error(Kind::Busy);
    let events = checks::judge(&tale.state, &tale.view, &target(), Err(&failed), tale.now);
    for event in events {
        tale.tell(event);
    }
    let reason = failed.to_string();
    assert_eq!(verdict(&tale, "s-1"), Some(Verdict::NotChecked { reason }));
}

#[test]
fn a_server_whose_instance_never_becomes_known_is_not_checked() {
    let mut tale = tale(|_| {});
    let (launch, servers) = tale.launch();
    let results = servers.iter().map(|server| crate::event::Judgement {
        server: server.clone(),
        result: crate::event::ServerResult::Launched,
        instance: None,
    });
    let results = results.collect();
    tale.tell(Event::ServersJudged { launch, results });
    tale.tell(Event::JobEnded { launch });
    tale.pass(limits::INSTANCE_GRACE.as_secs()).settle();
    let reason = "its instance did not become known".to_owned();
    assert_eq!(verdict(&tale, "s-1"), Some(Verdict::NotChecked { reason }));
    assert_eq!(outcome(&tale, 0), Some(WaveOutcome::Completed));
}

#[test]
fn a_stop_ends_the_checks_and_says_what_was_not_looked_at() {
    let mut tale = launched(|_| {});
    tale.wish(Event::CancelRequested {
        reason: "enough".to_owned(),
    });
    assert_eq!(tale.settle().command, None);
    assert!(tale.state.status.is_terminal(), "{:?}", tale.state.status);
    assert!(matches!(
        verdict(&tale, "s-1"),
        Some(Verdict::NotChecked { .. })
    ));
    let seen = std::collections::BTreeMap::new();
    let late = checks::judge(&tale.state, &tale.view, &target(), Ok(&seen), tale.now);
    assert_eq!(late, []);
}

#[test]
fn the_time_of_checks_counts_against_no_wave() {
    let mut tale = launched(|checks| checks.status_timeout = Some(SignedDuration::from_hours(4)));
    tale.pass(limits::WAVE_TIMEOUT.as_secs() * 2);
    assert_eq!(tale.next_command(), Some(Command::LookAtHealth(target())));
    assert!(tale.state.waves[0].timed_out_at.is_none());
}

#[test]
fn a_history_from_before_there_were_checks_goes_on_without_them() {
    let mut tale = Tale::new(TWO);
    let (launch, servers) = tale.launch();
    tale.pass(600).succeed(launch, &servers);
    assert!(matches!(tale.next_command(), Some(Command::Launch(_))));
    assert_eq!(verdict(&tale, "s-1"), None);
}

/// A wave of sixty servers that are checked by a command and a function.
fn thorough() -> Tale {
    let names: Vec<String> = (0..60).map(|number| format!("s-{number:03}")).collect();
    let servers: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut tale = Tale::with(&[("db", &servers)], |started| {
        started.waves[0].checks = Some(Checks {
            command: Some(CommandCheck {
                document: "smoke".to_owned(),
                parameters: std::collections::BTreeMap::new(),
            }),
            function: Some(FunctionCheck {
                function: "accept".to_owned(),
                target: Some(hub()),
            }),
            ..Checks::default()
        });
    });
    let (launch, servers) = tale.launch();
    tale.pass(600).succeed(launch, &servers);
    look(&mut tale, &health("running", "ok"));
    tale
}

fn hub() -> crate::ids::Target {
    crate::ids::Target {
        account_id: "999900001111".to_owned(),
        region: "eu-west-1".to_owned(),
    }
}

#[test]
fn the_command_is_sent_to_fifty_instances_at_a_time_and_the_function_asked_after_it() {
    let mut tale = thorough();
    let intents = tale.begin_actions();
    let counts: Vec<usize> = intents
        .iter()
        .map(|intent| intent.purpose.servers().len())
        .collect();
    assert_eq!(counts, [50, 10]);
    let request = actions::request(&tale.state, &intents[1]).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&request.action).unwrap());
    tale.begun(&intents);
    assert_eq!(tale.next_command(), tale.look_at(&intents));
    // The first names one instance; the others have passed.
    let reason = "i-s-007: exit status 1".to_owned();
    tale.tell(Event::ActionEnded {
        action: intents[0].action,
        result: ActionResult::Failed { reason },
    });
    tale.settle();
    assert!(tale.state.servers[&ServerId::new("s-007")].is_degraded());
    assert_eq!(tale.state.waves[0].degraded, 1);
    tale.succeeded(&intents[1..]);
    let functions = tale.begin_actions();
    let [function] = functions.as_slice() else {
        panic!("{functions:?}");
    };
    assert!(matches!(&function.purpose, Purpose::Function { servers } if servers.len() == 59));
    assert_eq!(function.target, hub());
    tale.begun(&functions);
    tale.succeeded(&functions);
    tale.settle();
    assert_eq!(verdict(&tale, "s-000"), Some(Verdict::Healthy));
    assert_eq!(outcome(&tale, 0), Some(WaveOutcome::Completed));
}

#[test]
fn a_failure_that_names_nobody_or_was_cut_is_about_all_of_them() {
    for reason in ["it broke", "i-s-007: no; i-s-0..."] {
        let mut tale = thorough();
        let intents = tale.begin_actions();
        tale.begun(&intents);
        let reason = reason.to_owned();
        tale.tell(Event::ActionEnded {
            action: intents[0].action,
            result: ActionResult::Failed { reason },
        });
        tale.settle();
        assert_eq!(tale.state.waves[0].degraded, 50);
    }
}

#[test]
fn a_stop_leaves_a_command_that_runs_to_itself() {
    let mut tale = thorough();
    let intents = tale.begin_actions();
    tale.begun(&intents);
    tale.wish(Event::CancelRequested {
        reason: "enough".to_owned(),
    });
    assert_eq!(tale.settle().command, None);
    assert!(tale.state.status.is_terminal());
    assert!(matches!(
        verdict(&tale, "s-000"),
        Some(Verdict::NotChecked { .. })
    ));
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut tale = launched(|_| {});
    let of = |wave, check, servers: &[&str]| Event::ServersChecked {
        wave,
        check,
        results: servers
            .iter()
            .map(|server| Checked {
                server: ServerId::new(*server),
                result: CheckResult::Passed,
            })
            .collect(),
    };
    let refused = [
        tale.refuse(of(0, Check::Command, &["s-1"])),
        tale.refuse(of(1, Check::Status, &["s-1"])),
        tale.refuse(of(0, Check::Status, &["s-3"])),
        tale.refuse(of(0, Check::Status, &["s-1", "s-1"])),
        tale.refuse(of(0, Check::Status, &[])),
        tale.refuse(Event::InstancesFound {
            launch: LaunchId(9),
            instances: [(ServerId::new("s-1"), InstanceId::new("i-1"))].into(),
        }),
    ];
    tale.tell(of(0, Check::Status, &["s-1"]));
    let again = tale.refuse(of(0, Check::Status, &["s-1"]));
    insta::assert_snapshot!(format!("{}\n{again}", refused.join("\n")));
}
