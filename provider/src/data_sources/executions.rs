//! `drs_executions`: the newest executions, of a plan or of all.

use std::collections::BTreeSet;

use drs_engine::event::Mode;
use drs_engine::ids::PlanId;
use drs_engine::state::Status;
use drs_engine::store::summary::Summary;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tfplugin::schema::validator;
use tfplugin::{
    Attr, Attribute, Context, DataSource, Diagnostics, Outcome, Schema, Type, Value, async_trait,
};

use crate::client::Client;
use crate::convert;

/// How many are read where nothing is said.
const DEFAULT_LIMIT: i64 = 100;
/// Most that are read.
const MOST: i64 = 1_000;

/// The data source.
pub(crate) struct Executions;

/// What is asked for, and what is found.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Model {
    recovery_plan_id: Attr<String>,
    statuses: Attr<BTreeSet<String>>,
    mode: Attr<String>,
    started_after: Attr<String>,
    started_before: Attr<String>,
    limit: Attr<i64>,
    ids: Attr<Vec<Attr<String>>>,
    executions: Attr<Vec<Execution>>,
}

/// An execution as lists show it.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Execution {
    id: Attr<String>,
    recovery_plan_id: Attr<String>,
    plan_name: Attr<String>,
    mode: Attr<String>,
    status: Attr<String>,
    started_at: Attr<String>,
    finished_at: Attr<String>,
    duration_seconds: Attr<i64>,
    initiated_by: Attr<String>,
    origin: Attr<String>,
    waves: Attr<String>,
    errors: Attr<Vec<String>>,
}

#[async_trait]
impl DataSource for Executions {
    type Model = Model;
    type Client = Client;

    fn type_name(&self) -> &'static str {
        "drs_executions"
    }

    fn schema(&self) -> Schema {
        schema()
    }

    async fn read(
        &self,
        cx: &Context<Client>,
        config: Model,
    ) -> Result<Outcome<Model>, Diagnostics> {
        let client = cx.client()?;
        let executions = client.session().executions();
        let wanted = config.statuses.known();
        let is_wanted = |word: &&str| wanted.is_none_or(|wanted| wanted.contains(*word));
        let statuses: Vec<&str> = Status::WORDS.into_iter().filter(is_wanted).collect();
        let limit = config.limit.known().copied().unwrap_or(DEFAULT_LIMIT);
        // What is filtered here may be the newest, so that more is read than is shown.
        let read = usize::try_from(if config.is_filtered() { MOST } else { limit }).unwrap_or(0);
        let found = match config.recovery_plan_id.known() {
            Some(plan) => {
                let plan = PlanId::new(plan.as_str());
                executions.newest_of_plan(&plan, &statuses, read).await
            }
            None => executions.newest(&statuses, read).await,
        };
        let found = client.nothing_without_tables(found);
        let mut found = found.map_err(|error| client.explain(&error))?;
        found.retain(|summary| config.accepts(summary));
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(Outcome::state(Model {
            ids: convert::list(found.iter().map(|summary| &summary.execution_id)),
            executions: Attr::Known(found.into_iter().map(Execution::of).collect()),
            ..config
        }))
    }
}

impl Model {
    fn is_filtered(&self) -> bool {
        !(self.mode.is_null() && self.started_after.is_null() && self.started_before.is_null())
    }

    fn accepts(&self, summary: &Summary) -> bool {
        let time =
            |text: &Attr<String>| text.known().and_then(|text| text.parse::<Timestamp>().ok());
        let mode = self.mode.known();
        mode.is_none_or(|mode| mode == summary.mode.as_str())
            && time(&self.started_after).is_none_or(|after| summary.started_at >= after)
            && time(&self.started_before).is_none_or(|before| summary.started_at < before)
    }
}

