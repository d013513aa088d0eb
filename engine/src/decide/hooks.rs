//! Which hooks are due: before a wave that is about to start, and after one that has ended and been checked.
//!
//! They run one after the other, in the order in which they are listed. One that fails, where its failure counts, is the
//! last one: a wave whose before-hook failed launches nothing, and has failed.

use crate::event::{Purpose, When};
use crate::state::{State, Wave};
use crate::time::{Now, Wake};

use super::actions::ActionPlan;
use super::{policy, waves};

/// Every hook that is to be begun now.
pub(super) fn due(state: &State, now: Now, wake: &mut Wake) -> Vec<ActionPlan> {
    if state.stop.is_some() || state.pause.is_some() {
        return Vec::new();
    }
    let waves = state.waves.iter().enumerate();
    let due = waves.filter_map(|(index, wave)| {
        let has_any = !(wave.frozen.before_hooks.is_empty() && wave.frozen.after_hooks.is_empty());
        let when = match wave.started_at {
            _ if !has_any || wave.finished.is_some() => return None,
            None if waves::is_ready(state, wave, now, wake) => When::Before,
            Some(_) if is_over(state, index, wave) => When::After,
            _ => return None,
        };
        let hook = state.next_hook(wave, when)?;
        let frozen = &wave.frozen.hooks(when)[hook];
        Some(ActionPlan {
            known: None,
            wave: index,
            purpose: Purpose::Hook { when, hook },
            target: crate::ids::Target {
                account_id: frozen.account_id.clone()?,
                region: frozen.region.clone()?,
            },
            begin: 1,
        })
    });
    due.collect()
}

/// Whether a wave has something left to run after it.
pub(super) fn run_after(state: &State, wave: &Wave) -> bool {
    state.stop.is_none()
        && wave.skipped.is_none()
        && state.failed_hook(wave).is_none()
        && state.next_hook(wave, When::After).is_some()
}

/// Whether a wave that started has nothing left to do but its hooks.
fn is_over(state: &State, index: usize, wave: &Wave) -> bool {
    run_after(state, wave)
        && !wave.is_held()
        && wave.checking == 0
        && waves::have_ended(state, index, wave)
        && !policy::pauses(state, wave, waves::outcome_of(state, index, wave))
}
