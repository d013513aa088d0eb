//! StartRecovery: checks everything, and makes a job that launches all of its servers or refuses them all.
//!
//! There is no client token: the same call made twice meets its own job, and conflicts.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::call::{Stage, read_input};
use super::chance::Chance;
use super::error::ApiError;
use super::model::{
    Job, JobKind, LastLaunch, LogData, LogEntry, LogEvent, Machine, MachineState, Outcome,
    Participant, Record, Server, Site,
};
use super::pace::Pace;
use super::schedule::{self, Order, Previous, Schedule, Source};
use super::tags::{self, Tags};
use super::{AcceptedLaunch, Caller, chance, quotas, wire};
use crate::sim::fleet::{FaultPhase, LaunchDisposition, LaunchFault, Os, RecoveryMode, Settings};
use crate::time::after;

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

/// A server that can be launched, with the state of the source that it is launched from.
pub(super) struct Checked {
    server_id: String,
    source: Source,
    point_in_time: Timestamp,
}

impl Checked {
    /// A server that is launched from its newest state.
    pub(super) fn fresh(server: &Server, now: Timestamp) -> Self {
        let source = if server.replication.is_reachable(now) {
            Source::Fresh
        } else {
            Source::Unreachable
        };
        Self {
            server_id: server.id.clone(),
            source,
            point_in_time: server.replication.latest(now),
        }
    }
}

