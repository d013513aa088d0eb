//! How failures that a policy lets pass, and further tries, are told.

use crate::event::WaveOutcome;
use crate::ids::ServerId;
use crate::state::{Server, State, Wave};

use super::{names, several};

/// What the end of a wave means for the others, where that is not plain.
pub(super) fn after_wave(wave: &Wave) -> String {
    let failed = several(wave.failed, "server");
    match wave.finished {
        Some((_, WaveOutcome::Partial)) => {
            format!("; the plan lets the failure of {failed} pass")
        }
        Some((_, WaveOutcome::Failed | WaveOutcome::TimedOut)) if wave.lets_go_on() => {
            "; the others go on, as the plan says".to_owned()
        }
        _ => String::new(),
    }
}

/// Servers that are launched again.
pub(super) fn retried(state: &State, wave: usize, servers: &[ServerId]) -> Vec<String> {
    let most = state
        .waves
        .get(wave)
        .map_or(0, |wave| wave.frozen.policy.retries);
    vec![format!(
        "  {} to be launched again, as the plan says (at most {})",
        names(state, servers),
        several(most as usize, "time")
    )]
}

/// Why a server failed, and after how many tries.
pub(super) fn failed(server: &Server, reason: &str) -> String {
    match server.retries {
        0 => reason.to_owned(),
        retries => format!("{reason} (launched {} times)", retries + 1),
    }
}

/// What a server has behind it that waits for a launch.
pub(super) fn waits(server: &Server) -> String {
    let failure = server.failed_before.as_ref();
    failure.map_or_else(String::new, |failure| {
        format!("to be launched again; failed: {}", failure.reason)
    })
}
