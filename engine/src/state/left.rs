//! What an execution leaves: instances of a drill and until when they may stay, and notices that nobody has sent.

use jiff::Timestamp;

use super::{State, Termination};
use crate::time::after;

impl Termination {
    /// Whether it has ended and nothing is left.
    pub fn is_clean(&self) -> bool {
        let finished = self.finished.as_ref();
        finished.is_some_and(|(_, left, reason)| left.is_empty() && reason.is_none())
    }
}

impl State {
    /// When the lifetime of a drill ends, in world time; none where it has none.
    pub fn lifetime_ends(&self) -> Option<Timestamp> {
        let lifetime = self.started.max_lifetime.filter(|_| self.is_drill())?;
        Some(after(self.started_at.world, lifetime))
    }

    /// Whether it has ended, and nothing that it launched is left.
    pub fn is_clean(&self) -> bool {
        let termination = self.termination.as_ref();
        let is_gone = termination.is_some_and(Termination::is_clean);
        let launched = self.own_jobs().next().is_some() || self.unresolved().next().is_some();
        self.status.is_terminal() && (is_gone || !launched)
    }

    /// Whether a drill is over its lifetime and has something left, running or launched.
    pub fn is_overdue(&self, world: Timestamp) -> bool {
        self.lifetime_ends().is_some_and(|end| end <= world) && !self.is_clean()
    }

    /// When a sweep has something to do with it, in world time: a lifetime that ends with instances there, or notices of
    /// an execution that has ended. None when there is nothing.
    pub fn sweep_at(&self) -> Option<Timestamp> {
        let lifetime = self.lifetime_ends().filter(|_| !self.is_clean());
        let ended = self.finished.as_ref().map(|(ended, _)| ended.world);
        let notices = ended.filter(|_| !self.notices.are_done());
        lifetime.into_iter().chain(notices).min()
    }
}
