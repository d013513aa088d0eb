//! Notices: what topics are to be told, and what came of it.
//!
//! An event gives at most one notice, and that goes to every topic of the plan. A wave is told to be degraded once, when
//! its checks have ended.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::event::{Event, NoticeId, Recorded, Started};
use crate::limits;
use crate::plan::NoticeKind;

use super::State;
use super::check::ensure;

/// The notices of an execution.
#[derive(Clone, Debug, Default)]
pub struct Notices {
    /// Every notice.
    pub all: BTreeMap<NoticeId, Notice>,
    /// Those that are neither sent nor given up.
    due: BTreeSet<NoticeId>,
    /// Waves that were told to be degraded.
    degraded: BTreeSet<usize>,
}

/// A notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What it tells of.
    pub kind: NoticeKind,
    /// The wave that it is about, where it is about one.
    pub wave: Option<usize>,
    /// When that happened, in world time.
    pub at: Timestamp,
    /// How often it was tried in vain.
    pub failures: u32,
    /// How far it is.
    pub phase: NoticePhase,
}

/// How far a notice is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoticePhase {
    /// It was not tried.
    Due,
    /// It was tried in vain, and is tried again.
    Failed {
        /// When, in wall time.
        at: Timestamp,
        /// Why.
        message: String,
    },
    /// The topic has it.
    Sent {
        /// When that was recorded, in wall time.
        at: Timestamp,
    },
    /// It is not tried any more.
    GivenUp {
        /// Why.
        message: String,
    },
}

/// What an event is told as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Told {
    kind: NoticeKind,
    wave: Option<usize>,
}

impl Notices {
    /// What the first event of a history gives.
    pub(super) fn new(started: &Started, first: &Recorded) -> Self {
        let mut notices = Self::default();
        let told = Told {
            kind: NoticeKind::Started,
            wave: None,
        };
        notices.add(started, first, told);
        notices
    }

    /// Notices that are neither sent nor given up, in the order of their events.
    pub fn due(&self) -> impl Iterator<Item = (&NoticeId, &Notice)> {
        self.due
            .iter()
            .filter_map(|id| Some((id, self.all.get(id)?)))
    }

    /// Whether a notice is neither sent nor given up.
    pub fn is_due(&self, id: &NoticeId) -> bool {
        self.due.contains(id)
    }

    /// Whether none is left to be sent.
    pub fn are_done(&self) -> bool {
        self.due.is_empty()
    }

    fn add(&mut self, started: &Started, recorded: &Recorded, told: Told) {
        let Some(notifications) = &started.notifications else {
            return;
        };
        if !notifications.events.contains(&told.kind) {
            return;
        }
        let most = limits::NOTICES_PER_EXECUTION.saturating_mul(notifications.topics.len());
        if told.kind != NoticeKind::Finished && self.all.len() >= most {
            return;
        }
        for topic in &notifications.topics {
            let id = NoticeId {
                event: recorded.seq,
                topic: topic.clone(),
            };
            let notice = Notice {
                kind: told.kind,
                wave: told.wave,
                at: recorded.now.world,
                failures: 0,
                phase: NoticePhase::Due,
            };
            self.due.insert(id.clone());
            self.all.insert(id, notice);
        }
    }
}

/// What an event before its effect is told as: a pause that begins, or the end.
pub(super) fn before(state: &State, event: &Event) -> Option<Told> {
    let told = |kind, wave| Some(Told { kind, wave });
    match event {
        Event::WavePaused { wave, .. } => told(NoticeKind::Paused, Some(*wave)),
        // One that is paused already keeps its first reason, and was told.
        Event::PauseRequested { before: None, .. } if state.pause.is_none() => {
            told(NoticeKind::Paused, None)
        }
        Event::ExecutionFinished { .. } | Event::Halted { .. } => told(NoticeKind::Finished, None),
        _ => None,
    }
}

/// The effect of an event on the notices, once it has had its own.
pub(super) fn take(state: &mut State, recorded: &Recorded, told: Option<Told>) {
    if state.started.notifications.is_none() {
        return;
    }
    match &recorded.event {
        Event::NoticeSent { notice } => {
            let at = recorded.now.wall;
            end(state, notice, NoticePhase::Sent { at });
        }
        Event::NoticeFailed {
            notice,
            message,
            given_up,
        } => fail(state, recorded, notice, message, *given_up),
        event => {
            if let Some(told) = told.or_else(|| degraded(state, event)) {
                state.notices.add(&state.started, recorded, told);
            }
        }
    }
}

/// A wave with degraded servers whose checks have ended, for the first time.
fn degraded(state: &mut State, event: &Event) -> Option<Told> {
    let (Event::ServersChecked { wave: index, .. } | Event::WaveFinished { wave: index, .. }) =
        event
    else {
        return None;
    };
    let wave = state.waves.get(*index)?;
    let goes_on = wave.checking > 0 || wave.launching > 0 || !wave.waiting.is_empty();
    let is_over = wave.finished.is_some() || !goes_on;
    if wave.degraded == 0 || !is_over || !state.notices.degraded.insert(*index) {
        return None;
    }
    Some(Told {
        kind: NoticeKind::Degraded,
        wave: Some(*index),
    })
}

fn end(state: &mut State, id: &NoticeId, phase: NoticePhase) {
    state.notices.due.remove(id);
    if let Some(notice) = state.notices.all.get_mut(id) {
        notice.phase = phase;
    }
}

fn fail(state: &mut State, recorded: &Recorded, id: &NoticeId, message: &str, given_up: bool) {
    let message = message.to_owned();
    if let Some(notice) = state.notices.all.get_mut(id) {
        notice.failures = notice.failures.saturating_add(1);
    }
    if given_up {
        return end(state, id, NoticePhase::GivenUp { message });
    }
    if let Some(notice) = state.notices.all.get_mut(id) {
        let at = recorded.now.wall;
        notice.phase = NoticePhase::Failed { at, message };
    }
}

/// Whether an event about a notice fits; none for others.
pub(super) fn check(state: &State, event: &Event) -> Option<Result<(), String>> {
    let (Event::NoticeSent { notice } | Event::NoticeFailed { notice, .. }) = event else {
        return None;
    };
    Some(ensure(state.notices.is_due(notice), || {
        format!(
            "no notice of event {} is due to {}",
            notice.event, notice.topic
        )
    }))
}
