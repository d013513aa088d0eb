//! TerminateRecoveryInstances: a job that terminates instances and removes their records.
//!
//! AWS has published no log of such a job; the clean-up lines of launch jobs stand in for what it may say.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::call::{Stage, read_input};
use super::error::ApiError;
use super::job::Making;
use super::launch::{BUSY, check_job_size, check_running_jobs};
use super::model::{
    Course, Job, JobKind, LogData, LogEntry, LogEvent, MachineState, Outcome, Participant, Record,
};
use super::schedule::PROTECTED;
use super::tags::Tags;
use crate::time::after;

/// Instances that one call can name.
const INSTANCES_PER_CALL: usize = 200;

#[derive(Deserialize)]
struct Input {
    #[serde(rename = "recoveryInstanceIDs")]
    ids: Vec<String>,
}

/// Carries out `TerminateRecoveryInstances`. The job's id.
pub(super) fn start(stage: &mut Stage<'_>, input: &Value) -> Result<String, ApiError> {
    let Input { ids } = read_input(input)?;
    if !(1..=INSTANCES_PER_CALL).contains(&ids.len()) {
        let message = format!("from 1 to {INSTANCES_PER_CALL} must be given");
        return Err(ApiError::validation(&[(
            "recoveryInstanceIDs".to_owned(),
            message,
        )]));
    }
    let unique: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
    check_job_size(stage, unique.len())?;
    for id in &unique {
        check_instance(stage, id)?;
    }
    check_running_jobs(stage, unique.len())?;
    Ok(terminate_all(stage, &unique))
}

fn check_instance<'a>(stage: &'a Stage<'_>, id: &str) -> Result<&'a Record, ApiError> {
    let record = stage
        .site
        .records
        .get(id)
        .filter(|record| record.is_listed(stage.now));
    let record = record.ok_or_else(|| {
        ApiError::conflict_of(
            "RecoveryInstance",
            id,
            format!("Recovery instance {id} does not exist"),
        )
    })?;
    let server_job = stage
        .site
        .servers
        .get(&record.server_id)
        .and_then(|server| server.job);
    let is_busy = [server_job, record.job]
        .into_iter()
        .any(|job| stage.site.is_running(job, stage.now));
    if is_busy {
        Err(ApiError::conflict(BUSY))
    } else {
        Ok(record)
    }
}

fn terminate_all(stage: &mut Stage<'_>, ids: &BTreeSet<&str>) -> String {
    let making = Making {
        settings: stage.settings,
        seed: stage.seed,
        now: stage.now,
        kind: JobKind::Terminate,
        tags: Tags::new(),
    };
    let (mut job, mut pace) = Job::begin(stage.site, &making);
    let mut over_at = job.started_at;
    for (position, id) in ids.iter().enumerate() {
        let ended_at = after(job.started_at, pace.draw(|timings| timings.terminate));
        over_at = over_at.max(ended_at);
        let participant = add_termination(stage, &mut job, position, id, ended_at);
        job.participants.push(participant);
    }
    job.complete(stage.site, over_at, &mut pace)
}

fn add_termination(
    stage: &mut Stage<'_>,
    job: &mut Job,
    position: usize,
    id: &str,
    ended_at: Timestamp,
) -> Participant {
    let site = &mut *stage.site;
    let record = site
        .records
        .get_mut(id)
        .expect("the record was just checked");
    let machine = site.machines.get_mut(id);
    let is_protected = machine.as_ref().is_some_and(|machine| {
        let state = machine.state(stage.now);
        machine.protected && !matches!(state, MachineState::Terminated | MachineState::NotFound)
    });
    record.job = Some(job.number);
    let mut log = |at, event, data| {
        job.log.push(LogEntry {
            at,
            event,
            participant: Some(position),
            data,
        })
    };
    log(job.started_at, LogEvent::CleanupStart, LogData::Nothing);
    let outcome = if is_protected {
        log(
            ended_at,
            LogEvent::CleanupFail,
            LogData::RawError(PROTECTED.to_owned()),
        );
        Outcome::Failed
    } else {
        log(ended_at, LogEvent::CleanupEnd, LogData::Nothing);
        record.removed_at = Some(ended_at);
        if let Some(machine) = machine {
            machine.end(job.started_at, ended_at);
        }
        Outcome::Terminated
    };
    if let Some(server) = site.servers.get_mut(&record.server_id) {
        server.job = Some(job.number);
    }
    Participant {
        server_id: record.server_id.clone(),
        instance_id: id.to_owned(),
        course: Course {
            launch_started_at: None,
            ended_at: Some(ended_at),
            outcome,
        },
    }
}
