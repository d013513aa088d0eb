//! Hooks: when they run, what their failure means, and how often they are begun.

use jiff::SignedDuration;

use super::*;
use crate::decide::actions;
use crate::event::{ActionId, ActionIntent, ActionResult, Purpose, When};
use crate::plan::{AfterFailure, Consequence};
use crate::ports::{ActionRun, ActionStatus, CallError, Kind};
use crate::testing::hook;

/// Two waves; the first has two hooks before it, and two after it.
fn tale(change: impl FnOnce(&mut crate::event::FrozenWave)) -> Tale {
    Tale::with(&[("db", &["s-1", "s-2"]), ("web", &["s-3"])], |started| {
        let wave = &mut started.waves[0];
        wave.before_hooks = vec![hook("warn"), hook("drain")];
        wave.after_hooks = vec![hook("dns"), hook("tell")];
        change(wave);
    })
}

/// Begins the one hook that is due, and lets it run.
fn begin(tale: &mut Tale) -> ActionIntent {
    let mut intents = tale.begin_actions();
    assert_eq!(intents.len(), 1);
    tale.begun(&intents);
    intents.remove(0)
}

/// Runs the hook that is due to its end, and returns its name.
fn run(tale: &mut Tale) -> String {
    let intent = begin(tale);
    let Purpose::Hook { when, hook } = intent.purpose else {
        panic!("{intent:?}");
    };
    let name = tale.state.waves[intent.wave].frozen.hooks(when)[hook]
        .name
        .clone();
    tale.succeeded(&[intent]);
    name
}

fn fail(tale: &mut Tale, action: ActionId) {
    let reason = "no".to_owned();
    let result = ActionResult::Failed { reason };
    tale.tell(Event::ActionEnded { action, result });
}

fn outcome(tale: &Tale, wave: usize) -> Option<WaveOutcome> {
    tale.state.waves[wave].finished.map(|(_, outcome)| outcome)
}

fn cancel(tale: &mut Tale) {
    let reason = "enough".to_owned();
    tale.wish(Event::CancelRequested { reason });
}

fn launch_all(tale: &mut Tale) {
    let (launch, servers) = tale.launch();
    tale.pass(600).succeed(launch, &servers);
}

#[test]
fn hooks_run_in_order_before_the_first_launch_and_after_the_last_server() {
    let mut tale = tale(|wave| wave.wait = SignedDuration::from_secs(60));
    assert_eq!(tale.next_command(), None, "the wait comes first");
    tale.pass(60);
    assert_eq!(run(&mut tale), "warn");
    assert!(tale.state.waves[0].started_at.is_none());
    assert_eq!(run(&mut tale), "drain");
    launch_all(&mut tale);
    assert_eq!(run(&mut tale), "dns");
    assert_eq!(outcome(&tale, 0), None);
    assert_eq!(run(&mut tale), "tell");
    launch_all(&mut tale);
    tale.settle();
    assert_eq!(outcome(&tale, 0), Some(WaveOutcome::Completed));
}

#[test]
fn a_hook_gets_what_it_needs_to_know() {
    let mut tale = tale(|_| {});
    run(&mut tale);
    run(&mut tale);
    launch_all(&mut tale);
    let intents = tale.begin_actions();
    let request = actions::request(&tale.state, &intents[0]).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&request.input).unwrap());
    assert_eq!(request.token.len(), 36);
    let again = ActionIntent {
        begin: 2,
        ..intents[0].clone()
    };
    let again = actions::request(&tale.state, &again).unwrap();
    assert_eq!(again.token, request.token);
    assert_eq!(again.input["token"], request.token.as_str());
}

#[test]
fn a_failed_before_hook_fails_the_wave_which_launches_nothing() {
    let mut tale = tale(|_| {});
    let warn = begin(&mut tale);
    fail(&mut tale, warn.action);
    assert_eq!(tale.next_command(), None);
    assert_eq!(outcome(&tale, 0), Some(WaveOutcome::Failed));
    assert_eq!(outcome(&tale, 1), Some(WaveOutcome::NotLaunched));
    assert_eq!(tale.state.status, Status::Ended(Outcome::Failed));
    insta::assert_snapshot!(tale.state.finished.as_ref().unwrap().1);
}

#[test]
fn a_hook_whose_failure_may_pass_lets_the_wave_go_on() {
    let mut tale = tale(|wave| {
        wave.before_hooks[0].on_failure = Consequence::Continue;
        wave.after_hooks[1].on_failure = Consequence::Continue;
    });
    let warn = begin(&mut tale);
    fail(&mut tale, warn.action);
    assert_eq!(run(&mut tale), "drain");
    launch_all(&mut tale);
    assert_eq!(run(&mut tale), "dns");
    let tell = begin(&mut tale);
    fail(&mut tale, tell.action);
    tale.settle();
    assert_eq!(outcome(&tale, 0), Some(WaveOutcome::Completed));
}

