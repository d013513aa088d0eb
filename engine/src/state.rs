//! What an execution is: the fold of its events.
//!
//! [`State::apply`] is total. It either takes an event or refuses it with an [`IllegalEvent`], and it never panics: a
//! history that was written by something else must be readable enough to say what is wrong with it. The same function
//! runs live and on replay.
//!
//! It does not choose anything; that is [`crate::decide`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::event::{
    ActionId, Author, Event, FrozenWave, LaunchId, Mode, Outcome, Recorded, Started, WaveOutcome,
    When,
};
use crate::frozen::Frozen;
use crate::ids::{ExecutionId, InstanceId, JobId, OwnerId, ServerId, Target};
use crate::plan::Check;
use crate::point::LaunchedFrom;
use crate::time::Now;

mod actions;
mod apply;
mod check;
mod checks;
mod left;
mod notices;
mod pause;
mod policy;
mod queries;

pub use actions::{Action, ActionPhase, Actions};
pub use checks::{Health, Verdict};
pub use notices::{Notice, NoticePhase, Notices};
pub use pause::{Hold, Pause, Standing};
pub use policy::Failure;

/// An execution as its history tells it.
#[derive(Clone, Debug)]
pub struct State {
    /// The first fact, and when it was recorded.
    pub started: Started,
    /// When the execution started.
    pub started_at: Now,
    /// Who started it.
    pub started_by: Author,
    /// Position of the last event.
    pub seq: u64,
    /// Where it stands.
    pub status: Status,
    /// The process that may drive it.
    pub owner: Option<Owner>,
    /// How often it changed hands.
    pub takeovers: u32,
    /// The waves in the plan's order.
    pub waves: Vec<Wave>,
    /// Every launch that was ever intended.
    pub launches: BTreeMap<LaunchId, Launch>,
    /// Launches without an end: an intent without outcome, or a job that runs.
    pub open: BTreeSet<LaunchId>,
    /// Launches that ended with launched servers, and what those were launched from is not known.
    pub points_open: BTreeSet<LaunchId>,
    /// Every server that takes part.
    pub servers: BTreeMap<ServerId, Server>,
    /// Hooks, and checks that run something.
    pub actions: Actions,
    /// Launched servers that have a check to pass.
    checking: BTreeSet<ServerId>,
    /// Launched servers whose recovery instance is not known.
    nameless: BTreeSet<ServerId>,
    /// Why nothing more is launched, where that is so.
    pub stop: Option<Stop>,
    /// The recovery that took its servers, where one did.
    pub preempted_by: Option<ExecutionId>,
    /// The pause of the whole, while there is one.
    pub pause: Option<Pause>,
    /// Paused time, which the limit of the whole does not count.
    pub clock: Standing,
    /// Whether DRS or IAM refused tags on a launch.
    pub tags_refused: bool,
    /// When the execution ended, and one sentence about it.
    pub finished: Option<(Now, String)>,
    /// Whether whoever started it has its result.
    pub delivered: bool,
    /// What is told to whom.
    pub notices: Notices,
    /// The termination of what it launched.
    pub termination: Option<Termination>,
    frozen: Arc<Frozen>,
}

/// Where an execution stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It launches servers, or follows its jobs.
    Running,
    /// It, or a wave of it, is held until somebody resumes; what is not held goes on.
    Paused,
    /// It launches no more on somebody's request, and follows its jobs to their end.
    Cancelling,
    /// It has ended.
    Ended(Outcome),
    /// A rule of the engine was broken; a person must look.
    Halted,
}

/// The process that may drive an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The process.
    pub id: OwnerId,
    /// Where it runs, for people.
    pub host: String,
    /// Since when.
    pub since: Now,
}

