//! Writing events: once where a decision depends on it, again where a fact must not be lost.

use crate::event::{Author, Event, Recorded};
use crate::limits;
use crate::ports::{Clock, Outside};
use crate::store::executions::AppendError;
use crate::store::items::Items;
use crate::store::projection::Projection;

use super::{DriveError, Driver, Run, Turn, Watch};

impl<D: Outside, I: Items, C: Clock> Driver<D, I, C> {
    /// Appends events that rest on the present state. When others wrote first, nothing is appended: the state is read
    /// anew and the caller must decide again.
    pub(super) async fn try_record<W: Watch>(
        &self,
        run: &mut Run<'_, W>,
        events: Vec<Event>,
    ) -> Result<bool, DriveError> {
        let author = Author::Owner(self.owner.clone());
        self.append(run, author, events).await
    }

    /// Appends the outcome of a call. Others may have written meanwhile, e.g. a cancel; the outcome is a fact and is
    /// appended after theirs, as long as this process still owns the execution and the fact still fits.
    pub(super) async fn record_outcome<W: Watch>(
        &self,
        run: &mut Run<'_, W>,
        events: Vec<Event>,
    ) -> Result<Turn, DriveError> {
        let before = run.state.seq;
        for _ in 0..limits::APPEND_ATTEMPTS {
            if !run.state.is_owned_by(&self.owner) {
                return Ok(Turn::Lost);
            }
            match self.try_record(run, events.clone()).await {
                Ok(true) => return Ok(Turn::Next),
                Ok(false) => {}
                // Somebody else's word came first, e.g. that the launch was not sent, and says the same or more.
                Err(DriveError::Illegal(_)) if run.state.seq != before => return Ok(Turn::Next),
                Err(error) => return Err(error),
            }
        }
        Ok(Turn::Lost)
    }

    /// Appends an operator's wish after whatever others write meanwhile.
    pub(super) async fn record_as<W: Watch>(
        &self,
        run: &mut Run<'_, W>,
        author: Author,
        events: Vec<Event>,
    ) -> Result<(), DriveError> {
        for _ in 0..limits::APPEND_ATTEMPTS {
            if self.append(run, author.clone(), events.clone()).await? {
                return Ok(());
            }
        }
        Err(DriveError::Contended)
    }

    /// Folds the events on a copy first, so that only events that fit are ever written. The copy is kept and follows the
    /// state, because copying thousands of servers takes a hundred times as long as folding an event again.
    async fn append<W: Watch>(
        &self,
        run: &mut Run<'_, W>,
        author: Author,
        events: Vec<Event>,
    ) -> Result<bool, DriveError> {
        let now = self.clock.now();
        let copy = run.copy.take().filter(|copy| copy.seq == run.state.seq);
        let mut state = copy.unwrap_or_else(|| Box::new(run.state.clone()));
        let mut recorded = Vec::with_capacity(events.len());
        for event in events {
            let next = Recorded {
                seq: state.seq + 1,
                now,
                author: author.clone(),
                event,
            };
            state.apply(&next).map_err(DriveError::Illegal)?;
            recorded.push(next);
        }
        let projection = Projection::of(&state, &recorded);
        match self
            .executions
            .append(run.id, run.state.seq, &recorded, &projection)
            .await
        {
            Ok(()) => {
                std::mem::swap(&mut run.state, &mut state);
                let followed = recorded.iter().try_for_each(|next| state.apply(next));
                run.copy = followed.is_ok().then_some(state);
                for recorded in &recorded {
                    run.watch.on_event(&run.state, recorded);
                }
                Ok(true)
            }
            Err(AppendError::Conflict) => {
                self.refresh(run).await?;
                Ok(false)
            }
            Err(AppendError::History(error)) => Err(DriveError::History(error)),
        }
    }
}
