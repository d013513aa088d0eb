//! `drs_quotas`: what DRS allows in an account and Region, and how much of it is in use.

use drs_engine::in_use::{self, in_use};
use drs_engine::ports::Clock as _;
use serde::{Deserialize, Serialize};
use tfplugin::{Attr, Attribute, Context, DataSource, Diagnostics, Outcome, Schema, async_trait};

use super::place;
use crate::client::Client;
use crate::diagnose;

/// The data source.
pub(crate) struct Quotas;

/// What is asked for, and what is found.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Model {
    account_id: Attr<String>,
    region: Attr<String>,
    quotas: Attr<Vec<Quota>>,
    running_jobs: Attr<i64>,
}

/// One quota.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Quota {
    code: Attr<String>,
    name: Attr<String>,
    allowed: Attr<i64>,
    in_use: Attr<i64>,
    available: Attr<i64>,
}

#[async_trait]
impl DataSource for Quotas {
    type Model = Model;
    type Client = Client;

    fn type_name(&self) -> &'static str {
        "drs_quotas"
    }

    fn schema(&self) -> Schema {
        Schema::new(
            "The quotas of DRS that bound launches in an account and Region, and how much of each is in use now, by whomever. \
             Where Service Quotas cannot be read, the documented defaults count.",
        )
        .attribute("account_id", place::account_id())
        .attribute("region", place::region())
        .attribute(
            "quotas",
            Attribute::list_nested(quota())
                .computed()
                .describe("The quotas: jobs at a time, servers in all jobs, servers in one job, source servers."),
        )
        .attribute(
            "running_jobs",
            Attribute::number()
                .computed()
                .describe("Number of DRS jobs of the last day that run now, whoever started them."),
        )
    }

    async fn read(
        &self,
        cx: &Context<Client>,
        config: Model,
    ) -> Result<Outcome<Model>, Diagnostics> {
        let client = cx.client()?;
        let target = place::of(client, &config.account_id, &config.region).await?;
        let session = client.session();
        let found = in_use(&session.drs(), &target, session.clock().now().world).await;
        let found = found.map_err(|error| diagnose::call(&error, &target))?;
        Ok(Outcome::state(Model {
            quotas: Attr::Known(found.quotas.iter().map(Quota::of).collect()),
            running_jobs: Attr::Known(count(found.running.len())),
            account_id: target.account_id.into(),
            region: target.region.into(),
        }))
    }
}

impl Quota {
    fn of(quota: &in_use::Quota) -> Self {
        let left = quota.in_use.map(|used| quota.limit.saturating_sub(used));
        Self {
            code: quota.code.into(),
            name: quota.name.into(),
            allowed: Attr::Known(count(quota.limit)),
            in_use: quota.in_use.map(count).into(),
            available: left.map(count).into(),
        }
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn quota() -> [(&'static str, Attribute); 5] {
    let text = |what: &str| Attribute::string().computed().describe(what);
    let number = |what: &str| Attribute::number().computed().describe(what);
    [
        ("code", text("Its code in Service Quotas.")),
        ("name", text("What it bounds.")),
        ("allowed", number("How much is allowed.")),
        (
            "in_use",
            number("How much is in use; null where it bounds each job for itself."),
        ),
        (
            "available",
            number("How much is left; null where it bounds each job for itself."),
        ),
    ]
}