#[test]
fn a_failed_after_hook_fails_the_wave_and_is_the_last_one() {
    let mut tale = tale(|_| {});
    run(&mut tale);
    run(&mut tale);
    launch_all(&mut tale);
    let dns = begin(&mut tale);
    fail(&mut tale, dns.action);
    assert_eq!(tale.next_command(), None);
    assert_eq!(outcome(&tale, 0), Some(WaveOutcome::Failed));
    assert_eq!(outcome(&tale, 1), Some(WaveOutcome::NotLaunched));
}

#[test]
fn a_wave_that_is_held_after_its_hook_failed_can_be_let_go() {
    let mut tale = tale(|wave| wave.policy.on_failure = AfterFailure::Pause);
    let warn = begin(&mut tale);
    fail(&mut tale, warn.action);
    tale.settle();
    assert_eq!(tale.state.status, Status::Paused);
    let hold = tale.state.waves[0].hold.as_ref().unwrap();
    insta::assert_snapshot!(hold.reason);
    tale.wish(Event::ResumeRequested {
        reason: "it does not matter".to_owned(),
    });
    assert!(matches!(tale.next_command(), Some(Command::Launch(_))));
    assert_eq!(outcome(&tale, 0), Some(WaveOutcome::Failed));
}

#[test]
fn an_approval_comes_before_the_hooks_and_a_pause_keeps_the_next_one_back() {
    let mut tale = tale(|wave| wave.pause_before = true);
    assert_eq!(tale.next_command(), None);
    assert_eq!(tale.state.status, Status::Paused);
    let reason = || "seen".to_owned();
    tale.wish(Event::ResumeRequested { reason: reason() });
    let warn = begin(&mut tale);
    tale.wish(Event::PauseRequested {
        before: None,
        reason: reason(),
    });
    tale.succeeded(&[warn]);
    assert_eq!(tale.next_command(), None);
    tale.wish(Event::ResumeRequested { reason: reason() });
    assert_eq!(run(&mut tale), "drain");
    // Held again, with its hooks behind it: nothing is launched, and they do not run twice.
    tale.wish(Event::PauseRequested {
        before: Some(0),
        reason: reason(),
    });
    assert_eq!(tale.next_command(), None);
    tale.wish(Event::ResumeRequested { reason: reason() });
    launch_all(&mut tale);
}

#[test]
fn after_a_cancel_the_hook_that_runs_is_followed_and_no_other_begun() {
    let mut tale = tale(|_| {});
    let warn = begin(&mut tale);
    cancel(&mut tale);
    assert_eq!(
        tale.next_command(),
        Some(Command::LookAtActions(vec![warn.action]))
    );
    assert_eq!(outcome(&tale, 0), None);
    tale.succeeded(&[warn]);
    assert_eq!(tale.next_command(), None);
    assert_eq!(outcome(&tale, 0), Some(WaveOutcome::NotLaunched));
    assert!(tale.state.status.is_terminal());
}

#[test]
fn after_a_cancel_a_hook_without_an_answer_is_not_begun_again() {
    let mut tale = tale(|_| {});
    let intents = tale.begin_actions();
    cancel(&mut tale);
    tale.settle();
    let (result, _) = tale.state.actions.all[&intents[0].action].result().unwrap();
    assert!(matches!(result, ActionResult::GivenUp { .. }));
    assert!(tale.state.status.is_terminal());
}

#[test]
fn after_hooks_run_for_a_wave_of_which_a_part_failed_and_not_for_one_that_is_skipped() {
    let mut partial = tale(|wave| wave.policy.on_failure = AfterFailure::Continue);
    run(&mut partial);
    run(&mut partial);
    let (launch, servers) = partial.launch();
    partial.judge(launch, &servers[..1], None);
    partial.judge(launch, &servers[1..], Some("no capacity"));
    partial.tell(Event::JobEnded { launch });
    assert_eq!(run(&mut partial), "dns");
    let mut skipped = tale(|_| {});
    skipped.wish(Event::SkipRequested {
        wave: 0,
        reason: "not today".to_owned(),
    });
    assert!(matches!(skipped.next_command(), Some(Command::Launch(_))));
    assert_eq!(skipped.state.actions.all.len(), 0);
}

