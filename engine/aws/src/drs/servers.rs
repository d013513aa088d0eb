//! Source servers of one account and Region. Looks at the same moment are one call.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_drs::Client;
use aws_sdk_drs::types::DescribeSourceServersRequestFilters;
use drs_engine::ids::ServerId;
use drs_engine::ports::{CallError, SourceServer};

use super::{DESCRIBE_SERVERS, all, translate};
use crate::gather::{Found, Gather};
use crate::limits;

/// The source servers of one account and Region.
#[derive(Clone, Debug)]
pub(crate) struct Servers {
    client: Client,
    named: Gather<ServerId, Vec<SourceServer>>,
    every: Gather<(), Vec<SourceServer>>,
}

impl Servers {
    pub(super) fn new(client: Client) -> Self {
        Self {
            client,
            named: Gather::new(
                DESCRIBE_SERVERS,
                limits::IDS_PER_FILTER,
                limits::GATHERING_SERVERS,
            ),
            every: Gather::new(DESCRIBE_SERVERS, usize::MAX, limits::GATHERING_SERVERS),
        }
    }

    /// Those with these ids; those that do not exist are left out.
    pub(super) async fn named(&self, ids: &[ServerId]) -> Result<Vec<SourceServer>, CallError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let client = self.client.clone();
        let load = |ids| async move { look_for(&client, ids).await };
        let ids = ids.iter().cloned().collect();
        together(self.named.read(ids, load).await?)
    }

    /// All of them.
    pub(super) async fn every(&self) -> Result<Vec<SourceServer>, CallError> {
        let client = self.client.clone();
        let load = |_| async move { BTreeMap::from([((), list(&client, None).await)]) };
        together(self.every.read(BTreeSet::from([()]), load).await?)
    }
}

fn together<K>(found: Found<K, Vec<SourceServer>>) -> Result<Vec<SourceServer>, CallError> {
    let parts: Result<Vec<_>, _> = found.into_values().collect();
    Ok(parts?.into_iter().flatten().collect())
}

/// The servers with these ids. A failed call is the answer to every id that it was made for.
async fn look_for(client: &Client, ids: BTreeSet<ServerId>) -> Found<ServerId, Vec<SourceServer>> {
    let ids: Vec<ServerId> = ids.into_iter().collect();
    let mut found = Found::new();
    for part in ids.chunks(limits::IDS_PER_FILTER) {
        match list(client, Some(part)).await {
            Ok(servers) => found.extend(
                servers
                    .into_iter()
                    .map(|server| (server.id.clone(), Ok(vec![server]))),
            ),
            Err(error) => found.extend(part.iter().map(|id| (id.clone(), Err(error.clone())))),
        }
    }
    found
}

/// The servers of one list, with all its pages.
async fn list(client: &Client, ids: Option<&[ServerId]>) -> Result<Vec<SourceServer>, CallError> {
    let ids = ids.map(|ids| ids.iter().map(ToString::to_string).collect());
    let call = client
        .describe_source_servers()
        .filters(
            DescribeSourceServersRequestFilters::builder()
                .set_source_server_ids(ids)
                .build(),
        )
        .max_results(limits::PAGE_ITEMS);
    let servers = all(DESCRIBE_SERVERS, |token| {
        let call = call.clone().set_next_token(token);
        async move {
            let page = call
                .send()
                .await
                .map_err(|error| DESCRIBE_SERVERS.failed(&error))?;
            Ok((page.items.unwrap_or_default(), page.next_token))
        }
    })
    .await?;
    Ok(servers
        .into_iter()
        .filter_map(translate::source_server)
        .collect())
}
