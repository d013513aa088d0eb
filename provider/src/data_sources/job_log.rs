//! `drs_job_log`: what DRS itself wrote down about a job.

use drs_engine::ids::JobId;
use drs_engine_aws::LogEntry;
use serde::{Deserialize, Serialize};
use tfplugin::{Attr, Attribute, Context, DataSource, Diagnostics, Outcome, Schema, async_trait};

use super::place;
use crate::client::Client;
use crate::{convert, diagnose};

/// The data source.
pub(crate) struct JobLog;

/// What is asked for, and what is found.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Model {
    account_id: Attr<String>,
    region: Attr<String>,
    job_id: Attr<String>,
    entries: Attr<Vec<Entry>>,
}

/// An entry of the log.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Entry {
    at: Attr<String>,
    event: Attr<String>,
    source_server_id: Attr<String>,
    conversion_server_id: Attr<String>,
    instance_id: Attr<String>,
    error: Attr<String>,
}

#[async_trait]
impl DataSource for JobLog {
    type Model = Model;
    type Client = Client;

    fn type_name(&self) -> &'static str {
        "drs_job_log"
    }

    fn schema(&self) -> Schema {
        Schema::new(
            "The log of a DRS job, oldest entry first, in the words of DRS: why a server was not launched is here. DRS \
             forgets jobs; an execution's own history, `drs_execution`, keeps the reasons. `drsctl logs` shows the logs of a \
             whole execution.",
        )
        .attribute("account_id", place::account_id())
        .attribute("region", place::region())
        .attribute(
            "job_id",
            Attribute::string()
                .required()
                .describe("Id of the job, such as `drsjob-0123456789abcdef0`; `drs_execution` has those of an execution."),
        )
        .attribute(
            "entries",
            Attribute::list_nested(entry())
                .computed()
                .describe("The entries, oldest first."),
        )
    }

    async fn read(
        &self,
        cx: &Context<Client>,
        config: Model,
    ) -> Result<Outcome<Model>, Diagnostics> {
        let client = cx.client()?;
        let job = JobId::new(config.job_id.require("job_id")?.as_str());
        let target = place::of(client, &config.account_id, &config.region).await?;
        let log = client.session().drs().job_log(&target, &job).await;
        let log = log.map_err(|error| diagnose::call(&error, &target))?;
        Ok(Outcome::state(Model {
            entries: Attr::Known(log.into_iter().map(Entry::of).collect()),
            account_id: target.account_id.into(),
            region: target.region.into(),
            ..config
        }))
    }
}

impl Entry {
    fn of(entry: LogEntry) -> Self {
        Self {
            at: convert::optional_instant(entry.at),
            event: entry.event.into(),
            source_server_id: entry.server.map(|id| id.to_string()).into(),
            conversion_server_id: entry.conversion_server.map(|id| id.to_string()).into(),
            instance_id: entry.instance.map(|id| id.to_string()).into(),
            error: entry.error.into(),
        }
    }
}

fn entry() -> [(&'static str, Attribute); 6] {
    let text = |what: &str| Attribute::string().computed().describe(what);
    [
        ("at", text("When, in RFC 3339; null when DRS does not say.")),
        ("event", text("What happened, such as `SNAPSHOT_START`.")),
        (
            "source_server_id",
            text("Id of the source server that it is about; null when it is about none."),
        ),
        (
            "conversion_server_id",
            text("Id of the conversion server that it is about; null when it is about none."),
        ),
        (
            "instance_id",
            text("Id of the recovery instance that it is about; null when it is about none."),
        ),
        ("error", text("The error; null when there is none.")),
    ]
}
