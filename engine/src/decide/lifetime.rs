//! The end of a drill's lifetime: it is cancelled where it runs, and what it launched is terminated.
//!
//! Both are wishes like an operator's, and are heeded in the same way: whoever drives the drill makes them when the time has
//! come, and a sweep makes them for one that nobody drives.

use jiff::Timestamp;

use crate::event::Event;
use crate::report::duration;
use crate::state::State;
use crate::time::{Now, Wake};

use super::{Command, waves};

/// The wishes of whoever drives a drill whose lifetime has passed.
pub(super) fn record(state: &State, now: Now, wake: &mut Wake) -> Option<Command> {
    waves::is_due(state.lifetime_ends()?, now, wake)
        .then(|| wishes(state, now.world, ""))
        .filter(|events| !events.is_empty())
        .map(Command::Record)
}

/// What is to be asked for at an instant of world time; nothing before the lifetime has passed, when it was asked for
/// already, and when nothing is left. Who asks says so in the reason.
pub fn wishes(state: &State, world: Timestamp, who: &str) -> Vec<Event> {
    if !state.is_overdue(world) {
        return Vec::new();
    }
    let lifetime = duration(state.started.max_lifetime.unwrap_or_default());
    let reason = format!("{who}the drill's maximum lifetime of {lifetime} has passed");
    let cancels = !state.status.is_terminal() && state.stop.is_none();
    let termination = state.termination.as_ref();
    let terminates = termination.is_none_or(|termination| termination.finished.is_some());
    let cancel = cancels.then(|| Event::CancelRequested {
        reason: reason.clone(),
    });
    let terminate = terminates.then(|| Event::TerminationRequested {
        reason: reason.clone(),
    });
    cancel.into_iter().chain(terminate).collect()
}
