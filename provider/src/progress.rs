//! Whoever watches an execution on behalf of Terraform: it logs what happens, and says when to stop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use drs_engine::drive::Watch;
use drs_engine::event::{Event, Recorded};
use drs_engine::ports::{CallError, Clock as _, Kind};
use drs_engine::report;
use drs_engine::state::{State, Status};
use drs_engine_aws::SystemClock;
use jiff::Timestamp;
use tfplugin::{CriticalSection, CriticalSections, Stop};

/// Watches one execution for one request.
pub(crate) struct Progress {
    stop: Stop,
    critical_sections: CriticalSections,
    clock: SystemClock,
    /// World time at which the request gives up.
    deadline: Option<Timestamp>,
    /// Whether it does not wait for somebody who lets a paused execution go on.
    returns_on_pause: bool,
    /// Whether the execution is paused, and no job of it runs.
    rests: AtomicBool,
    /// Who is told what happens, beside the log.
    told: Option<tfplugin::Progress>,
    /// The last trouble, so that a long one is logged once and not at every try.
    trouble: Mutex<Option<String>>,
    /// The last call that AWS refused, while the execution has not got on since.
    obstacle: Mutex<Option<CallError>>,
}

/// Why a watcher asks a driver to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Terraform was interrupted.
    Interrupted,
    /// The request took longer than its timeout.
    OutOfTime,
    /// The execution is paused, and the request does not wait for whoever lets it go on.
    Paused,
}

impl Progress {
    pub(crate) fn new(
        stop: Stop,
        critical_sections: CriticalSections,
        clock: SystemClock,
        deadline: Option<Timestamp>,
    ) -> Self {
        Self {
            stop,
            critical_sections,
            clock,
            deadline,
            returns_on_pause: false,
            rests: AtomicBool::new(false),
            told: None,
            trouble: Mutex::new(None),
            obstacle: Mutex::new(None),
        }
    }

    /// The same watcher, which has enough once the execution is paused and none of its jobs runs.
    pub(crate) fn returning_on_pause(mut self, returns: bool) -> Self {
        self.returns_on_pause = returns;
        self
    }

    /// The same watcher, which also tells whoever runs an action.
    pub(crate) fn telling(mut self, told: tfplugin::Progress) -> Self {
        self.told = Some(told);
        self
    }

    /// Says something that the history does not have.
    pub(crate) fn remark(&self, text: &str) {
        tracing::warn!("{text}");
        if let Some(told) = &self.told {
            told.report(text.to_owned());
        }
    }

    /// Notes how the execution stands.
    pub(crate) fn sees(&self, state: &State) {
        let rests = state.status == Status::Paused
            && state.unresolved().next().is_none()
            && state.running().next().is_none();
        self.rests.store(rests, Ordering::Relaxed);
    }

    /// What may have kept the execution from getting on: a call that AWS refused and that was made again and again. The
    /// history does not have it, for nothing followed from it.
    pub(crate) fn obstacle(&self) -> Option<CallError> {
        let obstacle = self.obstacle.lock();
        obstacle.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Why to stop, when there is a reason.
    pub(crate) fn reason(&self) -> Option<Reason> {
        if self.stop.is_stopped() {
            return Some(Reason::Interrupted);
        }
        let is_over = |deadline: Timestamp| self.clock.now().world >= deadline;
        if self.returns_on_pause && self.rests.load(Ordering::Relaxed) {
            return Some(Reason::Paused);
        }
        self.deadline
            .is_some_and(is_over)
            .then_some(Reason::OutOfTime)
    }
}

impl Watch for Progress {
    type Critical = CriticalSection;

    fn is_stopped(&self) -> bool {
        self.reason().is_some()
    }

    fn on_event(&self, state: &State, recorded: &Recorded) {
        self.sees(state);
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = None;
        if gets_on(&recorded.event) {
            *self.obstacle.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        let execution = state.started.execution_id.as_str();
        for line in report::lines(state, recorded) {
            tracing::info!(execution, "{line}");
            if let Some(told) = &self.told {
                told.report(line);
            }
        }
    }

    fn on_trouble(&self, error: &CallError) {
        if error.kind == Kind::Refused {
            let mut obstacle = self.obstacle.lock().unwrap_or_else(PoisonError::into_inner);
            *obstacle = Some(error.clone());
        }
        let text = error.to_string();
        let mut last = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if last.as_ref() != Some(&text) {
            tracing::warn!("{text}; it is tried again");
            *last = Some(text);
        }
    }

    fn on_look(&self, _: usize) {}

    async fn critical(&self) -> CriticalSection {
        self.critical_sections.enter().await
    }
}

/// Whether an event shows that the calls which are needed go through.
fn gets_on(event: &Event) -> bool {
    matches!(
        event,
        Event::LaunchAccepted { .. }
            | Event::ServersJudged { .. }
            | Event::JobEnded { .. }
            | Event::InstancesFound { .. }
            | Event::TerminationAccepted { .. }
            | Event::InstancesGone { .. }
    )
}
