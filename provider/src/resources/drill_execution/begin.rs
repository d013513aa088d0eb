//! How a drill begins: an execution that a killed process left behind is taken up, else one is started.

use drs_engine::begin::{Begin, BeginError, Whose};
use drs_engine::drive::DriveError;
use drs_engine::event::Mode;
use drs_engine::ids::{ExecutionId, PlanId};
use drs_engine::limits;
use drs_engine::state::State;
use drs_engine::store::start::StartError;
use drs_engine_aws::fresh;
use tfplugin::{Context, Diagnostic, Diagnostics};

use super::model::Model;
use super::{ORIGIN, points, words};
use crate::client::{Client, ProviderDriver};
use crate::diagnose::{self, sentence};
use crate::run::Run;

/// Looks at a silent owner before it counts as gone, and one more in case a heartbeat was just missed.
const LOOKS: i64 = limits::OWNER_SILENCE.as_secs() / limits::HEARTBEAT_INTERVAL.as_secs() + 2;

/// An execution to follow.
pub(super) struct Begun {
    pub(super) state: State,
    /// What a person should know about where it comes from.
    pub(super) warning: Option<Diagnostic>,
}

/// Takes up the execution that a killed process left behind, or starts one.
pub(super) async fn begin(
    cx: &Context<Client>,
    client: &Client,
    planned: &Model,
) -> Result<Begun, Diagnostics> {
    let plan = PlanId::new(planned.recovery_plan_id.require("recovery_plan_id")?);
    let driver = client.driver();
    let explain = |error: DriveError| diagnose::drive(&error, &client.target());
    if let Some(id) = left_behind(cx, client, &driver, &plan, planned).await? {
        let state = driver.load(&id).await.map_err(explain)?;
        tracing::info!(
            execution = id.as_str(),
            "an execution that was started before is taken up"
        );
        let warning = Some(words::taken_up(&state));
        return Ok(Begun { state, warning });
    }
    if cx.is_stopped() {
        return Err(words::nothing_started().into());
    }
    let points = points::wanted(&planned.recovery_point_before, &planned.recovery_snapshots);
    let points = points.ok_or_else(words::unreadable_points)?;
    let begin = Begin {
        execution_id: ExecutionId::new(fresh::id("exec")),
        plan,
        mode: Mode::Drill,
        origin: ORIGIN.to_owned(),
        inputs: planned.inputs(),
        initiated_by: client.session().identity().arn.clone(),
        hub: client.target(),
        execution_timeout: None,
        max_lifetime: planned.lifetime(),
        replace_live_instances: false,
        only: drs_engine::only::Only::default(),
        points,
        run: None,
        force_unknown: Vec::new(),
        unchecked: Vec::new(),
    };
    match driver.begin_execution(&begin).await {
        Ok(state) => Ok(Begun {
            state,
            warning: None,
        }),
        Err(error) => Err(refused(client, planned, &error)),
    }
}

/// The execution of the same drill whose result nobody has, when its owner is gone.
async fn left_behind(
    cx: &Context<Client>,
    client: &Client,
    driver: &ProviderDriver,
    plan: &PlanId,
    planned: &Model,
) -> Result<Option<ExecutionId>, Diagnostics> {
    let explain = |error: DriveError| diagnose::drive(&error, &client.target());
    let inputs = planned.inputs();
    let mut first_sign = None;
    for _ in 0..LOOKS {
        let found = driver
            .undelivered(plan, ORIGIN, &inputs)
            .await
            .map_err(explain)?;
        let (id, sign) = match found {
            None => return Ok(None),
            Some((id, Whose::Terminal)) if client.is_returned(&id) => {
                // Another resource of this apply ran the same drill and has its result.
                let run = Run::new(cx, client, &id, None);
                run.note_delivered(&run.load().await.map_err(explain)?)
                    .await;
                continue;
            }
            Some((id, Whose::Terminal | Whose::OwnerGone)) => return Ok(Some(id)),
            Some((id, Whose::OwnedBy(sign))) => (id, sign),
        };
        let is_alive = sign.owner == driver.owner || *first_sign.get_or_insert(sign.at) < sign.at;
        if is_alive || cx.is_stopped() {
            return Err(words::somebody_runs_it(&id, &sign).into());
        }
        tracing::info!(
            execution = id.as_str(),
            "{} started this drill and may be gone; waiting for a sign of life",
            sign.host
        );
        cx.sleep(limits::HEARTBEAT_INTERVAL.unsigned_abs()).await;
    }
    Err(words::unclear(plan).into())
}

