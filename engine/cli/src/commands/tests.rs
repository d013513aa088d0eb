//! Golden outputs of the commands that read, from histories told in [`crate::fixture`].

use std::sync::{Arc, Mutex};

use drs_engine::event::{Event, LaunchId, WaveOutcome};

use crate::cli::{Format, List, Output, Show};
use crate::failure::{Ending, Failure};
use crate::fixture::{Tale, World, now_or_never, screen};
use crate::screen::Size;

mod reads;
mod work;

use super::{list::list, show::show, watch::watch};

const JSON: Output = Output {
    output: Format::Json,
    json: false,
};

fn list_of(world: &World, asked: &List) -> String {
    let (mut screen, paper) = screen(None);
    match now_or_never(list(&world.history(), asked, &mut screen)) {
        Ok(ending) => assert_eq!(ending, Ending::Success),
        Err(failure) => return failure.to_string(),
    }
    paper.text()
}

fn every(limit: u16) -> List {
    List {
        plan: None,
        status: None,
        limit,
        output: Output::default(),
    }
}

fn shown(world: &World, execution: Option<&str>, timeline: bool) -> String {
    let asked = Show {
        execution: execution.map(ToOwned::to_owned),
        timeline,
        output: Output::default(),
    };
    let (mut screen, paper) = screen(None);
    match now_or_never(show(&world.history(), &asked, &mut screen)) {
        Ok(_) => paper.text(),
        Err(failure) => failure.to_string(),
    }
}

fn watched(world: &World, terminal: Option<fn() -> Size>) -> (String, Result<Ending, Failure>) {
    let (mut screen, paper) = screen(terminal);
    let history = world.history();
    let stop = std::future::pending();
    let ending = now_or_never(async {
        let id = history.choose(None).await?;
        watch(&history, id, &mut screen, stop).await
    });
    (paper.text(), ending)
}

/// Three executions: one that went well and was terminated, one that failed, one that runs.
fn three() -> World {
    let world = World::at_three_in_the_morning();
    now_or_never(async {
        let mut first = Tale::begin(&world, "exec-1").await;
        first.all_goes_well().await;
        first.record(Event::ResultDelivered).await;
        first.terminate().await;
        first.pass(600).await;
        let mut second = Tale::begin(&world, "exec-2").await;
        second.a_server_fails().await;
        second.pass(600).await;
        let mut third = Tale::begin(&world, "exec-3").await;
        third.launch_wave(0).await;
        third.pass(720).await;
        third.judge(0, &[]).await;
        third.end_wave(0, WaveOutcome::Completed).await;
        third.launch_wave(1).await;
        third.pass(75).await;
    });
    world
}

#[test]
fn list_shows_the_newest_first() {
    let world = three();
    insta::assert_snapshot!(list_of(&world, &every(20)));
}

#[test]
fn list_is_narrowed_by_status_plan_and_limit() {
    let world = three();
    let of = |plan: Option<&str>, status: Option<&str>, limit| {
        let asked = List {
            plan: plan.map(ToOwned::to_owned),
            status: status.map(ToOwned::to_owned),
            ..every(limit)
        };
        list_of(&world, &asked)
    };
    let parts = [
        of(None, None, 1),
        of(None, Some("FAILED"), 20),
        of(Some("SHOP"), None, 2),
        of(Some("plan-1"), Some("COMPLETED"), 20),
        of(Some("shop"), Some("HALTED"), 20),
        of(Some("office"), None, 20),
        list_of(&World::at_three_in_the_morning(), &every(20)),
    ];
    insta::assert_snapshot!(parts.join("---\n"));
}

#[test]
fn list_as_json() {
    let world = three();
    let asked = List {
        output: JSON,
        ..every(2)
    };
    let document: serde_json::Value = serde_json::from_str(&list_of(&world, &asked)).expect("JSON");
    insta::assert_snapshot!(serde_json::to_string_pretty(&document).expect("JSON"));
}

#[test]
fn show_an_execution_that_completed() {
    let world = World::at_three_in_the_morning();
    now_or_never(async {
        Tale::begin(&world, "exec-1").await.all_goes_well().await;
    });
    insta::assert_snapshot!(shown(&world, Some("exec-1"), true));
}

#[test]
fn show_an_execution_that_was_terminated() {
    insta::assert_snapshot!(shown(&three(), Some("exec-1"), false));
}

#[test]
fn show_an_execution_that_failed() {
    insta::assert_snapshot!(shown(&three(), Some("exec-2"), true));
}

#[test]
fn show_without_a_name_shows_the_one_that_runs() {
    insta::assert_snapshot!(shown(&three(), None, false));
}

