//! What a person reads about a drill: what happened, to which servers, what is safe to do next, and the command for it.

use std::fmt::Write as _;

use drs_engine::asl;
use drs_engine::event::Outcome;
use drs_engine::ids::{ExecutionId, PlanId};
use drs_engine::report;
use drs_engine::resolve::ResolveError;
use drs_engine::state::{Server, ServerStatus, State, Status};
use drs_engine::store::record::SignOfLife;
use tfplugin::Diagnostic;

use super::model::Model;
use crate::client::Client;
use crate::diagnose::sentence;
use crate::progress::Reason;

/// Servers that are named in a message; the rest is counted.
const NAMED: usize = 10;

/// Destroying ends an execution that runs.
pub(super) fn destroy_cancels(id: &str) -> Diagnostic {
    Diagnostic::warning(
        "Destroying Cancels a Running Drill",
        format!(
            "Execution {id} runs. Destroying it launches nothing more, follows the DRS jobs that run to their end, \
             which can take an hour, and then terminates what was launched."
        ),
    )
}

/// An execution that runs is followed by the next apply.
pub(super) fn is_followed(id: &str, status: &str) -> Diagnostic {
    Diagnostic::warning(
        "A Drill Runs",
        format!(
            "Execution {id} was {status} when it was last read. This apply starts no other: it follows that one to its \
             end, and drives it where nobody else does. Watch it with `drsctl watch {id}`."
        ),
    )
}

/// The lifetime of a drill is fixed when it starts.
pub(super) fn lifetime_is_kept(prior: &Model) -> Diagnostic {
    let id = prior.id.known().cloned().unwrap_or_default();
    Diagnostic::warning(
        "The Lifetime Counts for the Next Drill",
        format!(
            "Execution {id} keeps what it started with, which `drsctl show {id}` tells. What it launched is terminated with \
             the resource, or now with `drsctl terminate {id} --reason TEXT`."
        ),
    )
    .at("max_lifetime")
}

/// The plan does not exist.
pub(super) fn no_such_plan(client: &Client, id: &PlanId) -> Diagnostic {
    Diagnostic::error(
        "Recovery Plan Not Found",
        format!(
            "There is no recovery plan {id} in environment {:?}. Use the id of a drs_recovery_plan, e.g. \
             drs_recovery_plan.<name>.id. Native recovery plans of AWS DRS are another thing.",
            client.session().environment()
        ),
    )
    .at("recovery_plan_id")
}

/// Why it cannot be started.
pub(crate) fn unresolved(client: &Client, what: &str, error: &ResolveError) -> Diagnostic {
    let found = match error {
        ResolveError::Call { error, .. } => client.explain_call(error),
        ResolveError::Read(error) => client.explain(error),
        ResolveError::PlanMissing(id) => return no_such_plan(client, id),
        error => Diagnostic::error(
            format!("{what} Refused"),
            format!(
                "{} Nothing was launched.",
                crate::diagnose::unresolved(error)
            ),
        ),
    };
    found.at("recovery_plan_id")
}

/// Another execution of the plan runs.
pub(super) fn plan_runs(execution: &ExecutionId) -> Diagnostic {
    Diagnostic::warning(
        "Another Execution of the Plan Runs",
        format!(
            "Execution {execution} of this recovery plan runs, and a plan runs once at a time: apply starts nothing while \
             it does. Watch it with `drsctl watch {execution}`."
        ),
    )
    .at("recovery_plan_id")
}

/// The same drill runs, and may be what an apply that was killed left behind.
pub(super) fn may_be_taken_up(execution: &ExecutionId) -> Diagnostic {
    Diagnostic::warning(
        "The Same Drill Runs Already",
        format!(
            "Execution {execution} has the same plan and triggers, and was started by an apply that has not told its \
             result. If nobody drives it, this apply takes it up where it is and starts no other; if somebody does, it \
             is refused. Watch it with `drsctl watch {execution}`."
        ),
    )
    .at("recovery_plan_id")
}

/// Interrupted before anything began.
pub(super) fn nothing_started() -> Diagnostic {
    Diagnostic::error(
        "Interrupted",
        "Nothing was started. Apply again to run the drill.",
    )
}

