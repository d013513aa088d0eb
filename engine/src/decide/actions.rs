//! When hooks and checks that run something are begun, looked at, and no longer followed.
//!
//! At least once, a bounded number of times: an action whose begin has no outcome is begun again with the same token, at
//! most [`limits::BEGINS_PER_ACTION`] times in all. What could not be begun for certain does not count, and is tried until
//! the action's time is up. After a stop nothing is begun; a hook that runs is followed to its end.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::digest;
use crate::event::{ActionId, ActionIntent, ActionResult, Event, Purpose};
use crate::ids::Target;
use crate::limits;
use crate::ports::{Action as Run, ActionRequest, ActionRun, ActionStatus, CallError, Kind, cut};
use crate::state::{Action, ActionPhase, Server, State};
use crate::time::{Now, Wake, after};

use super::view::backoff;
use super::{Command, Settings, View, checks, hooks, jobs, waves};

/// An action that is to be begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionPlan {
    /// The action, when it is begun again.
    pub known: Option<ActionId>,
    /// Its wave.
    pub wave: usize,
    /// What it is for.
    pub purpose: Purpose,
    /// Where it runs.
    pub target: Target,
    /// How often it was begun, this time included.
    pub begin: u32,
}

/// Ends that follow from time, and from launches being stopped.
pub(super) fn record(state: &State, now: Now, wake: &mut Wake) -> Option<Command> {
    let open = state.open_actions();
    let ended = open.filter_map(|(id, action)| {
        let result = end(state, action, now, wake)?;
        Some(Event::ActionEnded { action: id, result })
    });
    let events: Vec<Event> = ended.take(limits::CALLS_TOGETHER).collect();
    (!events.is_empty()).then_some(Command::Record(events))
}

fn end(state: &State, action: &Action, now: Now, wake: &mut Wake) -> Option<ActionResult> {
    let runs = matches!(action.phase, ActionPhase::Begun { .. });
    if state.stop.is_some() && !(runs && action.is_hook()) {
        let reason = match &action.phase {
            ActionPhase::Begun { .. } => "it ran when launches were stopped, and was not followed",
            ActionPhase::Postponed { .. } => "it was not begun before launches were stopped",
            _ => "launches were stopped before it was known whether it ran",
        };
        let reason = reason.to_owned();
        return Some(ActionResult::GivenUp { reason });
    }
    let unanswered = match &action.phase {
        ActionPhase::Unknown { message, .. } => Some(message.as_str()),
        ActionPhase::Intended => Some("the process that began it is gone"),
        _ => None,
    };
    if let Some(message) = unanswered.filter(|_| action.begins >= limits::BEGINS_PER_ACTION) {
        let reason = format!(
            "it was begun {} times, and it is not known whether it ran: {message}",
            action.begins
        );
        return Some(ActionResult::Failed { reason });
    }
    let limit = after(action.intended_at, state.action_limit(action));
    if !waves::is_due(limit, now, wake) {
        return None;
    }
    Some(match &action.phase {
        ActionPhase::Postponed { message, .. } => ActionResult::Failed {
            reason: format!("it could not be begun in time: {message}"),
        },
        _ => ActionResult::TimedOut,
    })
}

/// Actions that run and are to be looked at now.
pub(super) fn looks(
    state: &State,
    view: &View,
    now: Now,
    settings: &Settings,
    wake: &mut Wake,
) -> Vec<ActionId> {
    let mut due = Vec::new();
    for (id, action) in state.open_actions() {
        let ActionPhase::Begun { at, .. } = &action.phase else {
            continue;
        };
        let last = view.actions_looked.get(&id);
        let age = last.map(|last| last.duration_since(at.world));
        let interval = (age.unwrap_or_default() / limits::POLL_SHARE_ACTION)
            .min(settings.poll_longest)
            .max(settings.poll_shortest);
        if jobs::is_due(last, interval, view, &look_key(id), now, wake) {
            due.push(id);
        }
    }
    due.truncate(limits::CALLS_TOGETHER);
    due
}

/// Actions that are to be begun now, or begun again.
pub(super) fn due(state: &State, now: Now, wake: &mut Wake) -> Vec<ActionPlan> {
    let mut due = Vec::new();
    for (id, action) in state.open_actions() {
        if state.stop.is_some() || !is_begun_again(id, action, now, wake) {
            continue;
        }
        due.push(ActionPlan {
            known: Some(id),
            wave: action.wave,
            purpose: action.purpose.clone(),
            target: action.target.clone(),
            begin: action.begins + 1,
        });
    }
    due.extend(hooks::due(state, now, wake));
    due.extend(checks::due(state));
    due.truncate(limits::CALLS_TOGETHER);
    due
}

/// Whether an action without an outcome is begun again now. When comes from the history, so a new owner keeps to it.
fn is_begun_again(id: ActionId, action: &Action, now: Now, wake: &mut Wake) -> bool {
    let key = format!("action#{}", id.0);
    match &action.phase {
        ActionPhase::Intended => true,
        ActionPhase::Unknown { at, .. } => {
            let failures = action.begins.saturating_sub(1);
            is_past(after(at.wall, backoff(&key, failures, None)), now, wake)
        }
        ActionPhase::Postponed {
            at, after: asked, ..
        } => {
            let failures = action.postponed.saturating_sub(1);
            let has_waited = is_past(after(at.wall, backoff(&key, failures, *asked)), now, wake);
            // An instance whose agent is not there yet starts by the clock of the world, which a simulator lets run ahead of
            // that of the wall; on AWS the two are one.
            let in_world = after(at.world, limits::POLL_LONGEST);
            has_waited || (asked.is_none() && waves::is_due(in_world, now, wake))
        }
        ActionPhase::Begun { .. } | ActionPhase::Ended { .. } => false,
    }
}

