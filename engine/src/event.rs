//! What happened: the facts of an execution's history, in the past tense.
//!
//! Events are the only thing that changes an execution. They are stored for ever, so a variant or a field is never
//! renamed or given another meaning; golden files hold the stored form fixed. No event lists more than
//! [`SERVERS_PER_EVENT`](crate::limits::SERVERS_PER_EVENT) servers.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::guard::{Guard, Unchecked};
use crate::ids::{ExecutionId, InstanceId, JobId, OwnerId, PlanId, ServerId, Target};
use crate::only::Only;
use crate::plan::{Check, Checks, Hook, LaunchOrder, Policy};
use crate::point::{LaunchedFrom, RecoveryPoint};
use crate::ports::ActionRun;
use crate::time::Now;

mod actions;
mod checks;

pub use actions::{ActionId, ActionIntent, ActionResult, Purpose, When};
pub use checks::{CheckResult, Checked};

/// An event with its place in the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// Position in the history, from 1.
    pub seq: u64,
    /// When it was recorded, on both clocks.
    pub now: Now,
    /// Who recorded it.
    pub author: Author,
    /// What happened.
    pub event: Event,
}

/// Who recorded an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Author {
    /// The process that drives the execution.
    Owner(OwnerId),
    /// A person or a pipeline, by the ARN that STS gave.
    Operator(String),
}

/// A launch of this execution: one call of StartRecovery, numbered from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LaunchId(pub u32);

/// What an execution is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Mode {
    /// A rehearsal: what it launched is terminated afterwards.
    Drill,
    /// The real thing.
    Recovery,
}

