//! What people read about recovery points: what was asked for, and what servers were launched from.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::ids::ServerId;
use crate::point::{LaunchedFrom, RecoveryPoint, Source};
use crate::state::{Server, State};

use super::{date_and_clock, name, several};

/// Servers of one launch that are told one by one; the rest is counted.
const SHOWN: usize = 20;

/// What an execution launches its servers from, where that is not their newest state.
pub fn asked(points: &RecoveryPoint) -> Option<String> {
    match points {
        points if points.is_latest() => None,
        RecoveryPoint::Before(at) => Some(format!(
            "the newest recovery points of {} or before",
            date_and_clock(*at)
        )),
        RecoveryPoint::Latest => None,
        RecoveryPoint::Named(points) => Some(format!(
            "recovery points that were named for {}, the newest state of the others",
            several(points.len(), "server")
        )),
    }
}

/// What a server was launched from, in words.
pub fn launched_from(from: &LaunchedFrom) -> String {
    let what = match (from.source, &from.snapshot) {
        (Some(Source::Latest), _) => "its newest state".to_owned(),
        (Some(Source::Previous), _) => {
            "an earlier point, because DRS could take no snapshot".to_owned()
        }
        (Some(Source::Named), Some(snapshot)) => snapshot.to_string(),
        (Some(Source::Named) | None, _) => "a state".to_owned(),
    };
    match from.at {
        Some(at) => format!("{what}, of {}", date_and_clock(at)),
        None => what,
    }
}

/// The lines about what the servers of a launch were launched from: one for all that were launched from their newest
/// state, one for each other.
pub(super) fn found(state: &State, points: &BTreeMap<ServerId, LaunchedFrom>) -> Vec<String> {
    let is_latest = |from: &LaunchedFrom| from.source == Some(Source::Latest);
    let latest: Vec<Option<Timestamp>> = points
        .values()
        .filter(|from| is_latest(from))
        .map(|from| from.at)
        .collect();
    let mut lines = Vec::new();
    if !latest.is_empty() {
        let of = match (latest.iter().flatten().min(), latest.iter().flatten().max()) {
            (Some(oldest), Some(newest)) if oldest.as_second() == newest.as_second() => {
                format!(", of {}", date_and_clock(*oldest))
            }
            (Some(oldest), Some(newest)) => format!(
                ", of {} to {}",
                date_and_clock(*oldest),
                date_and_clock(*newest)
            ),
            _ => String::new(),
        };
        let servers = several(latest.len(), "server");
        lines.push(format!("  {servers} launched from the newest state{of}"));
    }
    let others: Vec<(&ServerId, &LaunchedFrom)> =
        points.iter().filter(|(_, from)| !is_latest(from)).collect();
    lines.extend(others.iter().take(SHOWN).map(|(id, from)| {
        format!(
            "  {} launched from {}",
            name(state, id),
            launched_from(from)
        )
    }));
    if others.len() > SHOWN {
        lines.push(format!("  and {} more", others.len() - SHOWN));
    }
    lines
}

/// What a server was launched from, where that was not its newest state; for its row.
pub(super) fn of_server(server: &Server) -> Option<String> {
    let from = server.launched_from.as_ref()?;
    let is_other = from.source.is_some_and(|source| source != Source::Latest);
    is_other.then(|| format!("from {}", launched_from(from)))
}
