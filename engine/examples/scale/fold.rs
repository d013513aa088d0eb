//! What folding and deciding cost: the recorded history is applied again, event by event, and decided on after each.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use drs_engine::decide::view::Survey;
use drs_engine::decide::{Settings, View, decide};
use drs_engine::event::Recorded;
use drs_engine::limits::Quotas;
use drs_engine::state::State;

use crate::trial::Outcome;

/// Copies that memory is measured with.
const COPIES: usize = 64;

/// The cells of a row.
pub(crate) fn measure(outcome: &Outcome) -> String {
    let frozen = Arc::new(outcome.frozen.clone());
    let began = Instant::now();
    black_box(State::replay(frozen, &outcome.events).is_ok());
    let events = u32::try_from(outcome.events.len()).unwrap_or(u32::MAX);
    let apply = began.elapsed() / events.max(1);
    let decisions = decisions(outcome);
    let of_hundred = |part: usize| decisions[(decisions.len() - 1) * part / 100];
    format!(
        "{:.1} µs | {:.0} µs | {:.0} µs | {:.1} MB",
        micros(apply),
        micros(of_hundred(50)),
        micros(of_hundred(99)),
        memory(outcome)
    )
}

/// How long each decision took, the shortest first.
fn decisions(outcome: &Outcome) -> Vec<Duration> {
    let (first, rest) = outcome.events.split_first().expect("it has begun");
    let frozen = Arc::new(outcome.frozen.clone());
    let mut state = State::new(frozen, first).expect("the history makes sense");
    let settings = Settings::default();
    let mut took = Vec::new();
    for recorded in rest {
        state.apply(recorded).expect("the history makes sense");
        let view = seen(&state, recorded);
        let began = Instant::now();
        black_box(decide(&state, &view, recorded.now, &settings));
        took.push(began.elapsed());
    }
    took.sort_unstable();
    took
}

/// A process that has just looked everywhere, so that a decision has to go all the way.
fn seen(state: &State, recorded: &Recorded) -> View {
    let mut view = View::default();
    for target in state.targets() {
        let survey = Survey {
            at: recorded.now.world,
            quotas: Quotas::default(),
            foreign_jobs: 0,
            foreign_servers: 0,
            busy: std::collections::BTreeSet::new(),
        };
        view.observed.insert(target.clone(), recorded.now.world);
        view.instances_looked
            .insert(target.clone(), recorded.now.world);
        view.health_looked
            .insert(target.clone(), recorded.now.world);
        view.surveys.insert(target, survey);
    }
    view
}

fn micros(span: Duration) -> f64 {
    span.as_secs_f64() * 1e6
}

/// The memory of one fold with its events, in MB: that of many copies, because one hides in what was freed before.
fn memory(outcome: &Outcome) -> f64 {
    let frozen = Arc::new(outcome.frozen.clone());
    let state = State::replay(frozen, &outcome.events).expect("the history makes sense");
    let before = resident();
    let copies: Vec<_> = (0..COPIES)
        .map(|_| (state.clone(), outcome.events.clone()))
        .collect();
    black_box(&copies);
    (resident() - before).max(0.0) / COPIES as f64
}

/// Resident memory in MB, as Linux tells it; zero elsewhere.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1_024.0
}
