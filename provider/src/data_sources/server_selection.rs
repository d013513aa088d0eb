//! `drs_server_selection`: what a selection by tags resolves to, before a group is made of it.

use std::collections::BTreeMap;

use drs_engine::ports::Drs as _;
use drs_engine::resolve;
use serde::{Deserialize, Serialize};
use tfplugin::schema::validator;
use tfplugin::{
    Attr, Attribute, Context, DataSource, Diagnostics, Outcome, Schema, Type, async_trait,
};

use super::place;
use super::server::{self, Server};
use crate::client::Client;
use crate::diagnose;

/// The data source.
pub(crate) struct ServerSelection;

/// What is asked for, and what is found.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Model {
    account_id: Attr<String>,
    region: Attr<String>,
    tags: Attr<BTreeMap<String, String>>,
    ids: Attr<Vec<Attr<String>>>,
    servers: Attr<Vec<Server>>,
    conflicts: Attr<Vec<Server>>,
    not_ready: Attr<Vec<Server>>,
}

#[async_trait]
impl DataSource for ServerSelection {
    type Model = Model;
    type Client = Client;

    fn type_name(&self) -> &'static str {
        "drs_server_selection"
    }

    fn schema(&self) -> Schema {
        let servers = |what: &str| {
            Attribute::list_nested(server::attributes())
                .computed()
                .describe(what)
        };
        Schema::new(
            "What `server_selection_tags` of a protection group select now, and which of these servers could not be \
             launched with it: a `postcondition` on `conflicts` keeps a tag from selecting more than was meant.",
        )
        .attribute("account_id", place::account_id())
        .attribute("region", place::region())
        .attribute(
            "tags",
            Attribute::map(Type::String)
                .required()
                .validate(validator::not_empty())
                .describe("The tags; a server that carries all of them, exactly, is selected. Upper and lower case matter."),
        )
        .attribute(
            "ids",
            Attribute::list(Type::String)
                .computed()
                .describe("Ids of the servers that are selected, in launch order: by host name and then id."),
        )
        .attribute("servers", servers("The servers that are selected, in launch order."))
        .attribute(
            "conflicts",
            servers(
                "Those of them that another protection group lists: a plan that launches both groups is refused.",
            ),
        )
        .attribute(
            "not_ready",
            servers("Those of them whose replication is in another state than `CONTINUOUS`."),
        )
    }

    async fn read(
        &self,
        cx: &Context<Client>,
        config: Model,
    ) -> Result<Outcome<Model>, Diagnostics> {
        let client = cx.client()?;
        let tags = config.tags.require("tags")?;
        let target = place::of(client, &config.account_id, &config.region).await?;
        let servers = client.session().drs().source_servers(&target, None).await;
        let mut servers = servers.map_err(|error| diagnose::call(&error, &target))?;
        servers.retain(|server| resolve::carries(server, tags));
        let servers = server::shown(client, &target, servers).await?;
        let of = |keep: &dyn Fn(&Server) -> bool| {
            let kept = servers.iter().filter(|server| keep(server));
            Attr::Known(kept.cloned().collect())
        };
        Ok(Outcome::state(Model {
            ids: Attr::Known(servers.iter().map(|server| server.id.clone()).collect()),
            conflicts: of(&|server| !server.protection_group_id.is_null()),
            not_ready: of(&|server| {
                server
                    .replication_state
                    .known()
                    .is_none_or(|it| it != "CONTINUOUS")
            }),
            account_id: target.account_id.into(),
            region: target.region.into(),
            tags: config.tags.clone(),
            servers: Attr::Known(servers.clone()),
        }))
    }
}
