//! The actions that start an execution: a drill, or a recovery that is confirmed.

use std::collections::BTreeMap;

use drs_engine::begin::{Begin, BeginError};
use drs_engine::event::Mode;
use drs_engine::ids::{ExecutionId, SnapshotId};
use drs_engine::only::Only;
use drs_engine::point::{self, RecoveryPoint, is_point_id};
use drs_engine::state::State;
use drs_engine::store::plan::StoredPlan;
use drs_engine::store::start::StartError;
use drs_engine_aws::fresh;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tfplugin::schema::validator;
use tfplugin::{
    Action, Attr, Attribute, Context, Diagnostic, Diagnostics, Path, Progress, Schema, Type,
    async_trait, duration,
};

use super::execution::Execution;
use crate::client::Client;
use crate::diagnose::sentence;
use crate::resources::{lifetime, plan_not_found, unresolved};

/// Where executions of these actions are started from, as the history says.
const ORIGIN: &str = "terraform-action";
/// The input that carries why, which does not say which run it is.
const REASON: &str = "_reason";

/// What both starts are told.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct AskedToDrill {
    recovery_plan_id: Attr<String>,
    reason: Attr<String>,
    only_waves: Attr<Vec<String>>,
    only_protection_groups: Attr<Vec<String>>,
    exclude_servers: Attr<Vec<String>>,
    recovery_point_before: Attr<String>,
    recovery_snapshots: Attr<BTreeMap<String, String>>,
    cleanup: Attr<String>,
    max_lifetime: Attr<String>,
}

/// What a failover is told.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct AskedToFailOver {
    recovery_plan_id: Attr<String>,
    reason: Attr<String>,
    confirm: Attr<String>,
    only_waves: Attr<Vec<String>>,
    only_protection_groups: Attr<Vec<String>>,
    exclude_servers: Attr<Vec<String>>,
    recovery_point_before: Attr<String>,
    recovery_snapshots: Attr<BTreeMap<String, String>>,
    replace_live_instances: Attr<bool>,
}

/// Starts a drill, and follows it to its end.
pub(crate) struct StartDrill;

#[async_trait]
impl Action for StartDrill {
    type Model = AskedToDrill;
    type Client = Client;

    fn type_name(&self) -> &'static str {
        "drs_start_drill"
    }

    fn schema(&self) -> Schema {
        started(
            "Starts a drill of a recovery plan, and follows it to its end, as `drs_drill_execution` does, but without a \
             state: it runs again whenever it is invoked. It fails when the drill ends otherwise than `COMPLETED`. \
             Interrupted, it leaves the drill to whoever drives it next; `drsctl run` goes on with it.",
        )
        .attribute(
            "reason",
            Attribute::string()
                .optional()
                .validate(validator::not_empty())
                .describe("Why, in your words; the history keeps it. Default: none."),
        )
        .attribute(
            "cleanup",
            Attribute::string()
                .optional()
                .validate(validator::one_of(["never", "on_success", "always"]))
                .describe(
                    "When what the drill launched is terminated: `on_success`, as soon as it has completed; `always`, as soon as \
                     it has ended; `never`. Default: `always`.",
                ),
        )
        .attribute("max_lifetime", lifetime())
    }

    async fn validate(&self, config: AskedToDrill) -> Diagnostics {
        points_of(&config.recovery_point_before, &config.recovery_snapshots).1
    }

    async fn invoke(
        &self,
        cx: &Context<Client>,
        config: AskedToDrill,
        progress: &Progress,
    ) -> Diagnostics {
        let drilled = async {
            let client = cx.client()?;
            let plan = plan(client, &config.recovery_plan_id).await?;
            let asked = Asked {
                mode: Mode::Drill,
                reason: config.reason.known().cloned(),
                only: only(
                    &config.only_waves,
                    &config.only_protection_groups,
                    &config.exclude_servers,
                ),
                points: points_of(&config.recovery_point_before, &config.recovery_snapshots).0,
                max_lifetime: config.lifetime(),
                run: None,
                replace_live_instances: false,
            };
            let (execution, state) = start(cx, client, &plan, asked, progress).await?;
            let state = execution.follow(state).await?;
            let mut found = execution.verdict(&state);
            if state.status.is_terminal() && config.cleans_up(found.has_errors()) {
                let state = execution
                    .terminate(state.clone(), "the action asks for it")
                    .await?;
                if !state.is_clean() {
                    found.extend(execution.not_clean(&state));
                }
            }
            execution.note_delivered(&state).await;
            Ok(found)
        };
        flat(drilled.await)
    }
}

impl AskedToDrill {
    fn lifetime(&self) -> Option<SignedDuration> {
        let parsed = duration::parse(self.max_lifetime.known()?).ok()?;
        SignedDuration::try_from(parsed).ok()
    }

    fn cleans_up(&self, failed: bool) -> bool {
        match self.cleanup.known().map(String::as_str) {
            Some("never") => false,
            Some("on_success") => !failed,
            _ => true,
        }
    }
}

