//! What a sweep does with an execution that nobody brings to its end: drills over their lifetime, notices that were not
//! sent.
//!
//! The index only nominates ([`Executions::to_be_swept`](crate::store::executions::Executions::to_be_swept)); what is to be
//! done comes from an execution's own history.

use crate::decide::lifetime;
use crate::event::Event;
use crate::state::State;
use crate::time::Now;

/// What a sweep does with an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chore {
    /// Its lifetime has passed: these wishes are made, where they were not made before, and it is driven to its end.
    CleanUp(Vec<Event>),
    /// It has ended, and notices of it are left to be sent.
    SendNotices,
}

/// What is to be done with an execution; none when there is nothing. Who sweeps stands in the reasons of the wishes.
pub fn chore(state: &State, now: Now, who: &str) -> Option<Chore> {
    if state.is_overdue(now.world) {
        let who = format!("{who}: ");
        return Some(Chore::CleanUp(lifetime::wishes(state, now.world, &who)));
    }
    let has_notices = state.status.is_terminal() && !state.notices.are_done();
    has_notices.then_some(Chore::SendNotices)
}