/// One fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Event {
    /// The execution exists: its servers are frozen and leased.
    ExecutionStarted(Box<Started>),
    /// A process drives the execution from here on.
    OwnerTaken {
        /// The process.
        owner: OwnerId,
        /// Where it runs, for people: host and process id.
        host: String,
        /// The process that drove it before.
        previous: Option<OwnerId>,
    },
    /// Everything that a wave depends on is finished; its wait begins.
    WaveReady {
        /// The wave's position.
        wave: usize,
    },
    /// A wave's wait has passed; its time limit begins.
    WaveStarted {
        /// The wave's position.
        wave: usize,
    },
    /// StartRecovery is about to be called. Without an outcome after it, nobody knows whether it was.
    LaunchIntended(Box<Intent>),
    /// DRS has the job.
    LaunchAccepted {
        /// The launch.
        launch: LaunchId,
        /// The job.
        job: JobId,
        /// How it is known that the job is ours.
        how: Acceptance,
    },
    /// DRS refused; there is no job.
    LaunchRefused {
        /// The launch.
        launch: LaunchId,
        /// The error code.
        code: String,
        /// The message.
        message: String,
        /// What follows.
        remedy: Remedy,
    },
    /// The call got no usable answer; the job may exist.
    LaunchUnknown {
        /// The launch.
        launch: LaunchId,
        /// What happened instead of an answer.
        message: String,
    },
    /// No job was found until long after AWS would have refused the request: it was never carried out.
    LaunchNotCarriedOut {
        /// The launch.
        launch: LaunchId,
        /// Whether an operator said so, instead of the fence.
        assumed: bool,
        /// Why, in the operator's words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// A launch is not followed any further: its servers without an end have failed.
    LaunchGivenUp {
        /// The launch.
        launch: LaunchId,
        /// Why.
        reason: String,
    },
    /// Live recovery instances exist that a launch would delete; nothing more is launched.
    GuardTripped {
        /// The wave that was about to launch.
        wave: usize,
        /// The instances, at most [`SERVERS_PER_EVENT`](crate::limits::SERVERS_PER_EVENT) of them.
        instances: Vec<LiveInstance>,
    },
    /// A guard could not be read; nothing more is launched.
    GuardUnreadable {
        /// The wave that was about to launch.
        wave: usize,
        /// Why.
        message: String,
    },
    /// A guard could not be read, and whoever started the recovery has allowed to launch without it.
    GuardForced {
        /// The wave that is about to launch.
        wave: usize,
        /// The guard.
        guard: Guard,
        /// Why it could not be read.
        message: String,
    },
    /// Servers of a job reached their end.
    ServersJudged {
        /// The launch.
        launch: LaunchId,
        /// The results, at most [`SERVERS_PER_JUDGEMENT`](crate::limits::SERVERS_PER_JUDGEMENT).
        results: Vec<Judgement>,
    },
    /// Recovery instances of launched servers became known.
    InstancesFound {
        /// The launch.
        launch: LaunchId,
        /// Which server has which instance.
        instances: BTreeMap<ServerId, InstanceId>,
    },
    /// What the launched servers of a job that ended were launched from became known, as far as DRS tells.
    PointsFound {
        /// The launch.
        launch: LaunchId,
        /// The servers that something is known of.
        points: BTreeMap<ServerId, LaunchedFrom>,
    },
    /// Servers whose launch failed wait for another one, as the policy of their wave allows.
    ServersRetried {
        /// The wave's position.
        wave: usize,
        /// The servers, at most [`SERVERS_PER_EVENT`](crate::limits::SERVERS_PER_EVENT).
        servers: Vec<ServerId>,
    },
    /// DRS completed a job and every server of it is judged.
    JobEnded {
        /// The launch.
        launch: LaunchId,
    },
    /// A wave ran longer than its limit; it launches no more.
    WaveTimedOut {
        /// The wave's position.
        wave: usize,
    },
    /// The execution ran longer than its limit; it launches no more.
    ExecutionTimedOut,
    /// Every server of a wave has ended, or will not be launched.
    WaveFinished {
        /// The wave's position.
        wave: usize,
        /// How.
        outcome: WaveOutcome,
    },
    /// Somebody asked that nothing more be launched until it is resumed.
    PauseRequested {
        /// The wave that is not to start; none means everything, at once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<usize>,
        /// Why, in their words.
        reason: String,
    },
    /// A wave would go on, and is held until somebody resumes.
    WavePaused {
        /// The wave's position.
        wave: usize,
        /// Why.
        reason: String,
    },
    /// Somebody asked that everything that is held go on.
    ResumeRequested {
        /// Why, in their words.
        reason: String,
    },
    /// Somebody asked that failed servers be launched again.
    RetryRequested {
        /// The wave's position.
        wave: usize,
        /// The servers, at most [`SERVERS_PER_JUDGEMENT`](crate::limits::SERVERS_PER_JUDGEMENT).
        servers: Vec<ServerId>,
        /// Why, in their words.
        reason: String,
    },
    /// Somebody asked that a wave be left as it is, and that what depends on it go on.
    SkipRequested {
        /// The wave's position.
        wave: usize,
        /// Why, in their words.
        reason: String,
    },
    /// Somebody asked that nothing more be launched.
    CancelRequested {
        /// Why, in their words.
        reason: String,
    },
    /// A recovery takes the servers of this drill; it launches no more.
    PreemptedBy {
        /// The recovery.
        execution: ExecutionId,
    },
    /// The execution has ended.
    ExecutionFinished {
        /// How.
        outcome: Outcome,
        /// One sentence for people.
        summary: String,
    },
    /// Whoever started the execution has its result.
    ResultDelivered,
    /// Somebody asked that what the execution launched be terminated.
    TerminationRequested {
        /// Why, in their words.
        reason: String,
    },
    /// DRS is about to be asked to terminate instances of this execution.
    TerminationIntended {
        /// Where they are.
        target: Target,
        /// The instances.
        instances: Vec<InstanceId>,
    },
    /// DRS terminates them.
    TerminationAccepted {
        /// Where they are.
        target: Target,
        /// The instances.
        instances: Vec<InstanceId>,
        /// The job, where DRS named one.
        job: Option<JobId>,
    },
    /// Instances are gone from DRS and from EC2.
    InstancesGone {
        /// The instances.
        instances: Vec<InstanceId>,
    },
    /// The termination has ended.
    TerminationFinished {
        /// Instances that are still there; empty when all went well.
        left: Vec<InstanceId>,
        /// Why they are still there.
        reason: Option<String>,
    },
    /// A check of launched servers told something.
    ServersChecked {
        /// The wave's position.
        wave: usize,
        /// The check.
        check: Check,
        /// What it found, of at most [`SERVERS_PER_JUDGEMENT`](crate::limits::SERVERS_PER_JUDGEMENT) servers.
        results: Vec<Checked>,
    },
    /// An action is about to be begun. Without an outcome after it, nobody knows whether it was.
    ActionIntended(Box<ActionIntent>),
    /// An action runs.
    ActionBegun {
        /// The action.
        action: ActionId,
        /// What it is known by where it runs.
        run: ActionRun,
    },
    /// An action could not be begun now, and has had no effect.
    ActionPostponed {
        /// The action.
        action: ActionId,
        /// Why.
        message: String,
        /// How long AWS asked to wait.
        after: Option<SignedDuration>,
    },
    /// There was no usable answer, or whoever waited for it is gone: the action may have run.
    ActionUnknown {
        /// The action.
        action: ActionId,
        /// What happened instead of an answer.
        message: String,
    },
    /// An action has ended, or is not followed any more.
    ActionEnded {
        /// The action.
        action: ActionId,
        /// How.
        result: ActionResult,
    },
    /// A rule of the engine was broken; it does nothing more, and a person must look.
    Halted {
        /// What was found.
        reason: String,
    },
}

