//! The sweeper: what nobody brings to its end is given to a state machine.
//!
//! Two kinds of executions are found. Drills over their lifetime, and ended executions with notices left, have a marker in
//! the tables; what is to be done with them comes from their own history, as for `drsctl sweep`. Executions that have begun
//! and not ended are looked at one by one: when the owner has been silent for long, a machine takes over. The sweeper
//! writes wishes only; the machine drives, by the rules of ownership that hold for everybody.

use drs_engine::asl::{Input, run_name};
use drs_engine::begin::Whose;
use drs_engine::drive::{DriveError, Driver, Unwatched};
use drs_engine::event::{Author, Mode};
use drs_engine::ids::ExecutionId;
use drs_engine::limits;
use drs_engine::ports::Clock;
use drs_engine::state::State;
use drs_engine::store::executions::HistoryError;
use drs_engine::sweep::{Chore, chore};
use drs_engine::time::after;
use drs_engine_aws::{AwsDrs, DynamoItems, Session, SystemClock, fresh};
use serde_json::{Value, json};

use crate::configuration::Configuration;
use crate::log::{Level, Log};
use crate::metrics::Metrics;
use crate::trouble::Trouble;

/// Who sweeps, in the reasons of what is asked for.
const WHO: &str = "the sweeper";

/// What came of one sweep.
#[derive(Default)]
struct Swept {
    found: usize,
    restarted: usize,
    failed: usize,
    metrics: Metrics,
}

/// One sweep. What fails for one execution does not keep it from the others; the next sweep tries again.
pub(crate) async fn sweep(
    session: &Session,
    configuration: &Configuration,
    log: &Log,
) -> Result<Value, Trouble> {
    let sweeper = Sweeper {
        session,
        configuration,
        driver: session.driver(fresh::host("the sweeper")),
        log,
    };
    let mut swept = Swept::default();
    for id in sweeper
        .nominated()
        .await
        .map_err(|error| Trouble::of(&error))?
    {
        if swept.restarted >= limits::EXECUTIONS_PER_SWEEP {
            break;
        }
        let log = log.with("execution_id", id.as_str());
        if let Err(error) = sweeper.take_up(&id, &log, &mut swept).await {
            swept.failed += 1;
            log.line(
                Level::Error,
                "not swept",
                json!({"error": error.to_string()}),
            );
        }
    }
    swept.metrics.tell(session.environment(), "ALL");
    let told = json!({"found": swept.found, "restarted": swept.restarted, "failed": swept.failed});
    log.line(Level::Info, "swept", told.clone());
    Ok(told)
}

struct Sweeper<'a> {
    session: &'a Session,
    configuration: &'a Configuration,
    driver: Driver<AwsDrs, DynamoItems, SystemClock>,
    log: &'a Log,
}

impl Sweeper<'_> {
    /// Executions that may have something left to do, those with a marker first.
    async fn nominated(&self) -> Result<Vec<ExecutionId>, DriveError> {
        let read = |error| DriveError::History(HistoryError::Read(error));
        let executions = &self.driver.executions;
        let now = self.driver.clock.now();
        let marked = executions.to_be_swept(now.world).await.map_err(read)?;
        let live = executions
            .live(limits::LIVE_PER_SWEEP)
            .await
            .map_err(read)?;
        let mut ids: Vec<ExecutionId> = marked
            .into_iter()
            .map(|marker| marker.execution_id)
            .collect();
        let others = live.into_iter().map(|summary| summary.execution_id);
        let others: Vec<ExecutionId> = others.filter(|id| !ids.contains(id)).collect();
        ids.extend(others);
        Ok(ids)
    }

    async fn take_up(
        &self,
        id: &ExecutionId,
        log: &Log,
        swept: &mut Swept,
    ) -> Result<(), DriveError> {
        let state = self.driver.load(id).await?;
        let mode = state.started.mode;
        if !self.configuration.allows(mode) {
            return Ok(());
        }
        let found = chore(&state, self.driver.clock.now(), WHO);
        if let Some(Chore::CleanUp(wishes)) = &found
            && !wishes.is_empty()
        {
            swept.metrics.count("LifetimesEnded", 1);
            log.line(
                Level::Info,
                "its lifetime is over",
                json!({"plan": state.started.plan_name}),
            );
        }
        let state = self.wish(id, found.as_ref(), state).await?;
        if drs_engine::decide::is_done(&state) || !self.is_left(id, &state).await? {
            return Ok(());
        }
        swept.found += 1;
        swept.metrics.count("RunnersGone", 1);
        if self.restart(id, mode, log).await {
            swept.restarted += 1;
            swept.metrics.count("RunnersRestarted", 1);
        } else {
            swept.failed += 1;
        }
        Ok(())
    }

    /// Makes the wishes that an execution's lifetime asks for.
    async fn wish(
        &self,
        id: &ExecutionId,
        found: Option<&Chore>,
        state: State,
    ) -> Result<State, DriveError> {
        let Some(Chore::CleanUp(wishes)) = found else {
            return Ok(state);
        };
        for wish in wishes {
            let by = Author::Operator(self.session.identity().arn.clone());
            match self.driver.request(id, by, wish.clone(), &Unwatched).await {
                // It has ended meanwhile, or somebody asked first; the next sweep tells.
                Ok(_) | Err(DriveError::Illegal(_)) => {}
                Err(error) => return Err(error),
            }
        }
        self.driver.load(id).await
    }

    /// Whether nobody has driven it for long.
    async fn is_left(&self, id: &ExecutionId, state: &State) -> Result<bool, DriveError> {
        if let Whose::OwnedBy(_) = self.driver.whose(id, state).await? {
            return Ok(false);
        }
        let sign = self.driver.executions.sign_of_life(id).await;
        let sign = sign.map_err(|error| DriveError::History(HistoryError::Read(error)))?;
        let heard = sign.map_or(state.started_at.wall, |sign| sign.at);
        Ok(after(heard, limits::SWEEP_SILENCE) <= self.driver.clock.now().wall)
    }

    /// Has a machine take it over.
    async fn restart(&self, id: &ExecutionId, mode: Mode, log: &Log) -> bool {
        let Some(machine) = self.configuration.role.machine_for(mode) else {
            let told = json!({"mode": mode.as_str(), "helps": format!("drsctl run {id}")});
            log.line(
                Level::Error,
                "nobody drives it, and there is no state machine for its mode",
                told,
            );
            return false;
        };
        let input = Input::first(id.clone(), run_name(id, &fresh::id("s")));
        match self.session.state_machines().start(machine, &input).await {
            Ok(()) => {
                let told = json!({"state_machine": machine, "run": input.run});
                self.log.with("execution_id", id.as_str()).line(
                    Level::Info,
                    "a state machine takes it over",
                    told,
                );
                true
            }
            Err(error) => {
                let told = json!({"state_machine": machine, "error": error.to_string()});
                log.line(Level::Error, "no state machine could take it over", told);
                false
            }
        }
    }
}