/// Starts a recovery that is confirmed, and follows it to its end.
pub(crate) struct StartFailover;

#[async_trait]
impl Action for StartFailover {
    type Model = AskedToFailOver;
    type Client = Client;

    fn type_name(&self) -> &'static str {
        "drs_start_failover"
    }

    fn schema(&self) -> Schema {
        started(
            "Starts a recovery of a recovery plan for real, and follows it to its end. It takes servers from drills that run. \
             `confirm` names the plan and its next run, so that the same configuration never fails over twice. Interrupted, it \
             leaves the recovery to whoever drives it next; `drsctl run` goes on with it.",
        )
        .attribute(
            "reason",
            Attribute::string()
                .required()
                .validate(validator::not_empty())
                .describe("Why, in your words; the history keeps it."),
        )
        .attribute(
            "confirm",
            Attribute::string().required().describe(
                "The name of the plan and the number of its next run, such as `shop/7`, good for this one run; `drs_preflight` \
                 has it as `next_run`, but a confirmation is meant to be written by a person.",
            ),
        )
        .attribute(
            "replace_live_instances",
            Attribute::bool().optional().describe(
                "Whether live recovery instances of the servers are replaced: DRS deletes them. Default: `false`; they refuse \
                 the recovery.",
            ),
        )
    }

    async fn validate(&self, config: AskedToFailOver) -> Diagnostics {
        points_of(&config.recovery_point_before, &config.recovery_snapshots).1
    }

    async fn invoke(
        &self,
        cx: &Context<Client>,
        config: AskedToFailOver,
        progress: &Progress,
    ) -> Diagnostics {
        let recovered = async {
            let client = cx.client()?;
            let plan = plan(client, &config.recovery_plan_id).await?;
            let expected = format!("{}/{}", plan.spec.name, plan.runs + 1);
            if config.confirm.require("confirm")? != &expected {
                return Err(not_confirmed(&plan, &expected).into());
            }
            let asked = Asked {
                mode: Mode::Recovery,
                reason: config.reason.known().cloned(),
                only: only(
                    &config.only_waves,
                    &config.only_protection_groups,
                    &config.exclude_servers,
                ),
                points: points_of(&config.recovery_point_before, &config.recovery_snapshots).0,
                max_lifetime: None,
                run: Some(plan.runs + 1),
                replace_live_instances: config.replace_live_instances == Attr::Known(true),
            };
            let (execution, state) = start(cx, client, &plan, asked, progress).await?;
            let state = execution.follow(state).await?;
            execution.note_delivered(&state).await;
            Ok(execution.verdict(&state))
        };
        flat(recovered.await)
    }
}

fn not_confirmed(plan: &StoredPlan, expected: &str) -> Diagnostic {
    Diagnostic::error(
        "Recovery Not Confirmed",
        format!(
            "The next run of plan {:?} is another one than was confirmed. Nothing was launched. Look at what ran with `drsctl \
             list --plan {}`. If it is to be run: confirm = {expected:?}, good for this one run.",
            plan.spec.name, plan.id
        ),
    )
    .at("confirm")
}

/// What is to be started.
struct Asked {
    mode: Mode,
    reason: Option<String>,
    only: Only,
    points: RecoveryPoint,
    max_lifetime: Option<SignedDuration>,
    run: Option<i64>,
    replace_live_instances: bool,
}

async fn plan(client: &Client, named: &Attr<String>) -> Result<StoredPlan, Diagnostic> {
    let named = named.require("recovery_plan_id")?;
    let plan = client.session().plans().find_by_id_or_name(named).await;
    let plan = client.nothing_without_tables(plan);
    let plan = plan.map_err(|error| client.explain(&error))?;
    plan.ok_or_else(|| plan_not_found(client, named).at("recovery_plan_id"))
}

/// Makes the execution exist.
async fn start<'a>(
    cx: &Context<Client>,
    client: &'a Client,
    plan: &StoredPlan,
    asked: Asked,
    progress: &'a Progress,
) -> Result<(Execution<'a>, State), Diagnostics> {
    client.ready_to_write().await?;
    let reason = asked
        .reason
        .map(|reason| (REASON.to_owned(), reason.into()));
    let begin = Begin {
        execution_id: ExecutionId::new(fresh::id("exec")),
        plan: plan.id.clone(),
        mode: asked.mode,
        origin: ORIGIN.to_owned(),
        inputs: reason.into_iter().collect(),
        initiated_by: client.session().identity().arn.clone(),
        hub: client.target(),
        execution_timeout: None,
        max_lifetime: asked.max_lifetime,
        replace_live_instances: asked.replace_live_instances,
        only: asked.only,
        points: asked.points,
        run: asked.run,
        force_unknown: Vec::new(),
        unchecked: Vec::new(),
    };
    let state = client.driver().begin_execution(&begin).await;
    let state = state.map_err(|error| refused(client, plan, &error))?;
    let execution = Execution::new(cx, client, state.started.execution_id.clone(), progress);
    execution.tell_start(&state);
    Ok((execution, state))
}