#[test]
fn a_hook_that_does_not_end_in_time_has_failed() {
    let mut tale = tale(|_| {});
    let warn = begin(&mut tale);
    tale.pass(299);
    assert!(matches!(
        tale.next_command(),
        Some(Command::LookAtActions(_))
    ));
    tale.pass(1).settle();
    let (result, _) = tale.state.actions.all[&warn.action].result().unwrap();
    assert_eq!(result, &ActionResult::TimedOut);
    assert_eq!(outcome(&tale, 0), Some(WaveOutcome::Failed));
}

#[test]
fn a_hook_without_an_answer_is_begun_three_times_in_all_with_one_number() {
    let mut tale = tale(|_| {});
    let mut begun = Vec::new();
    for _ in 0..limits::BEGINS_PER_ACTION {
        let intents = tale.begin_actions();
        begun.push((intents[0].action, intents[0].begin));
        let error = CallError {
            kind: Kind::Unknown,
            call: "lambda:Invoke",
            code: "Timeout".to_owned(),
            message: "no answer".to_owned(),
            retry_after: None,
        };
        tale.tell(actions::begun(intents[0].action, Err(error)));
        tale.pass(10);
    }
    assert_eq!(begun, [1, 2, 3].map(|begin| (ActionId(1), begin)));
    tale.settle();
    let (result, _) = tale.state.actions.all[&ActionId(1)].result().unwrap();
    insta::assert_snapshot!(result.problem().unwrap());
    assert_eq!(outcome(&tale, 0), Some(WaveOutcome::Failed));
}

#[test]
fn a_hook_that_could_not_be_begun_is_tried_until_its_time_is_up() {
    let mut tale = tale(|_| {});
    for _ in 0..5 {
        let intents = tale.begin_actions();
        assert_eq!(intents[0].begin, 1);
        tale.tell(Event::ActionPostponed {
            action: intents[0].action,
            message: "slow down".to_owned(),
            after: None,
        });
        assert_eq!(tale.next_command(), None, "it waits");
        tale.pass(50);
    }
    tale.pass(60).settle();
    let (result, _) = tale.state.actions.all[&ActionId(1)].result().unwrap();
    insta::assert_snapshot!(result.problem().unwrap());
}

/// What is waited for may be an instance that starts, which goes by the clock of the world.
#[test]
fn a_world_that_runs_ahead_is_asked_again_by_its_own_clock() {
    for (asked, again) in [(None, true), (Some(SignedDuration::from_secs(5)), false)] {
        let mut tale = tale(|_| {});
        let intents = tale.begin_actions();
        tale.tell(Event::ActionPostponed {
            action: intents[0].action,
            message: "the agent is not there yet".to_owned(),
            after: asked,
        });
        tale.now.world = after(tale.now.world, limits::POLL_LONGEST);
        tale.now.wall = after(tale.now.wall, SignedDuration::from_millis(100));
        assert_eq!(tale.next_command().is_some(), again, "{asked:?}");
    }
}

#[test]
fn a_function_whose_process_is_gone_is_invoked_again() {
    let mut tale = tale(|_| {});
    let warn = begin(&mut tale);
    let lost = actions::looked(warn.action, ActionStatus::Lost).unwrap();
    tale.tell(lost);
    tale.pass(10);
    let again = tale.begin_actions();
    assert_eq!((again[0].action, again[0].begin), (warn.action, 2));
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut tale = tale(|_| {});
    let intent = |action, hook, begin| {
        Event::ActionIntended(Box::new(ActionIntent {
            action: ActionId(action),
            wave: 0,
            purpose: Purpose::Hook {
                when: When::Before,
                hook,
            },
            target: target(),
            begin,
        }))
    };
    let action = ActionId(1);
    let id = "r".to_owned();
    let begun = Event::ActionBegun {
        action,
        run: ActionRun::Lambda { id },
    };
    let mut refused = vec![tale.refuse(intent(1, 0, 1))];
    tale.next_command();
    refused.push(tale.refuse(intent(1, 1, 1)));
    refused.push(tale.refuse(intent(2, 0, 1)));
    refused.push(tale.refuse(begun.clone()));
    tale.tell(intent(1, 0, 1));
    refused.push(tale.refuse(intent(1, 0, 3)));
    refused.push(tale.refuse(intent(1, 1, 2)));
    refused.push(tale.refuse(intent(2, 1, 1)));
    refused.push(tale.refuse(Event::WaveStarted { wave: 0 }));
    let outcome = WaveOutcome::Failed;
    refused.push(tale.refuse(Event::WaveFinished { wave: 0, outcome }));
    tale.tell(begun);
    refused.push(tale.refuse(intent(1, 0, 2)));
    cancel(&mut tale);
    refused.push(tale.refuse(intent(2, 1, 1)));
    insta::assert_snapshot!(refused.join("\n"));
}
