//! Golden outputs of the commands that read more than the history of one execution.

use std::path::PathBuf;

use drs_engine::event::{Event, LaunchId, Remedy};
use drs_engine::ids::{JobId, Target};
use drs_engine::ports::{CallError, Kind};
use drs_engine_aws::LogEntry;
use serde_json::Value;

use crate::cli::{Export, Logs, Output, PlanList};
use crate::commands::logs::{JobLogs, logs};
use crate::commands::{export::export, plan};
use crate::failure::Failure;
use crate::fixture::{Tale, World, now_or_never, screen};

use super::JSON;

/// DRS knows the first job; the second one it does not show.
struct Known;

impl JobLogs for Known {
    async fn job_log(&self, _: &Target, job: &JobId) -> Result<Vec<LogEntry>, CallError> {
        if job.as_str() != "drsjob-00000000000000001" {
            return Err(CallError {
                kind: Kind::Refused,
                call: "drs:DescribeJobLogItems",
                code: "AccessDeniedException".to_owned(),
                message: "not authorized".to_owned(),
                retry_after: None,
            });
        }
        let entry = |at: &str, event: &str, server: Option<&str>| LogEntry {
            at: at.parse().ok(),
            event: event.to_owned(),
            server: server.map(Into::into),
            conversion_server: None,
            instance: None,
            error: None,
        };
        let first = Some("s-00000000000000001");
        let mut launched = entry("2026-11-25T03:11:00Z", "LAUNCH_END", first);
        launched.instance = Some("i-00000000000000001".into());
        let mut failed = entry(
            "2026-11-25T03:12:00Z",
            "LAUNCH_FAILED",
            Some("s-00000000000000002"),
        );
        failed.error = Some("InsufficientInstanceCapacity".to_owned());
        Ok(vec![
            entry("2026-11-25T03:00:02Z", "JOB_START", None),
            entry("2026-11-25T03:00:04Z", "SNAPSHOT_START", first),
            launched,
            failed,
        ])
    }
}

fn told(result: Result<crate::failure::Ending, Failure>, paper: &crate::fixture::Paper) -> String {
    match result {
        Ok(_) => paper.text(),
        Err(failure) => format!("{}{failure}", paper.text()),
    }
}

fn logged(world: &World, wave: Option<&str>, output: Output) -> String {
    let asked = Logs {
        execution: "exec-1".to_owned(),
        wave: wave.map(ToOwned::to_owned),
        output,
    };
    let (mut screen, paper) = screen(None);
    let result = now_or_never(logs(&world.history(), &Known, &asked, &mut screen));
    told(result, &paper)
}

fn launched() -> World {
    let world = World::at_three_in_the_morning();
    now_or_never(async {
        let mut tale = Tale::begin(&world, "exec-1").await;
        tale.launch_wave(0).await;
        tale.judge(0, &[]).await;
        tale.end_wave(0, drs_engine::event::WaveOutcome::Completed)
            .await;
        tale.launch_wave(1).await;
        tale.judge(1, &[]).await;
        tale.end_wave(1, drs_engine::event::WaveOutcome::Completed)
            .await;
        tale.record(Event::WaveReady { wave: 2 }).await;
        tale.record(Event::WaveStarted { wave: 2 }).await;
        tale.intend(2).await;
        tale.record(Event::LaunchRefused {
            launch: LaunchId(3),
            code: "ConflictException".to_owned(),
            message: "busy".to_owned(),
            remedy: Remedy::RetryLater { after: None },
        })
        .await;
    });
    world
}

#[test]
fn logs_of_every_launch() {
    insta::assert_snapshot!(logged(&launched(), None, Output::default()));
}

#[test]
fn logs_of_one_wave() {
    let world = launched();
    let parts = [
        logged(&world, Some("Database"), Output::default()),
        logged(&world, Some("mail"), Output::default()),
    ];
    insta::assert_snapshot!(parts.join("---\n"));
}

#[test]
fn logs_as_json() {
    let document: Value =
        serde_json::from_str(&logged(&launched(), Some("database"), JSON)).expect("JSON");
    insta::assert_snapshot!(serde_json::to_string_pretty(&document).expect("JSON"));
}

#[test]
fn export_has_everything_and_only_its_owner_reads_it() {
    let world = launched();
    let folder = std::env::temp_dir().join(format!("drsctl-export-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("exec-1.json");
    std::fs::write(&path, "an older one").expect("writable");
    let exported = |file: Option<PathBuf>| {
        let asked = Export {
            execution: "exec-1".to_owned(),
            output_file: file,
            output: Output::default(),
        };
        let (mut screen, paper) = screen(None);
        let result = now_or_never(export(&world.history(), &asked, &mut screen));
        told(result, &paper)
    };
    let said = exported(Some(path.clone()));
    assert!(said.starts_with("Execution exec-1 is in "), "{said}");
    let text = std::fs::read_to_string(&path).expect("readable");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&path)
            .expect("it is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let is_a_folder = exported(Some(folder.clone()));
    assert!(is_a_folder.contains("is not a file"), "{is_a_folder}");
    assert_eq!(std::fs::read_dir(&folder).expect("readable").count(), 1);
    std::fs::remove_dir_all(&folder).expect("removed");
    assert_eq!(text, exported(None));
    let mut document: Value = serde_json::from_str(&text).expect("JSON");
    // Told elsewhere, at length.
    document["events"]
        .as_array_mut()
        .expect("events")
        .truncate(2);
    document["execution"] = document["execution"]["status"].take();
    document["servers"]
        .as_array_mut()
        .expect("servers")
        .truncate(1);
    document["frozen"]["waves"]
        .as_array_mut()
        .expect("waves")
        .truncate(1);
    insta::assert_snapshot!(serde_json::to_string_pretty(&document).expect("JSON"));
}

#[test]
fn plans_are_listed_by_name() {
    let list = |world: &World, output| {
        let (mut screen, paper) = screen(None);
        let asked = PlanList { output };
        told(
            now_or_never(plan::list(&world.history(), &asked, &mut screen)),
            &paper,
        )
    };
    let world = launched();
    let parts = [
        list(&world, Output::default()),
        list(&world, JSON),
        list(&World::at_three_in_the_morning(), Output::default()),
    ];
    insta::assert_snapshot!(parts.join("---\n"));
}