/// The first fact of every history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// The execution.
    pub execution_id: ExecutionId,
    /// The plan.
    pub plan_id: PlanId,
    /// The plan's name at the time.
    pub plan_name: String,
    /// The digest of the plan's configuration at the time.
    pub plan_digest: String,
    /// What it is for.
    pub mode: Mode,
    /// The waves as they will run; the servers are in the frozen resolution.
    pub waves: Vec<FrozenWave>,
    /// The digest of the frozen resolution.
    pub resolution_digest: String,
    /// Limit of the whole execution in world time.
    pub timeout: Option<SignedDuration>,
    /// Where it was started from: `terraform`, `drsctl`.
    pub origin: String,
    /// Values the starter wants back, e.g. `triggers`; the engine does not read them.
    pub inputs: BTreeMap<String, serde_json::Value>,
    /// Whether live recovery instances may be replaced.
    pub replace_live_instances: bool,
    /// The part of the plan that it is for.
    #[serde(default, skip_serializing_if = "Only::is_all")]
    pub only: Only,
    /// What its servers are to be launched from.
    #[serde(default, skip_serializing_if = "RecoveryPoint::is_latest")]
    pub points: RecoveryPoint,
    /// Drills whose servers it took.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub preempted: Vec<ExecutionId>,
    /// Guards that a recovery may launch without while they cannot be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub force_unknown: Vec<Guard>,
    /// Guards that could not be looked at when it started.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unchecked: Vec<Unchecked>,
}

impl Started {
    /// Whether it may launch while this guard cannot be read; a drill never may.
    pub fn forces(&self, guard: Guard) -> bool {
        self.mode == Mode::Recovery && self.force_unknown.contains(&guard)
    }
}

/// A wave as it was when the execution started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrozenWave {
    /// Its name.
    pub name: String,
    /// Positions of the waves that must be finished first.
    pub depends_on: Vec<usize>,
    /// How its servers are launched.
    pub order: LaunchOrder,
    /// Most servers launching at the same time.
    pub max_in_flight: Option<u32>,
    /// Wait after the dependencies are finished.
    pub wait: SignedDuration,
    /// Limit from its start to its last judged server.
    pub timeout: SignedDuration,
    /// How many servers it has.
    pub servers: usize,
    /// Whether somebody must approve before it starts.
    #[serde(default, skip_serializing_if = "is_false")]
    pub pause_before: bool,
    /// What follows when servers of it fail.
    #[serde(default, skip_serializing_if = "Policy::is_default")]
    pub policy: Policy,
    /// What is looked at after servers are launched; none when nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checks: Option<Checks>,
    /// What is run before the first launch.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before_hooks: Vec<Hook>,
    /// What is run after the servers have ended and been checked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after_hooks: Vec<Hook>,
}

