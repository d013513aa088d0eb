//! Driving on a machine that waits elsewhere: a turn does what is due now, and says when to ask again.
//!
//! A process of ours sleeps between two looks. A function of Lambda must not, because it is paid and bounded by time: it
//! returns, a state machine waits, and asks for the next turn. All turns of a machine are made by one owner; the lease of
//! [`crate::store::machine`] keeps two of them apart. At the end of a turn the sign of life is given for the time until the
//! next, so that a machine that rests does not count as silent.

use jiff::SignedDuration;

use crate::begin::Whose;
use crate::decide::is_done;
use crate::ids::ExecutionId;
use crate::limits;
use crate::ports::{Clock, Outside};
use crate::state::{Owner, State, Status};
use crate::store::executions::HistoryError;
use crate::store::items::Items;
use crate::store::machine::{Admission, Token, TurnLease};
use crate::time::{Now, Wake, after};

use super::notices::Post;
use super::{DriveError, Driver, Ending, Run, Step, Watch, long_silent};

/// What a turn came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// There is nothing left to do here: the execution has ended, or another owner drives it.
    Over,
    /// There is something to do after this wait, in wall time.
    For(SignedDuration),
    /// Another call makes a turn, for so long at most.
    Taken(SignedDuration),
    /// Nothing is to be done before somebody resumes.
    Paused {
        /// How many events the history has.
        seq: u64,
    },
}

/// What came of keeping a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// The execution is paused; whoever resumes or cancels it finds the token.
    Waiting,
    /// It is paused no longer: the machine must be woken at once.
    GoOn,
}

impl<D: Outside, I: Items + Clone, C: Clock> Driver<D, I, C> {
    /// Does everything that is due now, as long as the watcher does not ask to stop. An execution whose owner is gone is
    /// taken over; one that another drives is left to it.
    ///
    /// # Errors
    ///
    /// As [`Self::drive`]. Nothing is lost then: the next turn goes on where the history ends.
    pub async fn turn_for_machine<W: Watch>(
        &self,
        id: &ExecutionId,
        lease: &TurnLease,
        watch: &W,
    ) -> Result<(State, Rest), DriveError> {
        let wall = self.clock.now().wall;
        let admission = self.executions.take_turn(id, lease, wall).await;
        if let Admission::Busy(until) = admission.map_err(DriveError::History)? {
            let wait = until.duration_since(wall).min(limits::REST_LONGEST);
            return Ok((self.load(id).await?, Rest::Taken(wait)));
        }
        let worked = self.work_for_machine(id, watch).await;
        // What is not given back is held until the call ends; that the turn was made counts for more.
        let _ = self.executions.give_turn_back(id, lease).await;
        worked
    }

    async fn work_for_machine<W: Watch>(
        &self,
        id: &ExecutionId,
        watch: &W,
    ) -> Result<(State, Rest), DriveError> {
        let state = self.load(id).await?;
        if !is_done(&state) && !state.is_owned_by(&self.owner) {
            match self.whose(id, &state).await? {
                Whose::OwnedBy(_) => return Ok((state, Rest::Over)),
                Whose::Terminal | Whose::OwnerGone => self.take_over(id, watch).await?,
            };
        }
        let (state, rest) = self.drive_while_due(id, watch).await?;
        if let Some(span) = rest.silence() {
            self.rest_for(id, span).await?;
        }
        Ok((state, rest))
    }

    /// Whose an execution is, also after its end: something may be left to be terminated by somebody.
    ///
    /// # Errors
    ///
    /// When the history cannot be read, or does not make sense.
    pub async fn whose(&self, id: &ExecutionId, state: &State) -> Result<Whose, DriveError> {
        if !state.status.is_terminal() {
            return self.ownership(id).await;
        }
        let sign = self.executions.sign_of_life(id).await;
        let sign = sign.map_err(|error| DriveError::History(HistoryError::Read(error)))?;
        let fresh = sign.filter(|sign| sign.is_fresh(self.clock.now().wall));
        Ok(fresh.map_or(Whose::OwnerGone, Whose::OwnedBy))
    }

