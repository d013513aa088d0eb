//! What people read about an execution: one line per event, a table of where it stands, a timeline of what happened.
//!
//! Pure text from the history. Colours, redrawing and JSON belong to whoever prints it. Lines begin with the world's
//! time of the event, because that is the time that a recovery objective is measured in.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};

use crate::event::{Acceptance, Author, Event, LaunchId, Outcome, Recorded, Remedy, ServerResult};
use crate::ids::ServerId;
use crate::state::{Phase, Server, ServerStatus, State, Status, Wave};

mod about;
mod checks;
mod listing;
mod next;
mod notice;
mod points;
mod policy;
mod table;
mod timeline;

pub use about::{Driven, about, date_and_clock, driver};
pub use checks::runs;
pub use listing::listing;
pub use next::next;
pub use notice::notice;
pub use points::{asked, launched_from};
pub use table::{board, table};
pub use timeline::{Timeline, timeline};

/// The lines that tell an event to a person; the state is the one after it. Events that only matter to the engine give
/// none.
pub fn lines(state: &State, recorded: &Recorded) -> Vec<String> {
    tell(state, recorded)
        .into_iter()
        .map(|text| format!("{}  {text}", clock(recorded.now.world)))
        .collect()
}

/// A duration as people say it: `9m 41s`, `1h 02m`.
pub fn duration(span: SignedDuration) -> String {
    let seconds = span.as_secs().max(0);
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m {seconds:02}s"),
        (hours, minutes, _) => format!("{hours}h {minutes:02}m"),
    }
}

/// The time of day, in UTC, of an instant.
pub fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M:%S").to_string()
}

fn tell(state: &State, recorded: &Recorded) -> Vec<String> {
    match &recorded.event {
        Event::ExecutionStarted(started) => vec![format!(
            "{} {} of plan {:?} started: {}, {}",
            started.mode.as_str().to_lowercase(),
            started.execution_id,
            started.plan_name,
            several(started.waves.len(), "wave"),
            several(state.servers.len(), "server")
        )],
        Event::OwnerTaken { previous: None, .. } | Event::ResultDelivered => Vec::new(),
        Event::OwnerTaken { host, .. } if state.status.is_terminal() => {
            vec![format!("{host} goes on with it")]
        }
        Event::OwnerTaken {
            host,
            previous: Some(_),
            ..
        } => {
            vec![format!(
                "taken over by {host}; whoever drove it before must not go on"
            )]
        }
        Event::WaveReady { wave } => ready(state, *wave),
        Event::WaveStarted { wave } => of_wave(state, *wave, |wave| {
            format!("started, {}", several(wave.frozen.servers, "server"))
        }),
        Event::WaveTimedOut { wave } => of_wave(state, *wave, |_| {
            "ran out of time; it launches no more, its jobs are followed".to_owned()
        }),
        Event::WaveFinished { wave, outcome } => of_wave(state, *wave, |wave| {
            let outcome = outcome.as_str();
            match wave.started_at {
                Some(at) => format!(
                    "{outcome} after {}{}",
                    duration(recorded.now.world.duration_since(at)),
                    policy::after_wave(wave)
                ),
                None => outcome.to_owned(),
            }
        }),
        event => tell_launch(state, event)
            .or_else(|| checks::tell(state, event))
            .or_else(|| notice::tell(state, event))
            .unwrap_or_else(|| tell_end(state, recorded)),
    }
}

fn ready(state: &State, index: usize) -> Vec<String> {
    let Some(wave) = state
        .waves
        .get(index)
        .filter(|wave| wave.frozen.wait > SignedDuration::ZERO)
    else {
        return Vec::new();
    };
    of_wave(state, index, |_| {
        format!("waits {}", duration(wave.frozen.wait))
    })
}

fn of_wave(state: &State, index: usize, say: impl FnOnce(&Wave) -> String) -> Vec<String> {
    state
        .waves
        .get(index)
        .map(|wave| format!("wave {:?} {}", wave.frozen.name, say(wave)))
        .into_iter()
        .collect()
}

