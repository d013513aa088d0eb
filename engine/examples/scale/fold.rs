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

/// The cells of a row.
pub(crate) fn measure(outcome: &Outcome) -> String {
    let before = resident();
    let frozen = Arc::new(outcome.frozen.clone());
    let events = outcome.events.clone();
    let state = State::replay(Arc::clone(&frozen), &events).expect("the history makes sense");
    let memory = (resident() - before).max(0.0);
    black_box(&state);
    let began = Instant::now();
    black_box(State::replay(frozen, &events).is_ok());
    let apply = began.elapsed() / count(&events);
    let (decided, slowest) = decisions(outcome);
    format!(
        "{:.1} | {:.1} | {:.1} | {memory:.1} MB",
        micros(apply),
        micros(decided / count(&events)),
        micros(slowest)
    )
}

/// The time that all decisions took, and the slowest.
fn decisions(outcome: &Outcome) -> (Duration, Duration) {
    let (first, rest) = outcome.events.split_first().expect("it has begun");
    let frozen = Arc::new(outcome.frozen.clone());
    let mut state = State::new(frozen, first).expect("the history makes sense");
    let settings = Settings::default();
    let (mut sum, mut slowest) = (Duration::ZERO, Duration::ZERO);
    for recorded in rest {
        state.apply(recorded).expect("the history makes sense");
        let view = seen(&state, recorded);
        let began = Instant::now();
        black_box(decide(&state, &view, recorded.now, &settings));
        let took = began.elapsed();
        sum += took;
        slowest = slowest.max(took);
    }
    (sum, slowest)
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
        view.surveys.insert(target, survey);
    }
    view
}

fn count(events: &[Recorded]) -> u32 {
    u32::try_from(events.len()).unwrap_or(u32::MAX).max(1)
}

fn micros(span: Duration) -> f64 {
    span.as_secs_f64() * 1e6
}

/// Resident memory in MB, as Linux tells it; zero elsewhere.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    kib.unwrap_or(0.0) / 1_024.0
}
