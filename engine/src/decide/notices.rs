//! Which notices are to be published now, and what follows from a try.
//!
//! Nothing waits for a notice: what is chosen here is published beside the command of the same decision, while the driver
//! goes on. At least once: a try whose outcome was not recorded is made again, with the same id.

use crate::event::{Event, NoticeId};
use crate::limits;
use crate::ports::{CallError, cut};
use crate::state::{Notice, NoticePhase, State};
use crate::time::{Now, Wake, after};

use super::View;
use super::view::backoff;

/// Notices that are to be published now, beside those that are on their way.
pub(super) fn due(state: &State, view: &View, now: Now, wake: &mut Wake) -> Vec<NoticeId> {
    let mut due = Vec::new();
    let waiting = state.notices.due();
    for (id, notice) in waiting.filter(|(id, _)| !view.publishing.contains(id)) {
        match again_at(id, notice) {
            Some(at) if at > now.wall => wake.at_wall(at),
            _ => due.push(id.clone()),
        }
    }
    due.truncate(limits::CALLS_TOGETHER.saturating_sub(view.publishing.len()));
    due
}

/// When one that was tried in vain is tried again, in wall time. It comes from the history, so a new owner keeps to it.
fn again_at(id: &NoticeId, notice: &Notice) -> Option<jiff::Timestamp> {
    let NoticePhase::Failed { at, .. } = &notice.phase else {
        return None;
    };
    let key = format!("notice#{}#{}", id.event, id.topic);
    let wait = backoff(&key, notice.failures.saturating_sub(1), None);
    Some(after(*at, wait))
}

/// What came of a try. What SNS refused it will refuse again.
pub fn tried(state: &State, notice: NoticeId, outcome: Result<(), CallError>) -> Event {
    let Err(error) = outcome else {
        return Event::NoticeSent { notice };
    };
    let before = state.notices.all.get(&notice);
    let failures = before.map_or(0, |notice| notice.failures);
    Event::NoticeFailed {
        notice,
        message: cut(&error.to_string()),
        given_up: !error.is_retryable() || failures.saturating_add(1) >= limits::NOTICE_TRIES,
    }
}
