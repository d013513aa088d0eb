//! Pauses: what holds, since when, and the clocks that stand still meanwhile.
//!
//! An execution is paused as a whole, or before single waves; a wave may also be held after servers of it failed. While
//! anything holds, the status is PAUSED. Jobs that run are followed all the same, for DRS cannot pause them. Paused time
//! counts against no limit: the execution's clock stands while anything holds, a wave's while it, or the whole, is held.

use jiff::{SignedDuration, Timestamp};

use crate::event::{Author, Event, Recorded};
use crate::time::after;

use super::{State, Status, Wave, policy};

/// A pause of a whole execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// When, in world time.
    pub at: Timestamp,
    /// Who.
    pub by: Author,
    /// Why, in their words.
    pub reason: String,
}

/// What keeps a wave from going on until somebody resumes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Who asked for it; none when the plan did.
    pub by: Option<Author>,
    /// Why.
    pub reason: String,
    /// Since when it holds, in world time; none while the wave is not due yet.
    pub since: Option<Timestamp>,
}

/// World time that counts against no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// What has passed in pauses that are over.
    total: SignedDuration,
    /// When the present one began.
    since: Option<Timestamp>,
}

impl Standing {
    /// When a limit is reached that began at an instant; none while the clock stands.
    pub fn limit(&self, from: Timestamp, span: SignedDuration) -> Option<Timestamp> {
        match self.since {
            Some(_) => None,
            None => Some(after(from, span.saturating_add(self.total))),
        }
    }

    /// Stops the clock, or lets it go on.
    fn set(&mut self, stands: bool, at: Timestamp) {
        match (self.since, stands) {
            (None, true) => self.since = Some(at),
            (Some(since), false) => {
                self.total = self.total.saturating_add(at.duration_since(since));
                self.since = None;
            }
            _ => {}
        }
    }
}

impl Hold {
    /// What a plan asks for before a wave.
    pub(super) fn planned() -> Self {
        Self {
            by: None,
            reason: "the plan asks for an approval before this wave".to_owned(),
            since: None,
        }
    }
}

impl Wave {
    /// Whether it is held now.
    pub fn is_held(&self) -> bool {
        self.finished.is_none() && self.hold.as_ref().is_some_and(|hold| hold.since.is_some())
    }
}

impl State {
    /// The waves that are held now.
    pub fn held_waves(&self) -> impl Iterator<Item = (usize, &Wave)> {
        self.waves
            .iter()
            .enumerate()
            .filter(|(_, wave)| wave.is_held())
    }
}

/// The effect of what operators ask for while an execution runs, and of a wave that became due.
pub(super) fn take(state: &mut State, recorded: &Recorded) {
    let at = recorded.now.world;
    let author = || recorded.author.clone();
    match &recorded.event {
        Event::PauseRequested {
            before: None,
            reason,
        } => {
            state.pause.get_or_insert_with(|| Pause {
                at,
                by: author(),
                reason: reason.clone(),
            });
        }
        Event::PauseRequested {
            before: Some(wave),
            reason,
        } => {
            state.waves[*wave].hold.get_or_insert_with(|| Hold {
                by: Some(author()),
                reason: reason.clone(),
                since: None,
            });
        }
        Event::WavePaused { wave, reason } => {
            let hold = state.waves[*wave].hold.get_or_insert_with(|| Hold {
                by: None,
                reason: reason.clone(),
                since: None,
            });
            hold.since = Some(at);
        }
        Event::ResumeRequested { .. } => resume(state),
        Event::RetryRequested { wave, servers, .. } => {
            state.waves[*wave].hold = None;
            policy::put_back(state, servers);
        }
        Event::SkipRequested { wave, reason } => {
            let wave = &mut state.waves[*wave];
            wave.hold = None;
            wave.is_accepted = true;
            wave.skipped = Some(reason.clone());
        }
        _ => {}
    }
    settle(state, at);
}

/// Takes every pause away, because nothing is launched any more.
pub(super) fn end(state: &mut State, at: Timestamp) {
    state.pause = None;
    for wave in &mut state.waves {
        wave.hold = None;
    }
    settle(state, at);
}

fn resume(state: &mut State) {
    state.pause = None;
    for index in 0..state.waves.len() {
        let wave = &state.waves[index];
        if wave.is_held() {
            // Whoever resumes a wave that was held after failures has seen them.
            let is_accepted = wave.started_at.is_some() || state.failed_hook(wave).is_some();
            let wave = &mut state.waves[index];
            wave.hold = None;
            wave.is_accepted = is_accepted;
        }
    }
}

/// Brings the status and the clocks in line with what holds now.
pub(super) fn settle(state: &mut State, at: Timestamp) {
    let whole = state.pause.is_some();
    for wave in &mut state.waves {
        let runs = wave.started_at.is_some() && wave.finished.is_none();
        let stands = runs && (whole || wave.is_held());
        wave.clock.set(stands, at);
    }
    let holds = whole || state.held_waves().next().is_some();
    state.clock.set(holds, at);
    state.status = match state.status {
        Status::Running if holds => Status::Paused,
        Status::Paused if !holds => Status::Running,
        status => status,
    };
}
