//! Golden outputs of the commands that ask for something, as far as they call nothing at DRS.

use drs_engine::event::{Event, Outcome};
use drs_engine::state::Status;

use crate::cli::{Cancel, Resume, Start, Terminate, Wish};
use crate::commands::start::Asked;
use crate::commands::{
    cancel::cancel, resume::resume, run::approach, run::assume_not_sent, run::refuse_assumption,
    start::start, terminate::terminate,
};
use crate::failure::{Ending, Failure};
use crate::fixture::{Tale, World, outputs, screen};
use crate::signals::Interrupts;

use super::JSON;

/// Signals can be listened for inside a runtime only.
fn at_once<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(future)
}

fn wish(execution: &str, reason: &str) -> Wish {
    Wish {
        execution: execution.to_owned(),
        reason: reason.to_owned(),
    }
}

fn told(ending: Result<Ending, Failure>, paper: &crate::fixture::Paper) -> String {
    match ending {
        Ok(ending) => format!("{}exit code {}\n", paper.text(), ending.code()),
        Err(failure) => format!("{failure}exit code {}\n", failure.code()),
    }
}

async fn cancelled(world: &World, execution: &str) -> (String, String) {
    let asked = Cancel {
        wish: wish(execution, "the wrong plan"),
        output: JSON,
    };
    let (mut outputs, people, program) = outputs();
    let ending = cancel(&world.operator(), &asked, &mut outputs).await;
    (told(ending, &people), program.text())
}

async fn terminated(world: &World, execution: &str) -> String {
    let asked = Terminate {
        wish: wish(execution, "the drill is over"),
        output: JSON,
    };
    let (mut outputs, people, _) = outputs();
    let mut interrupts = Interrupts::listen().expect("signals");
    let ending = terminate(&world.operator(), &asked, &mut interrupts, &mut outputs).await;
    told(ending, &people)
}

#[test]
fn cancel_names_what_still_runs_and_who_ends_it() {
    let world = World::at_three_in_the_morning();
    at_once(async {
        let mut tale = Tale::begin(&world, "exec-1").await;
        tale.launch_wave(0).await;
        let (first, document) = cancelled(&world, "exec-1").await;
        let document: serde_json::Value = serde_json::from_str(&document).expect("JSON");
        assert_eq!(document["status"], "CANCELLING");
        assert_eq!(document["running_jobs"][0], "drsjob-00000000000000001");
        tale.silence(165);
        let (again, _) = cancelled(&world, "exec-1").await;
        insta::assert_snapshot!([first, again].join("---\n"));
    });
}

#[test]
fn cancel_is_refused_when_there_is_nothing_to_cancel() {
    let world = World::at_three_in_the_morning();
    at_once(async {
        Tale::begin(&world, "exec-1").await.all_goes_well().await;
        let ended = cancelled(&world, "exec-1").await.0;
        let missing = cancelled(&world, "exec-9").await.0;
        insta::assert_snapshot!([ended, missing].join("---\n"));
    });
}

#[test]
fn terminate_is_for_what_has_ended() {
    let world = World::at_three_in_the_morning();
    at_once(async {
        let mut tale = Tale::begin(&world, "exec-1").await;
        let running = terminated(&world, "exec-1").await;
        tale.all_goes_well().await;
        tale.terminate().await;
        let again = terminated(&world, "exec-1").await;
        insta::assert_snapshot!([running, again].join("---\n"));
    });
}

#[test]
fn run_says_whether_it_drives_or_follows() {
    let world = World::at_three_in_the_morning();
    at_once(async {
        let tale = Tale::begin(&world, "exec-1").await;
        tale.pass(4).await;
        let operator = world.operator();
        let (mut screen, paper) = screen(None);
        for (silence, take_over) in [(3, false), (60, false), (0, true)] {
            tale.silence(silence);
            if take_over {
                tale.pass(1).await;
            }
            let state = operator.look(&"exec-1".into()).await.expect("readable").0;
            let said = approach(&operator, &state, take_over, &mut screen).await;
            said.expect("said");
        }
        let state = operator.look(&"exec-1".into()).await.expect("readable").0;
        assert_eq!(state.owner.map(|owner| owner.id), Some("owner-2".into()));
        insta::assert_snapshot!(paper.text());
    });
}

