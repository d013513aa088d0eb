//! What the history shows beside its events: the summary's fields, waves and servers, derived from the state.
//!
//! Projections make a history readable without folding it. They are written with the events they follow from, and
//! nothing is ever decided from them.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::event::{Event, Recorded};
use crate::ids::{ExecutionId, ServerId, Target};
use crate::state::{ServerStatus, State, Wave};

/// What changes beside the events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Projection {
    /// The execution's status.
    pub status: String,
    /// Whether it has ended.
    pub is_terminal: bool,
    /// When it ended, in wall time.
    pub ended_at: Option<Timestamp>,
    /// Whether whoever started it has its result.
    pub delivered: bool,
    /// The recovery that took its servers.
    pub preempted_by: Option<ExecutionId>,
    /// One line about the waves.
    pub wave_status: String,
    /// What went wrong.
    pub errors: Vec<String>,
    /// Waves that changed.
    pub waves: Vec<WaveProjection>,
    /// Servers that changed.
    pub servers: Vec<ServerProjection>,
    /// What becomes of the marker by which a sweep finds it.
    pub marker: MarkerChange,
    /// Accounts that it was in, once it has ended and nothing is left to terminate; empty before.
    pub cleared: BTreeSet<String>,
}

/// What becomes of the marker by which a sweep finds an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkerChange {
    /// It is as it is.
    Keep,
    /// It says this instant of world time.
    Put(Timestamp),
    /// Nothing is left for a sweep.
    Remove,
}

/// A wave as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaveProjection {
    /// Its position.
    pub index: usize,
    /// Its name.
    pub name: String,
    /// Its status.
    pub status: String,
    /// When it started, in world time.
    pub started_at: Option<Timestamp>,
    /// When it ended, in world time.
    pub ended_at: Option<Timestamp>,
    /// Servers launched.
    pub launched: usize,
    /// Servers failed.
    pub failed: usize,
    /// Servers launched that did not pass a check.
    pub degraded: usize,
    /// All its servers.
    pub servers: usize,
}

/// A server as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerProjection {
    /// Its id.
    pub id: ServerId,
    /// Its host name.
    pub hostname: String,
    /// Its wave.
    pub wave: String,
    /// Where it lives.
    pub target: Target,
    /// Its status.
    pub status: String,
    /// Why it failed.
    pub reason: Option<String>,
    /// Its job.
    pub job: Option<String>,
    /// Its recovery instance.
    pub instance: Option<String>,
    /// What its checks came to, in a word.
    pub health: Option<String>,
    /// Why it is not healthy.
    pub health_reason: Option<String>,
    /// When that was recorded, in world time.
    pub checked_at: Option<Timestamp>,
}

impl Projection {
    /// What changes with these events; the state is the one after them.
    pub fn of(state: &State, events: &[Recorded]) -> Self {
        let (waves, servers) = touched(state, events);
        let mut errors: Vec<String> = Vec::new();
        if let Some((_, summary)) = state
            .finished
            .as_ref()
            .filter(|_| state.status.as_str() != "COMPLETED")
        {
            errors.push(summary.clone());
        }
        Self {
            status: state.status.as_str().to_owned(),
            is_terminal: state.status.is_terminal(),
            ended_at: state.finished.as_ref().map(|(now, _)| now.wall),
            delivered: state.delivered,
            preempted_by: state.preempted_by.clone(),
            wave_status: wave_line(state),
            errors,
            waves: waves
                .into_iter()
                .filter_map(|index| wave_of(index, state.waves.get(index)?))
                .collect(),
            servers: servers
                .iter()
                .filter_map(|id| server_of(state, id))
                .collect(),
            marker: marker_of(state, events),
            cleared: cleared_by(state, events),
        }
    }
}

/// Only executions with a lifetime or with somebody to tell have a marker, and only some events change it.
fn marker_of(state: &State, events: &[Recorded]) -> MarkerChange {
    let started = &state.started;
    let has_one = started.max_lifetime.is_some() || started.notifications.is_some();
    let changes = |recorded: &Recorded| {
        matches!(
            recorded.event,
            Event::ExecutionFinished { .. }
                | Event::Halted { .. }
                | Event::TerminationRequested { .. }
                | Event::TerminationFinished { .. }
                | Event::NoticeSent { .. }
                | Event::NoticeFailed { given_up: true, .. }
        )
    };
    if !has_one || !events.iter().any(changes) {
        return MarkerChange::Keep;
    }
    state
        .sweep_at()
        .map_or(MarkerChange::Remove, MarkerChange::Put)
}

