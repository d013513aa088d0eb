//! The table: every wave, and every server below it.

use jiff::Timestamp;

use crate::event::When;
use crate::state::{ServerStatus, State, Wave};

use super::{checks, clock, duration, headline, standing};

/// Where an execution stands at an instant of world time, as text of aligned columns.
pub fn table(state: &State, now: Timestamp) -> String {
    text(&lines_of(state, now, Detail::Every))
}

/// The same in at most `rows` lines: servers that are the least interesting go first, then waves.
pub fn board(state: &State, now: Timestamp, rows: usize) -> String {
    let details = [
        Detail::Every,
        Detail::Active,
        Detail::Open,
        Detail::Failed,
        Detail::Waves,
    ];
    let mut lines = Vec::new();
    for detail in details {
        lines = lines_of(state, now, detail);
        if lines.len() <= rows {
            return text(&lines);
        }
    }
    let hidden = lines.len() - rows.saturating_sub(1);
    lines.truncate(rows.saturating_sub(1));
    if rows > 0 {
        lines.push(format!("and {hidden} more lines"));
    }
    text(&lines)
}

/// Which servers get a line of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Detail {
    /// All.
    Every,
    /// Those of waves that run, and those that failed or are degraded.
    Active,
    /// Those that are launching and those that failed or are degraded.
    Open,
    /// Those that failed or are degraded.
    Failed,
    /// None; waves stand without blank lines between them.
    Waves,
}

impl Detail {
    fn shows(self, wave: &Wave, status: &ServerStatus, is_degraded: bool) -> bool {
        let failed = matches!(status, ServerStatus::Failed { .. }) || is_degraded;
        match self {
            Self::Every => true,
            Self::Active => failed || (wave.started_at.is_some() && wave.finished.is_none()),
            Self::Open => failed || *status == ServerStatus::Launching,
            Self::Failed => failed,
            Self::Waves => false,
        }
    }
}

fn lines_of(state: &State, now: Timestamp, detail: Detail) -> Vec<String> {
    let mut lines = vec![headline(state)];
    if detail == Detail::Waves {
        lines.push(String::new());
    }
    let shown = rows(state, detail);
    let width = |column: usize| {
        let rows = shown.iter().flat_map(|(rows, _)| rows);
        let chars = rows.map(|row| row[column].chars().count());
        chars.max().unwrap_or(0)
    };
    let widths = [width(0), width(1), width(2)];
    for (wave, (rows, hidden)) in state.waves.iter().zip(&shown) {
        if detail != Detail::Waves {
            lines.push(String::new());
        }
        lines.push(wave_line(state, wave, now));
        let hooks = |when| {
            let shown = detail != Detail::Waves;
            let hooks = shown.then(|| checks::hooks(state, wave, when));
            hooks.unwrap_or_default()
        };
        lines.extend(hooks(When::Before));
        lines.extend(rows.iter().map(|row| aligned(row, widths)));
        if *hidden > 0 && detail != Detail::Waves {
            lines.push(format!("  {hidden} more"));
        }
        lines.extend(hooks(When::After));
    }
    if let Some(line) = termination_line(state) {
        lines.push(String::new());
        lines.push(line);
    }
    lines
}

type Row = [String; 4];

/// The rows of each wave that are shown, and how many are not.
fn rows(state: &State, detail: Detail) -> Vec<(Vec<Row>, usize)> {
    let of_wave = |(wave, frozen): (&Wave, &Vec<crate::frozen::FrozenServer>)| {
        let shown: Vec<Row> = frozen
            .iter()
            .filter(|server| {
                let server = state.servers.get(&server.id);
                server
                    .is_some_and(|server| detail.shows(wave, &server.status, server.is_degraded()))
            })
            .map(|server| {
                let (status, note) = standing(state, &server.id);
                [server.hostname.clone(), server.id.to_string(), status, note]
            })
            .collect();
        let hidden = frozen.len() - shown.len();
        (shown, hidden)
    };
    state
        .waves
        .iter()
        .zip(state.frozen_waves())
        .map(of_wave)
        .collect()
}

fn aligned(row: &Row, widths: [usize; 3]) -> String {
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
    line.trim_end().to_owned()
}

fn wave_line(state: &State, wave: &Wave, now: Timestamp) -> String {
    let standing = match (wave.started_at, wave.finished) {
        (Some(started), Some((ended, outcome))) => {
            format!(
                "{} in {}, from {}{}",
                outcome.as_str(),
                duration(ended.duration_since(started)),
                clock(started),
                counts(wave)
            )
        }
        (None, Some((_, outcome))) => outcome.as_str().to_owned(),
        (Some(started), None) => format!(
            "RUNNING for {}{}",
            duration(now.duration_since(started)),
            counts(wave)
        ),
        (None, None) if wave.ready_at.is_some() => {
            format!("WAITING {} before it starts", duration(wave.frozen.wait))
        }
        (None, None) => {
            let before: Vec<&str> = wave
                .frozen
                .depends_on
                .iter()
                .filter_map(|index| state.waves.get(*index))
                .filter(|wave| wave.finished.is_none())
                .map(|wave| wave.frozen.name.as_str())
                .collect();
            if before.is_empty() {
                "WAITING".to_owned()
            } else {
                format!("WAITING for {}", before.join(", "))
            }
        }
    };
    format!("wave {:?}: {standing}", wave.frozen.name)
}

/// How many servers are launched, and what went wrong.
fn counts(wave: &Wave) -> String {
    let launched = format!(", {} of {} launched", wave.launched, wave.frozen.servers);
    let others = [
        (wave.failed, "failed"),
        (wave.degraded, "degraded"),
        (wave.checking, "to be checked"),
    ];
    let some = others.iter().filter(|(count, _)| *count > 0);
    some.fold(launched, |text, (count, word)| {
        format!("{text}, {count} {word}")
    })
}

fn termination_line(state: &State) -> Option<String> {
    let termination = state.termination.as_ref()?;
    let gone = termination.gone.len();
    Some(match &termination.finished {
        None => format!(
            "terminating: {} of {} instances gone",
            gone,
            gone.max(instances(state))
        ),
        Some(_) if termination.is_clean() => {
            format!("terminated: {gone} instances gone, nothing is left")
        }
        Some((_, left, reason)) => format!(
            "termination ended: {gone} instances gone, {} known to be left: {}",
            left.len(),
            reason.as_deref().unwrap_or("unknown reason")
        ),
    })
}

fn instances(state: &State) -> usize {
    let known = |server: &&crate::state::Server| server.instance.is_some();
    state.servers.values().filter(known).count()
}

fn text(lines: &[String]) -> String {
    let mut text = lines.join("\n");
    text.push('\n');
    text
}
