//! What callers see of jobs: DescribeJobs and DescribeJobLogItems.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::call::{Scene, read_filters, read_input};
use super::error::ApiError;
use super::interval::Interval;
use super::model::{Job, JobKind, LogData, LogEntry, LogEvent, Outcome, Site};
use super::page::Page;
use super::wire::{self, present, time_text};
use crate::sim::fleet::Settings;

const OPERATION: &str = "DescribeJobs";
const LOG: &str = "DescribeJobLogItems";
/// Digits of a number in a page token, so that tokens sort as numbers do.
const KEY_DIGITS: usize = 20;

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Filters {
    #[serde(rename = "jobIDs")]
    ids: Vec<String>,
    from_date: Option<String>,
    to_date: Option<String>,
}

/// Answers `DescribeJobs`, newest first.
pub(super) fn describe(scene: &Scene<'_>, input: &Value) -> Result<Value, ApiError> {
    let site = scene.initialized()?;
    let page = Page::of(OPERATION, scene, input)?;
    let filters: Filters = read_filters(input)?;
    let interval = Interval::between(
        ("filters.fromDate", filters.from_date.as_deref()),
        ("filters.toDate", filters.to_date.as_deref()),
    )?;
    let before = page.after_number()?.unwrap_or(u64::MAX);
    let wanted = |job: &&Job| interval.contains(job.created_at);
    let view = |job: &Job| view(site, scene.settings, job, scene.now);
    let keyed = |job| (key(job), job);
    if filters.ids.is_empty() {
        // Jobs are numbered in the order they are made in, so nothing of the interval comes after one that is too old.
        let newest_first = site.jobs.range(..before).rev().map(|(_, job)| job);
        let jobs = newest_first.take_while(|job| interval.has_begun(job.created_at));
        return Ok(page.cut(jobs.filter(wanted).map(keyed), view));
    }
    let numbers: BTreeSet<u64> = filters
        .ids
        .iter()
        .filter_map(|id| site.job_numbers.get(id).copied())
        .collect();
    let jobs = numbers
        .range(..before)
        .rev()
        .filter_map(|number| site.jobs.get(number));
    Ok(page.cut(jobs.filter(wanted).map(keyed), view))
}

#[derive(Deserialize)]
struct LogInput {
    #[serde(rename = "jobID")]
    job_id: String,
}

/// Answers `DescribeJobLogItems`, in order of time. An unknown job has no log.
pub(super) fn describe_log(scene: &Scene<'_>, input: &Value) -> Result<Value, ApiError> {
    let site = scene.initialized()?;
    let page = Page::of(LOG, scene, input)?;
    let LogInput { job_id } = read_input(input)?;
    let first: Option<u64> = page.after_number()?;
    let job = site.job(&job_id);
    let entries = job.map_or(&[][..], |job| job.log.as_slice());
    let happened = entries
        .iter()
        .zip(0_u64..)
        .take_while(|(entry, _)| entry.at <= scene.now);
    let shown = happened
        .filter(|(entry, number)| {
            let is_listed = scene.settings.launch_end_events || entry.event != LogEvent::LaunchEnd;
            is_listed && first.is_none_or(|first| *number > first)
        })
        .map(|(entry, number)| (format!("{number:0KEY_DIGITS$}"), entry));
    let view = |entry: &LogEntry| log_view(entry, job);
    Ok(page.cut(shown, view))
}

/// The answer of a call that made a job.
pub(super) fn started(site: &Site, settings: &Settings, job_id: &str, now: Timestamp) -> Value {
    let job = site.job(job_id).map(|job| view(site, settings, job, now));
    json!({"job": job})
}

fn view(site: &Site, settings: &Settings, job: &Job, now: Timestamp) -> Value {
    let participants: Vec<Value> = job
        .participants
        .iter()
        .map(|participant| {
            let status = participant.course.status(now);
            let names_instance = settings.recovery_instance_id_in_job
                && match participant.course.outcome {
                    Outcome::Launched => status == "LAUNCHED",
                    Outcome::Failed | Outcome::None => job.kind == JobKind::Terminate,
                    Outcome::Terminated => true,
                };
            present([
                ("sourceServerID", json!(participant.server_id)),
                (
                    "recoveryInstanceID",
                    json!(names_instance.then_some(&participant.instance_id)),
                ),
                ("launchStatus", json!(status)),
            ])
        })
        .collect();
    let (kind, initiated_by) = match job.kind {
        JobKind::Drill => ("LAUNCH", "START_DRILL"),
        JobKind::Recovery => ("LAUNCH", "START_RECOVERY"),
        JobKind::Terminate => ("TERMINATE", "TERMINATE_RECOVERY_INSTANCES"),
    };
    let has_ended = job.ended_at <= now;
    let status = if has_ended {
        "COMPLETED"
    } else if job.started_at <= now {
        "STARTED"
    } else {
        "PENDING"
    };
    present([
        ("jobID", json!(job.id)),
        (
            "arn",
            json!(wire::arn(&site.region, &site.account_id, "job", &job.id)),
        ),
        ("type", json!(kind)),
        ("initiatedBy", json!(initiated_by)),
        ("creationDateTime", json!(time_text(job.created_at))),
        (
            "endDateTime",
            json!(has_ended.then(|| time_text(job.ended_at))),
        ),
        ("status", json!(status)),
        ("participatingServers", json!(participants)),
        ("tags", json!(job.tags)),
    ])
}

fn log_view(entry: &LogEntry, job: Option<&Job>) -> Value {
    let participants = job.map_or(&[][..], |job| job.participants.as_slice());
    let server = entry
        .participant
        .and_then(|position| participants.get(position));
    let (conversion, target, raw) = match &entry.data {
        LogData::Nothing => (None, None, None),
        LogData::ConversionServer(id) => (Some(id), None, None),
        LogData::TargetInstance(id) => (None, Some(id), None),
        LogData::RawError(text) => (None, None, Some(text)),
    };
    json!({
        "logDateTime": time_text(entry.at),
        "event": entry.event,
        "eventData": present([
            ("sourceServerID", json!(server.map(|server| &server.server_id))),
            ("conversionServerID", json!(conversion)),
            ("targetInstanceID", json!(target)),
            ("rawError", json!(raw)),
        ]),
    })
}

fn key(job: &Job) -> String {
    format!("{:0KEY_DIGITS$}", job.number)
}