fn tell_launch(state: &State, event: &Event) -> Option<Vec<String>> {
    Some(match event {
        Event::LaunchIntended(intent) => {
            vec![format!("  launching {}", names(state, &intent.servers))]
        }
        Event::LaunchAccepted {
            launch,
            job,
            how: Acceptance::Answered,
        } => {
            vec![format!("  {} launched as {job}", count(state, *launch))]
        }
        Event::LaunchAccepted { launch, job, .. } => {
            vec![format!(
                "  {job} is ours ({}); adopted, not launched again",
                count(state, *launch)
            )]
        }
        Event::LaunchRefused {
            code,
            message,
            remedy,
            ..
        } => {
            let next = what_next(remedy);
            vec![format!("  DRS refused: {code}: {message}; {next}")]
        }
        Event::LaunchUnknown { message, .. } => {
            vec![format!(
                "  no answer from DRS ({message}); looking for the job before anything is launched again"
            )]
        }
        Event::LaunchNotCarriedOut { assumed: false, .. } => {
            vec!["  DRS never started the launch; it is made again".to_owned()]
        }
        Event::GuardForced { guard, message, .. } => vec![format!(
            "  launching without a look at {guard}, as was allowed at the start: {message}"
        )],
        Event::LaunchGivenUp { reason, .. } => vec![format!("  no longer followed: {reason}")],
        Event::ServersJudged { results, .. } => results
            .iter()
            .map(|result| {
                let name = name(state, &result.server);
                match (&result.result, &result.instance) {
                    (ServerResult::Launched, Some(instance)) => {
                        format!("  {name} LAUNCHED as {instance}")
                    }
                    (ServerResult::Launched, None) => format!("  {name} LAUNCHED"),
                    (ServerResult::Failed { reason }, _) => format!("  {name} FAILED: {reason}"),
                }
            })
            .collect(),
        Event::InstancesFound { instances, .. } => instances
            .iter()
            .map(|(server, instance)| format!("  {} runs as {instance}", name(state, server)))
            .collect(),
        Event::PointsFound { points, .. } => points::found(state, points),
        Event::ServersRetried { wave, servers } => policy::retried(state, *wave, servers),
        Event::JobEnded { launch } => {
            let job = state
                .launches
                .get(launch)
                .and_then(|launch| launch.phase.job());
            job.map(|job| format!("  job {job} completed"))
                .into_iter()
                .collect()
        }
        _ => return None,
    })
}

fn what_next(remedy: &Remedy) -> &'static str {
    match remedy {
        Remedy::GiveUp => "its servers have failed",
        Remedy::RetryLater { .. } => "tried again later",
        Remedy::RetryWithoutTags => "tried again without tags",
        Remedy::RetryInHalves => "tried again in two halves",
    }
}

fn tell_end(state: &State, recorded: &Recorded) -> Vec<String> {
    match &recorded.event {
        Event::GuardTripped { instances, .. } => {
            let mut lines =
                vec!["stopped: a launch would delete live recovery instances".to_owned()];
            let named = instances
                .iter()
                .map(|live| format!("  {} of {}", live.instance, name(state, &live.server)));
            lines.extend(named);
            lines
        }
        Event::GuardUnreadable { message, .. } => {
            vec![format!(
                "stopped: it cannot be seen whether live recovery instances exist: {message}"
            )]
        }
        Event::DrillGuardTripped { message, .. } => {
            vec![format!("stopped: the drill guard: {message}")]
        }
        Event::LaunchNotCarriedOut { reason, .. } => assumed(&recorded.author, reason.as_deref()),
        Event::ExecutionTimedOut => {
            vec!["the time limit passed; nothing more is launched, jobs are followed".to_owned()]
        }
        Event::PauseRequested { .. }
        | Event::WavePaused { .. }
        | Event::ResumeRequested { .. }
        | Event::RetryRequested { .. }
        | Event::SkipRequested { .. } => tell_control(state, recorded),
        Event::CancelRequested { reason } => vec![format!(
            "cancel asked for by {}: {reason}; nothing more is launched{}",
            author(&recorded.author),
            running_jobs(state)
        )],
        Event::PreemptedBy { execution } => vec![format!(
            "recovery {execution} takes its servers; nothing more is launched{}",
            running_jobs(state)
        )],
        Event::ExecutionFinished { outcome, summary } => {
            let took = duration(recorded.now.world.duration_since(state.started_at.world));
            vec![format!("{} after {took}: {summary}", outcome.as_str())]
        }
        Event::Halted { reason } => vec![format!("HALTED, a person must look: {reason}")],
        _ => tell_termination(recorded),
    }
}

