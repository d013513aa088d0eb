//! Terminating what an execution launched, and nothing else.
//!
//! DRS is asked which instances exist for the servers that were in a job of this execution, and only those whose own job
//! is one of this execution's are terminated. They count as gone when DRS no longer lists them and EC2 no longer has
//! them.

use jiff::SignedDuration;

use crate::event::Event;
use crate::ids::{InstanceId, Target};
use crate::limits;
use crate::state::{State, Termination};
use crate::time::{Now, Wake, after};

use super::view::OwnInstances;
use super::{Command, Settings, View, jobs, waves};

/// How long an instance that DRS accepted to terminate may stay before DRS is asked again.
const ASK_AGAIN: SignedDuration = SignedDuration::from_mins(15);

/// The next step of a termination.
pub(super) fn next(
    state: &State,
    view: &View,
    now: Now,
    settings: &Settings,
    wake: &mut Wake,
) -> Option<Command> {
    let termination = state
        .termination
        .as_ref()
        .filter(|termination| termination.finished.is_none())?;
    let targets: Vec<Target> = state
        .targets()
        .into_iter()
        .filter(|target| !state.servers_with_jobs(target).is_empty())
        .collect();
    let mut left = Vec::new();
    let mut unseen = Vec::new();
    let mut clean = 0;
    for target in &targets {
        let looked = view
            .own_instances
            .get(target)
            .filter(|looked| looked.at >= termination.requested_at);
        if let Some(looked) = looked {
            if looked.listed.is_empty() && looked.alive.is_empty() {
                clean += 1;
                continue;
            }
            left.extend(looked.listed.iter().chain(&looked.alive).cloned());
            if let Some(command) = ask(termination, target, looked, view, now, wake) {
                return Some(command);
            }
        } else {
            unseen.push(target);
        }
        if jobs::look_is_due(
            looked.map(|looked| &looked.at),
            view,
            &own_instances_key(target),
            now,
            settings,
            wake,
        ) {
            return Some(Command::FindOwnInstances(target.clone()));
        }
    }
    if clean == targets.len() {
        return Some(Command::Record(all_gone(state, termination, &targets)));
    }
    if !is_out_of_time(state, termination, now, wake) {
        return None;
    }
    left.sort();
    left.dedup();
    let reason = Some(why_left(left.len(), &unseen));
    left.truncate(limits::SERVERS_PER_EVENT);
    Some(Command::Record(vec![Event::TerminationFinished {
        left,
        reason,
    }]))
}

/// Asks DRS for the instances it lists and has not been asked for, or was asked for long ago.
fn ask(
    termination: &Termination,
    target: &Target,
    looked: &OwnInstances,
    view: &View,
    now: Now,
    wake: &mut Wake,
) -> Option<Command> {
    if let Some(until) = view.held_back(&terminate_key(target), now) {
        wake.at_wall(until);
        return None;
    }
    let mut instances = Vec::new();
    for id in &looked.listed {
        let accepted = termination.accepted.get(id);
        let pending = accepted.is_some_and(|at| !waves::is_due(after(*at, ASK_AGAIN), now, wake));
        match view.held_back(&instance_key(id), now) {
            Some(until) => wake.at_wall(until),
            None if !pending => instances.push(id.clone()),
            None => {}
        }
    }
    instances.truncate(view.terminate_at_most(target));
    (!instances.is_empty()).then(|| Command::Terminate {
        target: target.clone(),
        instances,
    })
}

fn all_gone(state: &State, termination: &Termination, targets: &[Target]) -> Vec<Event> {
    let known = targets
        .iter()
        .flat_map(|target| state.known_instances(target));
    let mut gone: Vec<InstanceId> = known
        .chain(termination.accepted.keys().cloned())
        .filter(|id| !termination.gone.contains(id))
        .collect();
    gone.sort();
    gone.dedup();
    let mut events: Vec<Event> = gone
        .chunks(limits::SERVERS_PER_JUDGEMENT)
        .map(|part| Event::InstancesGone {
            instances: part.to_vec(),
        })
        .collect();
    events.push(Event::TerminationFinished {
        left: Vec::new(),
        reason: None,
    });
    events
}

fn is_out_of_time(state: &State, termination: &Termination, now: Now, wake: &mut Wake) -> bool {
    // It may have been asked for long before the execution ended, or before anybody took it up, and only begins then.
    let ended_at = state.finished.as_ref().map(|(ended, _)| ended.world);
    let taken_at = state.owner.as_ref().map(|owner| owner.since.world);
    let began_at = ended_at
        .into_iter()
        .chain(taken_at)
        .chain([termination.requested_at])
        .max()
        .unwrap_or(termination.requested_at);
    waves::is_due(after(began_at, limits::TERMINATION_TIMEOUT), now, wake)
}

/// What stood in the way when the time was over: instances that are there, and places that could not be looked at.
fn why_left(left: usize, unseen: &[&Target]) -> String {
    let mut found = Vec::new();
    if left > 0 {
        found.push(format!("{left} instances were still there"));
    }
    if !unseen.is_empty() {
        let places: Vec<String> = unseen.iter().map(ToString::to_string).collect();
        found.push(format!(
            "it could not be seen what is left in {}",
            places.join(", ")
        ));
    }
    format!(
        "{} when the time limit of the termination passed",
        found.join(", and ")
    )
}

/// Names the backoff of looks for instances to terminate.
pub fn own_instances_key(target: &Target) -> String {
    format!("own#{target}")
}

/// Names the backoff of the termination of one instance.
pub fn instance_key(instance: &InstanceId) -> String {
    format!("terminate#{instance}")
}

/// Names the backoff of terminations.
pub fn terminate_key(target: &Target) -> String {
    format!("terminate#{target}")
}