/// Why nothing was started, with the next step.
fn refused(client: &Client, plan: &StoredPlan, error: &BeginError) -> Diagnostics {
    let id = &plan.id;
    let help = match error {
        BeginError::Resolve(errors) => {
            let errors = errors.iter();
            return errors
                .map(|error| unresolved(client, error, false))
                .collect();
        }
        BeginError::GuardUnreadable(call) => return client.explain_call(call).into(),
        BeginError::Start(StartError::Read(error)) => return client.explain(error).into(),
        BeginError::Start(StartError::Running(other)) => {
            format!("`drsctl watch {other}` follows it, and the action drs_cancel ends it.")
        }
        BeginError::LiveInstances { .. } => {
            "Whoever uses these instances must agree before they are replaced.".to_owned()
        }
        BeginError::Points(problems) => {
            let told = point::told(problems).join("\n");
            let detail = format!(
                "{} Nothing was launched. `drsctl points {id}` shows the points of its servers.",
                sentence(&told)
            );
            return Diagnostic::error("Recovery Points Not Found", detail).into();
        }
        _ => format!(
            "`drsctl preflight {id}` shows what stands against it without starting anything."
        ),
    };
    let detail = format!(
        "{} Nothing was launched. {help}",
        sentence(&error.to_string())
    );
    Diagnostic::error("Execution Not Started", detail)
        .at("recovery_plan_id")
        .into()
}

fn only(
    waves: &Attr<Vec<String>>,
    groups: &Attr<Vec<String>>,
    without: &Attr<Vec<String>>,
) -> Only {
    let names = |list: &Attr<Vec<String>>| list.known().cloned().unwrap_or_default();
    Only {
        waves: names(waves),
        groups: names(groups),
        without: names(without),
    }
}

/// What servers are launched from, and what is wrong with how that is said.
fn points_of(
    before: &Attr<String>,
    named: &Attr<BTreeMap<String, String>>,
) -> (RecoveryPoint, Diagnostics) {
    let mut found = Diagnostics::new();
    if before.known().is_some() && named.known().is_some() {
        found.error_at(
            "recovery_snapshots",
            "One Kind of Recovery Point",
            "Both recovery_point_before and recovery_snapshots are set. Remove one of the two.",
        );
    }
    if let Some(text) = before.known() {
        let time: Result<Timestamp, _> = text.parse();
        if time.is_err() {
            let detail =
                format!("{text:?} is not a time with its zone, such as 2026-03-01T09:00:00Z.");
            found.error_at("recovery_point_before", "Invalid Time", detail);
        }
        return (
            time.map_or(RecoveryPoint::Latest, RecoveryPoint::Before),
            found,
        );
    }
    let Some(named) = named.known() else {
        return (RecoveryPoint::Latest, found);
    };
    for (server, point) in named.iter().filter(|(_, point)| !is_point_id(point)) {
        let at = Path::from("recovery_snapshots").key(server);
        let detail = format!(
            "{point:?} is not the id of a recovery point: \"pit-\" and 17 letters or digits."
        );
        found.error_at(at, "Invalid Recovery Point ID", detail);
    }
    let points = named.iter();
    let points = points.map(|(server, point)| (server.clone(), SnapshotId::new(point.as_str())));
    (RecoveryPoint::Named(points.collect()), found)
}

/// What both starts are told.
fn started(what: &str) -> Schema {
    let names = |what: &str| {
        Attribute::list(Type::String)
            .optional()
            .validate(validator::not_empty())
            .describe(what)
    };
    Schema::new(what)
        .attribute(
            "recovery_plan_id",
            Attribute::string()
                .required()
                .describe("Id of the recovery plan, or its name."),
        )
        .attribute(
            "only_waves",
            names("Names of the waves that are run; the others are passed. Default: all."),
        )
        .attribute(
            "only_protection_groups",
            names("Ids or names of the protection groups whose servers are launched. Default: all."),
        )
        .attribute(
            "exclude_servers",
            names("Ids or host names of servers that are left out. Default: none."),
        )
        .attribute(
            "recovery_point_before",
            Attribute::string().optional().describe(
                "Launches every server from its newest recovery point before this time, in RFC 3339. Default: none; servers are \
                 launched from their newest state.",
            ),
        )
        .attribute(
            "recovery_snapshots",
            Attribute::map(Type::String).optional().describe(
                "Recovery points by the id or the host name of the server, such as `{ \"db-1\" = \"pit-0123456789abcdef0\" }`; \
                 the other servers are launched from their newest state. Default: none.",
            ),
        )
}

/// What is said of an action, whichever way it ended.
fn flat(result: Result<Diagnostics, Diagnostics>) -> Diagnostics {
    result.unwrap_or_else(|found| found)
}