/// A wave.
#[derive(Clone, Debug)]
pub struct Wave {
    /// What was frozen.
    pub frozen: FrozenWave,
    /// When its dependencies were finished.
    pub ready_at: Option<Timestamp>,
    /// When its wait had passed.
    pub started_at: Option<Timestamp>,
    /// Whether it ran out of time, and when.
    pub timed_out_at: Option<Timestamp>,
    /// When and how it ended.
    pub finished: Option<(Timestamp, WaveOutcome)>,
    /// What holds it, or will hold it when it is due.
    pub hold: Option<Hold>,
    /// Whether somebody has seen its failures and said that it goes on.
    pub is_accepted: bool,
    /// Why it is left out, where somebody asked for that.
    pub skipped: Option<String>,
    /// Paused time, which its limit does not count.
    pub clock: Standing,
    /// Positions of its servers that wait for a launch.
    pub waiting: BTreeSet<usize>,
    /// Servers whose launch has no end yet.
    pub launching: usize,
    /// Servers that were launched.
    pub launched: usize,
    /// Servers that failed.
    pub failed: usize,
    /// Launched servers that have a check to pass.
    pub checking: usize,
    /// Launched servers that did not pass one.
    pub degraded: usize,
    /// Its hooks that were begun.
    pub hooks: BTreeMap<(When, usize), ActionId>,
}

/// A launch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// Its wave.
    pub wave: usize,
    /// How often its servers were tried, this time included.
    pub attempt: u32,
    /// Where.
    pub target: Target,
    /// Its servers.
    pub servers: Vec<ServerId>,
    /// The process that intended it.
    pub owner: Option<OwnerId>,
    /// The wall time its request is signed with.
    pub signed_at: Timestamp,
    /// When it was intended, on both clocks.
    pub intended_at: Now,
    /// Whether its request carries tags.
    pub tagged: bool,
    /// How far it is.
    pub phase: Phase,
    /// Its servers without an end.
    pub unjudged: usize,
}

/// How far a launch is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Nobody knows whether the call was made.
    Intended,
    /// The call was made and got no usable answer.
    Unknown,
    /// DRS has the job.
    Accepted {
        /// The job.
        job: JobId,
        /// Since when.
        at: Now,
        /// Whether the job was found instead of answered.
        adopted: bool,
    },
    /// The job completed.
    Ended {
        /// The job.
        job: JobId,
        /// When that was recorded.
        at: Now,
    },
    /// DRS refused.
    Refused {
        /// When that was recorded.
        at: Now,
        /// Whether the next try must wait.
        must_wait: bool,
        /// How long AWS asked to wait.
        retry_after: Option<jiff::SignedDuration>,
    },
    /// The request was never carried out.
    NotCarriedOut,
    /// It was not followed any further.
    GivenUp {
        /// The job, where there is one.
        job: Option<JobId>,
    },
}

/// A server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its wave.
    pub wave: usize,
    /// Its position in the wave.
    pub position: usize,
    /// Its host name.
    pub hostname: String,
    /// Where it lives.
    pub target: Target,
    /// How far it is.
    pub status: ServerStatus,
    /// Its last launch.
    pub launch: Option<LaunchId>,
    /// How often it was launched.
    pub attempts: u32,
    /// Most servers of its next launch, after launches with more were refused.
    pub launch_at_most: Option<usize>,
    /// Its recovery instance.
    pub instance: Option<InstanceId>,
    /// What it was launched from, once that is known.
    pub launched_from: Option<LaunchedFrom>,
    /// When its end was recorded, in world time.
    pub ended_at: Option<Timestamp>,
    /// Whether its failure fails its wave, where the policy goes by critical servers.
    pub is_critical: bool,
    /// How often it was launched again because its wave's policy says so.
    pub retries: u32,
    /// Its last failure, where it was to be launched again after it.
    pub failed_before: Option<Failure>,
    /// Whether it runs Windows.
    pub is_windows: bool,
    /// The last check that it passed.
    pub passed: Option<Check>,
    /// The action that checks it, until its result is taken.
    pub action: Option<ActionId>,
    /// What its checks came to.
    pub health: Option<Health>,
}