fn tell_termination(recorded: &Recorded) -> Vec<String> {
    match &recorded.event {
        Event::TerminationRequested { reason } => {
            vec![format!(
                "termination asked for by {}: {reason}",
                author(&recorded.author)
            )]
        }
        Event::TerminationAccepted { instances, .. } => {
            vec![format!(
                "  terminating {}",
                several(instances.len(), "instance")
            )]
        }
        Event::InstancesGone { instances } => {
            let are = if instances.len() == 1 { "is" } else { "are" };
            vec![format!(
                "  {} {are} gone",
                several(instances.len(), "instance")
            )]
        }
        Event::TerminationFinished { left, reason } => vec![match reason {
            None if left.is_empty() => "terminated: nothing is left".to_owned(),
            reason => format!(
                "termination ended with {} known to be left: {}",
                several(left.len(), "instance"),
                reason.as_deref().unwrap_or("unknown reason")
            ),
        }],
        _ => Vec::new(),
    }
}

/// What operators asked for while it ran.
fn tell_control(state: &State, recorded: &Recorded) -> Vec<String> {
    let by = author(&recorded.author);
    let wave = |index: usize| {
        let found = state.waves.get(index);
        found.map_or("", |wave| wave.frozen.name.as_str())
    };
    match &recorded.event {
        Event::PauseRequested {
            before: None,
            reason,
        } => vec![format!(
            "PAUSED by {by}: {reason}; nothing more is launched{}",
            running_jobs(state)
        )],
        Event::PauseRequested {
            before: Some(index),
            reason,
        } => vec![format!(
            "a pause before wave {:?} was asked for by {by}: {reason}",
            wave(*index)
        )],
        Event::WavePaused {
            wave: index,
            reason,
        } => vec![
            format!("wave {:?} is PAUSED: {reason}", wave(*index)),
            format!(
                "  `drsctl resume {} --reason TEXT` lets it go on",
                state.started.execution_id
            ),
        ],
        Event::ResumeRequested { reason } => vec![format!("resumed by {by}: {reason}")],
        Event::RetryRequested {
            wave: index,
            servers,
            reason,
        } => vec![format!(
            "{} of wave {:?} launched again on the word of {by}: {reason}",
            names(state, servers),
            wave(*index)
        )],
        Event::SkipRequested {
            wave: index,
            reason,
        } => vec![format!(
            "wave {:?} is left as it is on the word of {by}: {reason}",
            wave(*index)
        )],
        _ => Vec::new(),
    }
}

/// The jobs that a cancel cannot stop, by name.
fn running_jobs(state: &State) -> String {
    let jobs: Vec<&str> = state
        .running()
        .filter_map(|(_, launch)| launch.phase.job())
        .map(|job| job.as_str())
        .collect();
    if jobs.is_empty() {
        String::new()
    } else {
        format!("; still running and followed: {}", jobs.join(", "))
    }
}

/// An operator's word that a launch was not sent.
fn assumed(by: &Author, reason: Option<&str>) -> Vec<String> {
    let why = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    vec![format!(
        "  {} says that the launch was not sent, so it is made again{why}",
        author(by)
    )]
}

fn author(author: &Author) -> &str {
    match author {
        Author::Owner(_) => "whoever drives it",
        Author::Operator(arn) => arn,
    }
}

