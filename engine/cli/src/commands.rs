//! The commands, one file each. They read through [`History`], ask and drive as an
//! [`Operator`](crate::operator::Operator), and print on a [`Screen`](crate::screen::Screen); the words about executions
//! come from the engine's report.

mod ask;
pub(crate) mod cancel;
pub(crate) mod delete;
pub(crate) mod export;
pub(crate) mod failover;
pub(crate) mod history;
pub(crate) mod list;
pub(crate) mod logs;
pub(crate) mod pause;
pub(crate) mod plan;
pub(crate) mod plan_file;
pub(crate) mod points;
pub(crate) mod policy;
pub(crate) mod preflight;
pub(crate) mod quotas;
mod refusal;
pub(crate) mod resume;
pub(crate) mod retry;
pub(crate) mod run;
pub(crate) mod show;
#[cfg(feature = "simulator")]
pub(crate) mod simulator;
pub(crate) mod skip;
pub(crate) mod start;
pub(crate) mod state_machine;
pub(crate) mod sweep;
pub(crate) mod tables;
pub(crate) mod target;
pub(crate) mod terminate;
pub(crate) mod version;
pub(crate) mod watch;

use drs_engine::event::Outcome;
use drs_engine::plan::Plan;
use drs_engine::ports::Clock;
use drs_engine::report::{self, Driven};
use drs_engine::state::{State, Status};
use drs_engine::store::items::Items;

use crate::failure::Ending;
use crate::history::History;

/// The advice about an execution as lines of a list; nothing when there is none.
fn advice(state: &State, driven: Driven) -> String {
    let advice = report::next(state, driven);
    if advice.is_empty() {
        return String::new();
    }
    let lines: Vec<String> = advice.iter().map(|advice| format!("- {advice}")).collect();
    format!("\nnext:\n{}\n", lines.join("\n"))
}

/// How a command ends that followed an execution to its end: only COMPLETED is a success.
fn outcome(state: &State) -> Ending {
    match state.status {
        Status::Ended(Outcome::Completed) => Ending::Success,
        _ => Ending::Unsuccessful,
    }
}

/// What somebody should know about a plan that is another now than when an execution of it started.
async fn change_of_plan<I: Items + Clone, C: Clock>(
    history: &History<I, C>,
    state: &State,
) -> Option<String> {
    let started = &state.started;
    // It is only a remark: a plan that cannot be read now is none.
    let plan = history.plans.find(&started.plan_id).await.ok()?;
    let keeps = "this execution keeps what it started with";
    let Some(plan) = plan else {
        return Some(format!(
            "Plan {:?} was deleted since; {keeps}.",
            started.plan_name
        ));
    };
    let now = Plan::parse(&plan.spec).ok()?;
    (now.digest() != started.plan_digest).then(|| {
        format!(
            "Plan {:?} was changed since; {keeps}. `drsctl plan show {}` shows it as it is now.",
            started.plan_name, plan.id
        )
    })
}

fn several(count: usize, thing: &str) -> String {
    match count {
        1 => format!("1 {thing}"),
        _ => format!("{count} {thing}s"),
    }
}

#[cfg(test)]
mod tests;
