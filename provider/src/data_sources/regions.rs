//! `drs_regions`: the Regions that an account is worked in, and whether DRS was set up in each.

use std::collections::BTreeSet;

use drs_engine::ids::Target;
use drs_engine::ports::Drs as _;
use serde::{Deserialize, Serialize};
use tfplugin::schema::validator;
use tfplugin::{
    Attr, Attribute, Context, DataSource, Diagnostic, Diagnostics, Outcome, Schema, Type,
    async_trait,
};

use super::place;
use crate::client::Client;
use crate::diagnose;
use crate::targets;

/// The data source.
pub(crate) struct Regions;

/// What is asked for, and what is found.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Model {
    account_id: Attr<String>,
    names: Attr<BTreeSet<String>>,
    regions: Attr<Vec<Region>>,
}

/// A Region.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Region {
    name: Attr<String>,
    initialized: Attr<bool>,
    source_servers: Attr<i64>,
    problem: Attr<String>,
}

#[async_trait]
impl DataSource for Regions {
    type Model = Model;
    type Client = Client;

    fn type_name(&self) -> &'static str {
        "drs_regions"
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
        let home = client.target();
        let account_id = config
            .account_id
            .known()
            .cloned()
            .unwrap_or(home.account_id);
        let names = match config.names.known() {
            Some(names) => names.clone(),
            None => worked_in(client, &account_id).await?,
        };
        let mut regions = Vec::new();
        for name in &names {
            let target = Target {
                account_id: account_id.clone(),
                region: name.clone(),
            };
            targets::reached(client, &target).await?;
            regions.push(Region::of(name, Standing::of(client, &target).await));
        }
        Ok(Outcome::state(Model {
            account_id: account_id.into(),
            names: Attr::Known(names),
            regions: Attr::Known(regions),
        }))
    }
}

/// The Regions that are meant when none is named.
async fn worked_in(client: &Client, account: &str) -> Result<BTreeSet<String>, Diagnostic> {
    if account == client.target().account_id {
        let session = client.session();
        let own = [session.region(), session.history_region()];
        return Ok(own.map(ToOwned::to_owned).into());
    }
    targets::exists(client, account).await?;
    let found = client.session().targets().find(account).await;
    let found = client.nothing_without_tables(found);
    let found = found.map_err(|error| client.explain(&error))?;
    Ok(found
        .map(|target| target.config.regions)
        .unwrap_or_default())
}

/// What there is of DRS in a place.
pub(super) struct Standing {
    /// Whether it was initialised, as far as that can be seen.
    pub(super) initialized: Option<bool>,
    servers: Option<i64>,
    problem: Option<String>,
}

impl Standing {
    /// Looks.
    pub(super) async fn of(client: &Client, target: &Target) -> Self {
        match client.session().drs().source_servers(target, None).await {
            Ok(servers) => Self {
                initialized: Some(true),
                servers: i64::try_from(servers.len()).ok(),
                problem: None,
            },
            Err(error) => Self {
                initialized: (error.code == "UninitializedAccountException").then_some(false),
                servers: None,
                problem: Some(diagnose::call(&error, target).detail),
            },
        }
    }
}

impl Region {
    fn of(name: &str, standing: Standing) -> Self {
        Self {
            name: name.into(),
            initialized: standing.initialized.into(),
            source_servers: standing.servers.into(),
            problem: standing.problem.into(),
        }
    }
}

fn schema() -> Schema {
    Schema::new(
        "The Regions that an account is worked in, and whether DRS was set up in each. What does not work is no error here: \
         `problem` says it.",
    )
    .attribute("account_id", place::account_id())
    .attribute(
        "names",
        Attribute::set(Type::String)
            .optional()
            .computed()
            .validate(validator::not_empty())
            .validate(validator::each(targets::a_region()))
            .describe(
                "The Regions to look in. Default: those that the target lists; for the provider's own account its Region and \
                 that of the tables.",
            ),
    )
    .attribute(
        "regions",
        Attribute::list_nested(region())
            .computed()
            .describe("The Regions, by name."),
    )
}

fn region() -> [(&'static str, Attribute); 4] {
    [
        (
            "name",
            Attribute::string()
                .computed()
                .describe("Name of the Region."),
        ),
        (
            "initialized",
            Attribute::bool()
                .computed()
                .describe("Whether DRS was initialised there; null when it cannot be seen."),
        ),
        (
            "source_servers",
            Attribute::number()
                .computed()
                .describe("How many source servers replicate there; null when it cannot be seen."),
        ),
        (
            "problem",
            Attribute::string()
                .computed()
                .describe("What does not work there, with what helps; null when it works."),
        ),
    ]
}
