//! `drs_recovery_instances`: what DRS has launched in an account and Region, with what EC2 says of it.

use std::collections::BTreeSet;

use drs_engine::ids::ServerId;
use drs_engine::ports::{Drs as _, InstanceHealth, RecoveryInstance, WhichInstances};
use serde::{Deserialize, Serialize};
use tfplugin::{
    Attr, Attribute, Context, DataSource, Diagnostics, Outcome, Schema, Type, async_trait,
};

use super::{place, server};
use crate::client::Client;
use crate::{convert, diagnose};

/// The data source.
pub(crate) struct RecoveryInstances;

/// What is asked for, and what is found.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Model {
    account_id: Attr<String>,
    region: Attr<String>,
    source_server_ids: Attr<BTreeSet<String>>,
    is_drill: Attr<bool>,
    ids: Attr<Vec<Attr<String>>>,
    instances: Attr<Vec<Instance>>,
}

/// A recovery instance.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Instance {
    id: Attr<String>,
    source_server_id: Attr<String>,
    job_id: Attr<String>,
    is_drill: Attr<bool>,
    point_in_time: Attr<String>,
    ec2_state: Attr<String>,
    instance_status: Attr<String>,
    system_status: Attr<String>,
}

#[async_trait]
impl DataSource for RecoveryInstances {
    type Model = Model;
    type Client = Client;

    fn type_name(&self) -> &'static str {
        "drs_recovery_instances"
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
        let which = match config.source_server_ids.known() {
            Some(ids) => {
                WhichInstances::OfServers(ids.iter().map(|id| ServerId::new(id.as_str())).collect())
            }
            None => WhichInstances::All,
        };
        let drs = client.session().drs();
        let explain = |error| diagnose::call(&error, &target);
        let mut found = drs
            .recovery_instances(&target, &which)
            .await
            .map_err(explain)?;
        let wanted = config.is_drill.known();
        found.retain(|instance| wanted.is_none_or(|wanted| *wanted == instance.is_drill));
        found.sort_by(|a, b| (&a.server, &a.id).cmp(&(&b.server, &b.id)));
        let ids: Vec<_> = found.iter().map(|instance| instance.id.clone()).collect();
        let health = drs.instance_health(&target, &ids).await.map_err(explain)?;
        let instances = found
            .iter()
            .map(|instance| Instance::of(instance, health.get(&instance.id)));
        Ok(Outcome::state(Model {
            instances: Attr::Known(instances.collect()),
            ids: convert::list(&ids),
            account_id: target.account_id.clone().into(),
            region: target.region.clone().into(),
            ..config
        }))
    }
}

impl Instance {
    fn of(instance: &RecoveryInstance, health: Option<&InstanceHealth>) -> Self {
        let of_ec2 =
            |part: fn(&InstanceHealth) -> &String| health.map(|it| part(it).clone()).into();
        Self {
            id: instance.id.to_string().into(),
            source_server_id: instance.server.to_string().into(),
            job_id: instance.job.as_ref().map(ToString::to_string).into(),
            is_drill: instance.is_drill.into(),
            point_in_time: convert::optional_instant(instance.point_in_time),
            ec2_state: of_ec2(|health| &health.state),
            instance_status: of_ec2(|health| &health.instance_status),
            system_status: of_ec2(|health| &health.system_status),
        }
    }
}

fn schema() -> Schema {
    Schema::new(
        "The recovery instances that DRS has in an account and Region, with their state and their status checks in EC2: \
         those of drills, and those of recoveries, which a drill of their servers would delete.",
    )
    .attribute("account_id", place::account_id())
    .attribute("region", place::region())
    .attribute(
        "source_server_ids",
        Attribute::set(Type::String)
            .optional()
            .describe("Only instances of these source servers. Default: all."),
    )
    .attribute(
        "is_drill",
        Attribute::bool()
            .optional()
            .describe("Only those of drills, true, or only those of recoveries, false. Default: both."),
    )
    .attribute(
        "ids",
        Attribute::list(Type::String)
            .computed()
            .describe("Ids of the EC2 instances that were found, by source server."),
    )
    .attribute(
        "instances",
        Attribute::list_nested(instance())
            .computed()
            .describe("The instances that were found, by source server."),
    )
}

fn instance() -> [(&'static str, Attribute); 8] {
    let text = |what: &str| Attribute::string().computed().describe(what);
    [
        ("id", text("Id of the EC2 instance.")),
        ("source_server_id", text("Id of the source server.")),
        (
            "job_id",
            text("Id of the DRS job that launched it; null when DRS does not say."),
        ),
        (
            "is_drill",
            Attribute::bool()
                .computed()
                .describe("Whether it was launched by a drill."),
        ),
        (
            "point_in_time",
            text(
                "Time of the data that it was launched from, in RFC 3339; null when DRS does not say.",
            ),
        ),
        (
            "ec2_state",
            text("Its state in EC2, such as `running`; null when EC2 no longer has it."),
        ),
        (
            "instance_status",
            text(
                "EC2's instance status check, such as `ok` or `initializing`; null when EC2 says nothing of it.",
            ),
        ),
        (
            "system_status",
            text("EC2's system status check, in the same words; null when EC2 says nothing of it."),
        ),
    ]
}
