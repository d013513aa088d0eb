//! `drs_preflight`: whether a recovery plan could be run now. It starts nothing.

use drs_engine::event::Mode;
use drs_engine::only::Only;
use drs_engine::preflight::{self, Level};
use serde::{Deserialize, Serialize};
use tfplugin::schema::validator;
use tfplugin::{
    Attr, Attribute, Context, DataSource, Diagnostics, Outcome, Schema, Type, async_trait,
};

use crate::client::Client;
use crate::resources::plan_not_found;

/// The data source.
pub(crate) struct Preflight;

/// What is asked for, and what is found.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Model {
    recovery_plan_id: Attr<String>,
    mode: Attr<String>,
    plan_name: Attr<String>,
    next_run: Attr<i64>,
    ready: Attr<bool>,
    problems: Attr<Vec<Finding>>,
    warnings: Attr<Vec<Finding>>,
    findings: Attr<Vec<Finding>>,
    jobs: Attr<Vec<Job>>,
    summary: Attr<String>,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Finding {
    check: Attr<String>,
    level: Attr<String>,
    message: Attr<String>,
    server: Attr<Server>,
    servers: Attr<Vec<Server>>,
    more_servers: Attr<i64>,
    account_id: Attr<String>,
    region: Attr<String>,
    wave: Attr<String>,
    waves: Attr<Vec<String>>,
    command: Attr<String>,
}

/// A DRS job as it would be started.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Job {
    wave: Attr<String>,
    account_id: Attr<String>,
    region: Attr<String>,
    servers: Attr<Vec<Server>>,
}

/// A server of a job, or of a finding.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Server {
    id: Attr<String>,
    hostname: Attr<String>,
}

#[async_trait]
impl DataSource for Preflight {
    type Model = Model;
    type Client = Client;

    fn type_name(&self) -> &'static str {
        "drs_preflight"
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
        let asked = config.recovery_plan_id.require("recovery_plan_id")?;
        let plan = client.session().plans().find_by_id_or_name(asked).await;
        let plan = client.nothing_without_tables(plan);
        let Some(plan) = plan.map_err(|error| client.explain(&error))? else {
            return Err(plan_not_found(client, asked).at("recovery_plan_id").into());
        };
        let mode = match config.mode.known().map(String::as_str) {
            Some("RECOVERY") => Mode::Recovery,
            _ => Mode::Drill,
        };
        let driver = client.driver();
        let found = driver
            .preflight(&plan.id, mode, &Only::default(), &client.target())
            .await;
        Ok(config.filled(mode, &found).into())
    }
}

impl Model {
    fn filled(self, mode: Mode, found: &preflight::Preflight) -> Self {
        let of = |wanted: &[Level]| {
            let findings = found.findings.iter();
            let chosen = findings.filter(|finding| wanted.contains(&finding.level));
            Attr::Known(chosen.map(Finding::of).collect())
        };
        Self {
            mode: mode.as_str().into(),
            plan_name: found.plan_name.clone().into(),
            next_run: found.next_run.into(),
            ready: Attr::Known(found.level() != Level::Problem),
            problems: of(&[Level::Problem]),
            warnings: of(&[Level::Warning]),
            findings: of(&[Level::Ready, Level::Warning, Level::Problem]),
            jobs: Attr::Known(found.jobs.iter().map(Job::of).collect()),
            summary: found.told(mode).into(),
            ..self
        }
    }
}

impl Finding {
    fn of(finding: &preflight::Finding) -> Self {
        let level = match finding.level {
            Level::Ready => "READY",
            Level::Warning => "WARNING",
            Level::Problem => "PROBLEM",
        };
        Self {
            check: finding.check.into(),
            level: level.into(),
            message: finding.text.clone().into(),
            server: finding.server().map(Server::of).into(),
            servers: Attr::Known(finding.servers.iter().map(Server::of).collect()),
            more_servers: Attr::Known(i64::try_from(finding.more_servers).unwrap_or(i64::MAX)),
            account_id: finding
                .target
                .as_ref()
                .map(|it| it.account_id.clone())
                .into(),
            region: finding.target.as_ref().map(|it| it.region.clone()).into(),
            wave: finding.wave().map(ToOwned::to_owned).into(),
            waves: Attr::Known(finding.waves.clone()),
            command: finding.command.clone().into(),
        }
    }
}

impl Server {
    fn of(server: &preflight::FoundServer) -> Self {
        Self {
            id: server.id.to_string().into(),
            hostname: server.hostname.clone().into(),
        }
    }
}

