//! The loop that carries decisions out: load, fold, decide, perform, append.
//!
//! A [`Driver`] is one process that drives one execution. It decides nothing; [`crate::decide`] does. What it guarantees:
//!
//! - An intent is in the history before the call it announces, and what is written next is the outcome of that call and
//!   of those that were made together with it in other targets.
//! - Nothing is written by a process that does not own the execution, or on a history it has not read.
//! - When it is asked to stop it finishes the call in flight, records its outcome, and returns.
//!
//! It does not survive a crash; the history does. A new driver begins where the history ends.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::decide::view::backoff;
use crate::decide::{Decision, Settings, View, decide, is_done};
use crate::event::{Author, Event, Recorded};
use crate::ids::{ExecutionId, OwnerId};
use crate::limits;
use crate::ports::{CallError, Clock, Outside};
use crate::state::{IllegalEvent, Owner, State};
use crate::store::codec::ReadError;
use crate::store::executions::{Executions, HistoryError};
use crate::store::items::Items;
use crate::time::{Wake, after, before};

mod actions;
mod adopt;
mod drill_guard;
pub mod hosted;
mod notices;
mod observe;
mod perform;
mod points;
mod record;
mod terminate;
pub(crate) mod together;

use notices::Post;
#[cfg(test)]
pub(crate) use perform::{EXECUTION_TAG, LAUNCH_TAG};

/// One process that drives executions.
pub struct Driver<D, I, C> {
    /// The DRS of every target.
    pub drs: D,
    /// The history.
    pub executions: Executions<I>,
    /// Time.
    pub clock: C,
    /// The pace.
    pub settings: Settings,
    /// This process.
    pub owner: OwnerId,
    /// Where this process runs, for people.
    pub host: String,
}

/// Whoever watches a driver: it is told what happens, and may ask the driver to stop.
pub trait Watch: Send + Sync {
    /// Keeps the process alive while a call and its outcome belong together.
    type Critical: Send;

    /// Whether the driver should stop at the next safe point.
    fn is_stopped(&self) -> bool;

    /// An event was recorded, by this process or by another; the state is the one after it.
    fn on_event(&self, state: &State, recorded: &Recorded);

    /// A call could not be served and will be made again.
    fn on_trouble(&self, error: &CallError);

    /// DRS is asked how running jobs are, in so many targets.
    fn on_look(&self, targets: usize);

    /// A call begins that changes the world; until the result is dropped the process should not end. In a process that
    /// is ending already this never completes: what has not begun does not begin.
    fn critical(&self) -> impl Future<Output = Self::Critical> + Send;
}

/// Nobody watches: for requests, and for drives that nobody looks at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

impl Watch for Unwatched {
    type Critical = ();

    fn is_stopped(&self) -> bool {
        false
    }

    fn on_event(&self, _: &State, _: &Recorded) {}

    fn on_trouble(&self, _: &CallError) {}

    fn on_look(&self, _: usize) {}

    async fn critical(&self) -> Self::Critical {}
}

/// Why a driver returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// There is nothing left to do.
    Done,
    /// It was asked to stop; the execution goes on without a driver.
    Stopped,
    /// Another process drives the execution now.
    OwnedBy(Owner),
}

/// Why a driver could not go on.
#[derive(Debug)]
pub enum DriveError {
    /// The history could not be read or written.
    History(HistoryError),
    /// The history holds an event that does not fit.
    Illegal(IllegalEvent),
    /// Another process took the execution over first.
    TakenMeanwhile(Owner),
    /// Others kept writing; nothing was appended.
    Contended,
    /// The bound of turns was reached.
    TooManyTurns,
}

/// The state of one drive: the fold, and what this process has seen.
struct Run<'a, W> {
    id: &'a ExecutionId,
    state: State,
    /// The state once more, for events to be folded on before they are written.
    copy: Option<Box<State>>,
    /// When this process last said that it lives.
    beat: Option<Timestamp>,
    view: View,
    watch: &'a W,
}

/// What one turn came to.
enum Step {
    /// Another is to be made.
    Next,
    /// None is.
    Ended(Ending),
    /// None is before then.
    Resting(Wake),
}

/// What came of carrying out a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// Go on.
    Next,
    /// The execution belongs to another process now.
    Lost,
}

impl<D: Outside, I: Items, C: Clock> Driver<D, I, C> {
    /// Reads an execution's history and folds it.
    ///
    /// # Errors
    ///
    /// When the history cannot be read, or does not make sense.
    pub async fn load(&self, id: &ExecutionId) -> Result<State, DriveError> {
        let loaded = self
            .executions
            .load(id)
            .await
            .map_err(DriveError::History)?;
        State::replay(Arc::new(loaded.frozen), &loaded.events).map_err(DriveError::Illegal)
    }

