//! The actions that start an execution: a drill, or a recovery that is confirmed.

use drs_engine::begin::{Begin, BeginError};
use drs_engine::event::Mode;
use drs_engine::ids::ExecutionId;
use drs_engine::only::Only;
use drs_engine::state::State;
use drs_engine::store::plan::StoredPlan;
use drs_engine::store::start::StartError;
use drs_engine_aws::fresh;
use serde::Deserialize;
use tfplugin::schema::validator;
use tfplugin::{
    Action, Attr, Attribute, Context, Diagnostic, Diagnostics, Progress, Schema, Type, async_trait,
};

use super::execution::Execution;
use crate::client::Client;
use crate::convert;
use crate::diagnose::sentence;
use crate::resources::{lifetime, plan_not_found, points, unreadable_points, unresolved};
use crate::runner::{self, Runner};

/// Where executions of these actions are started from, as the history says.
const ORIGIN: &str = "terraform-action";
/// The input that carries why, which does not say which run it is.
const REASON: &str = "_reason";

/// What they are told. Each has what is in the first part, and those of the others that its schema has.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Asked {
    recovery_plan_id: Attr<String>,
    reason: Attr<String>,
    only_waves: Attr<Vec<String>>,
    only_protection_groups: Attr<Vec<String>>,
    exclude_servers: Attr<Vec<String>>,
    recovery_point_before: Attr<String>,
    recovery_snapshots: points::Named,
    runner: Attr<runner::Config>,

    #[serde(default)]
    cleanup: Attr<String>,
    #[serde(default)]
    max_lifetime: Attr<String>,
    #[serde(default)]
    confirm: Attr<String>,
    #[serde(default)]
    replace_live_instances: Attr<bool>,
}

/// Starts a drill, and follows it to its end.
pub(crate) struct StartDrill;

#[async_trait]
impl Action for StartDrill {
    type Model = Asked;
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

    async fn validate(&self, config: Asked) -> Diagnostics {
        config.mistakes()
    }

    async fn invoke(
        &self,
        cx: &Context<Client>,
        config: Asked,
        progress: &Progress,
    ) -> Diagnostics {
        let drilled = async {
            let client = cx.client()?;
            let plan = plan(client, &config.recovery_plan_id).await?;
            let begin = config.begin(client, &plan, Mode::Drill)?;
            let (execution, state) = start(cx, client, &config, &begin, progress).await?;
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

impl Asked {
    /// What is wrong with it as far as it is known.
    fn mistakes(&self) -> Diagnostics {
        let mut found =
            points::configuration(&self.recovery_point_before, &self.recovery_snapshots);
        found.extend(runner::configuration(&self.runner));
        found
    }

    /// The execution that is asked for.
    fn begin(&self, client: &Client, plan: &StoredPlan, mode: Mode) -> Result<Begin, Diagnostic> {
        let names = |list: &Attr<Vec<String>>| list.known().cloned().unwrap_or_default();
        let points = points::wanted(&self.recovery_point_before, &self.recovery_snapshots);
        let reason = self.reason.known();
        let reason = reason.map(|reason| (REASON.to_owned(), reason.clone().into()));
        Ok(Begin {
            execution_id: ExecutionId::new(fresh::id("exec")),
            plan: plan.id.clone(),
            mode,
            origin: ORIGIN.to_owned(),
            inputs: reason.into_iter().collect(),
            initiated_by: client.session().identity().arn.clone(),
            hub: client.target(),
            execution_timeout: None,
            max_lifetime: convert::span(&self.max_lifetime),
            replace_live_instances: self.replace_live_instances == Attr::Known(true),
            only: Only {
                waves: names(&self.only_waves),
                groups: names(&self.only_protection_groups),
                without: names(&self.exclude_servers),
            },
            points: points.ok_or_else(unreadable_points)?,
            // What was confirmed is this run and no other.
            run: (mode == Mode::Recovery).then_some(plan.runs + 1),
            force_unknown: Vec::new(),
            unchecked: Vec::new(),
        })
    }

    /// Whether what a drill launched is terminated when it has ended.
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
    type Model = Asked;
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

    async fn validate(&self, config: Asked) -> Diagnostics {
        config.mistakes()
    }

    async fn invoke(
        &self,
        cx: &Context<Client>,
        config: Asked,
        progress: &Progress,
    ) -> Diagnostics {
        let recovered = async {
            let client = cx.client()?;
            let plan = plan(client, &config.recovery_plan_id).await?;
            let expected = format!("{}/{}", plan.spec.name, plan.runs + 1);
            if config.confirm.require("confirm")? != &expected {
                return Err(not_confirmed(&plan, &expected).into());
            }
            let begin = config.begin(client, &plan, Mode::Recovery)?;
            let (execution, state) = start(cx, client, &config, &begin, progress).await?;
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
    config: &Asked,
    begin: &Begin,
    progress: &'a Progress,
) -> Result<(Execution<'a>, State), Diagnostics> {
    client.ready_to_write().await?;
    let runner = Runner::for_start(client, &config.runner);
    runner.check(client, &config.runner).await?;
    let hosting = runner.hosting(&begin.execution_id);
    let driver = match &hosting {
        Some(hosting) => hosting.name(client.driver()),
        None => client.driver(),
    };
    let state = driver.begin_execution(begin).await;
    let state = state.map_err(|error| refused(client, config, begin, &error))?;
    if let Some(hosting) = &hosting {
        runner::begin_own(client, hosting, &state).await?;
    }
    let execution =
        Execution::new(cx, client, begin.execution_id.clone(), progress).hosted(hosting);
    execution.tell_start(&state);
    Ok((execution, state))
}

/// Why nothing was started, with the next step.
fn refused(client: &Client, config: &Asked, begin: &Begin, error: &BeginError) -> Diagnostics {
    let id = &begin.plan;
    let what = match begin.mode {
        Mode::Drill => "Drill",
        Mode::Recovery => "Recovery",
    };
    let help = match error {
        BeginError::Resolve(errors) => {
            let errors = errors.iter();
            return errors
                .map(|error| unresolved(client, what, error))
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
            let before = &config.recovery_point_before;
            return points::refused(client, what, Some(id), before, problems).into();
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
        .attribute(
            runner::ATTRIBUTE,
            runner::attribute("Default: the `runner` of the provider."),
        )
}

/// What is said of an action, whichever way it ended.
fn flat(result: Result<Diagnostics, Diagnostics>) -> Diagnostics {
    result.unwrap_or_else(|found| found)
}
