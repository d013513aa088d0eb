//! Hooks, and checks that run something: what was begun, how often, and how it ended.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::event::{ActionId, ActionIntent, ActionResult, Event, Purpose, Recorded, When};
use crate::ids::Target;
use crate::limits;
use crate::plan::{Check, Consequence, Hook};
use crate::ports::ActionRun;
use crate::time::Now;

use super::check::{are_distinct, ensure};
use super::{State, Wave};

/// Everything that was begun outside DRS.
#[derive(Clone, Debug, Default)]
pub struct Actions {
    /// Every action that was ever intended.
    pub all: BTreeMap<ActionId, Action>,
    /// Those without an end.
    pub open: std::collections::BTreeSet<ActionId>,
}

/// An action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// Its wave.
    pub wave: usize,
    /// What it is for.
    pub purpose: Purpose,
    /// Where it runs.
    pub target: Target,
    /// How often it was begun, where it is not certain that it had no effect.
    pub begins: u32,
    /// How often it could not be begun since it last was.
    pub postponed: u32,
    /// When it was first intended, in world time.
    pub intended_at: Timestamp,
    /// How far it is.
    pub phase: ActionPhase,
}

/// How far an action is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActionPhase {
    /// Nobody knows whether it was begun.
    Intended,
    /// It was begun, or not, and nothing tells what became of it.
    Unknown {
        /// When that was recorded.
        at: Now,
        /// What happened instead of an answer.
        message: String,
    },
    /// It was not begun, and will be.
    Postponed {
        /// When that was recorded.
        at: Now,
        /// Why.
        message: String,
        /// How long AWS asked to wait.
        after: Option<SignedDuration>,
    },
    /// It runs.
    Begun {
        /// What it is known by.
        run: ActionRun,
        /// Since when.
        at: Now,
    },
    /// It has ended.
    Ended {
        /// How.
        result: ActionResult,
        /// When, in world time.
        at: Timestamp,
    },
}

impl Action {
    /// How it ended, and when in world time.
    pub fn result(&self) -> Option<(&ActionResult, Timestamp)> {
        match &self.phase {
            ActionPhase::Ended { result, at } => Some((result, *at)),
            _ => None,
        }
    }

    /// Whether it may have run, as far as is known.
    pub fn is_hook(&self) -> bool {
        matches!(self.purpose, Purpose::Hook { .. })
    }
}

impl State {
    /// The number the next action gets.
    pub fn next_action(&self) -> ActionId {
        let last = self.actions.all.keys().next_back();
        ActionId(last.map_or(1, |last| last.0.saturating_add(1)))
    }

    /// Actions without an end.
    pub fn open_actions(&self) -> impl Iterator<Item = (ActionId, &Action)> {
        let open = self.actions.open.iter();
        open.filter_map(|id| Some((*id, self.actions.all.get(id)?)))
    }

    /// Whether a wave has an action without an end.
    pub fn has_open_action(&self, wave: usize) -> bool {
        self.open_actions().any(|(_, action)| action.wave == wave)
    }

    /// A hook of a wave, where it was begun.
    pub fn hook(&self, wave: &Wave, when: When, hook: usize) -> Option<&Action> {
        self.actions.all.get(wave.hooks.get(&(when, hook))?)
    }

    /// The frozen hook that an action runs; none for checks.
    pub fn hook_of(&self, action: &Action) -> Option<&Hook> {
        let Purpose::Hook { when, hook } = action.purpose else {
            return None;
        };
        self.waves.get(action.wave)?.frozen.hooks(when).get(hook)
    }

    /// The hook of a wave that comes next: none when one runs, when one that counts has failed, and when all have ended.
    pub fn next_hook(&self, wave: &Wave, when: When) -> Option<usize> {
        for position in 0..wave.frozen.hooks(when).len() {
            match self.hook(wave, when, position) {
                None => return Some(position),
                Some(action) if self.has_failed(action) || action.result().is_none() => {
                    return None;
                }
                Some(_) => {}
            }
        }
        None
    }

