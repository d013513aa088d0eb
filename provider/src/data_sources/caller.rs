//! `drs_caller`: whose credentials the provider works with, where, and whether DRS was set up there.

use serde::{Deserialize, Serialize};
use tfplugin::{Attr, Attribute, Context, DataSource, Diagnostics, Outcome, Schema, async_trait};

use super::regions::Standing;
use crate::client::Client;

/// The data source.
pub(crate) struct Caller;

/// What is found.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Model {
    account_id: Attr<String>,
    arn: Attr<String>,
    region: Attr<String>,
    history_region: Attr<String>,
    environment: Attr<String>,
    drs_initialized: Attr<bool>,
    simulated: Attr<bool>,
}

#[async_trait]
impl DataSource for Caller {
    type Model = Model;
    type Client = Client;

    fn type_name(&self) -> &'static str {
        "drs_caller"
    }

    fn schema(&self) -> Schema {
        let text = |what: &str| Attribute::string().computed().describe(what);
        let flag = |what: &str| Attribute::bool().computed().describe(what);
        Schema::new(
            "Whose credentials this provider works with, where it works and keeps its history, and whether DRS was set up \
             there.",
        )
        .attribute("account_id", text("Account of the credentials."))
        .attribute("arn", text("ARN of the user or the role, as STS says it."))
        .attribute("region", text("Region that the provider works in."))
        .attribute("history_region", text("Region of the tables."))
        .attribute("environment", text("Environment of the tables."))
        .attribute(
            "drs_initialized",
            flag("Whether DRS was initialised in this account and Region; null when it cannot be seen."),
        )
        .attribute(
            "simulated",
            flag("Whether the provider works in a simulator of its own in place of AWS."),
        )
    }

    async fn read(&self, cx: &Context<Client>, _: Model) -> Result<Outcome<Model>, Diagnostics> {
        let client = cx.client()?;
        let session = client.session();
        let standing = Standing::of(client, &client.target()).await;
        Ok(Outcome::state(Model {
            account_id: session.identity().account_id.clone().into(),
            arn: session.identity().arn.clone().into(),
            region: session.region().into(),
            history_region: session.history_region().into(),
            environment: session.environment().into(),
            drs_initialized: standing.initialized.into(),
            simulated: client.simulator_path().is_some().into(),
        }))
    }
}
