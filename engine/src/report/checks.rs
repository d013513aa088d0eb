//! How the health of servers, hooks and checks are told.

use jiff::Timestamp;

use crate::event::{
    ActionId, ActionIntent, ActionResult, CheckResult, Checked, Event, Purpose, When,
};
use crate::plan::{Check, Consequence};
use crate::ports::Action as Run;
use crate::state::{Action, ActionPhase, Server, State, Verdict, Wave};

use super::{clock, duration, name, several};

/// The lines of an event about checks or actions; none for others.
pub(super) fn tell(state: &State, event: &Event) -> Option<Vec<String>> {
    Some(match event {
        Event::ServersChecked { check, results, .. } => results
            .iter()
            .filter_map(|checked| of_server(state, *check, checked))
            .collect(),
        Event::ActionIntended(intent) => vec![begins(state, intent)],
        Event::ActionBegun { .. } => Vec::new(),
        Event::ActionPostponed {
            action, message, ..
        } => of_action(state, *action, |_| {
            format!("could not be begun now: {message}; tried again later")
        }),
        Event::ActionUnknown { action, message } => of_action(state, *action, |_| {
            format!("{message}; it may have run, and is begun again with the same token")
        }),
        Event::ActionEnded { action, result } => {
            of_action(state, *action, |found| ended(state, found, result))
        }
        _ => return None,
    })
}

fn of_server(state: &State, check: Check, checked: &Checked) -> Option<String> {
    let name = name(state, &checked.server);
    let server = state.servers.get(&checked.server)?;
    let after = since_launched(server);
    Some(match (&checked.result, &server.health) {
        (CheckResult::Passed, Some(_)) => format!("  {name} is healthy{after}"),
        (CheckResult::Passed, None) => {
            format!("  {name} passed the {} check{after}", check.as_str())
        }
        (CheckResult::Degraded { reason }, _) => format!("  {name} is DEGRADED{after}: {reason}"),
        (CheckResult::NotChecked { reason }, _) => format!("  {name} is not checked: {reason}"),
    })
}

/// How long after its launch the health of a server became known.
fn since_launched(server: &Server) -> String {
    let known = server.health.as_ref().map(|health| health.at);
    match (known, server.ended_at) {
        (Some(known), Some(launched)) => {
            let span = duration(known.duration_since(launched));
            format!(", {span} after LAUNCHED")
        }
        _ => String::new(),
    }
}

fn begins(state: &State, intent: &ActionIntent) -> String {
    let wave = state.waves.get(intent.wave);
    let wave_name = wave.map_or("", |wave| wave.frozen.name.as_str());
    let again = match intent.begin {
        1 => String::new(),
        times => format!(", for the {} time", ordinal(times)),
    };
    match &intent.purpose {
        Purpose::Hook { when, hook } => {
            let hook = wave.and_then(|wave| wave.frozen.hooks(*when).get(*hook));
            let name = hook.map_or("", |hook| hook.name.as_str());
            let runs = hook.map_or_else(String::new, |hook| runs(&hook.action));
            format!(
                "hook {name:?} {} wave {wave_name:?} begins{again}: {runs} in {}",
                when.as_str(),
                intent.target
            )
        }
        checked => format!(
            "  the {} that checks {} of wave {wave_name:?} begins{again}",
            word(checked),
            several(checked.servers().len(), "server")
        ),
    }
}

fn ordinal(times: u32) -> String {
    match times {
        2 => "second".to_owned(),
        3 => "third".to_owned(),
        other => format!("{other}th"),
    }
}

/// What an action runs.
pub fn runs(action: &Run) -> String {
    match action {
        Run::Lambda { function } => format!("function {function}"),
        Run::Automation { document, .. } => format!("automation {document}"),
        Run::Command { document, .. } => format!("command {document}"),
    }
}

fn word(purpose: &Purpose) -> &'static str {
    match purpose {
        Purpose::Hook { .. } => "hook",
        Purpose::Command { .. } => "command",
        Purpose::Function { .. } => "function",
    }
}

fn of_action(state: &State, id: ActionId, say: impl FnOnce(&Action) -> String) -> Vec<String> {
    let Some(action) = state.actions.all.get(&id) else {
        return Vec::new();
    };
    let what = match state.hook_of(action) {
        Some(hook) => format!("hook {:?}", hook.name),
        None => format!("  the {} that checks servers", word(&action.purpose)),
    };
    vec![format!("{what}: {}", say(action))]
}

fn ended(state: &State, action: &Action, result: &ActionResult) -> String {
    let span = |at: Timestamp| duration(at.duration_since(action.intended_at));
    let after = action.result().map(|(_, at)| span(at)).unwrap_or_default();
    let goes_on = match state.hook_of(action) {
        Some(hook) if hook.on_failure == Consequence::Continue => {
            "; the wave goes on, as the plan says"
        }
        _ => "",
    };
    match result {
        ActionResult::Succeeded { output: None } => format!("succeeded after {after}"),
        ActionResult::Succeeded {
            output: Some(output),
        } => format!("succeeded after {after}: {}", one_line(output)),
        ActionResult::Failed { reason } => format!("FAILED: {}{goes_on}", one_line(reason)),
        ActionResult::TimedOut => format!(
            "FAILED: it did not end within {}, and may still run{goes_on}",
            duration(state.action_limit(action))
        ),
        ActionResult::GivenUp { reason } => format!("no longer followed: {reason}"),
    }
}

/// What something else said, in one line.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What the checks of a launched server have come to, for a table; empty when it has none.
pub(super) fn health(state: &State, server: &Server) -> String {
    match (&server.health, state.next_check(server)) {
        (Some(health), _) => match &health.verdict {
            Verdict::Healthy => format!("healthy at {}", clock(health.at)),
            Verdict::Degraded { reason } => format!("DEGRADED at {}: {reason}", clock(health.at)),
            Verdict::NotChecked { reason } => format!("not checked: {reason}"),
        },
        (None, Some(check)) => format!("{} check to pass", check.as_str()),
        (None, None) => String::new(),
    }
}

/// The hooks before or after a wave that were begun, in their order, for a table.
pub(super) fn hooks(state: &State, wave: &Wave, wanted: When) -> Vec<String> {
    let begun = wave.hooks.iter().filter(|((when, _), _)| *when == wanted);
    let lines = begun.filter_map(|((when, _), id)| {
        let action = state.actions.all.get(id)?;
        let hook = state.hook_of(action)?;
        let standing = match &action.phase {
            ActionPhase::Ended { result, at } => {
                format!("at {} {}", clock(*at), ended(state, action, result))
            }
            ActionPhase::Begun { at, .. } => format!("runs since {}", clock(at.world)),
            ActionPhase::Postponed { message, .. } => format!("not begun yet: {message}"),
            ActionPhase::Intended => "no answer yet".to_owned(),
            ActionPhase::Unknown { message, .. } => format!("no answer yet: {message}"),
        };
        Some(format!(
            "  {} hook {:?}: {standing}",
            when.as_str(),
            hook.name
        ))
    });
    lines.collect()
}