    /// As [`Self::drive`], but returns where that would sleep.
    async fn drive_while_due<W: Watch>(
        &self,
        id: &ExecutionId,
        watch: &W,
    ) -> Result<(State, Rest), DriveError> {
        let mut run = self.begin(id, watch).await?;
        let mut post = Post::default();
        let patience = Some(limits::TURN_PATIENCE);
        for _ in 0..limits::TURNS_PER_DRIVE {
            let rest = match self.drive_once(&mut run, &mut post, patience).await? {
                Step::Next => continue,
                Step::Ended(Ending::Done | Ending::OwnedBy(_)) => Rest::Over,
                Step::Ended(Ending::Stopped) => Rest::For(SignedDuration::ZERO),
                Step::Resting(wake) => self.rest_of(&run.state, wake),
            };
            return Ok((run.state, rest));
        }
        Err(DriveError::TooManyTurns)
    }

    /// Keeps the token of a machine that waits in a pause, and then looks once more: whoever resumed the execution before
    /// the token was kept could not find it. A resume is in the history before its token is looked for, so one of the two
    /// sees the other. `seq` is how many events the history had when a turn found it paused.
    ///
    /// # Errors
    ///
    /// When the history cannot be read, or the token is not known to be kept.
    pub async fn hold_for_machine(
        &self,
        id: &ExecutionId,
        token: &Token,
        seq: u64,
    ) -> Result<Held, DriveError> {
        let kept = self.executions.keep_token(id, token).await;
        kept.map_err(DriveError::History)?;
        let state = self.load(id).await?;
        if state.seq == seq && state.is_owned_by(&self.owner) {
            self.rest_for(id, limits::PAUSE_LOOK).await?;
            return Ok(Held::Waiting);
        }
        // One that stays does no harm: it wakes nobody any more.
        let _ = self.executions.forget_token(id, token).await;
        Ok(Held::GoOn)
    }

    /// Says that an owner is gone, as whoever asked Step Functions about its machine knows: the next one need not wait for
    /// the end of its rest. A machine that lives after all says so at its next turn.
    ///
    /// # Errors
    ///
    /// When the store refuses; a lost word only makes the next one wait.
    pub async fn declare_gone(&self, id: &ExecutionId, owner: &Owner) -> Result<(), DriveError> {
        let mut now = self.clock.now();
        now.wall = long_silent(now.wall);
        self.executions
            .keep_alive(id, &owner.id, &owner.host, now)
            .await
            .map_err(DriveError::History)
    }

    /// Gives the sign of life for a time without any: until it is over, the owner counts as living.
    async fn rest_for(&self, id: &ExecutionId, span: SignedDuration) -> Result<(), DriveError> {
        let mut now = self.clock.now();
        now.wall = after(now.wall, span);
        self.executions
            .keep_alive(id, &self.owner, &self.host, now)
            .await
            .map_err(DriveError::History)
    }

    /// How a machine waits for the next thing to do.
    fn rest_of(&self, state: &State, wake: Wake) -> Rest {
        let wait = wall_until(self.clock.now(), wake, self.settings.speed);
        match wait.filter(|wait| *wait <= limits::REST_LONGEST) {
            Some(wait) => Rest::For(wait),
            None if state.status == Status::Paused => Rest::Paused { seq: state.seq },
            None => Rest::For(limits::REST_LONGEST),
        }
    }
}

impl Rest {
    /// How long nothing is heard of the machine; none where nobody waits to hear of it.
    fn silence(self) -> Option<SignedDuration> {
        match self {
            Self::Over | Self::Taken(_) => None,
            Self::For(span) => Some(span),
            // The token must be kept first; that is the machine's next step.
            Self::Paused { .. } => Some(limits::REST_LONGEST),
        }
    }
}

/// How long until something is to be done, in wall time; none where nothing will be.
pub(super) fn wall_until(now: Now, wake: Wake, speed: u32) -> Option<SignedDuration> {
    let speed = i32::try_from(speed.max(1)).unwrap_or(i32::MAX);
    let world = wake.world.map(|at| at.duration_since(now.world) / speed);
    let wall = wake.wall.map(|at| at.duration_since(now.wall));
    let first = world.into_iter().chain(wall).min()?;
    Some(first.max(SignedDuration::ZERO))
}

/// Whether a drive that waits no longer than `patience` ends here.
pub(super) fn is_to_rest(now: Now, wake: Wake, speed: u32, patience: SignedDuration) -> bool {
    wall_until(now, wake, speed).is_none_or(|wait| wait > patience)
}

impl<W> Run<'_, W> {
    /// Whether nothing is on its way that a rest would lose.
    pub(super) fn is_quiet(&self) -> bool {
        self.view.publishing.is_empty()
    }
}
