//! `drs_drill_execution`: one drill of a recovery plan, run to its end.
//!
//! The resource starts a drill, follows it, and hands its result to Terraform. The history is the truth: whatever ends this
//! process, the next apply finds the same execution again and goes on with it. A failover is never a resource.

use drs_engine::drive::DriveError;
use drs_engine::event::Mode;
use drs_engine::ids::ExecutionId;
use drs_engine::state::{State, Status};
use drs_engine::store::executions::HistoryError;
use tfplugin::{
    Context, Create, Delete, Diagnostic, Diagnostics, IdentitySchema, Outcome, Plan, Read,
    Resource, Schema, Severity, Update, async_trait,
};

use crate::client::Client;
use crate::progress::Reason;
use crate::run::Run;
use crate::runner::{self, Runner};
use crate::{diagnose, identity};

mod begin;
mod check;
pub(crate) mod model;
pub(crate) mod points;
mod refusal;
mod rerun;
pub(crate) mod schema;
#[cfg(test)]
mod tests;
pub(crate) mod words;

use model::Model;

/// The resource.
pub(crate) struct DrillExecution;

/// Why what a drill launched is terminated, as its history says it.
const ASKED: &str = "the resource asks for it";

/// Where executions of this resource are started from, as the history says.
const ORIGIN: &str = "terraform";

#[async_trait]
impl Resource for DrillExecution {
    type Model = Model;
    type Client = Client;

    fn type_name(&self) -> &'static str {
        "drs_drill_execution"
    }

    fn schema(&self) -> Schema {
        schema::schema()
    }

    fn identity(&self) -> Option<IdentitySchema> {
        identity::of_id("Id of the execution.")
    }

    async fn validate(&self, config: Model) -> Diagnostics {
        let mut found =
            points::configuration(&config.recovery_point_before, &config.recovery_snapshots);
        found.extend(runner::configuration(&config.runner));
        found
    }

    async fn modify_plan(&self, cx: &Context<Client>, plan: &mut Plan<Model>) {
        check::plan(cx.client_if_configured().map(AsRef::as_ref), plan).await;
    }

    async fn create(
        &self,
        cx: &Context<Client>,
        request: Create<Model>,
    ) -> Result<Outcome<Model>, Diagnostics> {
        let client = cx.client()?;
        client.ready_to_write().await?;
        let planned = request.planned;
        let begun = begin::begin(cx, client, &planned).await?;
        let state = begun.state;
        let run = Run::new(
            cx,
            client,
            &state.started.execution_id,
            planned.create_timeout(&state),
        )
        .returning_on_pause(planned.returns_on_pause())
        .hosted(begun.hosting);
        run.tell_start(&state);
        let mut outcome = conclude(&run, planned, state, Told::ByCreate).await;
        outcome.diagnostics.extend(begun.warning);
        Ok(outcome)
    }

    async fn read(
        &self,
        cx: &Context<Client>,
        request: Read<Model>,
    ) -> Result<Outcome<Model>, Diagnostics> {
        let client = cx.client()?;
        let id = ExecutionId::new(request.state.id.require("id")?);
        let run = Run::new(cx, client, &id, None);
        let state = match run.load().await {
            Ok(state) => state,
            Err(error) if is_missing(&error) => {
                return Ok(Outcome::state(request.state).with(words::history_is_gone(&id)));
            }
            Err(error) => return Err(diagnose::drive(&error, &client.target()).into()),
        };
        run.note_delivered(&state).await;
        Ok(request.state.read(&state).into())
    }

    async fn update(
        &self,
        cx: &Context<Client>,
        request: Update<Model>,
    ) -> Result<Outcome<Model>, Diagnostics> {
        let client = cx.client()?;
        client.ready_to_write().await?;
        let id = ExecutionId::new(request.prior.id.require("id")?);
        let state = match Run::new(cx, client, &id, None).load().await {
            Ok(state) => state,
            Err(error) if is_missing(&error) => {
                let kept = request.planned.keeping(request.prior);
                return Ok(Outcome::state(kept).with(words::history_is_gone(&id)));
            }
            Err(error) => return Err(diagnose::drive(&error, &client.target()).into()),
        };
        let planned = &request.planned;
        let runner = Runner::for_start(client, &planned.runner);
        let driver = client.driver();
        let hosting = runner
            .take_up(client, &planned.runner, &driver, &state)
            .await?;
        let run = Run::new(cx, client, &id, planned.update_timeout(&state))
            .returning_on_pause(planned.returns_on_pause())
            .hosted(hosting);
        Ok(conclude(&run, request.planned, state, Told::ByUpdate).await)
    }

    async fn delete(
        &self,
        cx: &Context<Client>,
        request: Delete<Model>,
    ) -> Result<Outcome<Model>, Diagnostics> {
        let client = cx.client()?;
        client.ready_to_write().await?;
        let id = ExecutionId::new(request.prior.id.require("id")?);
        let run = Run::new(cx, client, &id, Some(request.prior.delete_timeout()));
        let explain = |error: DriveError| diagnose::drive(&error, &client.target());
        let state = match run.load().await {
            Ok(state) => state,
            Err(error) if is_missing(&error) => {
                return Ok(Outcome::gone().with(words::forgotten_without_history(&id)));
            }
            Err(error) => return Err(explain(error).into()),
        };
        let mut state = run.end(state).await.map_err(explain)?;
        if !state.status.is_terminal() {
            return Err(words::not_ended(&state, run.reason()).into());
        }
        if !request.prior.is_cleanup("never") {
            state = run.terminate(state, ASKED).await.map_err(explain)?;
            if !state.is_clean() {
                let mut found = Diagnostics::from(words::not_terminated(&state, run.reason()));
                found.extend(run.obstacle());
                return Err(found);
            }
        }
        run.note_delivered(&state).await;
        Ok(Outcome::gone())
    }

    async fn import(&self, cx: &Context<Client>, id: &str) -> Result<Outcome<Model>, Diagnostics> {
        let client = cx.client()?;
        let id = ExecutionId::new(id);
        let run = Run::new(cx, client, &id, None);
        let state = match run.load().await {
            Ok(state) => state,
            Err(error) if is_missing(&error) => return Err(words::not_found(&id).into()),
            Err(error) => return Err(diagnose::drive(&error, &client.target()).into()),
        };
        if state.started.mode != Mode::Drill {
            return Err(words::not_a_drill(&id).into());
        }
        Ok(Model::of_history(&state).into())
    }
}

