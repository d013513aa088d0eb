//! `drs_source_servers`: the source servers of an account and Region, and which group holds each.

use std::collections::BTreeMap;

use drs_engine::ids::ServerId;
use drs_engine::ports::{Drs as _, SourceServer};
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
pub(crate) struct SourceServers;

/// What is asked for, and what is found.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Model {
    account_id: Attr<String>,
    region: Attr<String>,
    filters: Attr<Filters>,
    ids: Attr<Vec<Attr<String>>>,
    servers: Attr<Vec<Server>>,
}

/// Which servers are asked for: all of what is set must hold.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Filters {
    ids: Attr<Vec<String>>,
    hostnames: Attr<Vec<String>>,
    replication_states: Attr<Vec<String>>,
    tags: Attr<BTreeMap<String, String>>,
}

#[async_trait]
impl DataSource for SourceServers {
    type Model = Model;
    type Client = Client;

    fn type_name(&self) -> &'static str {
        "drs_source_servers"
    }

    fn schema(&self) -> Schema {
        Schema::new(
            "The source servers that replicate to an account and Region, by host name and then id, and which protection \
             group lists each.",
        )
        .attribute("account_id", place::account_id())
        .attribute("region", place::region())
        .attribute("filters", filters())
        .attribute(
            "ids",
            Attribute::list(Type::String).computed().describe("Ids of the servers that were found."),
        )
        .attribute(
            "servers",
            Attribute::list_nested(server::attributes()).computed().describe("The servers that were found."),
        )
    }

    async fn read(
        &self,
        cx: &Context<Client>,
        config: Model,
    ) -> Result<Outcome<Model>, Diagnostics> {
        let client = cx.client()?;
        let filters = config.filters.known().cloned().unwrap_or_default();
        let wanted: Option<Vec<ServerId>> = filters
            .ids
            .known()
            .map(|ids| ids.iter().map(|id| ServerId::new(id.as_str())).collect());
        let target = place::of(client, &config.account_id, &config.region).await?;
        let drs = client.session().drs();
        let servers = drs.source_servers(&target, wanted.as_deref()).await;
        let mut servers = servers.map_err(|error| diagnose::call(&error, &target))?;
        servers.retain(|server| filters.accept(server));
        let servers = server::shown(client, &target, servers).await?;
        Ok(Outcome::state(Model {
            ids: Attr::Known(servers.iter().map(|server| server.id.clone()).collect()),
            servers: Attr::Known(servers),
            account_id: target.account_id.into(),
            region: target.region.into(),
            filters: config.filters,
        }))
    }
}

impl Filters {
    fn accept(&self, server: &SourceServer) -> bool {
        let among = |wanted: &Attr<Vec<String>>, text: &str| {
            wanted
                .known()
                .is_none_or(|wanted| wanted.iter().any(|wanted| wanted == text))
        };
        among(&self.hostnames, &server.hostname)
            && among(&self.replication_states, &server.replication_state)
            && self
                .tags
                .known()
                .is_none_or(|tags| tags.is_empty() || resolve::carries(server, tags))
    }
}

fn filters() -> Attribute {
    let words = |what: &str| {
        Attribute::list(Type::String)
            .optional()
            .validate(validator::not_empty())
            .describe(what)
    };
    Attribute::single_nested([
        ("ids", words("Only these servers. One that does not exist is left out. Default: all.")),
        ("hostnames", words("Only servers with one of these host names, exactly. Default: all.")),
        (
            "replication_states",
            words("Only servers whose replication is in one of these states, such as `CONTINUOUS`. Default: all."),
        ),
        (
            "tags",
            Attribute::map(Type::String).optional().describe(
                "Only servers that carry all of these tags, exactly; upper and lower case matter. Default: all.",
            ),
        ),
    ])
    .optional()
    .describe("Which servers to read; all of what is set must hold. Default: all servers.")
}