impl Execution {
    fn of(summary: Summary) -> Self {
        let lasted = summary
            .ended_at
            .map(|ended| ended.duration_since(summary.started_at).as_secs());
        Self {
            id: summary.execution_id.to_string().into(),
            recovery_plan_id: summary.plan_id.to_string().into(),
            plan_name: summary.plan_name.into(),
            mode: summary.mode.as_str().into(),
            status: summary.status.into(),
            started_at: convert::instant(summary.started_at).into(),
            finished_at: convert::optional_instant(summary.ended_at),
            duration_seconds: lasted.into(),
            initiated_by: summary.initiated_by.into(),
            origin: summary.origin.into(),
            waves: summary.wave_status.into(),
            errors: summary.errors.into(),
        }
    }
}

fn schema() -> Schema {
    let only = |what: &str| Attribute::string().optional().describe(what);
    Schema::new(
        "The newest executions, drills and recoveries, newest first: of one recovery plan or of all. Times are those of the \
         clock on the wall, not those of a simulated world.",
    )
    .attribute(
        "recovery_plan_id",
        only("Only executions of this recovery plan. Default: of all, those of deleted plans included."),
    )
    .attribute(
        "statuses",
        Attribute::set(Type::String)
            .optional()
            .validate(validator::not_empty())
            .validate(validator::each(validator::one_of(Status::WORDS)))
            .describe(format!(
                "Only executions in one of these statuses: {}. Default: all.",
                Status::WORDS.map(|word| format!("`{word}`")).join(", ")
            )),
    )
    .attribute(
        "mode",
        only("Only drills, `DRILL`, or only recoveries, `RECOVERY`. Default: both.")
            .validate(validator::one_of([Mode::Drill.as_str(), Mode::Recovery.as_str()])),
    )
    .attribute(
        "started_after",
        only("Only executions that were started at this time or later, in RFC 3339. Default: all.")
            .validate(an_instant()),
    )
    .attribute(
        "started_before",
        only("Only executions that were started before this time, in RFC 3339. Default: all.")
            .validate(an_instant()),
    )
    .attribute(
        "limit",
        Attribute::number()
            .optional()
            .validate(validator::integer(1, MOST))
            .describe(format!(
                "How many are shown at most, 1 to {MOST}; {MOST} are searched at most. Default: {DEFAULT_LIMIT}."
            )),
    )
    .attribute(
        "ids",
        Attribute::list(Type::String)
            .computed()
            .describe("Ids of the executions that were found, newest first."),
    )
    .attribute(
        "executions",
        Attribute::list_nested(execution())
            .computed()
            .describe("The executions that were found, newest first."),
    )
}

fn an_instant() -> impl validator::Validator {
    validator::check(
        "must be a time in RFC 3339, such as 2026-03-01T09:00:00Z",
        |value: &Value| {
            value
                .as_str()
                .is_some_and(|text| text.parse::<Timestamp>().is_ok())
        },
    )
}

fn execution() -> [(&'static str, Attribute); 12] {
    let text = |what: &str| Attribute::string().computed().describe(what);
    [
        ("id", text("Id of the execution, for `drs_execution`.")),
        ("recovery_plan_id", text("Id of its recovery plan.")),
        ("plan_name", text("Name of the plan when it started.")),
        ("mode", text("`DRILL` or `RECOVERY`.")),
        ("status", text("Its status.")),
        ("started_at", text("When it was started, in RFC 3339.")),
        (
            "finished_at",
            text("When it ended, in RFC 3339; null while it runs."),
        ),
        (
            "duration_seconds",
            Attribute::number()
                .computed()
                .describe("How long it took; null while it runs."),
        ),
        ("initiated_by", text("ARN of whoever started it.")),
        (
            "origin",
            text("Where it was started from: `terraform` or `drsctl`."),
        ),
        ("waves", text("One line about its waves.")),
        (
            "errors",
            Attribute::list(Type::String)
                .computed()
                .describe("What went wrong, as far as lists say it."),
        ),
    ]
}