impl FrozenWave {
    /// The hooks before or after it.
    pub fn hooks(&self, when: When) -> &[Hook] {
        match when {
            When::Before => &self.before_hooks,
            When::After => &self.after_hooks,
        }
    }
}

/// What is known before StartRecovery is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The launch.
    pub launch: LaunchId,
    /// The wave's position.
    pub wave: usize,
    /// How often servers of this launch were tried, this time included.
    pub attempt: u32,
    /// Where.
    pub target: Target,
    /// The servers in launch order.
    pub servers: Vec<ServerId>,
    /// The wall time the request is signed with.
    pub signed_at: Timestamp,
    /// Whether the request carries tags.
    pub tagged: bool,
}

/// How it is known that a job is ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Acceptance {
    /// DRS answered the call.
    Answered,
    /// Adopted: the job carries our tags.
    AdoptedByTag,
    /// Adopted without tags: same servers, same mode, created when the request was sent.
    AdoptedByServers,
}

/// What follows a refusal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remedy {
    /// The servers of the launch have failed.
    GiveUp,
    /// They are launched again later.
    RetryLater {
        /// How long AWS asked to wait.
        after: Option<SignedDuration>,
    },
    /// They are launched again without tags, and so is everything after them.
    RetryWithoutTags,
    /// They are launched again in two halves, because one bad server makes DRS refuse a whole launch.
    RetryInHalves,
}

/// A live recovery instance that a launch would delete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveInstance {
    /// The source server.
    pub server: ServerId,
    /// Its live recovery instance.
    pub instance: InstanceId,
}

/// The end of one server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// The server.
    pub server: ServerId,
    /// Its end.
    pub result: ServerResult,
    /// Its recovery instance, where it is already known.
    pub instance: Option<InstanceId>,
}

/// How a server ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServerResult {
    /// DRS reported LAUNCHED.
    Launched,
    /// It was not launched.
    Failed {
        /// Why, in DRS's words where there are any.
        reason: String,
    },
}

/// How a wave ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WaveOutcome {
    /// Every server was launched.
    Completed,
    /// Servers failed, and its policy lets that pass.
    Partial,
    /// More failed than its policy lets pass.
    Failed,
    /// It ran out of time.
    TimedOut,
    /// It, or the rest of it, was never launched.
    NotLaunched,
    /// Somebody asked to leave it out.
    Skipped,
}

/// How an execution ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// Every wave completed: the only success.
    Completed,
    /// Servers were launched; others were left out on purpose, or failed where the plan lets that pass.
    Partial,
    /// A wave failed and stopped the rest, a guard stopped it, or nothing was launched.
    Failed,
    /// It was cancelled.
    Cancelled,
    /// A wave or the whole ran out of time.
    TimedOut,
}

impl Mode {
    /// The word that configuration and history use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Drill => "DRILL",
            Self::Recovery => "RECOVERY",
        }
    }
}

impl Outcome {
    /// The word that configuration and history use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "COMPLETED",
            Self::Partial => "PARTIAL",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
            Self::TimedOut => "TIMED_OUT",
        }
    }
}

impl WaveOutcome {
    /// The word that configuration and history use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "COMPLETED",
            Self::Partial => "PARTIAL",
            Self::Failed => "FAILED",
            Self::TimedOut => "TIMED_OUT",
            Self::NotLaunched => "NOT_LAUNCHED",
            Self::Skipped => "SKIPPED",
        }
    }
}

// Serde hands over a reference.
#[expect(clippy::trivially_copy_pass_by_ref)]
fn is_false(flag: &bool) -> bool {
    !flag
}
