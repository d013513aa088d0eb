//! Why an execution was not started, in words, with what helps.

use drs_engine::begin::BeginError;
use drs_engine::event::Mode;
use drs_engine::ids::PlanId;
use drs_engine::point::{self, PointError};
use drs_engine::ports::{CallError, Clock};
use drs_engine::readiness::guard::Stopped;
use drs_engine::resolve::ResolveError;
use drs_engine::store::codec::ReadError;
use drs_engine::store::items::Items;
use drs_engine::store::plan::StoredPlan;
use drs_engine::store::start::StartError;

use crate::calls;
use crate::failure::Failure;
use crate::history::History;

use super::start::NOTHING_STARTED;

/// Why an execution did not start, and what helps.
pub(super) fn refused<I: Items + Clone, C: Clock>(
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
        BeginError::Start(error) => not_begun(history, plan, failed(error.to_string()), error),
        BeginError::Illegal(_) => failed(error.to_string())
            .help("This is a mistake in the engine: please report it. `drsctl list` shows what there is."),
    }
}

/// What helps where it could not be made to exist.
fn not_begun<I: Items + Clone, C: Clock>(
    history: &History<I, C>,
    plan: &StoredPlan,
    failed: Failure,
    error: &StartError,
) -> Failure {
    let (name, id) = (&plan.spec.name, &plan.id);
    match error {
        StartError::AnotherRun { next, .. } => failed.help(format!(
            "Look at what ran with `drsctl list --plan {id}`. If it is to be run again: --confirm \"{name}/{next}\"."
        )),
        StartError::Read(error) => history.unreadable(error).safe(NOTHING_STARTED),
        StartError::Running(other) => failed.help(format!(
            "`drsctl watch {other}` follows it. `drsctl run {other}` drives it when nobody does. `drsctl cancel {other} \
             --reason TEXT` cancels it."
        )),
        StartError::Leased(_) => failed.help(
            "`drsctl list --status running` shows the others; start again when they have ended.",
        ),
        StartError::Changed | StartError::Contended => {
            failed.help("This may pass: run the command again.")
        }
        _ => failed.help(format!("`drsctl plan show {id}` shows the plan as it is now.")),
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
pub(super) fn call_of(error: &ResolveError) -> Option<&CallError> {
    match error {
        ResolveError::Call { error: call, .. } | ResolveError::Read(ReadError::Call(call)) => {
            Some(call)
        }
        _ => None,
    }
}
