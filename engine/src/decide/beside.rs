//! What may be carried out together with a command: the same kind of call in other targets.
//!
//! A call takes a second and a plan may have fifty targets, so one after the other would cost each wave a minute. Nothing
//! is decided here: the same rules are asked again, as if what they asked for already could not be asked for now.

use std::collections::BTreeSet;

use crate::event::LaunchId;
use crate::ids::{InstanceId, ServerId, Target};
use crate::limits;
use crate::plan::LaunchOrder;
use crate::state::State;
use crate::time::{Now, Wake};

use super::{Command, LaunchPlan, Settings, View, checks, decide, jobs, launches};

/// Surveys of other targets that are due together with one.
pub fn surveys(
    state: &State,
    view: &View,
    now: Now,
    settings: &Settings,
    first: &Target,
) -> Vec<Target> {
    let mut seen = view.clone();
    let mut together = vec![first.clone()];
    while let Some(last) = room_for_more(&together) {
        seen.hold_back(&launches::survey_key(last), None, now);
        match decide(state, &seen, now, settings).command {
            Some(Command::Survey(target)) if !together.contains(&target) => together.push(target),
            _ => break,
        }
    }
    together
}

/// Looks at running jobs that are due together, once one is due.
pub fn looks(
    state: &State,
    view: &View,
    now: Now,
    settings: &Settings,
) -> Vec<(Target, Vec<LaunchId>)> {
    let due = jobs::looks(state, view, now, settings, &mut Wake::default());
    due.into_iter().take(limits::CALLS_TOGETHER).collect()
}

/// Looks for the instances of launched servers that are due together, once one is due.
pub fn instance_looks(
    state: &State,
    view: &View,
    now: Now,
    settings: &Settings,
) -> Vec<(Target, Vec<ServerId>)> {
    let due = jobs::instance_looks(state, view, now, settings, &mut Wake::default());
    due.into_iter().take(limits::CALLS_TOGETHER).collect()
}

/// Looks at the status of instances that are due together, once one is due.
pub fn health(
    state: &State,
    view: &View,
    now: Now,
    settings: &Settings,
) -> Vec<(Target, Vec<InstanceId>)> {
    let due = checks::looks(state, view, now, settings, &mut Wake::default());
    due.into_iter().take(limits::CALLS_TOGETHER).collect()
}

/// Launches in other targets that are due together with one. Each leaves the room of the others as it is: there is one
/// for a target, and a wave that counts its servers in flight or is in order launches alone.
pub fn launches(
    state: &State,
    view: &View,
    now: Now,
    settings: &Settings,
    first: LaunchPlan,
) -> Vec<LaunchPlan> {
    let mut seen = view.clone();
    let mut targets = BTreeSet::from([first.target.clone()]);
    let mut together = vec![first];
    while let Some(last) = room_for_more(&together) {
        if !is_free(state, last) {
            break;
        }
        seen.hold_back(&launches::launch_key(&last.target), None, now);
        match decide(state, &seen, now, settings).command {
            Some(Command::Launch(plan)) if is_free(state, &plan) => {
                if !targets.insert(plan.target.clone()) {
                    break;
                }
                together.push(plan);
            }
            _ => break,
        }
    }
    numbered(state, together)
}

/// Launches with the numbers that they get in this order.
pub fn numbered(state: &State, plans: Vec<LaunchPlan>) -> Vec<LaunchPlan> {
    let numbers = (state.next_launch().0..).map(LaunchId);
    numbers
        .zip(plans)
        .map(|(launch, plan)| LaunchPlan { launch, ..plan })
        .collect()
}

fn is_free(state: &State, plan: &LaunchPlan) -> bool {
    state.waves.get(plan.wave).is_some_and(|wave| {
        wave.frozen.order == LaunchOrder::Parallel && wave.frozen.max_in_flight.is_none()
    })
}

fn room_for_more<T>(together: &[T]) -> Option<&T> {
    let has_room = together.len() < limits::CALLS_TOGETHER;
    together.last().filter(|_| has_room)
}