/// Whether an instant of wall time has come; notes it for the alarm when it has not.
fn is_past(at: Timestamp, now: Now, wake: &mut Wake) -> bool {
    if at > now.wall {
        wake.at_wall(at);
    }
    at <= now.wall
}

/// The intents of actions, with the numbers that new ones get in this order.
pub fn intents(state: &State, plans: Vec<ActionPlan>) -> Vec<ActionIntent> {
    let mut next = state.next_action().0;
    let intent = |plan: ActionPlan| {
        let action = plan.known.unwrap_or_else(|| {
            next = next.saturating_add(1);
            ActionId(next - 1)
        });
        ActionIntent {
            action,
            wave: plan.wave,
            purpose: plan.purpose,
            target: plan.target,
            begin: plan.begin,
        }
    };
    plans.into_iter().map(intent).collect()
}

/// What is asked for when an action is begun; none when its wave has no such action.
pub fn request(state: &State, intent: &ActionIntent) -> Option<ActionRequest> {
    let wave = state.waves.get(intent.wave)?;
    let servers: Vec<_> = match &intent.purpose {
        Purpose::Hook { .. } => state.servers_of(intent.wave).collect(),
        checked => {
            let servers = checked.servers().iter();
            servers
                .filter_map(|id| Some((id, state.servers.get(id)?)))
                .collect()
        }
    };
    let checks = wave.frozen.checks.as_ref();
    let mut input = input(state, intent, &servers);
    let action = match &intent.purpose {
        Purpose::Hook { when, hook } => {
            let hook = wave.frozen.hooks(*when).get(*hook)?;
            input["hook"] = json!(hook.name);
            input["when"] = json!(when.as_str());
            hook.action.clone()
        }
        Purpose::Command { .. } => {
            input["check"] = json!("command");
            let instances = servers
                .iter()
                .filter_map(|(_, server)| server.instance.clone());
            checks?.command.as_ref()?.on(instances.collect())
        }
        Purpose::Function { .. } => {
            input["check"] = json!("function");
            Run::Lambda {
                function: checks?.function.as_ref()?.function.clone(),
            }
        }
    };
    Some(ActionRequest {
        action,
        token: token(state, intent.action),
        input,
    })
}

/// The input of functions, from whose members documents take their parameters.
fn input(
    state: &State,
    intent: &ActionIntent,
    servers: &[(&crate::ids::ServerId, &Server)],
) -> Value {
    let one = |(id, server): &(&crate::ids::ServerId, &Server)| {
        json!({
            "source_server_id": id,
            "hostname": server.hostname,
            "account_id": server.target.account_id,
            "region": server.target.region,
            "status": server.status.as_str(),
            "instance_id": server.instance,
            "health": server.health.as_ref().map(|health| health.verdict.as_str()),
        })
    };
    let instances: Vec<_> = servers
        .iter()
        .filter_map(|(_, server)| server.instance.as_ref())
        .collect();
    let ids: Vec<_> = servers.iter().map(|(id, _)| id).collect();
    json!({
        "token": token(state, intent.action),
        "execution_id": state.started.execution_id,
        "plan_id": state.started.plan_id,
        "plan_name": state.started.plan_name,
        "mode": state.started.mode.as_str(),
        "wave": state.waves.get(intent.wave).map(|wave| &wave.frozen.name),
        "instance_ids": instances,
        "source_server_ids": ids,
        "servers": servers.iter().map(one).collect::<Vec<_>>(),
    })
}

/// A UUID that is the same each time an action is begun.
fn token(state: &State, action: ActionId) -> String {
    let text = digest::of(&(&state.started.execution_id, action));
    // Version 8 and the variant of RFC 9562: a UUID whose other bits are ours.
    format!(
        "{}-{}-8{}-a{}-{}",
        &text[..8],
        &text[8..12],
        &text[13..16],
        &text[17..20],
        &text[20..32]
    )
}

/// What came of beginning an action.
pub fn begun(action: ActionId, outcome: Result<ActionRun, CallError>) -> Event {
    let error = match outcome {
        Ok(run) => return Event::ActionBegun { action, run },
        Err(error) => error,
    };
    let message = cut(&error.to_string());
    match error.kind {
        Kind::Unknown => Event::ActionUnknown { action, message },
        Kind::Busy => Event::ActionPostponed {
            action,
            message,
            after: error.retry_after,
        },
        Kind::Refused => Event::ActionEnded {
            action,
            result: ActionResult::Failed { reason: message },
        },
    }
}

/// What a look at an action tells that the history does not know yet.
pub fn looked(action: ActionId, status: ActionStatus) -> Option<Event> {
    let result = match status {
        ActionStatus::Running => return None,
        ActionStatus::Lost => {
            let message = "whoever waited for its answer is gone".to_owned();
            return Some(Event::ActionUnknown { action, message });
        }
        ActionStatus::Succeeded { output } => ActionResult::Succeeded {
            output: output.map(|output| cut(&output)),
        },
        ActionStatus::Failed { reason } => ActionResult::Failed {
            reason: cut(&reason),
        },
    };
    Some(Event::ActionEnded { action, result })
}

/// Names the backoff of looks at an action.
pub fn look_key(action: ActionId) -> String {
    format!("look#{}", action.0)
}