/// How far a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerStatus {
    /// It waits for its launch.
    Waiting,
    /// Its launch is intended or runs.
    Launching,
    /// DRS reported LAUNCHED.
    Launched,
    /// It failed.
    Failed {
        /// Why.
        reason: String,
    },
    /// It was never launched, because its wave stopped first.
    NotLaunched,
}

/// Why nothing more is launched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Somebody asked for it.
    Cancelled {
        /// When, in world time.
        at: Timestamp,
        /// Who.
        by: Author,
        /// Why, in their words.
        reason: String,
    },
    /// The execution ran out of time.
    TimedOut {
        /// When, in world time.
        at: Timestamp,
    },
    /// A recovery took its servers.
    Preempted {
        /// When, in world time.
        at: Timestamp,
        /// The recovery.
        by: ExecutionId,
    },
    /// A guard stopped it.
    Guard {
        /// When, in world time.
        at: Timestamp,
        /// Which.
        by: Stopper,
        /// What the guard found.
        reason: String,
    },
}

/// What of the guards stopped an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopper {
    /// A live recovery instance that a launch would delete.
    LiveInstances,
    /// That nobody could say whether there is one.
    Unreadable,
    /// The plan's drill guard.
    DrillGuard,
}

/// The termination of what an execution launched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Termination {
    /// When it was asked for, in world time.
    pub requested_at: Timestamp,
    /// Who asked.
    pub by: Author,
    /// When DRS last accepted to terminate an instance, in world time.
    pub accepted: BTreeMap<InstanceId, Timestamp>,
    /// Instances that are gone.
    pub gone: BTreeSet<InstanceId>,
    /// When it ended, what is left, and why.
    pub finished: Option<(Timestamp, Vec<InstanceId>, Option<String>)>,
}

/// An event that does not fit the history before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IllegalEvent {
    /// Its position.
    pub seq: u64,
    /// What does not fit.
    pub reason: String,
}

impl State {
    /// Starts the fold with the first event of a history.
    ///
    /// # Errors
    ///
    /// When the first event is not [`Event::ExecutionStarted`], or the frozen servers are not those it committed.
    pub fn new(frozen: Arc<Frozen>, first: &Recorded) -> Result<Self, IllegalEvent> {
        let illegal = |reason: &str| IllegalEvent {
            seq: first.seq,
            reason: reason.to_owned(),
        };
        let Event::ExecutionStarted(started) = &first.event else {
            return Err(illegal("a history must begin with ExecutionStarted"));
        };
        let servers = servers_of(&frozen);
        if servers.len() != frozen.servers().count() {
            return Err(illegal("a server takes part twice"));
        }
        if first.seq != 1 {
            return Err(illegal("ExecutionStarted must be the first event"));
        }
        if frozen.digest() != started.resolution_digest || frozen.waves.len() != started.waves.len()
        {
            return Err(illegal(
                "the frozen servers are not those that the first event committed",
            ));
        }
        Ok(Self {
            started: (**started).clone(),
            started_at: first.now,
            started_by: first.author.clone(),
            seq: 1,
            status: Status::Running,
            owner: None,
            takeovers: 0,
            waves: started
                .waves
                .iter()
                .zip(&frozen.waves)
                .map(|(wave, servers)| Wave::new(wave, servers.len()))
                .collect(),
            launches: BTreeMap::new(),
            open: BTreeSet::new(),
            points_open: BTreeSet::new(),
            servers,
            actions: Actions::default(),
            checking: BTreeSet::new(),
            nameless: BTreeSet::new(),
            stop: None,
            preempted_by: None,
            pause: None,
            clock: Standing::default(),
            tags_refused: false,
            finished: None,
            delivered: false,
            notices: Notices::new(started, first),
            termination: None,
            frozen,
        })
    }

    /// Folds a whole history.
    ///
    /// # Errors
    ///
    /// The first event that does not fit.
    pub fn replay(frozen: Arc<Frozen>, events: &[Recorded]) -> Result<Self, IllegalEvent> {
        let Some((first, rest)) = events.split_first() else {
            return Err(IllegalEvent {
                seq: 0,
                reason: "the history is empty".to_owned(),
            });
        };
        let mut state = Self::new(frozen, first)?;
        for recorded in rest {
            state.apply(recorded)?;
        }
        Ok(state)
    }