/// What a result is told by: an error of a create taints, an error of an update does not.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    ByCreate,
    ByUpdate,
}

/// Follows an execution to its end, cleans up as configured, and says what came of it. There is a state whatever happens.
async fn conclude(run: &Run<'_>, planned: Model, state: State, told: Told) -> Outcome<Model> {
    let mut last = state;
    let mut trouble = None;
    match run.follow(last.clone()).await {
        Ok(state) => last = state,
        Err(error) => trouble = Some(error),
    }
    if trouble.is_none() && planned.cleans_up(&last) {
        match run.terminate(last.clone(), ASKED).await {
            Ok(state) => last = state,
            Err(error) => trouble = Some(error),
        }
    }
    let found = verdict(run, &planned, &last, trouble.as_ref(), told).await;
    if last.status.is_terminal() {
        run.note_returned();
    }
    // A warning must stay one: an error of a create would taint.
    let is_error = found
        .as_ref()
        .is_some_and(|found| found.severity == Severity::Error);
    let obstacle = run.obstacle().filter(|_| is_error && trouble.is_none());
    Outcome::state(planned.filled(&last))
        .with_all(found)
        .with_all(obstacle)
        .with_all(run.stopped())
}

/// What a person is told about a run.
async fn verdict(
    run: &Run<'_>,
    planned: &Model,
    state: &State,
    trouble: Option<&DriveError>,
    told: Told,
) -> Option<Diagnostic> {
    if let Some(error) = trouble {
        return Some(words::lost_sight(
            state,
            &diagnose::drive(error, &run.client().target()),
        ));
    }
    match (state.status, run.reason()) {
        (Status::Paused, Some(Reason::Paused)) => Some(words::paused(state)),
        // Nobody let it go on in time. That is no reason to end it.
        (Status::Paused, Some(Reason::OutOfTime)) => Some(words::interrupted(state)),
        (Status::Running | Status::Cancelling, Some(Reason::OutOfTime)) => {
            run.cancel("the resource's timeout has passed").await;
            Some(words::out_of_time(state))
        }
        (Status::Running | Status::Paused | Status::Cancelling, _) => {
            Some(words::interrupted(state))
        }
        _ if planned.cleans_up(state) && run.reason() == Some(Reason::Interrupted) => {
            Some(words::interrupted_cleanup(state))
        }
        _ if planned.cleans_up(state) => Some(words::not_terminated(state, run.reason())),
        _ if planned.is_failure(state) => Some(words::unsuccessful(state, told == Told::ByCreate)),
        _ => None,
    }
}

fn is_missing(error: &DriveError) -> bool {
    matches!(
        error,
        DriveError::History(HistoryError::Missing(_) | HistoryError::Deleted { .. })
    )
}
