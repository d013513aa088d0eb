//! Why a drill does not start, each reason with what helps: an error at apply, a warning at plan.
//!
//! What is said at plan is found by what a start itself looks at. It is a warning there, because what is in the way may be
//! gone by then: the same apply may tag a subnet, make a function, or change a launch template.

use drs_engine::begin::BeginError;
use drs_engine::ids::PlanId;
use drs_engine::resolve::ResolveError;
use drs_engine::store::start::StartError;
use tfplugin::{Diagnostic, Diagnostics};

use super::model::Model;
use super::{points, words};
use crate::client::Client;
use crate::diagnose::{self, sentence};
use crate::targets;

/// Where a reason is shown that no attribute of the drill is about.
const AT: &str = "recovery_plan_id";
/// What follows at plan from a reason.
const NOTHING_STARTS: &str = "As things are now, apply starts nothing.";

/// One reason.
struct Reason {
    /// What it is called at apply.
    summary: &'static str,
    /// What is in the way.
    text: String,
    /// What helps, as the beginning of a sentence that can go on with "and".
    help: Option<String>,
    /// Calls that were refused.
    calls: Vec<Diagnostic>,
}

/// Why a drill did not start.
pub(super) fn at_apply(
    client: &Client,
    planned: &Model,
    plan: &PlanId,
    error: &BeginError,
) -> Diagnostics {
    match error {
        BeginError::Resolve(errors) => {
            let errors = errors.iter();
            return errors
                .map(|error| words::unresolved(client, "Drill", error))
                .collect();
        }
        BeginError::Start(StartError::Read(error)) => return client.explain(error).into(),
        BeginError::GuardUnreadable(call) => {
            let mut found = client.explain_call(call);
            found.detail = format!("{} Nothing was launched. {}", unseen(), found.detail);
            return found.into();
        }
        BeginError::Points(problems) => {
            let before = &planned.recovery_point_before;
            return points::refused(client, "Drill", Some(plan), before, problems).into();
        }
        _ => {}
    }
    let reason = reason(client, plan, error);
    let help = reason.help.map(|help| format!(" {help}, and apply again."));
    let detail = format!(
        "{} Nothing was launched.{}",
        reason.text,
        help.unwrap_or_default()
    );
    let mut found = Diagnostics::from(Diagnostic::error(reason.summary, detail).at(AT));
    found.extend(reason.calls);
    found
}

/// Why a drill would not start as things are now: one warning with every reason, for a host shows one of several warnings
/// that are called the same.
///
/// # Errors
///
/// What cannot be read at all.
pub(super) fn at_plan(
    client: &Client,
    planned: &Model,
    plan: &PlanId,
    errors: &[BeginError],
    found: &mut Diagnostics,
) -> Result<(), Diagnostic> {
    let mut reasons = Vec::new();
    for error in errors {
        match error {
            BeginError::Resolve(errors) => reasons.extend(unresolved(client, errors, found)?),
            BeginError::Start(StartError::Read(error)) => return Err(client.explain(error)),
            BeginError::Start(StartError::Running(other)) => {
                found.push(words::plan_runs(other));
            }
            BeginError::Points(problems) => {
                let before = &planned.recovery_point_before;
                found.push(points::would_lack(plan, before, problems));
            }
            BeginError::GuardUnreadable(call) => {
                let why = client.explain_call(call).detail;
                reasons.push((format!("{} {why}", unseen()), String::new()));
            }
            error => {
                let reason = reason(client, plan, error);
                let help = reason.help.map(|help| format!(" {help}."));
                let calls = reason.calls.iter().map(|call| format!(" {}", call.detail));
                reasons.push((reason.text, help.into_iter().chain(calls).collect()));
            }
        }
    }
    if !reasons.is_empty() {
        let warning = Diagnostic::warning("The Drill Would Be Refused", together(&reasons));
        found.push(warning.at(AT));
    }
    Ok(())
}

/// Reasons, each with what helps, as one text.
fn together(reasons: &[(String, String)]) -> String {
    if let [(text, help)] = reasons {
        return format!("{text} {NOTHING_STARTS}{help}");
    }
    let numbered = reasons.iter().enumerate();
    let numbered: Vec<String> = numbered
        .map(|(index, (text, help))| format!("{}. {text}{help}", index + 1))
        .collect();
    format!("{NOTHING_STARTS}\n\n{}", numbered.join("\n\n"))
}

/// Why a plan cannot be resolved now. A way into another account that the same apply may open is a warning of its own.
fn unresolved(
    client: &Client,
    errors: &[ResolveError],
    found: &mut Diagnostics,
) -> Result<Vec<(String, String)>, Diagnostic> {
    let mut reasons = Vec::new();
    for error in errors {
        match error {
            ResolveError::Call { error, .. } => match targets::repairable(client, error) {
                Some(warning) => found.push(warning.at(AT)),
                None => return Err(client.explain_call(error)),
            },
            ResolveError::Read(error) => return Err(client.explain(error)),
            // It was changed to what cannot be run by something that is newer, and is told there.
            ResolveError::Plan(_) => {}
            ResolveError::PlanMissing(id) => return Err(words::no_such_plan(client, id)),
            error => reasons.push((diagnose::unresolved(error), String::new())),
        }
    }
    Ok(reasons)
}

fn unseen() -> &'static str {
    "It cannot be seen whether live recovery instances exist, which a drill would delete."
}

fn reason(client: &Client, plan: &PlanId, error: &BeginError) -> Reason {
    let said = sentence(&error.to_string());
    let (summary, text, help) = match error {
        BeginError::LiveInstances { .. } => (
            "Live Recovery Instances Exist",
            format!("{said} A drill never deletes what may be in production."),
            "When the recovery is over, disconnect and terminate the instances in DRS".to_owned(),
        ),
        BeginError::DrillGuard(_) => (
            "Drill Stopped by Its Guard",
            format!(
                "The plan's drill_guard lets a drill boot only in subnets that carry its tags. {said}"
            ),
            format!("Mend that (`drsctl preflight {plan}` looks again)"),
        ),
        BeginError::HooksMissing(_) => (
            "Hook Target Missing",
            said,
            format!(
                "Make it there, or change the hooks and checks of the plan (`drsctl preflight {plan}` looks again)"
            ),
        ),
        BeginError::Start(StartError::Running(id)) => (
            "Another Execution of the Plan Runs",
            format!("Execution {id} of this plan runs, and a plan runs once at a time."),
            format!(
                "Wait for its end (`drsctl watch {id}`), or destroy its drs_drill_execution, which cancels it"
            ),
        ),
        BeginError::Start(StartError::Leased(held)) => {
            let other = held.by.first().map_or("", |(_, id, _)| id.as_str());
            (
                "Servers Take Part in Another Execution",
                said,
                format!("Wait until the other execution has ended (`drsctl watch {other}`)"),
            )
        }
        BeginError::Illegal(_) => {
            let text = format!("{said} This is a mistake in the engine: please report it.");
            return Reason::of("Drill Not Started", text);
        }
        _ => return Reason::of("Drill Not Started", said),
    };
    let calls = match error {
        BeginError::DrillGuard(stopped) => stopped
            .calls()
            .map(|call| client.explain_call(call))
            .collect(),
        _ => Vec::new(),
    };
    Reason {
        help: Some(help),
        calls,
        ..Reason::of(summary, text)
    }
}

impl Reason {
    fn of(summary: &'static str, text: String) -> Self {
        Self {
            summary,
            text,
            help: None,
            calls: Vec::new(),
        }
    }
}
