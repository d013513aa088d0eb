//! `drsctl failover`: recovers the servers of a plan. The same engine as a drill; what is launched stays.
//!
//! It needs a reason and a confirmation that names the plan and the number of its next run, so that a command out of a
//! shell's history cannot start a second one.

use drs_engine::event::Mode;
use drs_engine::guard::Guard;
use drs_engine::ids::{ExecutionId, Target};
use drs_engine::ports::Clock;
use drs_engine::store::plan::StoredPlan;
use drs_engine::store::plan_file::PlanFile;

use crate::cli::{Failover, ForcedGuard};
use crate::failure::{Ending, Failure};
use crate::machine::Machine;
use crate::operator::{Operator, Ports};
use crate::screen::Outputs;
use crate::signals::Interrupts;

use super::start::{Wanted, begin, find_plan, to_its_end};
use super::{plan_file, points, preflight};

/// A recovery to be started.
pub(crate) struct Asked<'a, P: Ports> {
    pub(crate) failover: &'a Failover,
    /// What its plan was taken from, where that is a file.
    pub(crate) file: Option<&'a PlanFile>,
    /// The id it gets.
    pub(crate) id: ExecutionId,
    /// The account and the Region that it is started from.
    pub(crate) hub: Target,
    /// What drives it in place of this process.
    pub(crate) machine: Option<Machine<P>>,
}

/// Starts a recovery and drives it to its end, or only says what it would do.
pub(crate) async fn failover<P: Ports>(
    operator: &Operator<P>,
    asked: Asked<'_, P>,
    interrupts: &mut Interrupts,
    outputs: &mut Outputs,
) -> Result<Ending, Failure> {
    let Failover { plan, part, .. } = asked.failover;
    let named = asked.file.map(|file| file.plan_id().as_str());
    let named = named.or(plan.as_deref()).unwrap_or_default();
    let plan = find_plan(operator, named).await?;
    if let (Some(file), Some(directory)) = (asked.file, &operator.history.place.directory) {
        outputs.people.print(&plan_file::told(file, directory))?;
    }
    if asked.failover.dry_run {
        return dry_run(operator, asked.failover, &plan, &asked.hub, outputs).await;
    }
    if asked.failover.confirm.as_deref() != Some(confirmation(&plan).as_str()) {
        return Err(not_confirmed(asked.failover, &plan));
    }
    let wanted = Wanted {
        id: asked.id,
        hub: asked.hub,
        mode: Mode::Recovery,
        reason: asked.failover.reason.clone(),
        only: part.only(),
        max_lifetime: None,
        points: asked.failover.points.wanted()?,
        run: Some(plan.runs + 1),
        replace_live_instances: asked.failover.replace_live_instances,
        force_unknown: forced(asked.failover),
        unchecked: asked.file.map(plan_file::unchecked).unwrap_or_default(),
    };
    let machine = asked.machine.as_ref();
    let state = begin(operator, machine, &plan, wanted).await?;
    for drill in &state.started.preempted {
        outputs.people.print(&format!(
            "Drill {drill} was running: this recovery takes its servers, and the drill launches no more."
        ))?;
    }
    for unread in &state.started.unchecked {
        if unread.guard == Guard::LiveInstances {
            outputs.people.print(&format!(
                "NOT LOOKED AT, and it goes on all the same: {} ({}): {}",
                unread.guard.says(),
                unread.guard,
                unread.reason
            ))?;
        }
    }
    let id = state.started.execution_id;
    to_its_end(operator, id, machine, false, interrupts, outputs).await
}

/// Says what would be launched, from which points, what each guard says, and how it is started.
async fn dry_run<P: Ports>(
    operator: &Operator<P>,
    asked: &Failover,
    plan: &StoredPlan,
    hub: &Target,
    outputs: &mut Outputs,
) -> Result<Ending, Failure> {
    let (only, wanted) = (asked.part.only(), asked.points.wanted()?);
    let driver = &operator.driver;
    let mut found = driver.preflight(&plan.id, Mode::Recovery, &only, hub).await;
    let planned = points::planned(operator, plan, &only, &wanted, &mut found).await;
    let text = format!(
        "{}\n{}\n\nTo start it: `{} --reason TEXT --confirm \"{}\"`, good for this one run.",
        found.told(Mode::Recovery),
        points::planned_lines(&found, &wanted, &planned, driver.clock.now().world),
        command(asked, plan),
        confirmation(plan)
    );
    outputs.people.print(&text)?;
    outputs.print_document(|| {
        let mut document = preflight::document(&found, Mode::Recovery);
        document["recovery_points"] = points::planned_document(&planned);
        document
    })?;
    Ok(preflight::ending(&found))
}

/// What a person must type: the plan and its next run.
fn confirmation(plan: &StoredPlan) -> String {
    format!("{}/{}", plan.spec.name, plan.runs + 1)
}

/// The guards that it may go on without, as the engine names them.
fn forced(asked: &Failover) -> Vec<Guard> {
    let of = |guard: &ForcedGuard| match guard {
        ForcedGuard::LiveInstances => Guard::LiveInstances,
    };
    asked.force_unknown.iter().map(of).collect()
}

/// The command with every option that says what is launched, without its reason and its confirmation: what was looked at
/// is what is started.
fn command(asked: &Failover, plan: &StoredPlan) -> String {
    let mut words = vec![match &asked.plan_file {
        None => format!("drsctl failover {}", plan.id),
        Some(file) => format!(
            "drsctl failover --plan-file {} --history DIRECTORY",
            file.display()
        ),
    }];
    words.extend(asked.part.typed());
    words.extend(asked.points.typed());
    words.extend(
        asked
            .replace_live_instances
            .then(|| "--replace-live-instances".to_owned()),
    );
    let forced = forced(asked).into_iter();
    words.extend(forced.map(|guard| format!("--force-unknown {guard}")));
    words.join(" ")
}

fn not_confirmed(asked: &Failover, plan: &StoredPlan) -> Failure {
    let typed = asked.confirm.as_ref();
    let typed = typed.map_or_else(String::new, |typed| format!(", not {typed:?}"));
    Failure::new(format!(
        "the recovery is not confirmed: the next run of plan {:?} is {:?}{typed}",
        plan.spec.name,
        confirmation(plan)
    ))
    .safe("Nothing was started and nothing was launched.")
    .help(format!(
        "`{} --dry-run` says what would be launched. If that is meant: --confirm \"{}\".",
        command(asked, plan),
        confirmation(plan)
    ))
}
