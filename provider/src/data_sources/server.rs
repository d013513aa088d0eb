//! A source server as data sources show it.

use std::collections::{BTreeMap, BTreeSet};

use drs_engine::ids::{ServerId, Target};
use drs_engine::ports::SourceServer;
use serde::{Deserialize, Serialize};
use tfplugin::{Attr, Attribute, Diagnostic, Diagnostics, Type};

use crate::client::Client;
use crate::resources::server_id_problem;

/// A source server.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Server {
    pub(crate) id: Attr<String>,
    arn: Attr<String>,
    pub(crate) hostname: Attr<String>,
    pub(crate) account_id: Attr<String>,
    pub(crate) region: Attr<String>,
    tags: Attr<BTreeMap<String, String>>,
    pub(crate) replication_state: Attr<String>,
    lag: Attr<String>,
    last_launch_result: Attr<String>,
    operating_system: Attr<String>,
    pub(crate) protection_group_id: Attr<String>,
    pub(crate) protection_group_name: Attr<String>,
}

/// Ids that are not ids of source servers.
pub(super) fn ids_problem(ids: &Attr<BTreeSet<String>>) -> Diagnostics {
    let problem = |id: &String| {
        let problem = server_id_problem(id)?;
        Some(Diagnostic::error("Invalid Source Server ID", problem).at("source_server_ids"))
    };
    ids.known()
        .into_iter()
        .flatten()
        .filter_map(problem)
        .collect()
}

/// These servers by host name and then id, each with the group that lists it.
pub(super) async fn shown(
    client: &Client,
    target: &Target,
    mut servers: Vec<SourceServer>,
) -> Result<Vec<Server>, Diagnostic> {
    servers.sort_by(|a, b| (&a.hostname, &a.id).cmp(&(&b.hostname, &b.id)));
    let ids: Vec<ServerId> = servers.iter().map(|server| server.id.clone()).collect();
    let holders = client.session().groups().holders(target, &ids).await;
    let holders = client.nothing_without_tables(holders);
    let mut holders = holders.map_err(|error| client.explain(&error))?;
    let shown = servers.into_iter().map(|server| {
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
    Ok(shown.collect())
}

/// The attributes of a server.
pub(super) fn attributes() -> [(&'static str, Attribute); 12] {
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
