//! The timeline: what happened, line by line, with the date where a day begins.

use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::event::Recorded;
use crate::frozen::Frozen;
use crate::state::{IllegalEvent, State};

use super::lines;

/// Tells events one after the other; it remembers the day, because lines carry only the time of day.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    day: Option<Date>,
}

impl Timeline {
    /// The lines of the next event; the state is the one after it.
    pub fn tell(&mut self, state: &State, recorded: &Recorded) -> Vec<String> {
        let told = lines(state, recorded);
        let day = TimeZone::UTC.to_datetime(recorded.now.world).date();
        if told.is_empty() || self.day == Some(day) {
            return told;
        }
        self.day = Some(day);
        let mut dated = vec![format!("{day} (UTC)")];
        dated.extend(told);
        dated
    }
}

/// Folds a whole history and tells it.
///
/// # Errors
///
/// The first event that does not fit.
pub fn timeline(
    frozen: Frozen,
    events: &[Recorded],
) -> Result<(State, Timeline, Vec<String>), IllegalEvent> {
    let mut timeline = Timeline::default();
    let (first, rest) = events.split_first().ok_or_else(|| IllegalEvent {
        seq: 0,
        reason: "the history is empty".to_owned(),
    })?;
    let mut state = State::new(Arc::new(frozen), first)?;
    let mut told = timeline.tell(&state, first);
    for recorded in rest {
        state.apply(recorded)?;
        told.extend(timeline.tell(&state, recorded));
    }
    Ok((state, timeline, told))
}
