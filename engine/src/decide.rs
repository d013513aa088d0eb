//! The only place that chooses what an execution does next.
//!
//! [`decide`] is a pure function of the history (the [`State`]), of what this process has seen since it started (the
//! [`View`]), and of the time. It does no I/O and reads no clock. It returns at most one [`Command`]; the driver carries
//! it out, appends what came of it, and asks again, so no command is ever carried out on a state that another one has
//! changed. Where the same call is due in several targets, [`beside`] says which may be made at the same time.
//!
//! To change how a wave is judged, read [`jobs`]; what is launched when, [`launches`]; when a wave starts and ends,
//! [`waves`]; what follows a failed server, [`policy`]; whether a launched one is healthy, [`checks`]; what is run before
//! and after a wave, [`hooks`] and [`actions`]; how instances are terminated, [`termination`]; when it is looked what
//! servers were launched from, [`points`].

use jiff::SignedDuration;

use crate::event::{ActionId, Event, LaunchId};
use crate::ids::{InstanceId, ServerId, Target};
use crate::limits;
use crate::state::{State, Status};
use crate::time::{Now, Wake};

pub mod actions;
pub mod beside;
pub mod checks;
pub mod hooks;
pub mod jobs;
pub mod launches;
pub mod points;
pub mod policy;
pub mod termination;
pub mod view;
pub mod waves;

use actions::ActionPlan;
pub use view::View;

/// What to do next, and when to ask again if nothing happens before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// The next thing to do.
    pub command: Option<Command>,
    /// When to ask again, where there is nothing to do now.
    pub wake: Wake,
}

/// A request to the world, or facts to record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Append these events: they follow from the history and the time.
    Record(Vec<Event>),
    /// Look at the jobs and quotas of a target, because a launch is due.
    Survey(Target),
    /// Launch servers: guard, intent, call, outcome.
    Launch(LaunchPlan),
    /// Look for the job of a launch whose call has no outcome.
    FindJob(LaunchId),
    /// Look at running jobs.
    Observe {
        /// Where.
        target: Target,
        /// The launches whose jobs to look at.
        launches: Vec<LaunchId>,
    },
    /// Look for the recovery instances of launched servers.
    FindInstances {
        /// Where.
        target: Target,
        /// The servers.
        servers: Vec<ServerId>,
    },
    /// Look what the launched servers of jobs that ended were launched from.
    FindPoints(Vec<LaunchId>),
    /// Look at the status of launched instances, in a target and in others where that is due.
    LookAtHealth(Target),
    /// Begin hooks and checks: intents, calls, outcomes.
    BeginActions(Vec<ActionPlan>),
    /// Look how far hooks and checks are.
    LookAtActions(Vec<ActionId>),
    /// Look which instances of this execution are still there.
    FindOwnInstances(Target),
    /// Ask DRS to terminate instances of this execution.
    Terminate {
        /// Where.
        target: Target,
        /// The instances; every one was seen to belong to a job of this execution.
        instances: Vec<InstanceId>,
    },
}

/// A launch that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaunchPlan {
    /// The number it gets.
    pub launch: LaunchId,
    /// The wave.
    pub wave: usize,
    /// How often its servers were tried, this time included.
    pub attempt: u32,
    /// Where.
    pub target: Target,
    /// The servers in launch order.
    pub servers: Vec<ServerId>,
    /// Whether to tag the job.
    pub tagged: bool,
}

/// What can be set about an execution's pace. The defaults are the named limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// World time between two looks for instances.
    pub poll_interval: SignedDuration,
    /// Shortest world time between two looks at running jobs.
    pub poll_shortest: SignedDuration,
    /// Longest world time between two looks at running jobs.
    pub poll_longest: SignedDuration,
    /// Wall age at which AWS, or the simulator, refuses a signed request.
    pub signature_age: SignedDuration,
    /// How many times faster the world's clock runs than the wall's: 1 on AWS.
    pub speed: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            poll_interval: limits::POLL_INTERVAL,
            poll_shortest: limits::POLL_SHORTEST,
            poll_longest: limits::POLL_LONGEST,
            signature_age: limits::SIGNATURE_AGE,
            speed: 1,
        }
    }
}

/// Chooses what to do next.
///
/// While the execution runs: facts that follow from time come first, so that nothing is launched past a limit; then
/// what is unknown is looked up; then jobs are followed; then servers are launched; and when there is nothing else to do,
/// it is looked what they were launched from. After its end only a termination is left to do.
pub fn decide(state: &State, view: &View, now: Now, settings: &Settings) -> Decision {
    let mut wake = Wake::default();
    let command = match state.status {
        Status::Running | Status::Paused | Status::Cancelling => {
            waves::record(state, now, &mut wake)
                .or_else(|| checks::record(state, now, &mut wake))
                .or_else(|| actions::record(state, now, &mut wake))
                .or_else(|| launches::resolve(state, view, now, settings, &mut wake))
                .or_else(|| jobs::follow(state, view, now, settings, &mut wake))
                .or_else(|| look(state, view, now, settings, &mut wake))
                .or_else(|| launches::next(state, view, now, &mut wake))
                .or_else(|| begin(state, now, &mut wake))
                .or_else(|| points::next(state, view, now, &mut wake))
        }
        Status::Ended(_) | Status::Halted => {
            termination::next(state, view, now, settings, &mut wake)
        }
    };
    Decision { command, wake }
}

/// Looks at instances and actions that are due.
fn look(
    state: &State,
    view: &View,
    now: Now,
    settings: &Settings,
    wake: &mut Wake,
) -> Option<Command> {
    let health = checks::looks(state, view, now, settings, wake);
    if let Some((target, _)) = health.into_iter().next() {
        return Some(Command::LookAtHealth(target));
    }
    let running = actions::looks(state, view, now, settings, wake);
    (!running.is_empty()).then_some(Command::LookAtActions(running))
}

/// Hooks and checks that are due.
fn begin(state: &State, now: Now, wake: &mut Wake) -> Option<Command> {
    let due = actions::due(state, now, wake);
    (!due.is_empty()).then_some(Command::BeginActions(due))
}

/// Whether there is nothing left to do, now or later, until somebody asks for something.
pub fn is_done(state: &State) -> bool {
    let terminating = state
        .termination
        .as_ref()
        .is_some_and(|termination| termination.finished.is_none());
    state.status.is_terminal() && !terminating
}

#[cfg(test)]
mod tests;
