//! `drsctl failover`: recovers the servers of a plan. The same engine as a drill; what is launched stays.
//!
//! It needs a reason and a confirmation that names the plan and the number of its next run, so that a command out of a
//! shell's history cannot start a second one.

use drs_engine::event::Mode;
use drs_engine::ids::{ExecutionId, Target};
use drs_engine::ports::{Clock, Outside};
use drs_engine::store::items::Items;
use drs_engine::store::plan::StoredPlan;

use crate::cli::Failover;
use crate::failure::{Ending, Failure};
use crate::operator::Operator;
use crate::screen::Outputs;
use crate::signals::Interrupts;

use super::start::{Wanted, begin, find_plan, to_its_end};
use super::{points, preflight};

/// A recovery to be started.
pub(crate) struct Asked<'a> {
    pub(crate) failover: &'a Failover,
    /// The id it gets.
    pub(crate) id: ExecutionId,
    /// The account and the Region that it is started from.
    pub(crate) hub: Target,
}

/// Starts a recovery and drives it to its end, or only says what it would do.
pub(crate) async fn failover<D, I, C>(
    operator: &Operator<D, I, C>,
    asked: Asked<'_>,
    interrupts: &mut Interrupts,
    outputs: &mut Outputs,
) -> Result<Ending, Failure>
where
    D: Outside + 'static,
    I: Items + Clone + 'static,
    C: Clock + 'static,
{
    let Failover { plan, part, .. } = asked.failover;
    let plan = find_plan(operator, plan).await?;
    let only = part.only();
    let wanted = asked.failover.points.wanted()?;
    if asked.failover.dry_run {
        let mut found = operator
            .driver
            .preflight(&plan.id, Mode::Recovery, &only)
            .await;
        let planned = points::planned(operator, &plan, &only, &wanted, &mut found).await;
        let now = operator.driver.clock.now().world;
        let text = format!(
            "{}\n{}\n\nTo start it: `drsctl failover {} --reason TEXT --confirm \"{}\"`, good for this one run.",
            preflight::told(&found, Mode::Recovery),
            points::planned_lines(&found, &wanted, &planned, now),
            plan.id,
            confirmation(&plan)
        );
        outputs.people.print(&text)?;
        outputs.print_document(|| {
            let mut document = preflight::document(&found, Mode::Recovery);
            document["recovery_points"] = points::planned_document(&planned);
            document
        })?;
        return Ok(preflight::ending(&found));
    }
    if asked.failover.confirm.as_deref() != Some(confirmation(&plan).as_str()) {
        return Err(not_confirmed(&plan, asked.failover.confirm.as_deref()));
    }
    let wanted = Wanted {
        id: asked.id,
        hub: asked.hub,
        mode: Mode::Recovery,
        reason: asked.failover.reason.clone(),
        only,
        points: wanted,
        run: Some(plan.runs + 1),
        replace_live_instances: asked.failover.replace_live_instances,
    };
    let state = begin(operator, &plan, wanted).await?;
    for drill in &state.started.preempted {
        outputs.people.print(&format!(
            "Drill {drill} was running: this recovery takes its servers, and the drill launches no more."
        ))?;
    }
    let id = state.started.execution_id;
    to_its_end(operator, id, false, interrupts, outputs).await
}

/// What a person must type: the plan and its next run.
fn confirmation(plan: &StoredPlan) -> String {
    format!("{}/{}", plan.spec.name, plan.runs + 1)
}

fn not_confirmed(plan: &StoredPlan, typed: Option<&str>) -> Failure {
    let typed = typed.map_or_else(String::new, |typed| format!(", not {typed:?}"));
    Failure::new(format!(
        "the recovery is not confirmed: the next run of plan {:?} is {:?}{typed}",
        plan.spec.name,
        confirmation(plan)
    ))
    .safe("Nothing was started and nothing was launched.")
    .help(format!(
        "`drsctl failover {} --dry-run` says what would be launched. If that is meant: --confirm \"{}\".",
        plan.id,
        confirmation(plan)
    ))
}
