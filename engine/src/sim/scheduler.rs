//! Runs the tasks of a simulated run, one step at a time, in an order that comes from the seed.
//!
//! A step polls one task until its next gate. Between steps the scheduler may let a task die, which drops its future
//! where it stands, or leave it alone for a while, as a process is that the operating system does not run. When every
//! task sleeps, virtual time jumps to the first that wakes.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use jiff::SignedDuration;

use crate::time::after;

use super::hub::{Hub, TaskId};

/// A task's future.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Longest time a paused task is left alone: longer than the fence after an intent.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(15);

/// The tasks of a run.
pub struct Scheduler {
    hub: Hub,
    tasks: Vec<Option<Task>>,
}

/// What ended a run of the scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Every task has ended.
    AllEnded,
    /// The given number of steps was made.
    OutOfSteps,
}

impl Scheduler {
    /// A scheduler without tasks.
    pub fn new(hub: Hub) -> Self {
        Self {
            hub,
            tasks: Vec::new(),
        }
    }

    /// The number the next task gets.
    pub fn next_task(&self) -> TaskId {
        TaskId(self.tasks.len())
    }

    /// Adds a task.
    pub fn spawn(&mut self, task: Task) -> TaskId {
        self.tasks.push(Some(task));
        TaskId(self.tasks.len() - 1)
    }

    /// Whether a task has not ended.
    pub fn is_alive(&self, task: TaskId) -> bool {
        self.tasks.get(task.0).is_some_and(Option::is_some)
    }

    /// Makes steps until every task has ended or the bound is reached. `on_death` is told of every task that died, and
    /// may add tasks.
    pub fn run(&mut self, steps: u64, mut on_death: impl FnMut(&mut Self, TaskId)) -> Stopped {
        for _ in 0..steps {
            let Some(task) = self.pick() else {
                return Stopped::AllEnded;
            };
            if self.hub.chance(self.hub.faults().crashes) {
                self.kill(task);
                self.hub.count("crashes");
                on_death(self, task);
                continue;
            }
            if self.hub.chance(self.hub.faults().pauses) {
                let most = u64::try_from(LONGEST_PAUSE.as_secs()).unwrap_or(0);
                let pause = i64::try_from(self.hub.draw(most)).unwrap_or(0);
                self.hub.set_asleep(
                    task,
                    Some(after(self.hub.now(), SignedDuration::from_secs(pause))),
                );
                self.hub.count("pauses");
                continue;
            }
            self.step(task);
        }
        Stopped::OutOfSteps
    }

    /// Lets a task die where it stands.
    pub fn kill(&mut self, task: TaskId) {
        if let Some(slot) = self.tasks.get_mut(task.0) {
            *slot = None;
        }
        self.hub.set_asleep(task, None);
        self.hub.trace(|| format!("task {} dies", task.0));
    }

    /// A task that can go on, at random; time jumps when none can. Every step takes a little time, so that a run whose
    /// tasks never sleep still ends.
    fn pick(&mut self) -> Option<TaskId> {
        self.hub
            .advance_to(after(self.hub.now(), SignedDuration::from_millis(20)));
        let alive: Vec<TaskId> = (0..self.tasks.len())
            .map(TaskId)
            .filter(|task| self.is_alive(*task))
            .collect();
        let ready: Vec<TaskId> = alive
            .iter()
            .copied()
            .filter(|task| self.hub.asleep_until(*task).is_none())
            .collect();
        if ready.is_empty() {
            let first = alive
                .iter()
                .filter_map(|task| Some((self.hub.asleep_until(*task)?, *task)))
                .min()?;
            self.hub.advance_to(first.0);
            return Some(first.1);
        }
        let index = usize::try_from(self.hub.draw(ready.len() as u64)).unwrap_or(0);
        ready.get(index).copied()
    }

    fn step(&mut self, task: TaskId) {
        let Some(Some(future)) = self.tasks.get_mut(task.0) else {
            return;
        };
        let mut context = Context::from_waker(Waker::noop());
        if let Poll::Ready(()) = future.as_mut().poll(&mut context) {
            self.tasks[task.0] = None;
        }
    }
}