    /// Makes this process the owner. The caller has made sure that the present owner is gone, or was told to take over.
    ///
    /// # Errors
    ///
    /// When the history cannot be read or written, or others kept writing.
    pub async fn take_over<W: Watch>(
        &self,
        id: &ExecutionId,
        watch: &W,
    ) -> Result<State, DriveError> {
        let mut run = self.begin(id, watch).await?;
        let previous = run.state.owner.as_ref().map(|owner| owner.id.clone());
        for _ in 0..limits::APPEND_ATTEMPTS {
            match &run.state.owner {
                Some(owner) if owner.id == self.owner => return Ok(run.state),
                // The caller has judged the owner it saw, not one that was faster.
                Some(owner) if Some(&owner.id) != previous.as_ref() => {
                    return Err(DriveError::TakenMeanwhile(owner.clone()));
                }
                _ => {}
            }
            let event = Event::OwnerTaken {
                owner: self.owner.clone(),
                host: self.host.clone(),
                previous: previous.clone(),
            };
            if self.try_record(&mut run, vec![event]).await? {
                self.heartbeat(&run).await?;
            }
        }
        Err(DriveError::Contended)
    }

    /// Appends an operator's wish, e.g. a cancel; anybody may, whoever owns the execution.
    ///
    /// # Errors
    ///
    /// When the history cannot be read or written, or the wish makes no sense in this state.
    pub async fn request<W: Watch>(
        &self,
        id: &ExecutionId,
        by: Author,
        event: Event,
        watch: &W,
    ) -> Result<State, DriveError> {
        let mut run = self.begin(id, watch).await?;
        self.record_as(&mut run, by, vec![event]).await?;
        Ok(run.state)
    }

    /// Drives an execution that this process owns until nothing is left to do, it is told to stop, or it loses it.
    ///
    /// # Errors
    ///
    /// When the history cannot be read or written. Troubles with DRS are waited out, not returned.
    pub async fn drive<W: Watch>(
        &self,
        id: &ExecutionId,
        watch: &W,
    ) -> Result<(State, Ending), DriveError> {
        let mut run = self.begin(id, watch).await?;
        let mut post = Post::default();
        let mut failures = 0;
        for _ in 0..limits::TURNS_PER_DRIVE {
            match self.drive_once(&mut run, &mut post, None).await {
                Ok(Step::Ended(ending)) => return Ok((run.state, ending)),
                Ok(Step::Next | Step::Resting(_)) => failures = 0,
                Err(error) => self.wait_out(&run, error, &mut failures).await?,
            }
        }
        Err(DriveError::TooManyTurns)
    }