/// The accounts of an execution that these events end with nothing left to terminate.
fn cleared_by(state: &State, events: &[Recorded]) -> BTreeSet<String> {
    let clears = |recorded: &Recorded| {
        matches!(
            recorded.event,
            Event::ExecutionFinished { .. }
                | Event::Halted { .. }
                | Event::TerminationFinished { .. }
        )
    };
    // What a recovery launched is in production, and nobody terminates it, so it needs no target once it has ended.
    let is_over = state.is_clean() || (!state.is_drill() && state.status.is_terminal());
    if !is_over || !events.iter().any(clears) {
        return BTreeSet::new();
    }
    let targets = state.servers.values().map(|server| &server.target);
    targets.map(|target| target.account_id.clone()).collect()
}

/// One line about the waves: `database COMPLETED, web RUNNING 1/2`.
pub fn wave_line(state: &State) -> String {
    let one = |wave: &Wave| match status_of(wave).as_str() {
        "RUNNING" => format!(
            "{} RUNNING {}/{}",
            wave.frozen.name, wave.launched, wave.frozen.servers
        ),
        status => format!("{} {status}", wave.frozen.name),
    };
    state.waves.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// The status of a wave, in a word.
pub fn status_of(wave: &Wave) -> String {
    match (wave.finished, wave.started_at) {
        (Some((_, outcome)), _) => outcome.as_str().to_owned(),
        (None, _) if wave.is_held() => "PAUSED".to_owned(),
        (None, Some(_)) => "RUNNING".to_owned(),
        (None, None) => "WAITING".to_owned(),
    }
}

/// Waves and servers whose items change. An intent names up to a hundred servers and changes only its wave's item: the
/// servers' own are written when they have something to say, and so every set of events fits one transaction.
fn touched<'a>(state: &State, events: &'a [Recorded]) -> (BTreeSet<usize>, BTreeSet<&'a ServerId>) {
    let mut waves = BTreeSet::new();
    let mut servers = BTreeSet::new();
    for recorded in events {
        match &recorded.event {
            Event::WaveReady { wave }
            | Event::WaveStarted { wave }
            | Event::WaveTimedOut { wave }
            | Event::WavePaused { wave, .. }
            | Event::SkipRequested { wave, .. }
            // Until a server's next launch has an end, its own item tells of the last one.
            | Event::ServersRetried { wave, .. }
            | Event::WaveFinished { wave, .. } => {
                waves.insert(*wave);
            }
            Event::RetryRequested {
                wave,
                servers: named,
                ..
            } => {
                waves.insert(*wave);
                servers.extend(named);
            }
            Event::ResumeRequested { .. } => waves.extend(0..state.waves.len()),
            Event::LaunchIntended(intent) => {
                waves.insert(intent.wave);
            }
            Event::ServersJudged { launch, results } => {
                waves.extend(state.launches.get(launch).map(|launch| launch.wave));
                servers.extend(results.iter().map(|result| &result.server));
            }
            Event::ServersChecked { wave, results, .. } => {
                waves.insert(*wave);
                servers.extend(results.iter().map(|result| &result.server));
            }
            Event::InstancesFound { instances, .. } => servers.extend(instances.keys()),
            _ => {}
        }
    }
    (waves, servers)
}

fn wave_of(index: usize, wave: &Wave) -> Option<WaveProjection> {
    Some(WaveProjection {
        index,
        name: wave.frozen.name.clone(),
        status: status_of(wave),
        started_at: wave.started_at,
        ended_at: wave.finished.map(|(at, _)| at),
        launched: wave.launched,
        failed: wave.failed,
        degraded: wave.degraded,
        servers: wave.frozen.servers,
    })
}

fn server_of(state: &State, id: &ServerId) -> Option<ServerProjection> {
    let server = state.servers.get(id)?;
    let launch = server.launch.and_then(|launch| state.launches.get(&launch));
    let health = server.health.as_ref();
    Some(ServerProjection {
        id: id.clone(),
        hostname: server.hostname.clone(),
        wave: state.waves.get(server.wave)?.frozen.name.clone(),
        target: server.target.clone(),
        status: server.status.as_str().to_owned(),
        reason: match &server.status {
            ServerStatus::Failed { reason } => Some(reason.clone()),
            _ => None,
        },
        job: launch
            .and_then(|launch| launch.phase.job())
            .map(ToString::to_string),
        instance: server.instance.as_ref().map(ToString::to_string),
        health: health.map(|health| health.verdict.as_str().to_owned()),
        health_reason: health
            .and_then(|health| health.verdict.reason())
            .map(ToOwned::to_owned),
        checked_at: health.map(|health| health.at),
    })
}
