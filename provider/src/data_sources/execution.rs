//! `drs_execution`: what the history knows of one execution, a drill or a recovery.

use drs_engine::drive::DriveError;
use drs_engine::event::Author;
use drs_engine::ids::{ExecutionId, PlanId};
use drs_engine::report;
use drs_engine::state::State;
use drs_engine::store::executions::HistoryError;
use serde::{Deserialize, Serialize};
use tfplugin::{
    Attr, Attribute, Context, DataSource, Diagnostic, Diagnostics, Outcome, Schema, async_trait,
};

use crate::client::Client;
use crate::diagnose;
use crate::resources::execution_model::{Observed, Server, Wave};
use crate::resources::observed;

/// The data source.
pub(crate) struct Execution;

/// An execution as it is read.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Model {
    id: Attr<String>,
    recovery_plan_id: Attr<String>,
    mode: Attr<String>,
    initiated_by: Attr<String>,
    timeline: Attr<String>,
    plan_name: Attr<String>,
    status: Attr<String>,
    summary: Attr<String>,
    started_at: Attr<String>,
    finished_at: Attr<String>,
    duration_seconds: Attr<i64>,
    instances_terminated: Attr<bool>,
    waves: Attr<Vec<Wave>>,
    servers: Attr<Vec<Server>>,
}

#[async_trait]
impl DataSource for Execution {
    type Model = Model;
    type Client = Client;

    fn type_name(&self) -> &'static str {
        "drs_execution"
    }

    fn schema(&self) -> Schema {
        let schema = Schema::new(
            "One execution of a recovery plan, as the history has it: by its id, or the newest of a plan.",
        );
        let text = |what: &str| Attribute::string().computed().describe(what);
        observed(schema, false)
            .attribute(
                "id",
                Attribute::string()
                    .optional()
                    .computed()
                    .describe("Id of the execution. Exactly one of this and `recovery_plan_id` is set."),
            )
            .attribute(
                "recovery_plan_id",
                Attribute::string().optional().computed().describe(
                    "Id of a recovery plan, whose newest execution is read. Exactly one of this and `id` is set.",
                ),
            )
            .attribute("mode", text("`DRILL` or `RECOVERY`."))
            .attribute("initiated_by", text("ARN of whoever started it."))
            .attribute("timeline", text("The whole history as text, one line for each thing that happened."))
    }

    async fn validate(&self, config: Model) -> Diagnostics {
        let mut found = Diagnostics::new();
        match (&config.id, &config.recovery_plan_id) {
            (Attr::Null, Attr::Null) => found.error_at(
                "id",
                "Which Execution?",
                "Set id to read one execution, or recovery_plan_id to read the newest of a plan.",
            ),
            (Attr::Known(_), Attr::Known(_)) => found.error_at(
                "recovery_plan_id",
                "Which Execution?",
                "Both id and recovery_plan_id are set. Remove one of the two.",
            ),
            _ => {}
        }
        found
    }

    async fn read(
        &self,
        cx: &Context<Client>,
        config: Model,
    ) -> Result<Outcome<Model>, Diagnostics> {
        let client = cx.client()?;
        let id = match config.id.known() {
            Some(id) => ExecutionId::new(id),
            None => {
                newest(
                    client,
                    &PlanId::new(config.recovery_plan_id.require("recovery_plan_id")?),
                )
                .await?
            }
        };
        let loaded = client.session().executions().load(&id).await;
        let loaded = loaded.map_err(|error| explain(client, &id, error))?;
        let (state, _, lines) = report::timeline(loaded.frozen, &loaded.events)
            .map_err(|error| diagnose::drive(&DriveError::Illegal(error), &client.target()))?;
        Ok(Model::of(&state, lines.join("\n")).into())
    }
}

impl Model {
    fn of(state: &State, timeline: String) -> Self {
        let observed = Observed::of(state);
        let initiated_by = match &state.started_by {
            Author::Operator(arn) => arn.clone(),
            Author::Owner(owner) => owner.to_string(),
        };
        Self {
            id: state.started.execution_id.to_string().into(),
            recovery_plan_id: state.started.plan_id.to_string().into(),
            mode: state.started.mode.as_str().into(),
            initiated_by: initiated_by.into(),
            timeline: timeline.into(),
            plan_name: observed.plan_name.into(),
            status: observed.status.into(),
            summary: observed.summary.into(),
            started_at: observed.started_at.into(),
            finished_at: observed.finished_at,
            duration_seconds: observed.duration_seconds.into(),
            instances_terminated: observed.instances_terminated.into(),
            waves: observed.waves.into(),
            servers: observed.servers.into(),
        }
    }
}

/// The newest execution of a plan.
async fn newest(client: &Client, plan: &PlanId) -> Result<ExecutionId, Diagnostic> {
    let executions = client.session().executions();
    let page = client.nothing_without_tables(executions.list_by_plan(plan, None, 1).await);
    let (found, _) = page.map_err(|error| client.explain(&error))?;
    match found.into_iter().next() {
        Some(summary) => Ok(summary.execution_id),
        None => Err(Diagnostic::error(
            "No Execution",
            format!(
                "The history has no execution of recovery plan {plan} in environment {:?}. Check the id of the plan; \
                 `drsctl list` shows every execution.",
                client.session().environment()
            ),
        )
        .at("recovery_plan_id")),
    }
}

fn explain(client: &Client, id: &ExecutionId, error: HistoryError) -> Diagnostic {
    match error {
        HistoryError::Missing(_) => Diagnostic::error(
            "Execution Not Found",
            format!(
                "The history has no execution {:?} in environment {:?}. `drsctl list` shows every execution.",
                id.as_str(),
                client.session().environment()
            ),
        )
        .at("id"),
        error => diagnose::drive(&DriveError::History(error), &client.target()),
    }
}