/// What a job is made of, apart from its servers.
pub(super) struct Making<'a> {
    pub(super) settings: &'a Settings,
    pub(super) seed: u64,
    pub(super) now: Timestamp,
    pub(super) is_drill: bool,
    pub(super) tags: Tags,
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
        is_drill,
        tags: tags.clone(),
    };
    let job_id = make_job(stage.site, &making, checked);
    Ok(AcceptedLaunch {
        at: stage.now,
        job_id,
        account_id: stage.site.account_id.clone(),
        region: stage.site.region.clone(),
        servers: source_servers.into_iter().map(|wanted| wanted.id).collect(),
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

/// Makes a job with its whole schedule, and writes it down on everything that it will touch. The job's id.
pub(super) fn make_job(site: &mut Site, making: &Making<'_>, servers: Vec<Checked>) -> String {
    let number = site.last_job + 1;
    let label = [site.key(), number.to_string()];
    let id = chance::id(making.seed, "drsjob-", &["job", &label[0], &label[1]]);
    let created_at = wire::to_micros(making.now);
    let chance = Chance::of(making.seed, &["pace", &label[0], &label[1]]);
    let mut pace = Pace::of(making.settings, None, Os::Linux, chance);
    let started_at = after(
        created_at,
        pace.draw(|timings| timings.start).max(LEAST_PENDING),
    );
    let mut job = Job {
        id,
        number,
        kind: if making.is_drill {
            JobKind::Drill
        } else {
            JobKind::Recovery
        },
        created_at,
        started_at,
        ended_at: started_at,
        participants: Vec::with_capacity(servers.len()),
        tags: making.tags.clone(),
        log: vec![LogEntry::of_job(started_at, LogEvent::JobStart)],
    };
    let mut over_at = started_at;
    for (position, checked) in servers.into_iter().enumerate() {
        let schedule = add_launch(site, making, &mut job, position, checked);
        over_at = over_at.max(schedule.over_at);
        job.log.extend(schedule.log);
    }
    job.end(after(over_at, pace.draw(|timings| timings.end)));
    let id = job.id.clone();
    site.add_job(job);
    id
}

/// A job is answered before it starts, however short everything else was made.
const LEAST_PENDING: SignedDuration = SignedDuration::from_micros(1);

/// Adds one server to a job that is being made.
fn add_launch(
    site: &mut Site,
    making: &Making<'_>,
    job: &mut Job,
    position: usize,
    checked: Checked,
) -> Schedule {
    let previous = previous_instances(site, &checked.server_id, making.now);
    let server = site
        .servers
        .get_mut(&checked.server_id)
        .expect("the server was just found");
    let fault = if server.faults.is_empty() {
        None
    } else {
        Some(server.faults.remove(0))
    };
    let label = ["launch", job.id.as_str(), checked.server_id.as_str()];
    let instance_id = chance::id(making.seed, "i-", &label);
    let mut pace = Pace::of(
        making.settings,
        server.timings,
        server.os,
        Chance::of(making.seed, &label),
    );
    let order = Order {
        position,
        instance_id: &instance_id,
        source: checked.source,
        converts: server.launch.recovery_mode == RecoveryMode::Optimal,
        fault: fault
            .as_ref()
            .filter(|fault: &&LaunchFault| fault.phase != FaultPhase::None),
        previous: previous.kind(),
    };
    let schedule = schedule::launch(&order, job.started_at, &mut pace);
    server.job = Some(job.number);
    server.last_launch = Some(LastLaunch {
        job_id: job.id.clone(),
        called_at: job.created_at,
        is_drill: making.is_drill,
        course: schedule.course,
    });
    if schedule.course.outcome == Outcome::Launched {
        server.instances.push(instance_id.clone());
        let (record, machine) = launched(
            server,
            job,
            &checked,
            &instance_id,
            schedule.over_at,
            &mut pace,
        );
        site.records.insert(instance_id.clone(), record);
        site.machines.insert(instance_id.clone(), machine);
    }
    previous.remove(site, schedule.cleanup);
    job.participants.push(Participant {
        server_id: checked.server_id,
        instance_id,
        course: schedule.course,
    });
    schedule
}

fn launched(
    server: &Server,
    job: &Job,
    checked: &Checked,
    instance_id: &str,
    at: Timestamp,
    pace: &mut Pace,
) -> (Record, Machine) {
    let mut tags = Tags::new();
    if server.launch.copy_tags {
        let copied = server
            .tags
            .iter()
            .filter(|(key, _)| !key.to_lowercase().starts_with("aws:"));
        tags.extend(copied.map(|(key, value)| (key.clone(), value.clone())));
    }
    let record = Record {
        id: instance_id.to_owned(),
        server_id: server.id.clone(),
        job_id: job.id.clone(),
        is_drill: job.kind == JobKind::Drill,
        tags: tags.clone(),
        point_in_time: checked.point_in_time,
        appears_at: at,
        removed_at: None,
        job: None,
    };
    tags.entry("Name".to_owned())
        .or_insert_with(|| server.hostname.clone());
    tags.insert(
        "AWSElasticDisasterRecoveryManaged".to_owned(),
        "drs.amazonaws.com".to_owned(),
    );
    tags.insert(
        "AWSElasticDisasterRecoverySourceServerID".to_owned(),
        server.id.clone(),
    );
    let runs_at = after(at, pace.draw(|timings| timings.pending));
    let machine = Machine {
        id: instance_id.to_owned(),
        hostname: server.hostname.clone(),
        tags,
        launched_at: at,
        runs_at,
        checks_pass_at: after(runs_at, pace.draw_by_os(|timings| timings.status_checks)),
        stopped: server.launch.launch_disposition == LaunchDisposition::Stopped,
        protected: false,
        shutting_down_at: None,
        terminated_at: None,
    };
    (record, machine)
}

/// The instances that a launch of a server removes first.
struct PreviousInstances {
    removable: Vec<String>,
    has_protected: bool,
}

/// Every earlier instance of a server that DRS lists or EC2 still runs; also forgets those that are gone.
fn previous_instances(site: &mut Site, server_id: &str, now: Timestamp) -> PreviousInstances {
    let Site {
        servers,
        records,
        machines,
        ..
    } = site;
    let mut found = PreviousInstances {
        removable: Vec::new(),
        has_protected: false,
    };
    let Some(server) = servers.get_mut(server_id) else {
        return found;
    };
    server.instances.retain(|id| {
        let machine = machines.get(id);
        let is_alive = machine.is_some_and(|machine| {
            !matches!(
                machine.state(now),
                MachineState::Terminated | MachineState::NotFound
            )
        });
        if is_alive && machine.is_some_and(|machine| machine.protected) {
            found.has_protected = true;
        } else if is_alive || records.get(id).is_some_and(|record| record.is_listed(now)) {
            found.removable.push(id.clone());
        } else {
            return false;
        }
        true
    });
    found
}

impl PreviousInstances {
    fn kind(&self) -> Previous {
        if self.has_protected {
            Previous::Protected
        } else if self.removable.is_empty() {
            Previous::None
        } else {
            Previous::Removable
        }
    }

    /// Writes down that the instances go.
    fn remove(self, site: &mut Site, cleanup: Option<(Timestamp, Timestamp)>) {
        let Some((from, until)) = cleanup else {
            return;
        };
        for id in self.removable {
            if let Some(record) = site.records.get_mut(&id) {
                record.removed_at = Some(until);
            }
            if let Some(machine) = site.machines.get_mut(&id) {
                machine.end(from, until);
            }
        }
    }
}

impl LogEntry {
    /// A line about the whole job.
    pub(super) fn of_job(at: Timestamp, event: LogEvent) -> Self {
        Self {
            at,
            event,
            participant: None,
            data: LogData::Nothing,
        }
    }
}

impl Job {
    /// Completes the schedule of a job that is being made.
    pub(super) fn end(&mut self, at: Timestamp) {
        self.ended_at = at;
        self.log.sort_by_key(|entry| entry.at);
        self.log.push(LogEntry::of_job(at, LogEvent::JobEnd));
    }
}
