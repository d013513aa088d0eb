//! `drsctl start`: starts a drill of a plan and drives it in this process, or has a state machine drive it.

use std::collections::BTreeMap;
use std::sync::Arc;

use drs_engine::begin::{ASIDE, Begin};
use drs_engine::event::{Event, Mode};
use drs_engine::guard::{Guard, Unchecked};
use drs_engine::ids::{ExecutionId, Target};
use drs_engine::only::Only;
use drs_engine::point::RecoveryPoint;
use drs_engine::ports::Clock;
use drs_engine::state::State;
use drs_engine::store::items::Items;
use drs_engine::store::plan::StoredPlan;
use jiff::SignedDuration;
use serde_json::Value;

use crate::cli::Start;
use crate::driving::{Came, drive, tell_interrupted};
use crate::failure::{Ending, Failure};
use crate::history::History;
use crate::json;
use crate::machine::Machine;
use crate::operator::{Operator, Ports};
use crate::progress::Progress;
use crate::screen::Outputs;
use crate::signals::Interrupts;

use super::outcome;
use super::refusal::refused;
use super::terminate::terminate_now;
use super::watch::Watching;

/// Where executions that are started here come from.
const ORIGIN: &str = "drsctl";
pub(super) const NOTHING_STARTED: &str = "Nothing was started and nothing was launched.";

/// A drill to be started.
pub(crate) struct Asked<'a, P: Ports> {
    pub(crate) start: &'a Start,
    /// The id it gets.
    pub(crate) id: ExecutionId,
    /// The account and the Region that it is started from.
    pub(crate) hub: Target,
    /// What drives it in place of this process.
    pub(crate) machine: Option<Machine<P>>,
}

/// Starts a drill, drives it to its end, and removes what it launched where that is asked for.
pub(crate) async fn start<P: Ports>(
    operator: &Operator<P>,
    asked: Asked<'_, P>,
    interrupts: &mut Interrupts,
    outputs: &mut Outputs,
) -> Result<Ending, Failure> {
    let plan = find_plan(operator, &asked.start.plan).await?;
    let wanted = Wanted {
        id: asked.id,
        hub: asked.hub,
        mode: Mode::Drill,
        reason: asked.start.reason.clone(),
        only: asked.start.part.only(),
        max_lifetime: asked.start.max_lifetime,
        points: asked.start.points.wanted()?,
        run: None,
        replace_live_instances: false,
        force_unknown: Vec::new(),
        unchecked: Vec::new(),
    };
    let machine = asked.machine.as_ref();
    let id = begin(operator, machine, &plan, wanted)
        .await?
        .started
        .execution_id;
    to_its_end(
        operator,
        id,
        machine,
        asked.start.cleanup,
        interrupts,
        outputs,
    )
    .await
}

/// Drives what was started to its end, or follows the machine that does, and removes what it launched where that is asked
/// for.
pub(super) async fn to_its_end<P: Ports>(
    operator: &Operator<P>,
    id: ExecutionId,
    machine: Option<&Machine<P>>,
    cleanup: bool,
    interrupts: &mut Interrupts,
    outputs: &mut Outputs,
) -> Result<Ending, Failure> {
    let screen = &mut outputs.people;
    screen.outlive_reader();
    let progress = Arc::new(Progress::default());
    let (mut watching, told) = Watching::open(&operator.history, id, &progress).await?;
    watching.take(told, screen)?;
    let mut came = match machine {
        Some(machine) => {
            machine
                .follow(operator, &mut watching, interrupts, screen)
                .await?
        }
        None => drive(operator, &mut watching, &progress, interrupts, screen).await?,
    };
    let follows = machine.filter(|_| came != Came::Done);
    if came == Came::Done && cleanup {
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
        if cleanup && !watching.state.is_clean() {
            Ending::Unsuccessful
        } else {
            outcome(&watching.state)
        }
    } else {
        match follows {
            Some(machine) => machine.tell_detached(&watching, screen)?,
            None => tell_interrupted(operator, &watching, came, screen)?,
        };
        if cleanup {
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

/// An execution to be started.
pub(super) struct Wanted {
    /// The id it gets.
    pub(super) id: ExecutionId,
    /// The account and the Region that it is started from.
    pub(super) hub: Target,
    pub(super) mode: Mode,
    pub(super) reason: Option<String>,
    pub(super) only: Only,
    pub(super) max_lifetime: Option<SignedDuration>,
    pub(super) points: RecoveryPoint,
    pub(super) run: Option<i64>,
    pub(super) replace_live_instances: bool,
    pub(super) force_unknown: Vec<Guard>,
    pub(super) unchecked: Vec<Unchecked>,
}

/// The plan that was named.
pub(super) async fn find_plan<P: Ports>(
    operator: &Operator<P>,
    named: &str,
) -> Result<StoredPlan, Failure> {
    let history = &operator.history;
    let stored = history.plans.find_by_id_or_name(named).await;
    let stored = stored.map_err(|error| history.unreadable(&error).safe(NOTHING_STARTED))?;
    stored.ok_or_else(|| no_plan(history, named).safe(NOTHING_STARTED))
}

/// Makes the execution exist, and starts the machine that is to drive it.
pub(super) async fn begin<P: Ports>(
    operator: &Operator<P>,
    machine: Option<&Machine<P>>,
    plan: &StoredPlan,
    wanted: Wanted,
) -> Result<State, Failure> {
    let inputs: BTreeMap<String, Value> = wanted
        .reason
        .map(|reason| (json::REASON.to_owned(), Value::from(reason)))
        .into_iter()
        .collect();
    debug_assert!(
        json::REASON.starts_with(ASIDE),
        "a reason does not say which run it is"
    );
    let begin = Begin {
        execution_id: wanted.id,
        plan: plan.id.clone(),
        mode: wanted.mode,
        origin: ORIGIN.to_owned(),
        inputs,
        initiated_by: operator.arn.clone(),
        hub: wanted.hub,
        execution_timeout: None,
        max_lifetime: wanted.max_lifetime,
        replace_live_instances: wanted.replace_live_instances,
        only: wanted.only,
        points: wanted.points,
        run: wanted.run,
        force_unknown: wanted.force_unknown,
        unchecked: wanted.unchecked,
    };
    let explain = |error| refused(&operator.history, wanted.mode, plan, &error);
    let Some(machine) = machine else {
        return operator
            .driver
            .begin_execution(&begin)
            .await
            .map_err(explain);
    };
    machine.check(NOTHING_STARTED).await?;
    let state = machine
        .driver
        .begin_execution(&begin)
        .await
        .map_err(explain)?;
    machine.begin_own(&state).await?;
    Ok(state)
}

/// There is no such plan.
pub(super) fn no_plan<I: Items + Clone, C: Clock>(history: &History<I, C>, named: &str) -> Failure {
    Failure::new(format!(
        "there is no recovery plan {named:?} in {}",
        history.place.describe()
    ))
    .help("`drsctl plan list` shows the plans. Another environment or Region is chosen with --environment and --region.")
}

/// The wish to terminate, with its reason.
pub(super) fn termination_wish(reason: &str) -> Event {
    Event::TerminationRequested {
        reason: reason.to_owned(),
    }
}
