//! What follows when servers of a wave fail: another try, the end of its order, and the words for it.
//!
//! When a wave has failed, and whether others go on after it, is a question to the state
//! ([`State::is_lost`], [`Wave::lets_go_on`]).

use crate::event::{Event, Outcome, WaveOutcome};
use crate::limits;
use crate::plan::{AfterFailure, LaunchOrder, Success, after_failed_wave};
use crate::state::{Server, ServerStatus, State, Wave};

/// Puts failed servers back to where they wait, once DRS has completed the job that failed: it refuses a server that is
/// in a job.
pub(super) fn retry(state: &State, index: usize, wave: &Wave) -> Option<Event> {
    let servers: Vec<_> = retriable(state, index, wave)
        .filter(|(_, server)| state.has_ended_job(server))
        .map(|(id, _)| id.clone())
        .take(limits::SERVERS_PER_EVENT)
        .collect();
    (!servers.is_empty()).then_some(Event::ServersRetried {
        wave: index,
        servers,
    })
}

/// Whether a failed server of a wave is going to be launched again, so that the wave has not come to its end.
pub(super) fn is_retrying(state: &State, index: usize, wave: &Wave) -> bool {
    retriable(state, index, wave).next().is_some()
}

/// Whether a wave that came to its end is held until somebody has decided.
pub(super) fn pauses(state: &State, wave: &Wave, outcome: WaveOutcome) -> bool {
    matches!(outcome, WaveOutcome::Failed | WaveOutcome::TimedOut)
        && after_failed_wave(wave.frozen.policy) == AfterFailure::Pause
        && state.stop.is_none()
        && !wave.is_accepted
}

/// Why it is held, and what can be decided.
pub(super) fn why_held(state: &State, wave: &Wave, outcome: WaveOutcome) -> String {
    if let Some(failed) = failed_hook(state, wave) {
        return format!("{failed}; resume to go on without the rest of it, or cancel");
    }
    match outcome {
        WaveOutcome::TimedOut => {
            "it ran out of time; resume to go on without the rest of it, or cancel".to_owned()
        }
        _ if wave.failed == 0 => format!(
            "{} of its {} servers are degraded; resume to go on with them as they are, or cancel",
            wave.degraded, wave.frozen.servers
        ),
        _ => format!(
            "{} of its {} servers failed; retry them, resume to go on without them, or cancel",
            wave.failed, wave.frozen.servers
        ),
    }
}

/// Whether a sequential wave launches no more for now: a failed server is tried again before the next one's turn, and
/// after a failure that its policy does not let pass there is no next one.
pub(super) fn breaks_the_order(state: &State, index: usize, wave: &Wave) -> bool {
    wave.frozen.order == LaunchOrder::Sequential
        && wave.failed > 0
        && (state.is_lost(index) || is_retrying(state, index, wave))
}

/// Failed servers of a wave that its policy launches again. What was refused outright has been tried as often as that
/// makes sense, and what was given up may still run: only a job that failed counts.
fn retriable<'a>(
    state: &'a State,
    index: usize,
    wave: &Wave,
) -> impl Iterator<Item = (&'a crate::ids::ServerId, &'a Server)> {
    let most = wave.frozen.policy.retries;
    let none = wave.failed == 0
        || most == 0
        || state.stop.is_some()
        || wave.timed_out_at.is_some()
        || wave.finished.is_some();
    let servers = (!none).then(|| state.servers_of(index));
    servers.into_iter().flatten().filter(move |(_, server)| {
        let failed = matches!(server.status, ServerStatus::Failed { .. });
        failed && server.retries < most && (state.has_ended_job(server) || state.is_in_job(server))
    })
}

/// What a hook that failed a wave came to.
fn failed_hook(state: &State, wave: &Wave) -> Option<String> {
    let (hook, reason) = state.failed_hook(wave)?;
    Some(format!("its hook {:?} failed: {reason}", hook.name))
}

/// The failure that tells most about how an execution ended: of a wave that stopped the others before one that failed, of
/// that before one that did not, of a critical server before another.
pub(super) fn first_failure(state: &State, outcome: Outcome) -> Option<String> {
    let (index, wave) = state
        .waves
        .iter()
        .enumerate()
        .filter(|(_, wave)| {
            wave.failed > 0 || wave.counts_degraded() || state.failed_hook(wave).is_some()
        })
        .min_by_key(|(_, wave)| {
            let passes = matches!(wave.finished, Some((_, WaveOutcome::Partial)));
            (wave.lets_go_on(), passes)
        })?;
    if let Some(failed) = failed_hook(state, wave) {
        return Some(format!("wave {:?}: {failed}", wave.frozen.name));
    }
    let failures = state.servers_of(index).filter_map(|(_, server)| {
        match (&server.status, server.health.as_ref()) {
            (ServerStatus::Failed { reason }, _) => Some((server, "failed", reason.as_str())),
            (_, Some(health)) if server.is_degraded() && wave.counts_degraded() => {
                Some((server, "is degraded", health.verdict.reason()?))
            }
            _ => None,
        }
    });
    let (server, how, reason) =
        failures.min_by_key(|(server, how, _)| (!server.is_critical, *how != "failed"))?;
    let critical = if server.is_critical { "critical " } else { "" };
    let failure = format!(
        "{critical}{} of wave {:?} {how}: {reason}",
        server.hostname, wave.frozen.name
    );
    let share = match wave.frozen.policy.success {
        Success::Percent(percent) if !wave.lets_go_on() => {
            format!("the wave needs {percent} percent of its servers; ")
        }
        _ => String::new(),
    };
    Some(match outcome {
        Outcome::Partial => format!("the plan lets this pass: {failure}"),
        _ => share + &failure,
    })
}