/// Recovery points that cannot be read at apply, though they were checked.
pub(crate) fn unreadable_points() -> Diagnostic {
    Diagnostic::error(
        "Unknown Value",
        "What the drill launches its servers from is still not known at apply. Nothing was started. This is a mistake in \
         the provider: please report it.",
    )
}

/// An execution of an earlier apply is taken up.
pub(super) fn taken_up(state: &State) -> Diagnostic {
    let id = &state.started.execution_id;
    Diagnostic::warning(
        "An Earlier Drill Was Taken Up",
        format!(
            "Execution {id} was started by an earlier apply with the same plan and triggers, and that apply ended \
             before it could tell Terraform. No second drill was started: this resource is that execution. See it with \
             `drsctl show {id}`."
        ),
    )
}

/// Somebody else drives the same drill.
pub(super) fn somebody_runs_it(id: &ExecutionId, sign: &SignOfLife) -> Diagnostic {
    Diagnostic::error(
        "The Same Drill Runs Already",
        format!(
            "Execution {id} has the same plan and triggers, and {} drives it (last sign of life {}). Nothing was \
             started. Wait for it (`drsctl watch {id}`), or give this drill other triggers.",
            sign.host,
            crate::convert::instant(sign.at)
        ),
    )
    .at("triggers")
}

/// It was not found out whether somebody drives the same drill.
pub(super) fn unclear(plan: &PlanId) -> Diagnostic {
    Diagnostic::error(
        "The Same Drill May Be Running",
        format!(
            "It could not be found out whether somebody else runs this drill of plan {plan}. Nothing was started. Look \
             with `drsctl list`, and apply again."
        ),
    )
    .at("triggers")
}

/// A drill that did not complete, with every server that failed.
pub(super) fn unsuccessful(state: &State, taints: bool) -> Diagnostic {
    let id = &state.started.execution_id;
    let is_partial = state.status == Status::Ended(Outcome::Partial);
    let why = if is_partial {
        "PARTIAL is no success: only COMPLETED is. "
    } else {
        ""
    };
    let again = if taints {
        "The resource is tainted: the next apply terminates what is left and runs the drill again."
    } else {
        "The next apply terminates what is left and runs the drill again."
    };
    let keep = match (is_partial, taints) {
        (true, true) => {
            "If PARTIAL is good enough, set fail_on_unsuccessful = false, with a postcondition on status that accepts \
             it, and run terraform untaint to keep this result."
        }
        (true, false) => {
            "If PARTIAL is good enough, set fail_on_unsuccessful = false, with a postcondition on status that accepts it."
        }
        (false, true) => {
            "To keep this result instead, run terraform untaint and set fail_on_unsuccessful = false."
        }
        (false, false) => "To keep this result instead, set fail_on_unsuccessful = false.",
    };
    Diagnostic::error(
        "The Drill Was Not Successful",
        format!(
            "{}.{}\n\n{why}{}See what happened with `drsctl show {id}`. {again} {keep}",
            standing(state).trim_end_matches('.'),
            missing(state),
            left_running(state)
        ),
    )
    .at("status")
}

/// Interrupted while the drill runs.
pub(super) fn interrupted(state: &State) -> Diagnostic {
    let id = &state.started.execution_id;
    if let Some(owner) = state
        .owner
        .as_ref()
        .filter(|owner| asl::is_machine(&owner.id))
    {
        return Diagnostic::warning(
            "The State Machine Goes On With the Drill",
            format!(
                "{} Terraform follows it no longer, and nothing was stopped: the state machine's run {} drives it to its end. \
                 The next apply follows it where it is. Watch it with `drsctl watch {id}`; `drsctl cancel {id} --reason TEXT` \
                 ends it, and so does destroying the resource.",
                standing(state),
                owner.host
            ),
        );
    }
    Diagnostic::warning(
        "Interrupted While the Drill Runs",
        format!(
            "{} DRS goes on with the jobs that run, and nothing new is launched while nobody drives the execution. The \
             next apply follows it where it is. Watch it with `drsctl watch {id}`; to end it, destroy the resource.",
            standing(state)
        ),
    )
}