/// Why a drill did not start, each reason with the next step.
pub(super) fn refused(client: &Client, planned: &Model, error: &BeginError) -> Diagnostics {
    match error {
        BeginError::Resolve(errors) => errors
            .iter()
            .map(|error| words::unresolved(client, "Drill", error, false))
            .collect(),
        BeginError::LiveInstances { .. } => at_plan(
            "Live Recovery Instances Exist",
            format!(
                "{} A drill never deletes what may be in production. Nothing was launched. When the recovery is over, \
                 disconnect and terminate the instances in DRS, and apply again.",
                sentence(&error.to_string())
            ),
        ),
        BeginError::DrillGuard(stopped) => {
            let detail = format!(
                "The plan's drill_guard lets a drill boot only in subnets that carry its tags. {} Nothing was launched. \
                 `drsctl preflight` with the plan's id shows it again. When it is mended, apply again.",
                sentence(&error.to_string())
            );
            let mut found = at_plan("Drill Stopped by Its Guard", detail);
            found.extend(stopped.calls().map(|call| client.explain_call(call)));
            found
        }
        BeginError::HooksMissing(_) => at_plan(
            "Hook Target Missing",
            format!(
                "{} Nothing was launched. Make it there, or change the hooks and checks of the plan, and apply again. \
                 `drsctl preflight` with the plan's id shows it again.",
                sentence(&error.to_string())
            ),
        ),
        BeginError::GuardUnreadable(call) => {
            let mut found = client.explain_call(call);
            found.detail = format!(
                "It cannot be seen whether live recovery instances exist, which a drill would delete, so nothing was \
                 launched. {}",
                found.detail
            );
            found.into()
        }
        BeginError::Start(error) => not_begun(client, error),
        BeginError::Points(problems) => {
            let plan = planned.recovery_plan_id.known().map(PlanId::new);
            let before = &planned.recovery_point_before;
            points::refused(client, "Drill", plan.as_ref(), before, problems).into()
        }
        // A drill pre-empts nobody, so the last does not come here.
        BeginError::Lifetime(_) | BeginError::Preempt(_) => {
            at_plan("Drill Not Started", sentence(&error.to_string()))
        }
        BeginError::Illegal(error) => at_plan(
            "Drill Not Started",
            format!(
                "{} This is a mistake in the engine: please report it.",
                sentence(&error.to_string())
            ),
        ),
    }
}

/// Why a drill could not be made to exist.
fn not_begun(client: &Client, error: &StartError) -> Diagnostics {
    match error {
        StartError::Read(error) => client.explain(error).into(),
        StartError::Running(id) => at_plan(
            "Another Execution of the Plan Runs",
            format!(
                "Execution {id} of this plan runs, and a plan runs once at a time. Nothing was launched. Wait for its \
                 end (`drsctl watch {id}`), or destroy its drs_drill_execution, which cancels it, and apply again."
            ),
        ),
        StartError::Leased(_) => at_plan(
            "Servers Take Part in Another Execution",
            format!(
                "{} Nothing was launched. Watch the other execution with `drsctl watch`, and apply again when it has \
                 ended.",
                sentence(&error.to_string())
            ),
        ),
        _ => at_plan("Drill Not Started", sentence(&error.to_string())),
    }
}

fn at_plan(summary: &str, detail: String) -> Diagnostics {
    Diagnostic::error(summary, detail)
        .at("recovery_plan_id")
        .into()
}
