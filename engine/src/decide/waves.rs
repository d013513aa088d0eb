//! When waves start and end, when time is up, and when the whole is over.
//!
//! Everything here follows from the history and the world's time alone, so the result is facts to record, never calls.

use jiff::Timestamp;

use crate::event::{Event, Outcome, WaveOutcome, When};
use crate::limits;
use crate::state::{State, Stop, Wave};
use crate::time::{Now, Wake, after};

use super::{Command, hooks, policy};

/// The facts that are due now.
pub(super) fn record(state: &State, now: Now, wake: &mut Wake) -> Option<Command> {
    let mut events = Vec::new();
    if let Some(event) = execution_limit(state, now, wake) {
        events.push(event);
    }
    for (index, wave) in state.waves.iter().enumerate() {
        events.extend(next_of_wave(state, index, wave, now, wake));
    }
    if events.is_empty()
        && let Some(event) = end(state, now, wake)
    {
        events.push(event);
    }
    (!events.is_empty()).then_some(Command::Record(events))
}

fn execution_limit(state: &State, now: Now, wake: &mut Wake) -> Option<Event> {
    let limit = state
        .clock
        .limit(state.started_at.world, state.started.timeout?)?;
    if state.stop.is_some() || state.waves.iter().all(|wave| wave.finished.is_some()) {
        return None;
    }
    is_due(limit, now, wake).then_some(Event::ExecutionTimedOut)
}

/// At most one step of a wave; the next turn takes the next one.
fn next_of_wave(
    state: &State,
    index: usize,
    wave: &Wave,
    now: Now,
    wake: &mut Wake,
) -> Option<Event> {
    if wave.finished.is_some() {
        return None;
    }
    let Some(started_at) = wave.started_at else {
        return before_start(state, index, wave, now, wake);
    };
    if have_ended(state, index, wave) {
        return after_servers(state, index, wave);
    }
    let limit = wave.clock.limit(started_at, wave.frozen.timeout);
    if wave.timed_out_at.is_none() && limit.is_some_and(|limit| is_due(limit, now, wake)) {
        return Some(Event::WaveTimedOut { wave: index });
    }
    policy::retry(state, index, wave)
}

/// Whether every server of a wave that started has ended, or will not be launched.
pub(super) fn have_ended(state: &State, index: usize, wave: &Wave) -> bool {
    let stops = wave.waiting.is_empty() || stops_launching(state, index, wave);
    wave.started_at.is_some()
        && wave.launching == 0
        && stops
        && !policy::is_retrying(state, index, wave)
}

/// The end of a wave whose servers have ended: once they are checked and its hooks have run. A stop ends the checks, and
/// no further hook is begun; one that runs is waited for.
fn after_servers(state: &State, index: usize, wave: &Wave) -> Option<Event> {
    let is_checking = state.stop.is_none() && wave.checking > 0;
    if is_checking || state.has_open_action(index) {
        return None;
    }
    let outcome = outcome_of(state, index, wave);
    if policy::pauses(state, wave, outcome) {
        return hold(state, index, wave, outcome);
    }
    (!hooks::run_after(state, wave)).then_some(Event::WaveFinished {
        wave: index,
        outcome,
    })
}

/// Holds a wave that has failed until somebody has decided, unless it is held already.
fn hold(state: &State, index: usize, wave: &Wave, outcome: WaveOutcome) -> Option<Event> {
    (!wave.is_held()).then(|| Event::WavePaused {
        wave: index,
        reason: policy::why_held(state, wave, outcome),
    })
}

fn before_start(
    state: &State,
    index: usize,
    wave: &Wave,
    now: Now,
    wake: &mut Wake,
) -> Option<Event> {
    let end = |outcome| {
        // A hook that runs is waited for.
        (!state.has_open_action(index)).then_some(Event::WaveFinished {
            wave: index,
            outcome,
        })
    };
    if state.stop.is_some() || state.has_failed_wave() {
        return end(WaveOutcome::NotLaunched);
    }
    if !state.dependencies_completed(wave) || state.pause.is_some() {
        return None;
    }
    if wave.skipped.is_some() {
        return end(WaveOutcome::Skipped);
    }
    if let Some(hold) = &wave.hold {
        return hold.since.is_none().then(|| Event::WavePaused {
            wave: index,
            reason: hold.reason.clone(),
        });
    }
    if wave.ready_at.is_none() {
        return Some(Event::WaveReady { wave: index });
    }
    let passed = is_ready(state, wave, now, wake) && state.hooks_ended(wave, When::Before);
    if passed && state.failed_hook(wave).is_some() {
        return if policy::pauses(state, wave, WaveOutcome::Failed) {
            hold(state, index, wave, WaveOutcome::Failed)
        } else {
            end(WaveOutcome::Failed)
        };
    }
    passed.then_some(Event::WaveStarted { wave: index })
}

/// Whether a wave that has not started is due: nothing holds it, and its wait has passed.
pub(super) fn is_ready(state: &State, wave: &Wave, now: Now, wake: &mut Wake) -> bool {
    let goes_on = state.stop.is_none() && state.pause.is_none() && !state.has_failed_wave();
    let is_wanted = wave.started_at.is_none() && wave.finished.is_none() && wave.skipped.is_none();
    goes_on
        && is_wanted
        && wave.hold.is_none()
        && wave
            .ready_at
            .is_some_and(|at| is_due(after(at, wave.frozen.wait), now, wake))
}

