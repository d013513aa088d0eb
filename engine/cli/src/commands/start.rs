//! `drsctl start`: starts a drill of a plan and drives it in this process.

use std::collections::BTreeMap;
use std::sync::Arc;

use drs_engine::begin::{ASIDE, Begin, BeginError};
use drs_engine::event::{Event, Mode};
use drs_engine::ids::{ExecutionId, PlanId, Target};
use drs_engine::ports::{Clock, Drs};
use drs_engine::resolve::ResolveError;
use drs_engine::state::State;
use drs_engine::store::codec::ReadError;
use drs_engine::store::items::Items;
use drs_engine::store::start::StartError;
use serde_json::Value;

use crate::calls;
use crate::cli::Start;
use crate::driving::{Came, drive, tell_interrupted};
use crate::failure::{Ending, Failure};
use crate::history::History;
use crate::json;
use crate::operator::Operator;
use crate::progress::Progress;
use crate::screen::Outputs;
use crate::signals::Interrupts;

use super::outcome;
use super::terminate::{is_clean, terminate_now};
use super::watch::Watching;

/// Where executions that are started here come from.
const ORIGIN: &str = "drsctl";
const NOTHING_STARTED: &str = "Nothing was started and nothing was launched.";

/// A drill to be started.
pub(crate) struct Asked<'a> {
    pub(crate) start: &'a Start,
    /// The id it gets.
    pub(crate) id: ExecutionId,
    /// The account and the Region that it is started from.
    pub(crate) hub: Target,
}

/// Starts a drill, drives it to its end, and removes what it launched where that is asked for.
pub(crate) async fn start<D, I, C>(
    operator: &Operator<D, I, C>,
    asked: Asked<'_>,
    interrupts: &mut Interrupts,
    outputs: &mut Outputs,
) -> Result<Ending, Failure>
where
    D: Drs + 'static,
    I: Items + Clone + 'static,
    C: Clock + 'static,
{
    let screen = &mut outputs.people;
    let id = begin(operator, &asked).await?.started.execution_id;
    screen.outlive_reader();
    let progress = Arc::new(Progress::default());
    let (mut watching, told) = Watching::open(&operator.history, id, &progress).await?;
    watching.take(told, screen)?;
    let mut came = drive(operator, &mut watching, &progress, interrupts, screen).await?;
    if came == Came::Done && asked.start.cleanup {
        let reason = "drsctl start --cleanup";
        came = terminate_now(
            operator,
            &mut watching,
            &progress,
            interrupts,
            screen,
            reason,
        )
        .await?;
    }
    let ending = if came == Came::Done {
        watching.end(screen)?;
        if asked.start.cleanup && !is_clean(&watching.state) {
            Ending::Unsuccessful
        } else {
            outcome(&watching.state)
        }
    } else {
        tell_interrupted(operator, &watching, came, screen)?;
        if asked.start.cleanup {
            let id = &watching.id;
            screen.print(&format!(
                "What it launched is not removed by --cleanup now: `drsctl terminate {id} --reason TEXT` does that when \
                 it has ended."
            ))?;
        }
        Ending::Interrupted
    };
    outputs.print_document(|| json::execution(&watching.state, watching.driven))?;
    Ok(ending)
}

/// Makes the execution exist.
pub(super) async fn begin<D: Drs, I: Items + Clone, C: Clock>(
    operator: &Operator<D, I, C>,
    asked: &Asked<'_>,
) -> Result<State, Failure> {
    let history = &operator.history;
    let named = &asked.start.plan;
    let stored = history.plans.find_by_id_or_name(named).await;
    let stored = stored.map_err(|error| history.unreadable(&error).safe(NOTHING_STARTED))?;
    let Some(plan) = stored else {
        return Err(no_plan(history, named).safe(NOTHING_STARTED));
    };
    let reason = asked.start.reason.as_ref();
    let inputs: BTreeMap<String, Value> = reason
        .map(|reason| (json::REASON.to_owned(), Value::from(reason.as_str())))
        .into_iter()
        .collect();
    debug_assert!(
        json::REASON.starts_with(ASIDE),
        "a reason does not say which run it is"
    );
    let begin = Begin {
        execution_id: asked.id.clone(),
        plan: plan.id.clone(),
        mode: Mode::Drill,
        origin: ORIGIN.to_owned(),
        inputs,
        initiated_by: operator.arn.clone(),
        hub: asked.hub.clone(),
        execution_timeout: None,
        replace_live_instances: false,
    };
    let begun = operator.driver.begin_execution(&begin).await;
    begun.map_err(|error| refused(history, &plan.spec.name, &plan.id, &error))
}