    /// Whether nothing is left to be run before or after a wave.
    pub fn hooks_ended(&self, wave: &Wave, when: When) -> bool {
        let begun = (0..wave.frozen.hooks(when).len())
            .filter_map(|position| self.hook(wave, when, position));
        let open = begun.filter(|action| action.result().is_none()).count();
        open == 0 && self.next_hook(wave, when).is_none()
    }

    /// The hook whose failure has failed a wave, and why.
    pub fn failed_hook(&self, wave: &Wave) -> Option<(&Hook, &str)> {
        let begun = wave.hooks.values();
        let mut begun = begun.filter_map(|id| self.actions.all.get(id));
        let failed = begun.find(|action| self.has_failed(action))?;
        let problem = failed.result().and_then(|(result, _)| result.problem());
        Some((self.hook_of(failed)?, problem.unwrap_or_default()))
    }

    fn has_failed(&self, action: &Action) -> bool {
        let counts = |hook: &Hook| hook.on_failure == Consequence::Fail;
        self.hook_of(action).is_some_and(counts)
            && action
                .result()
                .is_some_and(|(result, _)| result.problem().is_some())
    }

    /// How long an action may take from its first intent on.
    pub fn action_limit(&self, action: &Action) -> SignedDuration {
        let checks = || self.waves.get(action.wave)?.frozen.checks.as_ref();
        match self.hook_of(action) {
            Some(hook) => hook.timeout,
            None => checks().map_or(limits::CHECK_TIMEOUT, |checks| checks.timeout),
        }
    }
}

/// The effect of an event about an action.
pub(super) fn take(state: &mut State, recorded: &Recorded) {
    let at = recorded.now;
    match &recorded.event {
        Event::ActionIntended(intent) => intend(state, intent, at),
        Event::ActionBegun { action, run } => {
            let run = run.clone();
            set_phase(state, *action, ActionPhase::Begun { run, at });
        }
        Event::ActionPostponed {
            action,
            message,
            after,
        } => {
            if let Some(found) = state.actions.all.get_mut(action) {
                found.begins = found.begins.saturating_sub(1);
                found.postponed = found.postponed.saturating_add(1);
            }
            let postponed = ActionPhase::Postponed {
                at,
                message: message.clone(),
                after: *after,
            };
            set_phase(state, *action, postponed);
        }
        Event::ActionUnknown { action, message } => {
            let message = message.clone();
            set_phase(state, *action, ActionPhase::Unknown { at, message });
        }
        Event::ActionEnded { action, result } => {
            let ended = ActionPhase::Ended {
                result: result.clone(),
                at: at.world,
            };
            set_phase(state, *action, ended);
            state.actions.open.remove(action);
        }
        _ => {}
    }
}

fn intend(state: &mut State, intent: &ActionIntent, at: Now) {
    if let Some(known) = state.actions.all.get_mut(&intent.action) {
        known.begins = intent.begin;
        known.phase = ActionPhase::Intended;
        return;
    }
    if let Purpose::Hook { when, hook } = intent.purpose {
        let hooks = &mut state.waves[intent.wave].hooks;
        hooks.insert((when, hook), intent.action);
    }
    for id in intent.purpose.servers() {
        if let Some(server) = state.servers.get_mut(id) {
            server.action = Some(intent.action);
        }
    }
    let action = Action {
        wave: intent.wave,
        purpose: intent.purpose.clone(),
        target: intent.target.clone(),
        begins: intent.begin,
        postponed: 0,
        intended_at: at.world,
        phase: ActionPhase::Intended,
    };
    state.actions.all.insert(intent.action, action);
    state.actions.open.insert(intent.action);
}

fn set_phase(state: &mut State, action: ActionId, phase: ActionPhase) {
    if let Some(found) = state.actions.all.get_mut(&action) {
        if matches!(phase, ActionPhase::Begun { .. }) {
            found.postponed = 0;
        }
        found.phase = phase;
    }
}