fn count(state: &State, launch: LaunchId) -> String {
    let launch = state.launches.get(&launch);
    several(launch.map_or(0, |launch| launch.servers.len()), "server")
}

fn several(count: usize, thing: &str) -> String {
    if count == 1 {
        format!("1 {thing}")
    } else {
        format!("{count} {thing}s")
    }
}

/// Host names, as many as fit a line.
fn names(state: &State, servers: &[ServerId]) -> String {
    const SHOWN: usize = 8;
    let mut text: Vec<&str> = servers
        .iter()
        .take(SHOWN)
        .map(|id| name(state, id))
        .collect();
    let more = format!("and {} more", servers.len().saturating_sub(SHOWN));
    if servers.len() > SHOWN {
        text.push(&more);
    }
    text.join(", ")
}

fn name<'a>(state: &'a State, server: &'a ServerId) -> &'a str {
    state
        .servers
        .get(server)
        .map_or(server.as_str(), |found| found.hostname.as_str())
}

/// How many servers were launched, and how many of them are degraded.
pub(crate) fn counted(state: &State) -> String {
    let launched: usize = state.waves.iter().map(|wave| wave.launched).sum();
    let degraded: usize = state.waves.iter().map(|wave| wave.degraded).sum();
    let all = several(state.servers.len(), "server");
    match degraded {
        0 => format!("{launched} of {all} launched"),
        degraded => format!("{launched} of {all} launched, {degraded} degraded"),
    }
}

/// One sentence about where an execution stands and what can be done now; for the end of a message.
pub fn headline(state: &State) -> String {
    let counted = counted(state);
    let mut text = format!(
        "{} {} of plan {:?} is {}: {counted}",
        state.started.mode.as_str().to_lowercase(),
        state.started.execution_id,
        state.started.plan_name,
        state.status.as_str(),
    );
    let unknown = state.unresolved().count();
    if unknown > 0 {
        let launches = if unknown == 1 { "launch" } else { "launches" };
        let _ = write!(text, ", {unknown} {launches} without an answer");
    }
    if let Some((_, summary)) = &state.finished
        && state.status != Status::Ended(Outcome::Completed)
    {
        // The engine's own summary begins with the same count.
        let _ = match summary.strip_prefix(&counted) {
            Some(rest) => write!(text, "{rest}"),
            None => write!(text, " ({summary})"),
        };
    }
    text
}

/// How a server stands, in a word and where there is one a reason.
pub(crate) fn standing(state: &State, id: &ServerId) -> (String, String) {
    let Some(server) = state.servers.get(id) else {
        return (String::new(), String::new());
    };
    let launch = server.launch.and_then(|launch| state.launches.get(&launch));
    let detail = match &server.status {
        ServerStatus::Failed { reason } => policy::failed(server, reason),
        ServerStatus::Waiting => policy::waits(server),
        ServerStatus::Launching => match launch.map(|launch| &launch.phase) {
            Some(Phase::Intended | Phase::Unknown) => "no answer from DRS yet".to_owned(),
            Some(phase) => phase.job().map_or_else(String::new, ToString::to_string),
            None => String::new(),
        },
        _ => running(state, server),
    };
    (server.status.as_str().to_owned(), detail)
}

/// The instance of a launched server, whether it is still there, and its health.
fn running(state: &State, server: &Server) -> String {
    let instance = server.instance.as_ref().map(|instance| {
        let gone = state.termination.as_ref();
        if gone.is_some_and(|termination| termination.gone.contains(instance)) {
            format!("{instance}, gone")
        } else {
            instance.to_string()
        }
    });
    let from = points::of_server(server);
    let health = Some(checks::health(state, server)).filter(|health| !health.is_empty());
    let parts: Vec<String> = instance.into_iter().chain(from).chain(health).collect();
    parts.join(", ")
}

/// Rows as aligned columns; the last column is as wide as it is.
pub fn columns(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths);
        let line: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        text.push_str(line.join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests;