/// There is no such plan.
pub(super) fn no_plan<I: Items + Clone, C: Clock>(history: &History<I, C>, named: &str) -> Failure {
    Failure::new(format!(
        "there is no recovery plan {named:?} in {}",
        history.place.describe()
    ))
    .help("`drsctl plan list` shows the plans. Another environment or Region is chosen with --environment and --region.")
}

/// Why a drill did not start, and what helps.
fn refused<I: Items + Clone, C: Clock>(
    history: &History<I, C>,
    name: &str,
    id: &PlanId,
    error: &BeginError,
) -> Failure {
    let failed = |why: String| {
        Failure::new(format!("no drill of plan {name:?} was started: {why}")).safe(NOTHING_STARTED)
    };
    match error {
        BeginError::Resolve(errors) => errors
            .iter()
            .fold(failed(reasons(errors)), |failure, error| match call_of(error) {
                Some(call) => failure.help(calls::help(call)),
                None => failure,
            })
            .help(format!("`drsctl plan show {id}` shows what the plan would launch now.")),
        BeginError::LiveInstances { .. } => failed(format!(
            "{error}. A drill never deletes what may be in production"
        ))
        .help(
            "When the recovery is over, disconnect and terminate these instances in DRS (`aws drs \
             disconnect-recovery-instance`, `aws drs terminate-recovery-instances`), and start again.",
        ),
        BeginError::GuardUnreadable(call) => failed(error.to_string()).help(calls::help(call)),
        BeginError::Start(StartError::Read(error)) => history.unreadable(error).safe(NOTHING_STARTED),
        BeginError::Start(StartError::Running(other)) => failed(format!(
            "execution {other} of this plan runs, and a plan runs once at a time"
        ))
        .help(format!(
            "`drsctl watch {other}` follows it. `drsctl run {other}` drives it when nobody does. `drsctl cancel {other} \
             --reason TEXT` cancels it."
        )),
        BeginError::Start(StartError::Leased(_)) => failed(error.to_string())
            .help("`drsctl list --status running` shows the others; start again when they have ended."),
        BeginError::Start(StartError::Changed | StartError::Contended) => {
            failed(error.to_string()).help("This may pass: run the command again.")
        }
        BeginError::Start(_) => failed(error.to_string())
            .help(format!("`drsctl plan show {id}` shows the plan as it is now.")),
        BeginError::Illegal(_) => failed(error.to_string())
            .help("This is a mistake in the engine: please report it. `drsctl list` shows what there is."),
    }
}

/// Every reason, one a line when there are several.
pub(super) fn reasons(errors: &[ResolveError]) -> String {
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    match lines.as_slice() {
        [one] => one.clone(),
        _ => format!("\n  - {}", lines.join("\n  - ")),
    }
}

/// The call behind a reason, where there is one.
pub(super) fn call_of(error: &ResolveError) -> Option<&drs_engine::ports::CallError> {
    match error {
        ResolveError::Call(call) | ResolveError::Read(ReadError::Call(call)) => Some(call),
        _ => None,
    }
}

/// The wish to terminate, with its reason.
pub(super) fn termination_wish(reason: &str) -> Event {
    Event::TerminationRequested {
        reason: reason.to_owned(),
    }
}
