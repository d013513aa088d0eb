//! What a world holds: per account and Region the servers, jobs, recovery instances and EC2 instances.
//!
//! Everything that a job will do is written down when it is made, each part with its instant: when its servers end, when
//! an instance appears and when another goes. What is true at a time is read off that, so looking changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::configuration::{LaunchConfiguration, ReplicationConfiguration};
use super::network::{self, LaunchTemplate, Subnet};
use super::pace::Timings;
use super::replication::Replication;
use super::stubs::Stubs;
use super::tags::Tags;
use super::templates::Template;
use crate::sim::fleet::{Disk, LaunchFault, Origin, Os};
use crate::time::after;

/// Completed jobs that a site remembers.
const JOBS_KEPT: usize = 10_000;
/// How long EC2 lists an instance after it was terminated.
const TERMINATED_LISTED: SignedDuration = SignedDuration::from_hours(1);
/// How long an instance takes to stop; a guess, for it depends on what runs on it.
const STOPPING: SignedDuration = SignedDuration::from_secs(20);

/// One account's DRS and EC2 in one Region.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Site {
    pub(super) account_id: String,
    pub(super) region: String,
    /// Whether DRS is initialised.
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
    /// EC2's subnets; a world that was stored before there were any has none.
    #[serde(default)]
    pub(super) subnets: BTreeMap<String, Subnet>,
    /// The subnet of whatever names none.
    #[serde(default)]
    pub(super) default_subnet: Option<String>,
    pub(super) launch_template: Option<Template>,
    pub(super) replication_template: Option<Template>,
    /// The number of the last job.
    pub(super) last_job: u64,
    /// Functions, documents, topics and state machines.
    #[serde(default)]
    pub(super) stubs: Stubs,
}

impl Site {
    /// The site's name, which labels what chance gives it.
    pub(super) fn key(&self) -> String {
        site_key(&self.account_id, &self.region)
    }

    /// The job with an id.
    pub(super) fn job(&self, id: &str) -> Option<&Job> {
        self.jobs.get(self.job_numbers.get(id)?)
    }

    /// The job with an id, to be changed.
    pub(super) fn job_mut(&mut self, id: &str) -> Option<&mut Job> {
        self.jobs.get_mut(self.job_numbers.get(id)?)
    }

    /// Adds a job.
    pub(super) fn add_job(&mut self, job: Job) {
        debug_assert!(
            job.number > self.last_job,
            "jobs are numbered in the order they are made in"
        );
        self.last_job = job.number;
        self.active.insert(job.number);
        self.job_numbers.insert(job.id.clone(), job.number);
        self.jobs.insert(job.number, job);
    }

    /// Jobs that have not completed.
    pub(super) fn running(&self, now: Timestamp) -> impl Iterator<Item = &Job> {
        let jobs = self
            .active
            .iter()
            .filter_map(|number| self.jobs.get(number));
        jobs.filter(move |job| now < job.ended_at)
    }

    /// Whether the job with a number has not completed.
    pub(super) fn is_running(&self, number: Option<u64>, now: Timestamp) -> bool {
        number
            .and_then(|number| self.jobs.get(&number))
            .is_some_and(|job| now < job.ended_at)
    }

    /// The recovery instance that DRS names for a server.
    pub(super) fn instance_of(&self, server: &Server, now: Timestamp) -> Option<&Record> {
        let records = server
            .instances
            .iter()
            .rev()
            .filter_map(|id| self.records.get(id));
        records.into_iter().find(|record| record.is_listed(now))
    }

    /// The state of an EC2 instance in DRS's words.
    pub(super) fn machine_state(&self, id: &str, now: Timestamp) -> MachineState {
        self.machines
            .get(id)
            .map_or(MachineState::NotFound, |machine| machine.state(now))
    }

    /// Forgets what nobody can see any more.
    pub(super) fn forget(&mut self, now: Timestamp) {
        let Self {
            active,
            jobs,
            job_numbers,
            records,
            machines,
            ..
        } = self;
        active.retain(|number| jobs.get(number).is_some_and(|job| now < job.ended_at));
        while jobs.len() > JOBS_KEPT
            && let Some(oldest) = jobs.first_entry()
            && !active.contains(oldest.key())
        {
            job_numbers.remove(&oldest.remove().id);
        }
        records.retain(|_, record| record.removed_at.is_none_or(|at| now < at));
        machines.retain(|_, machine| machine.state(now) != MachineState::NotFound);
    }
}

/// The name of an account's Region.
pub(super) fn site_key(account_id: &str, region: &str) -> String {
    format!("{account_id}/{region}")
}

/// A source server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Server {
    pub(super) id: String,
    pub(super) hostname: String,
    pub(super) tags: Tags,
    pub(super) os: Os,
    pub(super) disks: Vec<Disk>,
    pub(super) origin: Option<Origin>,
    pub(super) added_at: Timestamp,
    pub(super) replication: Replication,
    pub(super) launch: LaunchConfiguration,
    pub(super) replicate: ReplicationConfiguration,
    /// Its EC2 launch template, whose id its launch settings name.
    #[serde(default)]
    pub(super) template: LaunchTemplate,
    /// What goes wrong with its next launches.
    pub(super) faults: Vec<LaunchFault>,
    pub(super) timings: Option<Timings>,
    /// The job that held it last.
    pub(super) job: Option<u64>,
    /// Recovery instances that it has or will have, oldest first.
    pub(super) instances: Vec<String>,
    pub(super) last_launch: Option<LastLaunch>,
}

