//! `drsctl start`: starts a drill of a plan and drives it in this process.

use std::collections::BTreeMap;
use std::sync::Arc;

use drs_engine::begin::{ASIDE, Begin, BeginError};
use drs_engine::event::{Event, Mode};
use drs_engine::guard::{Guard, Unchecked};
use drs_engine::ids::{ExecutionId, PlanId, Target};
use drs_engine::only::Only;
use drs_engine::point::{self, PointError, RecoveryPoint};
use drs_engine::ports::Clock;
use drs_engine::readiness::guard::Stopped;
use drs_engine::resolve::ResolveError;
use drs_engine::state::State;
use drs_engine::store::codec::ReadError;
use drs_engine::store::items::Items;
use drs_engine::store::plan::StoredPlan;
use drs_engine::store::start::StartError;
use jiff::SignedDuration;
use serde_json::Value;

use crate::calls;
use crate::cli::Start;
use crate::driving::{Came, drive, tell_interrupted};
use crate::failure::{Ending, Failure};
use crate::history::History;
use crate::json;
use crate::operator::{Operator, Ports};
use crate::progress::Progress;
use crate::screen::Outputs;
use crate::signals::Interrupts;

use super::outcome;
use super::terminate::terminate_now;
use super::watch::Watching;

/// Where executions that are started here come from.
const ORIGIN: &str = "drsctl";
pub(super) const NOTHING_STARTED: &str = "Nothing was started and nothing was launched.";

/// A drill to be started.
pub(crate) struct Asked<'a> {
    pub(crate) start: &'a Start,
    /// The id it gets.
    pub(crate) id: ExecutionId,
    /// The account and the Region that it is started from.
    pub(crate) hub: Target,
}

/// Starts a drill, drives it to its end, and removes what it launched where that is asked for.
pub(crate) async fn start<P: Ports>(
    operator: &Operator<P>,
    asked: Asked<'_>,
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
    let id = begin(operator, &plan, wanted).await?.started.execution_id;
    to_its_end(operator, id, asked.start.cleanup, interrupts, outputs).await
}

/// Drives what was started to its end, and removes what it launched where that is asked for.
pub(super) async fn to_its_end<P: Ports>(
    operator: &Operator<P>,
    id: ExecutionId,
    cleanup: bool,
    interrupts: &mut Interrupts,
    outputs: &mut Outputs,
) -> Result<Ending, Failure> {
    let screen = &mut outputs.people;
    screen.outlive_reader();
    let progress = Arc::new(Progress::default());
    let (mut watching, told) = Watching::open(&operator.history, id, &progress).await?;
    watching.take(told, screen)?;
    let mut came = drive(operator, &mut watching, &progress, interrupts, screen).await?;
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
        tell_interrupted(operator, &watching, came, screen)?;
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

/// Makes the execution exist.
pub(super) async fn begin<P: Ports>(
    operator: &Operator<P>,
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
    let begun = operator.driver.begin_execution(&begin).await;
    begun.map_err(|error| refused(&operator.history, wanted.mode, plan, &error))
}

/// There is no such plan.
pub(super) fn no_plan<I: Items + Clone, C: Clock>(history: &History<I, C>, named: &str) -> Failure {
    Failure::new(format!(
        "there is no recovery plan {named:?} in {}",
        history.place.describe()
    ))
    .help("`drsctl plan list` shows the plans. Another environment or Region is chosen with --environment and --region.")
}

/// Why an execution did not start, and what helps.
fn refused<I: Items + Clone, C: Clock>(
    history: &History<I, C>,
    mode: Mode,
    plan: &StoredPlan,
    error: &BeginError,
) -> Failure {
    let (name, id) = (&plan.spec.name, &plan.id);
    let what = mode.as_str().to_lowercase();
    let failed = |why: String| {
        Failure::new(format!("no {what} of plan {name:?} was started: {why}")).safe(NOTHING_STARTED)
    };
    match error {
        BeginError::Resolve(errors) => errors
            .iter()
            .fold(failed(reasons(errors)), |failure, error| match call_of(error) {
                Some(call) => failure.help(calls::help(call)),
                None => failure,
            })
            .help(format!("`drsctl plan show {id}` shows what the plan would launch now."))
            .help(
                "Where that cannot be mended now, --only-wave, --only-group and --exclude-server start a part without it; \
                 the rest can be run later.",
            ),
        BeginError::LiveInstances { .. } if mode == Mode::Recovery => failed(error.to_string()).help(
            "Whoever uses these instances must agree first. Then --replace-live-instances launches all the same, and DRS \
             deletes them; --exclude-server leaves a server out.",
        ),
        BeginError::Lifetime(_) => failed(error.to_string()),
        BeginError::Points(problems) => {
            without_points(failed(lines(&point::told(problems))), plan, problems)
        }
        BeginError::Preempt(_) => failed(error.to_string()).help("This may pass: run the command again."),
        BeginError::Start(StartError::AnotherRun { next, .. }) => failed(error.to_string()).help(format!(
            "Look at what ran with `drsctl list --plan {id}`. If it is to be run again: --confirm \"{name}/{next}\"."
        )),
        BeginError::LiveInstances { .. } => failed(format!(
            "{error}. A drill never deletes what may be in production"
        ))
        .help(
            "When the recovery is over, disconnect and terminate these instances in DRS (`aws drs \
             disconnect-recovery-instance`, `aws drs terminate-recovery-instances`), and start again.",
        ),
        BeginError::DrillGuard(stopped) => stopped_by_guard(failed(error.to_string()), id, stopped),
        BeginError::HooksMissing(_) => failed(error.to_string()).help(format!(
            "Make it there, or change the plan; `drsctl preflight {id}` shows it again without starting anything. A recovery is \
             not held up by it."
        )),
        BeginError::GuardUnreadable(call) if mode == Mode::Recovery => failed(error.to_string())
            .help(calls::help(call))
            .help(
                "Where it must go on all the same, --force-unknown live-instances launches without this guard: an instance \
                 that DRS does not show may then be deleted.",
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

/// What helps where servers cannot be launched from the points that were asked for.
fn without_points(failure: Failure, plan: &StoredPlan, problems: &[PointError]) -> Failure {
    let call = problems.iter().find_map(|problem| match problem {
        PointError::Unreadable { error, .. } => Some(error.as_ref()),
        _ => None,
    });
    let failure = match call {
        Some(call) => failure.help(calls::help(call)),
        None => failure,
    };
    let id = &plan.id;
    failure.help(format!(
        "`drsctl points {id}` shows the points of its servers, `drsctl points {id} --server SERVER` every point of one."
    ))
}

/// What helps when the drill guard stops a drill.
fn stopped_by_guard(failure: Failure, plan: &PlanId, stopped: &Stopped) -> Failure {
    let failure = stopped
        .calls()
        .fold(failure, |failure, call| failure.help(calls::help(call)));
    failure.help(format!(
        "`drsctl preflight {plan}` shows it again without starting anything. The guard is the plan's drill_guard; a recovery \
         is not held up by it."
    ))
}

/// Every reason, one a line when there are several.
pub(super) fn reasons(errors: &[ResolveError]) -> String {
    let reasons: Vec<String> = errors.iter().map(ToString::to_string).collect();
    lines(&reasons)
}

fn lines(reasons: &[String]) -> String {
    match reasons {
        [one] => one.clone(),
        _ => format!("\n  - {}", reasons.join("\n  - ")),
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
