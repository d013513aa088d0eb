//! How a drill begins: an execution that a killed process left behind is taken up, else one is started.

use drs_engine::asl;
use drs_engine::begin::{Begin, Whose};
use drs_engine::drive::DriveError;
use drs_engine::event::Mode;
use drs_engine::ids::{ExecutionId, PlanId};
use drs_engine::limits;
use drs_engine::only::Only;
use drs_engine::state::State;
use drs_engine_aws::fresh;
use drs_engine_aws::machines::Hosting;
use tfplugin::{Context, Diagnostic, Diagnostics};

use super::model::Model;
use super::{ORIGIN, points, refusal, words};
use crate::client::{Client, ProviderDriver};
use crate::diagnose;
use crate::run::Run;
use crate::runner::{self, Runner};

/// Looks at a silent owner before it counts as gone, and one more in case a heartbeat was just missed.
const LOOKS: i64 = limits::OWNER_SILENCE.as_secs() / limits::HEARTBEAT_INTERVAL.as_secs() + 2;

/// An execution to follow.
pub(super) struct Begun {
    pub(super) state: State,
    /// The run of a state machine that was begun for it.
    pub(super) hosting: Option<Hosting>,
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
    let runner = Runner::for_start(client, &planned.runner);
    if let Some(id) = left_behind(cx, client, &driver, &plan, planned).await? {
        let state = driver.load(&id).await.map_err(explain)?;
        let hosting = runner
            .take_up(client, &planned.runner, &driver, &state)
            .await?;
        tracing::info!(
            execution = id.as_str(),
            "an execution that was started before is taken up"
        );
        let warning = Some(words::taken_up(&state));
        return Ok(Begun {
            state,
            hosting,
            warning,
        });
    }
    if cx.is_stopped() {
        return Err(words::nothing_started().into());
    }
    let begin = wanted(client, &plan, planned).ok_or_else(words::unreadable_points)?;
    runner.check(client, &planned.runner).await?;
    let hosting = runner.hosting(&begin.execution_id);
    let driver = match &hosting {
        Some(hosting) => {
            client.takes_hosted(&begin.execution_id);
            hosting.name(driver)
        }
        None => driver,
    };
    let state = driver.begin_execution(&begin).await;
    let state = state.map_err(|error| refusal::at_apply(client, planned, &plan, &error))?;
    if let Some(hosting) = &hosting {
        runner::begin_own(client, hosting, &state).await?;
    }
    Ok(Begun {
        state,
        hosting,
        warning: None,
    })
}

/// The execution that the resource asks for; none while it is not known what servers are launched from.
pub(super) fn wanted(client: &Client, plan: &PlanId, planned: &Model) -> Option<Begin> {
    Some(Begin {
        execution_id: ExecutionId::new(fresh::id("exec")),
        plan: plan.clone(),
        mode: Mode::Drill,
        origin: ORIGIN.to_owned(),
        inputs: planned.inputs(),
        initiated_by: client.session().identity().arn.clone(),
        hub: client.target(),
        execution_timeout: None,
        max_lifetime: planned.lifetime(),
        replace_live_instances: false,
        only: Only::default(),
        points: points::wanted(&planned.recovery_point_before, &planned.recovery_snapshots)?,
        run: None,
        force_unknown: Vec::new(),
        unchecked: Vec::new(),
    })
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
            // A machine goes on without the apply that started it; but two resources do not share its execution.
            Some((id, Whose::OwnedBy(sign)))
                if asl::is_machine(&sign.owner) && client.takes_hosted(&id) =>
            {
                return Ok(Some(id));
            }
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