/// The latest launch of a server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct LastLaunch {
    pub(super) job_id: String,
    pub(super) called_at: Timestamp,
    pub(super) is_drill: bool,
    pub(super) course: Course,
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
    pub(super) tags: Tags,
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

/// A server of a job, and what will become of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Participant {
    pub(super) server_id: String,
    /// The instance it launches or terminates.
    pub(super) instance_id: String,
    pub(super) course: Course,
}

/// How a server goes through a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Course {
    pub(super) launch_started_at: Option<Timestamp>,
    /// When its outcome is there; none when it never comes.
    pub(super) ended_at: Option<Timestamp>,
    pub(super) outcome: Outcome,
}

impl Course {
    /// The launch status at a time.
    pub(super) fn status(&self, now: Timestamp) -> &'static str {
        let reached = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
        match self.outcome {
            Outcome::Launched if reached(self.ended_at) => "LAUNCHED",
            Outcome::Failed if reached(self.ended_at) => "FAILED",
            Outcome::Terminated if reached(self.ended_at) => "TERMINATED",
            _ if reached(self.launch_started_at) => "IN_PROGRESS",
            _ => "PENDING",
        }
    }
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
    pub(super) job_id: String,
    pub(super) is_drill: bool,
    pub(super) tags: Tags,
    pub(super) point_in_time: Timestamp,
    pub(super) appears_at: Timestamp,
    pub(super) removed_at: Option<Timestamp>,
    /// The job that terminates it.
    pub(super) job: Option<u64>,
}

impl Record {
    /// Whether DRS lists it.
    pub(super) fn is_listed(&self, now: Timestamp) -> bool {
        self.appears_at <= now && self.removed_at.is_none_or(|at| now < at)
    }
}

/// An EC2 instance.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Machine {
    pub(super) id: String,
    pub(super) hostname: String,
    pub(super) tags: Tags,
    #[serde(default = "network::instance_type")]
    pub(super) instance_type: String,
    #[serde(default)]
    pub(super) subnet: Option<String>,
    pub(super) launched_at: Timestamp,
    pub(super) runs_at: Timestamp,
    pub(super) checks_pass_at: Timestamp,
    /// Whether it is stopped: left so by its launch configuration, or by an operator.
    pub(super) stopped: bool,
    /// Until when it takes an operator's stop to take effect.
    pub(super) stopping_until: Option<Timestamp>,
    /// Whether its status checks fail instead of being passed.
    #[serde(default)]
    pub(super) impaired: bool,
    /// Whether EC2 refuses to terminate it.
    pub(super) protected: bool,
    pub(super) shutting_down_at: Option<Timestamp>,
    pub(super) terminated_at: Option<Timestamp>,
}

impl Machine {
    /// Its state at a time.
    pub(super) fn state(&self, now: Timestamp) -> MachineState {
        let reached = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
        if self
            .terminated_at
            .is_some_and(|at| after(at, TERMINATED_LISTED) <= now)
        {
            MachineState::NotFound
        } else if reached(self.terminated_at) {
            MachineState::Terminated
        } else if reached(self.shutting_down_at) {
            MachineState::ShuttingDown
        } else if now < self.runs_at {
            MachineState::Pending
        } else if self.stopped && self.stopping_until.is_some_and(|until| now < until) {
            MachineState::Stopping
        } else if self.stopped {
            MachineState::Stopped
        } else {
            MachineState::Running
        }
    }

    /// Whether EC2 lists it.
    pub(super) fn is_listed(&self, now: Timestamp) -> bool {
        self.launched_at <= now && self.state(now) != MachineState::NotFound
    }

    /// Stops or starts it, as an operator would. Stopping takes a while; starting again is not drawn out.
    pub(super) fn set_stopped(&mut self, stopped: bool, now: Timestamp) {
        if stopped && !self.stopped {
            self.stopping_until = Some(after(now, STOPPING));
        }
        self.stopped = stopped;
    }

    /// Writes down that it goes, unless it goes earlier.
    pub(super) fn end(&mut self, from: Timestamp, until: Timestamp) {
        let earlier =
            |known: Option<Timestamp>, at: Timestamp| Some(known.map_or(at, |known| known.min(at)));
        self.shutting_down_at = earlier(self.shutting_down_at, from);
        self.terminated_at = earlier(self.terminated_at, until);
    }
}

/// The states of an EC2 instance that this world has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MachineState {
    Pending,
    Running,
    Stopping,
    Stopped,
    ShuttingDown,
    Terminated,
    NotFound,
}

impl MachineState {
    /// The state in DRS's words.
    pub(super) fn in_drs(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Stopping => "STOPPING",
            Self::Stopped => "STOPPED",
            Self::ShuttingDown => "SHUTTING-DOWN",
            Self::Terminated => "TERMINATED",
            Self::NotFound => "NOT_FOUND",
        }
    }
}
