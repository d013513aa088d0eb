//! An operator at work on executions: the history, a driver of this process, and whose word it is.
//!
//! What an operator asks for is an event like any other, by the ARN that STS gives. Nothing is decided here.

use std::sync::Arc;

use drs_engine::drive::{DriveError, Driver};
use drs_engine::event::{Author, Event};
use drs_engine::ids::ExecutionId;
use drs_engine::ports::{Clock, Outside};
use drs_engine::report::{self, Driven};
use drs_engine::state::State;
use drs_engine::store::items::Items;
use drs_engine_aws::machines::StateMachines;

use crate::failure::Failure;
use crate::history::History;
use crate::progress::Progress;

/// What an operator works with.
pub(crate) trait Ports: 'static {
    /// Everything that an execution needs of AWS.
    type Outside: Outside + 'static;
    /// Where histories are kept.
    type Items: Items + Clone + 'static;
    /// What time it is.
    type Clock: Clock + 'static;
}

impl<D, I, C> Ports for (D, I, C)
where
    D: Outside + 'static,
    I: Items + Clone + 'static,
    C: Clock + 'static,
{
    type Outside = D;
    type Items = I;
    type Clock = C;
}

/// An operator of one environment.
pub(crate) struct Operator<P: Ports> {
    pub(crate) history: History<P::Items, P::Clock>,
    pub(crate) driver: Arc<Driver<P::Outside, P::Items, P::Clock>>,
    /// State machines that may have to be woken; none where there cannot be any.
    pub(crate) machines: Option<StateMachines>,
    /// The ARN that STS gives.
    pub(crate) arn: String,
    /// Wakes the driver where it sleeps.
    pub(crate) wake: Box<dyn Fn() + Send + Sync>,
}

impl<P: Ports> Operator<P> {
    /// An execution as its history tells it, and whether somebody drives it.
    pub(crate) async fn look(&self, id: &ExecutionId) -> Result<(State, Driven), Failure> {
        let loaded = self.history.load(id).await?;
        let told = report::timeline(loaded.frozen, &loaded.events);
        let (state, _, _) = told.map_err(|error| self.history.illegal(id, &error))?;
        let driven = self.history.driven(&state).await;
        let driven = driven.map_err(|error| self.history.unreadable(&error))?;
        Ok((state, driven))
    }

    /// Appends a wish of the operator to the history, and wakes the state machine that waits for one. Says what the operator
    /// should know about that machine; nothing where there is none, and where it goes on.
    pub(crate) async fn request(
        &self,
        id: &ExecutionId,
        event: Event,
    ) -> Result<Option<String>, DriveError> {
        let by = Author::Operator(self.arn.clone());
        let progress = Progress::default();
        let state = self.driver.request(id, by, event, &progress).await?;
        match &self.machines {
            Some(machines) => Ok(machines.hear(&self.driver.executions, &state).await),
            None => Ok(None),
        }
    }
}