/// Paused, and not waited for.
pub(super) fn paused(state: &State) -> Diagnostic {
    let id = &state.started.execution_id;
    Diagnostic::warning(
        "The Drill Is Paused",
        format!(
            "{} Nothing new is launched, and none of its jobs runs. `drsctl resume {id} --reason TEXT` lets it go on and \
             drives it; the next apply follows it where it is then. `drsctl cancel {id} --reason TEXT` ends it. The resource \
             is not tainted, and the next plan is an update in place.",
            standing(state)
        ),
    )
}

/// Interrupted while instances are terminated.
pub(super) fn interrupted_cleanup(state: &State) -> Diagnostic {
    Diagnostic::warning(
        "Interrupted While Instances Are Terminated",
        format!("{} The next apply goes on with it.", standing(state)),
    )
}

/// The timeout of the resource has passed.
pub(super) fn out_of_time(state: &State) -> Diagnostic {
    let id = &state.started.execution_id;
    Diagnostic::error(
        "The Drill Took Longer Than Its Timeout",
        format!(
            "{} The timeout of the resource has passed, so the execution was cancelled: nothing more is launched. The \
             next apply follows the jobs that still run, terminates what was launched, and runs the drill again; \
             `terraform destroy` with -target of this resource does the same without another run. Until then what was \
             launched costs money. See it with `drsctl show {id}`. Longer timeouts are set in `timeouts`.",
            standing(state)
        ),
    )
    .at("timeouts")
}

/// The history could not be read or written any more while the drill ran.
pub(super) fn lost_sight(state: &State, why: &Diagnostic) -> Diagnostic {
    let id = &state.started.execution_id;
    Diagnostic::error(
        why.summary.clone(),
        format!(
            "{}\n\nWhen it was last seen: {} The jobs that run go on in DRS. When the cause is mended, `drsctl watch \
             {id}` shows it. If Terraform has tainted the resource, `terraform untaint` lets the next apply follow it; \
             without that, the next apply ends it and runs the drill again.",
            why.detail,
            standing(state)
        ),
    )
}

/// A destroy that was broken off before the execution had ended.
pub(super) fn not_ended(state: &State, reason: Option<Reason>) -> Diagnostic {
    let id = &state.started.execution_id;
    Diagnostic::error(
        broken_off(reason),
        format!(
            "{} It is cancelled, and its jobs are not at their end yet. Run terraform destroy again: it goes on from \
             here. Watch the jobs with `drsctl watch {id}`.",
            standing(state)
        ),
    )
}

/// What was launched is not all gone.
pub(super) fn not_terminated(state: &State, reason: Option<Reason>) -> Diagnostic {
    let id = &state.started.execution_id;
    let finished = state
        .termination
        .as_ref()
        .and_then(|termination| termination.finished.as_ref());
    let Some((_, left, why)) = finished else {
        return Diagnostic::error(
            broken_off(reason),
            format!(
                "{} Its instances are not verified to be gone yet. Run the same command again: it goes on from here. \
                 See what is left with `drsctl show {id}`.",
                standing(state)
            ),
        );
    };
    let why = sentence(why.as_deref().unwrap_or("no reason is known"));
    if left.is_empty() {
        return Diagnostic::error(
            "Instances Not Verified to Be Gone",
            format!(
                "The recovery instances of execution {id} may still be there, and cost money. {why} Look at them in DRS \
                 and EC2, mend that, and run the same command again: it goes on from here."
            ),
        );
    }
    let named: Vec<&str> = left
        .iter()
        .take(NAMED)
        .map(|instance| instance.as_str())
        .collect();
    Diagnostic::error(
        "Instances Are Left",
        format!(
            "Execution {id} launched {} recovery instances that are still there: {}{}. {why} Look at them in DRS and \
             EC2 (termination protection keeps an instance alive), and run the same command again.",
            left.len(),
            named.join(", "),
            more(left.len()),
        ),
    )
}

/// The history no longer has an execution that the state has.
pub(super) fn history_is_gone(id: &ExecutionId) -> Diagnostic {
    Diagnostic::warning(
        "The History of the Drill Is Gone",
        format!(
            "The history has no execution {id} any more. The state keeps what it knew. If the provider works in \
             another account, Region or environment than before, set it back; else remove the resource from the state \
             when you no longer need it: terraform state rm <address>"
        ),
    )
}