#[test]
fn a_launch_is_assumed_not_to_be_sent_only_where_nobody_may_be_sending_it() {
    let world = World::at_three_in_the_morning();
    at_once(async {
        let mut tale = Tale::begin(&world, "exec-1").await;
        let operator = world.operator();
        let mut told_of = Vec::new();
        let state = operator.look(&"exec-1".into()).await.expect("readable").0;
        let refused = refuse_assumption(&operator, &state, false).await;
        told_of.push(refused.expect_err("nothing to assume").to_string());
        tale.record(Event::WaveReady { wave: 0 }).await;
        tale.record(Event::WaveStarted { wave: 0 }).await;
        tale.intend(0).await;
        let state = operator.look(&"exec-1".into()).await.expect("readable").0;
        let refused = refuse_assumption(&operator, &state, false).await;
        told_of.push(refused.expect_err("it is driven").to_string());
        tale.silence(90);
        let allowed = refuse_assumption(&operator, &state, false).await;
        allowed.expect("nobody drives it");
        let (mut screen, paper) = screen(None);
        let reason = Some("the machine had no network");
        let said = assume_not_sent(&operator, &state, reason, &mut screen).await;
        said.expect("it is recorded");
        told_of.push(paper.text());
        let again = assume_not_sent(&operator, &state, reason, &mut screen).await;
        told_of.push(again.expect_err("its outcome is known").to_string());
        insta::assert_snapshot!(told_of.join("---\n"));
        let state = operator.look(&"exec-1".into()).await.expect("readable").0;
        assert_eq!(state.unresolved().count(), 0);
    });
}

#[test]
fn a_word_that_is_refused_resumes_nothing() {
    let world = World::at_three_in_the_morning();
    at_once(async {
        let mut tale = Tale::begin(&world, "exec-1").await;
        let reason = "look at it first".to_owned();
        tale.record(Event::PauseRequested {
            before: None,
            reason,
        })
        .await;
        tale.silence(90);
        let asked = Resume {
            wish: wish("exec-1", "the machine had no network"),
            assume_not_sent: true,
            output: JSON,
        };
        let (mut outputs, people, _) = outputs();
        let mut interrupts = Interrupts::listen().expect("signals");
        let operator = world.operator();
        let ending = resume(&operator, &asked, &mut interrupts, &mut outputs).await;
        insta::assert_snapshot!(told(ending, &people));
        let state = operator.look(&"exec-1".into()).await.expect("readable").0;
        assert_eq!(state.status, Status::Paused);
    });
}

#[test]
fn a_drill_that_cannot_start_says_why() {
    let world = World::at_three_in_the_morning();
    at_once(async {
        let mut tale = Tale::begin(&world, "exec-1").await;
        tale.record(Event::CancelRequested {
            reason: "the wrong plan".to_owned(),
        })
        .await;
        let mut told_of = Vec::new();
        for plan in ["office", "shop"] {
            let asked = Start {
                plan: plan.to_owned(),
                reason: None,
                cleanup: false,
                max_lifetime: None,
                part: Default::default(),
                points: Default::default(),
                driving: Default::default(),
                output: JSON,
            };
            let asked = Asked {
                machine: None,
                start: &asked,
                id: "exec-2".into(),
                hub: crate::fixture::target(),
            };
            let (mut outputs, people, _) = outputs();
            let mut interrupts = Interrupts::listen().expect("signals");
            let ending = start(&world.operator(), asked, &mut interrupts, &mut outputs).await;
            told_of.push(told(ending, &people));
        }
        insta::assert_snapshot!(told_of.join("---\n"));
    });
}

#[test]
fn what_is_left_after_a_termination_is_named() {
    let world = World::at_three_in_the_morning();
    at_once(async {
        let mut tale = Tale::begin(&world, "exec-1").await;
        tale.launch_wave(0).await;
        tale.judge(0, &[]).await;
        for wave in 0..3 {
            let outcome = match wave {
                0 => drs_engine::event::WaveOutcome::Completed,
                _ => drs_engine::event::WaveOutcome::NotLaunched,
            };
            tale.end_wave(wave, outcome).await;
        }
        tale.end(Outcome::Cancelled, "cancelled").await;
        tale.terminate_but_one().await;
        let state = world
            .operator()
            .look(&"exec-1".into())
            .await
            .expect("readable")
            .0;
        insta::assert_snapshot!(crate::commands::terminate::told(&state));
    });
}
