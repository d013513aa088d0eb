//! What a world holds: per account and Region the servers, jobs, recovery instances and EC2 instances, and the effects
//! that are still to come.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::configuration::{LaunchConfiguration, ReplicationConfiguration};
use super::replication::Replication;
use super::templates::{LaunchTemplate, ReplicationTemplate};
use crate::sim::fleet::{Disk, LaunchFault, Origin, Os};
use crate::sim::world::options::Timings;

/// One account's DRS and EC2 in one Region.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Site {
    pub(super) account_id: String,
    pub(super) region: String,
    pub(super) initialized: bool,
    pub(super) servers: BTreeMap<String, Server>,
    /// Jobs by their number, which is the order they were made in.
    pub(super) jobs: BTreeMap<u64, Job>,
    pub(super) job_numbers: BTreeMap<String, u64>,
    /// Jobs that have not completed.
    pub(super) active: BTreeSet<u64>,
    /// DRS's records of recovery instances.
    pub(super) records: BTreeMap<String, Record>,
    /// EC2's instances.
    pub(super) machines: BTreeMap<String, Machine>,
    pub(super) launch_templates: BTreeMap<String, LaunchTemplate>,
    pub(super) replication_templates: BTreeMap<String, ReplicationTemplate>,
    /// Post-launch actions by resource and action id.
    pub(super) launch_actions: BTreeMap<String, BTreeMap<String, Value>>,
    /// What is still to happen, the next one last.
    effects: Vec<Effect>,
}

impl Site {
    /// Adds something that will happen.
    pub(super) fn schedule(&mut self, effect: Effect) {
        let key = |effect: &Effect| (effect.at, effect.job, effect.participant);
        let position = self
            .effects
            .partition_point(|other| key(other) > key(&effect));
        self.effects.insert(position, effect);
    }

    /// The next effect that is due.
    pub(super) fn due(&mut self, now: Timestamp) -> Option<Effect> {
        let is_due = self.effects.last().is_some_and(|effect| effect.at <= now);
        if is_due { self.effects.pop() } else { None }
    }

    /// The job with an id.
    pub(super) fn job(&self, id: &str) -> Option<&Job> {
        self.jobs.get(self.job_numbers.get(id)?)
    }

    /// Servers in jobs that have not completed.
    pub(super) fn servers_in_jobs(&self) -> usize {
        let jobs = self.active.iter().filter_map(|number| self.jobs.get(number));
        jobs.map(|job| job.participants.len()).sum()
    }
}

/// A source server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Server {
    pub(super) id: String,
    pub(super) hostname: String,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) os: Os,
    pub(super) disks: Vec<Disk>,
    pub(super) origin: Option<Origin>,
    pub(super) added_at: Timestamp,
    pub(super) replication: Replication,
    pub(super) launch: LaunchConfiguration,
    pub(super) replicate: ReplicationConfiguration,
    /// What goes wrong with its next launches.
    pub(super) faults: Vec<LaunchFault>,
    pub(super) timings: Option<Timings>,
    /// The job that holds it now.
    pub(super) job: Option<u64>,
    /// The recovery instance that DRS names for it.
    pub(super) instance: Option<String>,
    /// The instance of its latest launch, whether DRS still has a record of it or not.
    pub(super) previous: Option<String>,
    pub(super) last_launch: Option<LastLaunch>,
}

/// The latest launch of a server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct LastLaunch {
    pub(super) job_id: String,
    pub(super) called_at: Timestamp,
    pub(super) is_drill: bool,
    pub(super) launch_started_at: Option<Timestamp>,
    pub(super) ended_at: Option<Timestamp>,
    pub(super) outcome: Outcome,
}

/// A job. What has happened by a time is read off its plan; only side effects on others are carried out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Job {
    pub(super) id: String,
    pub(super) number: u64,
    pub(super) kind: JobKind,
    pub(super) created_at: Timestamp,
    pub(super) started_at: Timestamp,
    pub(super) ended_at: Timestamp,
    pub(super) participants: Vec<Participant>,
    pub(super) tags: BTreeMap<String, String>,
    /// In order of time.
    pub(super) log: Vec<LogEntry>,
}

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum JobKind {
    Drill,
    Recovery,
    Terminate,
}

impl JobKind {
    /// Whether the job launches servers.
    pub(super) fn launches(self) -> bool {
        self != Self::Terminate
    }
}

/// A server of a job, and what will become of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Participant {
    pub(super) server_id: String,
    /// The instance it launches or terminates.
    pub(super) instance_id: String,
    /// The previous instance that it removes first.
    pub(super) replaces: Option<String>,
    pub(super) launch_started_at: Option<Timestamp>,
    /// When its outcome is there; none when it never comes.
    pub(super) ended_at: Option<Timestamp>,
    pub(super) outcome: Outcome,
    /// The state of the source that it launches.
    pub(super) point_in_time: Timestamp,
}

/// What becomes of a server of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    Launched,
    Failed,
    Terminated,
    /// The job completes without one.
    None,
}

/// A line of a job's log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct LogEntry {
    pub(super) at: Timestamp,
    pub(super) event: LogEvent,
    /// The participant, by its position.
    pub(super) participant: Option<usize>,
    pub(super) data: LogData,
}

/// What else a line of a job's log says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum LogData {
    Nothing,
    ConversionServer(String),
    TargetInstance(String),
    RawError(String),
}

/// The events of a job's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum LogEvent {
    JobStart,
    CleanupStart,
    CleanupEnd,
    CleanupFail,
    SnapshotStart,
    SnapshotEnd,
    SnapshotFail,
    UsingPreviousSnapshot,
    UsingPreviousSnapshotFailed,
    ConversionStart,
    ConversionEnd,
    ConversionFail,
    LaunchStart,
    LaunchEnd,
    LaunchFailed,
    JobEnd,
}

/// DRS's record of a recovery instance.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) id: String,
    pub(super) server_id: String,
    pub(super) job_id: Option<String>,
    pub(super) is_drill: bool,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) point_in_time: Timestamp,
    pub(super) disconnected: bool,
    /// The job that terminates it now.
    pub(super) job: Option<u64>,
}

/// An EC2 instance.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Machine {
    pub(super) id: String,
    pub(super) hostname: String,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) launched_at: Timestamp,
    pub(super) checks_pass_at: Timestamp,
    /// Left stopped by its launch configuration.
    pub(super) stopped: bool,
    pub(super) protected: bool,
    pub(super) terminated_at: Option<Timestamp>,
}

/// Something that a job does to others at an instant.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Effect {
    pub(super) at: Timestamp,
    pub(super) job: u64,
    /// The participant, by its position; past the last one for effects of the whole job.
    pub(super) participant: usize,
    pub(super) kind: EffectKind,
}

/// What it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum EffectKind {
    /// The participant's previous instance is removed.
    Replaced,
    /// The participant's instance appears.
    Launched,
    /// The participant's instance is removed.
    Terminated,
    /// The job completes and lets its servers go.
    Completed,
}
