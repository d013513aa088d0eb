//! `drs_launch_templates`: how DRS would launch source servers now.

use std::collections::{BTreeMap, BTreeSet};

use drs_engine::ids::ServerId;
use drs_engine::ports::{Drs as _, Subnet};
use drs_engine::readiness::Named;
use serde::{Deserialize, Serialize};
use tfplugin::{
    Attr, Attribute, Context, DataSource, Diagnostics, Outcome, Schema, Type, async_trait,
};

use super::{place, server};
use crate::client::Client;
use crate::{convert, diagnose};

/// The data source.
pub(crate) struct LaunchTemplates;

/// What is asked for, and what is found.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Model {
    account_id: Attr<String>,
    region: Attr<String>,
    source_server_ids: Attr<BTreeSet<String>>,
    servers: Attr<Vec<Server>>,
    subnets: Attr<BTreeMap<String, BTreeMap<String, String>>>,
}

/// How a server would be launched.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Server {
    id: Attr<String>,
    hostname: Attr<String>,
    launch_template_id: Attr<String>,
    launch_disposition: Attr<String>,
    into_instance_id: Attr<String>,
    instance_type: Attr<String>,
    subnet_ids: Attr<Vec<Attr<String>>>,
}

#[async_trait]
impl DataSource for LaunchTemplates {
    type Model = Model;
    type Client = Client;

    fn type_name(&self) -> &'static str {
        "drs_launch_templates"
    }

    fn schema(&self) -> Schema {
        schema()
    }

    async fn validate(&self, config: Model) -> Diagnostics {
        server::ids_problem(&config.source_server_ids)
    }

    async fn read(
        &self,
        cx: &Context<Client>,
        config: Model,
    ) -> Result<Outcome<Model>, Diagnostics> {
        let client = cx.client()?;
        let target = place::of(client, &config.account_id, &config.region).await?;
        let wanted = config.source_server_ids.known();
        let wanted: Option<Vec<ServerId>> =
            wanted.map(|ids| ids.iter().map(|id| ServerId::new(id.as_str())).collect());
        let explain = |error| diagnose::call(&error, &target);
        let drs = client.session().drs();
        let servers = drs.source_servers(&target, wanted.as_deref()).await;
        let mut named: Vec<Named> = servers
            .map_err(explain)?
            .into_iter()
            .map(|server| (server.id, server.hostname))
            .collect();
        named.sort_by(|a, b| (&a.1, &a.0).cmp(&(&b.1, &b.0)));
        let found = client.driver().launches(&target, &named).await;
        if let Some(error) = found.error {
            return Err(explain(error).into());
        }
        let templates = found.templates.map_err(explain)?;
        let subnets = found.subnets.map_err(explain)?;
        let shown = found.read.iter().map(|((id, hostname), settings)| {
            let template = settings.template.as_ref().and_then(|id| templates.get(id));
            Server {
                id: id.to_string().into(),
                hostname: hostname.clone().into(),
                launch_template_id: settings.template.clone().into(),
                launch_disposition: if settings.stopped {
                    "STOPPED"
                } else {
                    "STARTED"
                }
                .into(),
                into_instance_id: settings
                    .into_instance
                    .as_ref()
                    .map(ToString::to_string)
                    .into(),
                instance_type: template.and_then(|it| it.instance_type.clone()).into(),
                subnet_ids: template.map_or(Attr::Null, |it| convert::list(&it.subnets)),
            }
        });
        let tags = |(id, subnet): (String, Subnet)| (id, subnet.tags);
        Ok(Outcome::state(Model {
            servers: Attr::Known(shown.collect()),
            subnets: Attr::Known(subnets.into_iter().map(tags).collect()),
            account_id: target.account_id.clone().into(),
            region: target.region.clone().into(),
            ..config
        }))
    }
}

fn schema() -> Schema {
    Schema::new(
        "How DRS would launch source servers now: their launch settings, and what the default versions of their EC2 launch \
         templates say. DRS reads them once for each server, ten at a time and for two minutes at most; later servers are \
         left out.",
    )
    .attribute("account_id", place::account_id())
    .attribute("region", place::region())
    .attribute(
        "source_server_ids",
        Attribute::set(Type::String)
            .optional()
            .describe("Only these source servers. One that does not exist is left out. Default: all."),
    )
    .attribute(
        "servers",
        Attribute::list_nested(server())
            .computed()
            .describe("The servers, by host name and then id."),
    )
    .attribute(
        "subnets",
        Attribute::map(Type::map(Type::String))
            .computed()
            .describe("The tags of the subnets that they would boot in, by the id of the subnet, for `drill_guard`."),
    )
}

fn server() -> [(&'static str, Attribute); 7] {
    let text = |what: &str| Attribute::string().computed().describe(what);
    [
        ("id", text("Id of the source server.")),
        ("hostname", text("Its host name.")),
        (
            "launch_template_id",
            text("Id of its EC2 launch template; null when DRS names none."),
        ),
        (
            "launch_disposition",
            text("Whether its instance is started, `STARTED`, or left stopped, `STOPPED`."),
        ),
        (
            "into_instance_id",
            text(
                "An existing EC2 instance that it is launched into, and that loses its disks; null where there is none.",
            ),
        ),
        (
            "instance_type",
            text(
                "Instance type that the template names; null when it names none, or does not exist.",
            ),
        ),
        (
            "subnet_ids",
            Attribute::list(Type::String).computed().describe(
                "Ids of the subnets that the template names; null when it does not exist.",
            ),
        ),
    ]
}