    /// Takes the next event.
    ///
    /// # Errors
    ///
    /// When it does not fit; the state is then as it was before.
    pub fn apply(&mut self, recorded: &Recorded) -> Result<(), IllegalEvent> {
        check::check(self, recorded).map_err(|reason| IllegalEvent {
            seq: recorded.seq,
            reason,
        })?;
        apply::take(self, recorded);
        self.seq = recorded.seq;
        debug_assert!(
            self.counts_agree(),
            "the counters of the waves must agree with the servers"
        );
        Ok(())
    }
}

impl Wave {
    fn new(frozen: &FrozenWave, servers: usize) -> Self {
        Self {
            frozen: frozen.clone(),
            ready_at: None,
            started_at: None,
            timed_out_at: None,
            finished: None,
            hold: frozen.pause_before.then(Hold::planned),
            is_accepted: false,
            skipped: None,
            clock: Standing::default(),
            waiting: (0..servers).collect(),
            launching: 0,
            launched: 0,
            failed: 0,
            checking: 0,
            degraded: 0,
            hooks: BTreeMap::new(),
        }
    }
}

impl Wave {
    /// Whether every one of its servers was launched.
    pub fn is_whole(&self) -> bool {
        self.waiting.is_empty() && self.launching == 0 && self.failed == 0
    }
}

impl Status {
    /// Every word that a status has.
    pub const WORDS: [&str; 9] = [
        "RUNNING",
        "PAUSED",
        "CANCELLING",
        "COMPLETED",
        "PARTIAL",
        "FAILED",
        "CANCELLED",
        "TIMED_OUT",
        "HALTED",
    ];
    /// The words of executions that have not ended.
    pub const LIVE: [&str; 3] = ["RUNNING", "PAUSED", "CANCELLING"];

    /// Whether the execution has ended.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Ended(_) | Self::Halted)
    }

    /// The word that the history and users see.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Paused => "PAUSED",
            Self::Cancelling => "CANCELLING",
            Self::Ended(outcome) => outcome.as_str(),
            Self::Halted => "HALTED",
        }
    }
}

impl ServerStatus {
    /// The word that the history and users see.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Waiting => "WAITING",
            Self::Launching => "LAUNCHING",
            Self::Launched => "LAUNCHED",
            Self::Failed { .. } => "FAILED",
            Self::NotLaunched => "NOT_LAUNCHED",
        }
    }
}

impl Phase {
    /// The job, where DRS has or had one.
    pub fn job(&self) -> Option<&JobId> {
        match self {
            Self::Accepted { job, .. } | Self::Ended { job, .. } => Some(job),
            Self::GivenUp { job } => job.as_ref(),
            _ => None,
        }
    }
}

impl State {
    /// Whether this is a drill.
    pub fn is_drill(&self) -> bool {
        self.started.mode == Mode::Drill
    }
}

impl fmt::Display for IllegalEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "event {} does not fit the history before it: {}",
            self.seq, self.reason
        )
    }
}

impl std::error::Error for IllegalEvent {}

fn servers_of(frozen: &Frozen) -> BTreeMap<ServerId, Server> {
    let mut servers = BTreeMap::new();
    for (wave, list) in frozen.waves.iter().enumerate() {
        for (position, server) in list.iter().enumerate() {
            let entry = Server {
                wave,
                position,
                hostname: server.hostname.clone(),
                target: server.target.clone(),
                status: ServerStatus::Waiting,
                launch: None,
                attempts: 0,
                launch_at_most: None,
                instance: None,
                launched_from: None,
                ended_at: None,
                is_critical: server.critical,
                retries: 0,
                failed_before: None,
                is_windows: server.windows,
                passed: None,
                action: None,
                health: None,
            };
            servers.insert(server.id.clone(), entry);
        }
    }
    servers
}

#[cfg(test)]
mod tests;