/// Whether an event about an action fits; none for others.
pub(super) fn check(state: &State, event: &Event) -> Option<Result<(), String>> {
    Some(match event {
        Event::ActionIntended(intent) => check_intent(state, intent),
        Event::ActionBegun { action, .. } | Event::ActionPostponed { action, .. } => {
            check_phase(state, *action, |phase| {
                matches!(phase, ActionPhase::Intended)
            })
        }
        Event::ActionUnknown { action, .. } => check_phase(state, *action, |phase| {
            matches!(phase, ActionPhase::Intended | ActionPhase::Begun { .. })
        }),
        Event::ActionEnded { action, .. } => check_phase(state, *action, |phase| {
            !matches!(phase, ActionPhase::Ended { .. })
        }),
        _ => return None,
    })
}

fn check_phase(
    state: &State,
    action: ActionId,
    holds: impl FnOnce(&ActionPhase) -> bool,
) -> Result<(), String> {
    let Some(found) = state.actions.all.get(&action) else {
        return Err(format!("there is no action {}", action.0));
    };
    ensure(holds(&found.phase), || {
        format!("action {} is {:?}", action.0, found.phase)
    })
}

/// The rules behind "a bounded number of times": an action is begun once, and again only while nobody knows that it was,
/// up to a bound; nothing is begun after launches were stopped.
fn check_intent(state: &State, intent: &ActionIntent) -> Result<(), String> {
    ensure(state.stop.is_none(), || "nothing more is begun".to_owned())?;
    let Some(wave) = state.waves.get(intent.wave) else {
        return Err(format!("there is no wave {}", intent.wave));
    };
    ensure(wave.finished.is_none(), || {
        format!("wave {:?} is finished", wave.frozen.name)
    })?;
    ensure(intent.begin <= limits::BEGINS_PER_ACTION, || {
        format!("action {} was begun often enough", intent.action.0)
    })?;
    let Some(known) = state.actions.all.get(&intent.action) else {
        ensure(
            intent.action == state.next_action() && intent.begin == 1,
            || format!("action {} is not the next one", intent.action.0),
        )?;
        return match &intent.purpose {
            Purpose::Hook { when, hook } => check_hook(state, wave, *when, *hook),
            Purpose::Command { .. } => check_servers(state, intent, Check::Command),
            Purpose::Function { .. } => check_servers(state, intent, Check::Function),
        };
    };
    let open = !matches!(
        known.phase,
        ActionPhase::Begun { .. } | ActionPhase::Ended { .. }
    );
    ensure(open && intent.begin == known.begins + 1, || {
        format!("action {} runs, or has ended", intent.action.0)
    })?;
    ensure(
        (known.wave, &known.purpose, &known.target)
            == (intent.wave, &intent.purpose, &intent.target),
        || format!("action {} is another one", intent.action.0),
    )
}

fn check_hook(state: &State, wave: &Wave, when: When, hook: usize) -> Result<(), String> {
    let name = &wave.frozen.name;
    ensure(state.pause.is_none() && !wave.is_held(), || {
        format!("wave {name:?} is paused")
    })?;
    ensure(state.next_hook(wave, when) == Some(hook), || {
        format!("hook {hook} is not the next one of wave {name:?}")
    })?;
    let in_time = match when {
        When::Before => wave.ready_at.is_some() && wave.started_at.is_none(),
        When::After => wave.started_at.is_some() && wave.launching == 0,
    };
    ensure(in_time, || {
        format!("it is not the time for the hooks of wave {name:?}")
    })
}

fn check_servers(state: &State, intent: &ActionIntent, check: Check) -> Result<(), String> {
    let servers = intent.purpose.servers();
    let most = match check {
        Check::Command => limits::INSTANCES_PER_COMMAND,
        Check::Status | Check::Function => limits::SERVERS_PER_JUDGEMENT,
    };
    ensure((1..=most).contains(&servers.len()), || {
        format!("it names {} servers", servers.len())
    })?;
    ensure(are_distinct(servers.iter()), || {
        "it names a server twice".to_owned()
    })?;
    for id in servers {
        let fits = state.servers.get(id).is_some_and(|server| {
            server.wave == intent.wave
                && server.instance.is_some()
                && server.action.is_none()
                && state.next_check(server) == Some(check)
        });
        ensure(fits, || format!("server {id} has no such check to pass"))?;
    }
    Ok(())
}