/// A drill is destroyed whose history is gone.
pub(super) fn forgotten_without_history(id: &ExecutionId) -> Diagnostic {
    Diagnostic::warning(
        "Forgotten Without Being Terminated",
        format!(
            "The history has no execution {id} any more, so it is not known what it launched, and nothing was \
             terminated. Look for recovery instances of drills in DRS: aws drs describe-recovery-instances"
        ),
    )
}

/// There is no such execution to import.
pub(super) fn not_found(id: &ExecutionId) -> Diagnostic {
    Diagnostic::error(
        "Execution Not Found",
        format!(
            "The history of this environment has no execution {:?}. A drill is imported by the id of its execution; \
             `drsctl list` shows them.",
            id.as_str()
        ),
    )
}

/// A recovery cannot be imported.
pub(super) fn not_a_drill(id: &ExecutionId) -> Diagnostic {
    Diagnostic::error(
        "Not a Drill",
        format!(
            "Execution {id} is a recovery, and a recovery is never a resource: destroying it would terminate what may \
             be in production. Use the data source drs_execution to read it."
        ),
    )
}

/// Where the execution stands, in one sentence.
fn standing(state: &State) -> String {
    let Some((_, summary)) = &state.finished else {
        return sentence(&report::headline(state));
    };
    format!(
        "Drill {} of plan {:?} ended as {}: {}.",
        state.started.execution_id,
        state.started.plan_name,
        state.status.as_str(),
        summary.trim_end_matches('.')
    )
}

fn broken_off(reason: Option<Reason>) -> &'static str {
    match reason {
        Some(Reason::OutOfTime) => "Out of Time",
        _ => "Interrupted",
    }
}

/// The servers that are missing and why, one a line.
fn missing(state: &State) -> String {
    let waves = 0..state.waves.len();
    let lost: Vec<(&str, String)> = waves
        .flat_map(|wave| state.servers_of(wave))
        .filter_map(|(_, server)| Some((server.hostname.as_str(), why_missing(state, server)?)))
        .collect();
    let mut text = String::new();
    // The sentence about the end may name the only one.
    let summary = state
        .finished
        .as_ref()
        .map_or("", |(_, summary)| summary.as_str());
    let is_told = |hostname: &str| lost.len() == 1 && summary.contains(hostname);
    let named = lost
        .iter()
        .take(NAMED)
        .filter(|(hostname, _)| !is_told(hostname));
    for (hostname, reason) in named {
        let _ = write!(text, "\n  {hostname}: {reason}");
    }
    if lost.len() > NAMED {
        let _ = write!(text, "\n {}", more(lost.len()));
    }
    text
}

/// Why a server counts as nothing recovered; none when it does not. What a wave that was stopped never launched is told by
/// the sentence about the end.
fn why_missing(state: &State, server: &Server) -> Option<String> {
    let wave = state.waves.get(server.wave)?;
    let health = server.health.as_ref();
    match &server.status {
        ServerStatus::Failed { reason } => Some(reason.clone()),
        ServerStatus::Launched if wave.counts_degraded() && server.is_degraded() => {
            let reason = health.and_then(|health| health.verdict.reason());
            Some(format!(
                "launched, and degraded: {}",
                reason.unwrap_or_default()
            ))
        }
        ServerStatus::Launched => None,
        _ => {
            let reason = wave.skipped.as_ref()?;
            let name = &wave.frozen.name;
            Some(format!(
                "not launched: wave {name:?} was skipped ({reason})"
            ))
        }
    }
}

fn more(all: usize) -> String {
    if all > NAMED {
        format!(" and {} more", all - NAMED)
    } else {
        String::new()
    }
}

/// What still runs and costs money, as the beginning of a paragraph.
fn left_running(state: &State) -> String {
    let launched = state
        .servers
        .values()
        .filter(|server| server.status == ServerStatus::Launched)
        .count();
    if launched == 0 || state.is_clean() {
        return String::new();
    }
    let (servers, them) = match launched {
        1 => ("1 launched server still runs and costs", "it"),
        _ => (
            &*format!("{launched} launched servers still run and cost"),
            "them",
        ),
    };
    format!("{servers} money; terraform destroy -target=<address> terminates {them}. ")
}