#[test]
fn show_an_execution_that_nobody_drives_and_whose_launch_has_no_answer() {
    let world = World::at_three_in_the_morning();
    now_or_never(async {
        let mut tale = Tale::begin(&world, "exec-1").await;
        tale.record(Event::WaveReady { wave: 0 }).await;
        tale.record(Event::WaveStarted { wave: 0 }).await;
        tale.intend(0).await;
        tale.pass(30).await;
        tale.record(Event::LaunchUnknown {
            launch: LaunchId(1),
            message: "connection reset by peer".to_owned(),
        })
        .await;
        tale.silence(165);
    });
    insta::assert_snapshot!(shown(&world, None, true));
}

#[test]
fn show_as_json_with_the_timeline() {
    let world = World::at_three_in_the_morning();
    now_or_never(async {
        Tale::begin(&world, "exec-1").await.launch_wave(0).await;
    });
    let asked = Show {
        execution: None,
        timeline: true,
        output: JSON,
    };
    let (mut screen, paper) = screen(None);
    now_or_never(show(&world.history(), &asked, &mut screen)).expect("shown");
    let document: serde_json::Value = serde_json::from_str(&paper.text()).expect("JSON");
    insta::assert_snapshot!(serde_json::to_string_pretty(&document).expect("JSON"));
}

#[test]
fn failures_say_what_is_safe_and_what_helps() {
    let world = three();
    let parts = [
        shown(&world, Some("exec-9"), false),
        shown(&World::at_three_in_the_morning(), None, false),
    ];
    insta::assert_snapshot!(parts.join("---\n"));
}

/// The rest of a drill, told while somebody watches: one part per sleep.
fn live(good: bool) -> World {
    let world = World::at_three_in_the_morning();
    let tale = now_or_never(async {
        let mut tale = Tale::begin(&world, "exec-1").await;
        tale.launch_wave(0).await;
        tale
    });
    let tale = Arc::new(Mutex::new(tale));
    let part = |tell: fn(&mut Tale, bool)| {
        let tale = Arc::clone(&tale);
        world
            .clock
            .then(move || tell(&mut tale.lock().expect("no part panicked"), good));
    };
    part(|_, _| ());
    part(|tale, _| tale.silence(40));
    part(|tale, _| now_or_never(tale.pass(5)));
    part(|tale, _| {
        now_or_never(async {
            tale.pass(600).await;
            tale.judge(0, &[]).await;
            tale.end_wave(0, WaveOutcome::Completed).await;
            tale.launch_wave(1).await;
        });
    });
    part(|tale, good| {
        now_or_never(async {
            tale.pass(600).await;
            let failed: &[(&str, &str)] = if good {
                &[]
            } else {
                &[("app-1", "no capacity")]
            };
            tale.judge(1, failed).await;
            if good {
                tale.end_wave(1, WaveOutcome::Completed).await;
                tale.launch_wave(2).await;
                tale.pass(300).await;
                tale.judge(2, &[]).await;
                tale.end_wave(2, WaveOutcome::Completed).await;
                tale.end(
                    drs_engine::event::Outcome::Completed,
                    "all 7 servers were launched",
                )
                .await;
            } else {
                tale.end_wave(1, WaveOutcome::Failed).await;
                tale.end_wave(2, WaveOutcome::NotLaunched).await;
                tale.end(drs_engine::event::Outcome::Failed, "wave \"app\" failed")
                    .await;
            }
        });
    });
    world
}

#[test]
fn watch_in_a_pipe_prints_what_happens() {
    let (text, ending) = watched(&live(true), None);
    assert_eq!(ending.expect("watched"), Ending::Success);
    insta::assert_snapshot!(text);
}

#[test]
fn watch_of_an_execution_that_fails_is_unsuccessful() {
    let (text, ending) = watched(&live(false), None);
    assert_eq!(ending.expect("watched"), Ending::Unsuccessful);
    insta::assert_snapshot!(text);
}

#[test]
fn watch_on_a_terminal_redraws_a_table() {
    let size = || Size {
        columns: 72,
        rows: 24,
    };
    let (text, ending) = watched(&live(true), Some(size));
    assert_eq!(ending.expect("watched"), Ending::Success);
    let frames = text
        .replace("\r\x1b[2K", "")
        .replace("\r\n", "\n")
        .replace("\x1b[J", "")
        .replace('\x1b', "^");
    insta::assert_snapshot!(frames);
}

#[test]
fn watch_on_a_low_terminal_shows_what_matters() {
    let size = || Size {
        columns: 60,
        rows: 14,
    };
    let (text, _) = watched(&live(true), Some(size));
    for frame in text.split("\x1b[J") {
        assert!(frame.matches("\x1b[2K").count() < 14, "{frame:?}");
    }
}

#[test]
fn an_interrupted_watch_says_that_the_execution_goes_on() {
    let world = live(true);
    let (mut screen, paper) = screen(None);
    let history = world.history();
    let stop = std::future::ready(());
    let ending = now_or_never(watch(&history, "exec-1".into(), &mut screen, stop));
    assert_eq!(ending.expect("watched"), Ending::Interrupted);
    insta::assert_snapshot!(paper.text());
}
