//! StartRecovery: checks everything, and makes a job that launches all of its servers or refuses them all.
//!
//! There is no client token: the same call made twice meets its own job, and conflicts.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::call::{Stage, read_input};
use super::error::ApiError;
use super::job::{Checked, Making, launch_all};
use super::model::{JobKind, Server};
use super::schedule::Source;
use super::tags::{self, Tags};
use super::{AcceptedLaunch, Caller, quotas};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    source_servers: Vec<Wanted>,
    #[serde(default)]
    is_drill: bool,
    #[serde(default)]
    tags: Tags,
}

/// A server that is to be launched.
#[derive(Deserialize)]
struct Wanted {
    #[serde(rename = "sourceServerID")]
    id: String,
    #[serde(rename = "recoverySnapshotID", default)]
    snapshot: Option<String>,
}

/// Carries out `StartRecovery`.
pub(super) fn start(
    stage: &mut Stage<'_>,
    caller: &Caller,
    input: &Value,
) -> Result<AcceptedLaunch, ApiError> {
    let Input {
        source_servers,
        is_drill,
        tags,
    } = read_input(input)?;
    tags::check(&tags)?;
    if source_servers.is_empty() {
        return Err(ApiError::validation(&[(
            "sourceServers".to_owned(),
            "at least one is needed".to_owned(),
        )]));
    }
    check_job_size(stage, source_servers.len())?;
    let checked = check_servers(stage, &source_servers)?;
    check_running_jobs(stage, source_servers.len())?;
    let making = Making {
        settings: stage.settings,
        seed: stage.seed,
        now: stage.now,
        kind: if is_drill {
            JobKind::Drill
        } else {
            JobKind::Recovery
        },
        tags: tags.clone(),
    };
    let named = source_servers.iter();
    let snapshots = named
        .filter_map(|wanted| Some((wanted.id.clone(), wanted.snapshot.clone()?)))
        .collect();
    let job_id = launch_all(stage.site, &making, checked);
    Ok(AcceptedLaunch {
        at: stage.now,
        job_id,
        account_id: stage.site.account_id.clone(),
        region: stage.site.region.clone(),
        servers: source_servers.into_iter().map(|wanted| wanted.id).collect(),
        snapshots,
        is_drill,
        tags,
        caller: caller.arn.clone(),
    })
}

/// Refuses a job with more servers than a job may have.
pub(super) fn check_job_size(stage: &Stage<'_>, servers: usize) -> Result<(), ApiError> {
    let most = stage.settings.quotas.servers_per_job;
    if servers <= most as usize {
        return Ok(());
    }
    let message = format!("A job can have at most {most} source servers; {servers} were given");
    Err(ApiError::quota(quotas::SERVERS_PER_JOB, message))
}

/// Refuses a job for which there is no room beside those that run.
pub(super) fn check_running_jobs(stage: &Stage<'_>, servers: usize) -> Result<(), ApiError> {
    let quotas = &stage.settings.quotas;
    let running = stage.site.running(stage.now);
    let (jobs, busy) = running.fold((0, 0), |(jobs, busy), job| {
        (jobs + 1, busy + job.participants.len())
    });
    if jobs >= quotas.jobs as usize {
        let message = format!(
            "{jobs} jobs are in progress; there can be at most {}",
            quotas.jobs
        );
        return Err(ApiError::quota(quotas::JOBS, message));
    }
    if busy + servers > quotas.servers_in_jobs as usize {
        let most = quotas.servers_in_jobs;
        let message = format!(
            "{busy} source servers are in jobs; with {servers} more there would be over {most}"
        );
        return Err(ApiError::quota(quotas::SERVERS_IN_JOBS, message));
    }
    Ok(())
}

/// What DRS says when a server is in a job, as recorded.
pub(super) const BUSY: &str =
    "One or more of the Source Servers included in API call are currently being processed by a Job";

/// All or nothing: one server that cannot be launched refuses the whole call.
fn check_servers(stage: &Stage<'_>, wanted: &[Wanted]) -> Result<Vec<Checked>, ApiError> {
    let mut seen = BTreeSet::new();
    let mut checked = Vec::with_capacity(wanted.len());
    for Wanted { id, snapshot } in wanted {
        let conflict = |message: String| ApiError::conflict_of("SourceServer", id, message);
        if !seen.insert(id.as_str()) {
            return Err(conflict(format!(
                "Source server {id} was given more than once"
            )));
        }
        let server = stage.site.servers.get(id);
        let server =
            server.ok_or_else(|| conflict(format!("Source server {id} does not exist")))?;
        if stage.site.is_running(server.job, stage.now) {
            return Err(ApiError::conflict(BUSY));
        }
        check_replication(server, stage.now).map_err(conflict)?;
        checked.push(match snapshot {
            Some(snapshot) => check_snapshot(stage, server, snapshot).map_err(conflict)?,
            None => Checked::fresh(server, stage.now),
        });
    }
    Ok(checked)
}

/// Lag and stalls do not stop a launch; a server without a point to launch from cannot be launched.
fn check_replication(server: &Server, now: Timestamp) -> Result<(), String> {
    let state = server.replication.state(now);
    if matches!(state, "DISCONNECTED" | "STOPPED") {
        return Err(format!(
            "Source server {} does not replicate: {state}",
            server.id
        ));
    }
    if server.replication.points_from(now).is_none() {
        return Err(format!(
            "Source server {} has no consistent recovery point yet",
            server.id
        ));
    }
    Ok(())
}

fn check_snapshot(stage: &Stage<'_>, server: &Server, snapshot: &str) -> Result<Checked, String> {
    let days = server.replicate.retention_days();
    let points = server
        .replication
        .points(stage.seed, &server.id, days, stage.now);
    let point = points.into_iter().find(|point| point.id == snapshot);
    let point = point.ok_or_else(|| {
        format!(
            "Source server {} has no recovery snapshot {snapshot}",
            server.id
        )
    })?;
    Ok(Checked {
        server_id: server.id.clone(),
        source: Source::Named,
        point_in_time: point.at,
    })
}
