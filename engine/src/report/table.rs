//! The table: every wave, and every server below it.

use std::fmt::Write as _;

use jiff::Timestamp;

use crate::state::{State, Wave};

use super::{clock, duration, headline, standing};

/// Where an execution stands at an instant of world time, as text of aligned columns.
pub fn table(state: &State, now: Timestamp) -> String {
    let mut text = format!("{}\n", headline(state));
    let rows = rows(state);
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths = [width(0), width(1), width(2)];
    let mut rows = rows.into_iter();
    for (index, wave) in state.waves.iter().enumerate() {
        let _ = writeln!(text, "\n{}", wave_line(state, wave, now));
        let servers = state.frozen_waves().get(index).map_or(0, Vec::len);
        for row in rows.by_ref().take(servers) {
            let line = format!(
                "  {:<name$}  {:<id$}  {:<status$}  {}",
                row[0],
                row[1],
                row[2],
                row[3],
                name = widths[0],
                id = widths[1],
                status = widths[2]
            );
            let _ = writeln!(text, "{}", line.trim_end());
        }
    }
    text
}

fn rows(state: &State) -> Vec<[String; 4]> {
    let servers = state.frozen_waves().iter().flatten();
    servers
        .map(|frozen| {
            let (status, detail) = standing(state, &frozen.id);
            [
                frozen.hostname.clone(),
                frozen.id.to_string(),
                status,
                detail,
            ]
        })
        .collect()
}

fn wave_line(state: &State, wave: &Wave, now: Timestamp) -> String {
    let standing = match (wave.started_at, wave.finished) {
        (Some(started), Some((ended, outcome))) => {
            format!(
                "{} in {}, from {}",
                outcome.as_str(),
                duration(ended.duration_since(started)),
                clock(started)
            )
        }
        (None, Some((_, outcome))) => outcome.as_str().to_owned(),
        (Some(started), None) => format!("RUNNING for {}", duration(now.duration_since(started))),
        (None, None) if wave.ready_at.is_some() => "WAITING for its wait time".to_owned(),
        (None, None) => {
            let before: Vec<&str> = wave
                .frozen
                .depends_on
                .iter()
                .filter_map(|index| state.waves.get(*index))
                .filter(|wave| wave.finished.is_none())
                .map(|wave| wave.frozen.name.as_str())
                .collect();
            format!("WAITING for {}", before.join(", "))
        }
    };
    format!("wave {:?}: {standing}", wave.frozen.name)
}
