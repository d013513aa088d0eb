//! What a driver in this process says beside the history, and how it is told to stop.
//!
//! A driver works on a thread of its own, so that a terminal that stands still does not hold it up. It leaves remarks
//! here; whoever prints takes them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use drs_engine::drive::Watch;
use drs_engine::event::Recorded;
use drs_engine::ports::CallError;
use drs_engine::state::State;

/// Most remarks that wait to be printed; a terminal that stands still must not fill the memory.
const REMARKS: usize = 200;

/// The word between a driver and whoever prints.
#[derive(Default)]
pub(crate) struct Progress {
    stopped: AtomicBool,
    said: Mutex<Said>,
}

#[derive(Default)]
struct Said {
    remarks: Vec<String>,
    /// The last trouble, so that a long one is told once and not at every try.
    trouble: Option<String>,
    part: Part,
}

/// What this process does about an execution.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Part {
    /// It has not found out yet.
    #[default]
    Looking,
    /// It drives.
    Driving,
    /// Another process drives, on this host; this one only looks on.
    Following(String),
}

impl Progress {
    /// Asks the driver to stop at the next safe point.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
    }

    pub(crate) fn remark(&self, text: impl Into<String>) {
        let mut said = self.lock();
        if said.remarks.len() < REMARKS {
            said.remarks.push(text.into());
        }
    }

    pub(crate) fn take_remarks(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().remarks)
    }

    pub(crate) fn part(&self) -> Part {
        self.lock().part.clone()
    }

    /// Notes what this process does now; a change is told.
    pub(crate) fn plays(&self, part: Part) {
        let before = std::mem::replace(&mut self.lock().part, part.clone());
        match (&before, part) {
            (Part::Following(_), Part::Driving) => self.remark("this process drives it now"),
            (Part::Driving, Part::Following(host)) => self.remark(format!(
                "{host} has taken it over; this process drives it no longer and follows it"
            )),
            (Part::Following(other), Part::Following(host)) if *other != host => {
                self.remark(format!("{host} drives it now; it is followed"));
            }
            _ => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch for Progress {
    type Critical = ();

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    fn on_event(&self, _: &State, _: &Recorded) {
        self.lock().trouble = None;
    }

    fn on_trouble(&self, error: &CallError) {
        let text = error.to_string();
        let is_new = self.lock().trouble.replace(text.clone()) != Some(text.clone());
        if is_new {
            self.remark(format!("{text}; it is tried again"));
        }
    }

    /// The process does not end while its driver works, so there is nothing to hold.
    fn on_look(&self, _: usize) {}

    async fn critical(&self) {}
}

#[cfg(test)]
mod tests {
    use drs_engine::ports::Kind;

    use super::*;

    #[test]
    fn a_long_trouble_is_told_once() {
        let progress = Progress::default();
        let trouble = CallError {
            kind: Kind::Busy,
            call: "drs:DescribeJobs",
            code: "ThrottlingException".to_owned(),
            message: "slow down".to_owned(),
            retry_after: None,
        };
        progress.on_trouble(&trouble);
        progress.on_trouble(&trouble);
        assert_eq!(
            progress.take_remarks(),
            [
                "drs:DescribeJobs could not be served now: ThrottlingException: slow down; it is tried \
              again"
            ]
        );
        assert!(progress.take_remarks().is_empty());
    }

    #[test]
    fn a_change_of_parts_is_told_and_the_first_part_is_not() {
        let progress = Progress::default();
        let following = |host: &str| Part::Following(host.to_owned());
        for part in [
            following("a"),
            following("a"),
            following("b"),
            Part::Driving,
            Part::Driving,
            following("c"),
        ] {
            progress.plays(part);
        }
        assert_eq!(
            progress.take_remarks(),
            [
                "b drives it now; it is followed",
                "this process drives it now",
                "c has taken it over; this process drives it no longer and follows it",
            ]
        );
    }
}