    /// One turn, unless there is a reason not to make any more. A wait that is longer than `patience` is not begun.
    async fn drive_once<'a, W: Watch>(
        &'a self,
        run: &mut Run<'_, W>,
        post: &mut Post<'a>,
        patience: Option<SignedDuration>,
    ) -> Result<Step, DriveError> {
        self.refresh(run).await?;
        if let Some(owner) = &run.state.owner
            && !run.state.is_owned_by(&self.owner)
        {
            return Ok(Step::Ended(Ending::OwnedBy(owner.clone())));
        }
        if is_done(&run.state) {
            return Ok(Step::Ended(Ending::Done));
        }
        if run.watch.is_stopped() {
            return Ok(Step::Ended(Ending::Stopped));
        }
        self.beat(run).await?;
        match self.turn(run, post, patience).await {
            Err(DriveError::Illegal(broken)) => {
                self.halt(run, &broken).await?;
                Ok(Step::Next)
            }
            result => result,
        }
    }

    /// A store that cannot serve now changes nothing about the execution, so it is waited for; but not for ever.
    async fn wait_out<W: Watch>(
        &self,
        run: &Run<'_, W>,
        error: DriveError,
        failures: &mut u32,
    ) -> Result<(), DriveError> {
        let DriveError::History(HistoryError::Read(ReadError::Call(call))) = &error else {
            return Err(error);
        };
        *failures = failures.saturating_add(1);
        if !call.is_retryable() || *failures > limits::STORE_FAILURES {
            return Err(error);
        }
        run.watch.on_trouble(call);
        let wait = backoff("store", *failures - 1, call.retry_after);
        let mut wake = Wake::default();
        wake.at_wall(after(self.clock.now().wall, wait));
        self.clock.sleep(wake).await;
        Ok(())
    }

    /// A decision that does not fit the history it was made on is a broken rule of the engine. Nothing more is done, so
    /// that nothing worse is done, and a person is told.
    async fn halt<W: Watch>(
        &self,
        run: &mut Run<'_, W>,
        broken: &IllegalEvent,
    ) -> Result<(), DriveError> {
        let reason = broken.to_string();
        self.try_record(run, vec![Event::Halted { reason }]).await?;
        Ok(())
    }

    /// Follows an execution that another process drives, until nothing is left to do or the watcher asks to stop.
    ///
    /// # Errors
    ///
    /// When the history cannot be read.
    pub async fn follow<W: Watch>(
        &self,
        id: &ExecutionId,
        watch: &W,
    ) -> Result<(State, Ending), DriveError> {
        let mut run = self.begin(id, watch).await?;
        for _ in 0..limits::TURNS_PER_DRIVE {
            if is_done(&run.state) {
                return Ok((run.state, Ending::Done));
            }
            if watch.is_stopped() {
                return Ok((run.state, Ending::Stopped));
            }
            let mut wake = Wake::default();
            wake.at_wall(after(self.clock.now().wall, limits::FOLLOW_INTERVAL));
            self.clock.sleep(wake).await;
            self.refresh(&mut run).await?;
        }
        Err(DriveError::TooManyTurns)
    }

    async fn begin<'a, W>(
        &self,
        id: &'a ExecutionId,
        watch: &'a W,
    ) -> Result<Run<'a, W>, DriveError> {
        Ok(Run {
            id,
            state: self.load(id).await?,
            copy: None,
            beat: None,
            view: View::default(),
            watch,
        })
    }

    /// One decision, carried out or waited for.
    async fn turn<'a, W: Watch>(
        &'a self,
        run: &mut Run<'_, W>,
        post: &mut Post<'a>,
        patience: Option<SignedDuration>,
    ) -> Result<Step, DriveError> {
        let Decision {
            command,
            publish,
            mut wake,
        } = decide(&run.state, &run.view, self.clock.now(), &self.settings);
        self.publish(run, publish, post);
        // Whether it was lost meanwhile shows at the beginning of the next turn.
        if let Some(command) = command {
            self.perform(run, command).await?;
            return Ok(Step::Next);
        }
        let now = self.clock.now();
        let rests = |patience| hosted::is_to_rest(now, wake, self.settings.speed, patience);
        if patience.is_some_and(rests) && run.is_quiet() {
            return Ok(Step::Resting(wake));
        }
        wake.at_wall(after(now.wall, limits::HEARTBEAT_INTERVAL));
        self.wait(run, wake, post).await?;
        Ok(Step::Next)
    }

    /// Takes what others wrote since the last look.
    async fn refresh<W: Watch>(&self, run: &mut Run<'_, W>) -> Result<(), DriveError> {
        let events = self
            .executions
            .load_after(run.id, run.state.seq)
            .await
            .map_err(DriveError::History)?;
        for recorded in &events {
            run.state.apply(recorded).map_err(DriveError::Illegal)?;
            run.watch.on_event(&run.state, recorded);
        }
        Ok(())
    }

    /// Says that this process drives the execution no longer, so that whoever comes next need not wait for its silence to
    /// be long enough. Only for an owner, after its drive has returned.
    ///
    /// # Errors
    ///
    /// When the store refuses; a lost word only makes the next one wait.
    pub async fn leave(&self, id: &ExecutionId) -> Result<(), DriveError> {
        let mut now = self.clock.now();
        now.wall = long_silent(now.wall);
        self.executions
            .heartbeat(id, &self.owner, &self.host, now)
            .await
            .map_err(DriveError::History)
    }

    /// Says that this process lives while a call takes longer than an owner may be silent. Whoever drives calls it beside
    /// the drive, every [`limits::HEARTBEAT_INTERVAL`]; it says nothing once another process has signed.
    ///
    /// # Errors
    ///
    /// When the store refuses; a lost word does no harm.
    pub async fn keep_alive(&self, id: &ExecutionId) -> Result<(), DriveError> {
        let now = self.clock.now();
        self.executions
            .keep_alive(id, &self.owner, &self.host, now)
            .await
            .map_err(DriveError::History)
    }

    /// A sign of life where one is due: most turns are over long before.
    async fn beat<W>(&self, run: &mut Run<'_, W>) -> Result<(), DriveError> {
        let now = self.clock.now().wall;
        if run
            .beat
            .is_none_or(|last| after(last, limits::HEARTBEAT_INTERVAL) <= now)
        {
            self.heartbeat(run).await?;
            run.beat = Some(now);
        }
        Ok(())
    }

    async fn heartbeat<W>(&self, run: &Run<'_, W>) -> Result<(), DriveError> {
        let now = self.clock.now();
        self.executions
            .heartbeat(run.id, &self.owner, &self.host, now)
            .await
            .map_err(DriveError::History)
    }
}

/// When an owner was last heard of that counts as gone now.
fn long_silent(wall: Timestamp) -> Timestamp {
    let silence = limits::OWNER_SILENCE.saturating_add(SignedDuration::from_secs(1));
    before(wall, silence)
}

impl fmt::Display for DriveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::History(error) => write!(f, "{error}"),
            Self::Illegal(error) => write!(f, "the history does not make sense: {error}"),
            Self::TakenMeanwhile(owner) => {
                write!(f, "{} took the execution over meanwhile", owner.host)
            }
            Self::Contended => write!(
                f,
                "others kept writing to the history; nothing was appended, try again"
            ),
            Self::TooManyTurns => write!(
                f,
                "the driver stopped after {} turns without an end",
                limits::TURNS_PER_DRIVE
            ),
        }
    }
}

impl std::error::Error for DriveError {}