/// Whether a wave that started launches no more of its servers. A failure elsewhere does not stop it: its servers are
/// already partly launched, and half a wave helps nobody.
pub(super) fn stops_launching(state: &State, index: usize, wave: &Wave) -> bool {
    state.stop.is_some()
        || wave.timed_out_at.is_some()
        || policy::breaks_the_order(state, index, wave)
}

/// How a wave ends when nothing more of it is launched.
pub(super) fn outcome_of(state: &State, index: usize, wave: &Wave) -> WaveOutcome {
    let late = wave.timed_out_at.is_some() || matches!(state.stop, Some(Stop::TimedOut { .. }));
    if late && !wave.is_whole() {
        return WaveOutcome::TimedOut;
    }
    let outcome = state.outcome_without_limits(index);
    outcome.unwrap_or(WaveOutcome::NotLaunched)
}

/// The end of the execution: no wave left, no job open, no instance still looked for.
fn end(state: &State, now: Now, wake: &mut Wake) -> Option<Event> {
    let finished = state.waves.iter().all(|wave| wave.finished.is_some()) && state.open.is_empty();
    if !finished {
        return None;
    }
    let looked_for = state
        .without_instance()
        .filter_map(|(_, server)| Some(after(server.ended_at?, limits::INSTANCE_GRACE)))
        .max();
    if looked_for.is_some_and(|until| !is_due(until, now, wake)) {
        return None;
    }
    let read = state
        .without_points()
        .map(|(_, _, ended_at)| after(ended_at, limits::POINTS_GRACE))
        .max();
    if read.is_some_and(|until| !is_due(until, now, wake)) {
        return None;
    }
    let outcome = outcome(state);
    Some(Event::ExecutionFinished {
        outcome,
        summary: summary(state, outcome),
    })
}

fn outcome(state: &State) -> Outcome {
    let all_completed = state
        .waves
        .iter()
        .all(|wave| matches!(wave.finished, Some((_, WaveOutcome::Completed))));
    let timed_out = state.waves.iter().any(|wave| wave.timed_out_at.is_some());
    let went_on = state.waves.iter().all(Wave::lets_go_on);
    let launched = state.waves.iter().any(|wave| wave.launched > 0);
    match &state.stop {
        _ if all_completed => Outcome::Completed,
        Some(Stop::Cancelled { .. } | Stop::Preempted { .. }) => Outcome::Cancelled,
        Some(Stop::TimedOut { .. }) => Outcome::TimedOut,
        Some(Stop::Guard { .. }) => Outcome::Failed,
        None if timed_out => Outcome::TimedOut,
        None if went_on && launched => Outcome::Partial,
        None => Outcome::Failed,
    }
}

/// One sentence for people: how many servers run, and what stopped the rest.
fn summary(state: &State, outcome: Outcome) -> String {
    let counted = crate::report::counted(state);
    let cause = match &state.stop {
        _ if outcome == Outcome::Completed => None,
        Some(Stop::Guard { reason, .. }) => Some(reason.clone()),
        Some(Stop::Cancelled { reason, .. }) => Some(format!("cancelled: {reason}")),
        Some(Stop::Preempted { by, .. }) => Some(format!("recovery {by} took its servers")),
        Some(Stop::TimedOut { .. }) => Some("the execution's time limit passed".to_owned()),
        None => first_failure(state, outcome).or_else(|| first_skip(state)),
    };
    cause.map_or(counted.clone(), |cause| format!("{counted}; {cause}"))
}

fn first_failure(state: &State, outcome: Outcome) -> Option<String> {
    let late = state.waves.iter().find(|wave| wave.timed_out_at.is_some());
    if let Some(wave) = late {
        return Some(format!(
            "the time limit of wave {:?} passed",
            wave.frozen.name
        ));
    }
    policy::first_failure(state, outcome)
}

fn first_skip(state: &State) -> Option<String> {
    state.waves.iter().find_map(|wave| {
        let reason = wave.skipped.as_ref()?;
        Some(format!("wave {:?} was skipped: {reason}", wave.frozen.name))
    })
}

/// When launches stopped for good, for those that are still followed after it.
pub(super) fn stopped_at(state: &State, wave: &Wave) -> Option<Timestamp> {
    let stop = state.stop.as_ref().map(|stop| match stop {
        Stop::Cancelled { at, .. }
        | Stop::TimedOut { at }
        | Stop::Preempted { at, .. }
        | Stop::Guard { at, .. } => *at,
    });
    [stop, wave.timed_out_at].into_iter().flatten().min()
}

/// When a launch that is still open is no longer followed: long after launches stopped, or after its wave's limit.
pub(super) fn follow_until(state: &State, wave: &Wave) -> Option<Timestamp> {
    let limit = match wave.started_at {
        Some(at) => Some(wave.clock.limit(at, wave.frozen.timeout)?),
        None => None,
    };
    let base = stopped_at(state, wave).into_iter().chain(limit).max()?;
    Some(after(base, limits::FOLLOW_AFTER_STOP))
}

/// Whether an instant of world time has come; notes it for the alarm when it has not.
pub(super) fn is_due(at: Timestamp, now: Now, wake: &mut Wake) -> bool {
    if at > now.world {
        wake.at_world(at);
    }
    at <= now.world
}
