//! `drs_source_servers`: the source servers of an account and Region, and which group holds each.

use std::collections::BTreeMap;

use drs_engine::ids::{ServerId, Target};
use drs_engine::ports::{Drs as _, SourceServer};
use drs_engine::resolve;
use serde::{Deserialize, Serialize};
use tfplugin::schema::validator;
use tfplugin::{
    Attr, Attribute, Context, DataSource, Diagnostics, Outcome, Schema, Type, async_trait,
};

use crate::client::Client;
use crate::{convert, diagnose, targets};

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

/// A source server.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Server {
    id: Attr<String>,
    arn: Attr<String>,
    hostname: Attr<String>,
    account_id: Attr<String>,
    region: Attr<String>,
    tags: Attr<BTreeMap<String, String>>,
    replication_state: Attr<String>,
    lag: Attr<String>,
    last_launch_result: Attr<String>,
    operating_system: Attr<String>,
    protection_group_id: Attr<String>,
    protection_group_name: Attr<String>,
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
        .attribute(
            "account_id",
            Attribute::string().optional().computed().validate(targets::an_account()).describe(
                "Account to look in; one that is not the provider's is a target, see `drs_target_account`, whose `id` \
                 is referred to where it is made in the same configuration. Default: the provider's.",
            ),
        )
        .attribute(
            "region",
            Attribute::string().optional().computed().validate(targets::a_region()).describe(
                "Region to look in. Default: the provider's.",
            ),
        )
        .attribute("filters", filters())
        .attribute(
            "ids",
            Attribute::list(Type::String).computed().describe("Ids of the servers that were found."),
        )
        .attribute(
            "servers",
            Attribute::list_nested(server()).computed().describe("The servers that were found."),
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
        let home = client.target();
        let account_id = config.account_id.into_known().unwrap_or(home.account_id);
        let region = config.region.into_known().unwrap_or(home.region);
        let target = Target { account_id, region };
        targets::reached(client, &target).await?;
        let servers = client
            .session()
            .drs()
            .source_servers(&target, wanted.as_deref())
            .await;
        let mut servers = servers.map_err(|error| diagnose::call(&error, &target))?;
        servers.retain(|server| filters.accept(server));
        servers.sort_by(|a, b| (&a.hostname, &a.id).cmp(&(&b.hostname, &b.id)));
        let ids: Vec<ServerId> = servers.iter().map(|server| server.id.clone()).collect();
        let holders = client.session().groups().holders(&target, &ids).await;
        let holders = client.nothing_without_tables(holders);
        let mut holders = holders.map_err(|error| client.explain(&error))?;
        let servers = servers.into_iter().map(|server| {
            let (group, name) = holders
                .remove(&server.id)
                .map_or((None, None), |(id, name)| {
                    (Some(id.to_string()), Some(name))
                });
            Server {
                id: server.id.to_string().into(),
                arn: server.arn.into(),
                hostname: server.hostname.into(),
                account_id: target.account_id.clone().into(),
                region: target.region.clone().into(),
                tags: server.tags.into(),
                replication_state: server.replication_state.into(),
                lag: server.lag.into(),
                last_launch_result: server.last_launch_result.into(),
                operating_system: server.operating_system.into(),
                protection_group_id: group.into(),
                protection_group_name: name.into(),
            }
        });
        Ok(Outcome::state(Model {
            servers: Attr::Known(servers.collect()),
            ids: convert::list(&ids),
            account_id: target.account_id.clone().into(),
            region: target.region.clone().into(),
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

fn server() -> [(&'static str, Attribute); 12] {
    let text = |what: &str| Attribute::string().computed().describe(what);
    [
        ("id", text("Id of the source server.")),
        ("arn", text("ARN of the source server.")),
        ("hostname", text("Host name as the agent reported it.")),
        ("account_id", text("Account that it replicates to.")),
        ("region", text("Region that it replicates to.")),
        (
            "tags",
            Attribute::map(Type::String)
                .computed()
                .describe("Its tags."),
        ),
        (
            "replication_state",
            text("State of its replication in the words of DRS, such as `CONTINUOUS`."),
        ),
        (
            "lag",
            text(
                "How far the replication is behind, as an ISO 8601 duration; null when it is not.",
            ),
        ),
        (
            "last_launch_result",
            text("Result of its last launch in the words of DRS; null when there was none."),
        ),
        (
            "operating_system",
            text("Its operating system as DRS reports it; null when it does not."),
        ),
        (
            "protection_group_id",
            text(
                "Id of the protection group that lists it; null when none does. Groups that select by tags list \
                 nothing.",
            ),
        ),
        (
            "protection_group_name",
            text("Name of the protection group that lists it; null when none does."),
        ),
    ]
}