impl Job {
    fn of(job: &preflight::PlannedJob) -> Self {
        let servers = job.servers.iter().map(|(hostname, id)| Server {
            id: id.to_string().into(),
            hostname: hostname.clone().into(),
        });
        Self {
            wave: job.wave.clone().into(),
            account_id: job.target.account_id.clone().into(),
            region: job.target.region.clone().into(),
            servers: Attr::Known(servers.collect()),
        }
    }
}

fn schema() -> Schema {
    let text = |what: &str| Attribute::string().computed().describe(what);
    let findings = |what: &str| Attribute::list_nested(finding()).computed().describe(what);
    Schema::new(
        "Whether a recovery plan could be run now: everything that a start looks at, and more, so that every problem is \
         read at once. Nothing is started or changed, and what is found never fails by itself: a `postcondition` on \
         `ready` does.\n\n\
         It is true when it is read; a start looks again. `drsctl preflight` tells the same.",
    )
    .attribute(
        "recovery_plan_id",
        Attribute::string().required().describe(
            "Id of the recovery plan, or its name. When it is known only after apply, the plan is looked at then.",
        ),
    )
    .attribute(
        "mode",
        Attribute::string()
            .optional()
            .computed()
            .validate(validator::one_of([
                Mode::Drill.as_str(),
                Mode::Recovery.as_str(),
            ]))
            .describe("What it would be run as: `DRILL` or `RECOVERY`. Default: `DRILL`."),
    )
    .attribute("plan_name", text("Name of the plan; null when it cannot be resolved."))
    .attribute(
        "next_run",
        Attribute::number()
            .computed()
            .describe("Number of the plan's next run, which `drsctl failover` is confirmed with; null when it cannot be \
                resolved."),
    )
    .attribute(
        "ready",
        Attribute::bool()
            .computed()
            .describe("Whether it would be run: whether there are no problems."),
    )
    .attribute("problems", findings("What would keep it from being run, with what helps."))
    .attribute("warnings", findings("What it would be run with, and somebody should know."))
    .attribute("findings", findings("Everything that was looked at, what is as it should be included."))
    .attribute(
        "jobs",
        Attribute::list_nested(job())
            .computed()
            .describe("The DRS jobs that would be started if nothing else ran, wave by wave."),
    )
    .attribute("summary", text("All of it as text, as `drsctl preflight` prints it."))
}

fn finding() -> Vec<(&'static str, Attribute)> {
    let text = |what: &str| Attribute::string().computed().describe(what);
    let server = || {
        [
            (
                "id",
                text("Id of the source server, `s-` and 17 letters or digits."),
            ),
            (
                "hostname",
                text("Its host name; null where DRS does not know the server."),
            ),
        ]
    };
    vec![
        (
            "check",
            text("What was looked at, in a word or two, such as `replication`."),
        ),
        ("level", text("`READY`, `WARNING` or `PROBLEM`.")),
        ("message", text("What was found, where, and what helps.")),
        (
            "server",
            Attribute::single_nested(server())
                .computed()
                .describe("The server that it is about; null unless it is about one only."),
        ),
        (
            "servers",
            Attribute::list_nested(server()).computed().describe(
                "The servers that it singles out, in launch order, at most 100; empty when it is about none in \
                 particular, as what is as it should be.",
            ),
        ),
        (
            "more_servers",
            Attribute::number()
                .computed()
                .describe("How many servers it singles out beside those; 0 as a rule."),
        ),
        (
            "account_id",
            text("Account that it is about, 12 digits; null when it is about none in particular."),
        ),
        (
            "region",
            text("Region that it is about, such as `eu-central-1`; null when it is about none in particular."),
        ),
        ("wave", text("Name of the wave that it is about; null unless it is about one only.")),
        (
            "waves",
            Attribute::list(Type::String)
                .computed()
                .describe("Names of the waves that it is about, in the plan's order: those that launch its servers; empty \
                    when it is about none."),
        ),
        (
            "command",
            text(
                "The one command that helps, of `drsctl` or `aws`, what has to be filled in in capitals; null where none \
                 does. It looks and changes nothing, unless only a change helps. `aws` needs credentials of `account_id`.",
            ),
        ),
    ]
}

fn job() -> [(&'static str, Attribute); 4] {
    let text = |what: &str| Attribute::string().computed().describe(what);
    [
        ("wave", text("Name of the wave.")),
        ("account_id", text("Account that it would run in.")),
        ("region", text("Region that it would run in.")),
        (
            "servers",
            Attribute::list_nested([
                ("id", text("Id of the source server.")),
                ("hostname", text("Its host name.")),
            ])
            .computed()
            .describe("Its servers, in launch order."),
        ),
    ]
}
