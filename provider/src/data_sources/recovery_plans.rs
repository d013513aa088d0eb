//! `drs_recovery_plans`: every recovery plan.

use serde::{Deserialize, Serialize};
use tfplugin::{
    Attr, Attribute, Context, DataSource, Diagnostics, Outcome, Schema, Type, async_trait,
};

use super::recovery_plan::attributes;
use crate::client::Client;
use crate::convert;
use crate::resources::plan_model;

/// The data source.
pub(crate) struct RecoveryPlans;

/// What is found.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Model {
    protection_group_id: Attr<String>,
    ids: Attr<Vec<Attr<String>>>,
    plans: Attr<Vec<plan_model::Model>>,
}

#[async_trait]
impl DataSource for RecoveryPlans {
    type Model = Model;
    type Client = Client;

    fn type_name(&self) -> &'static str {
        "drs_recovery_plans"
    }

    fn schema(&self) -> Schema {
        Schema::new("The recovery plans of the environment, by name, whoever made them.")
            .attribute(
                "protection_group_id",
                Attribute::string().optional().describe(
                    "Only plans of which a wave launches this protection group. Default: all.",
                ),
            )
            .attribute(
                "ids",
                Attribute::list(Type::String)
                    .computed()
                    .describe("Ids of the plans that were found."),
            )
            .attribute(
                "plans",
                Attribute::list_nested(attributes())
                    .computed()
                    .describe("The plans that were found."),
            )
    }

    async fn read(
        &self,
        cx: &Context<Client>,
        config: Model,
    ) -> Result<Outcome<Model>, Diagnostics> {
        let client = cx.client()?;
        let plans = client.nothing_without_tables(client.session().plans().all().await);
        let mut plans = plans.map_err(|error| client.explain(&error))?;
        plans.retain(|plan| {
            let mut named = plan
                .spec
                .waves
                .iter()
                .flat_map(|wave| &wave.protection_group_ids);
            let wanted = config.protection_group_id.known();
            wanted.is_none_or(|wanted| named.any(|id| id.as_str() == wanted))
        });
        let shown = plans
            .iter()
            .map(|plan| plan_model::Model::default().read(plan, &Attr::Null));
        Ok(Outcome::state(Model {
            ids: convert::list(plans.iter().map(|plan| &plan.id)),
            plans: Attr::Known(shown.collect()),
            ..config
        }))
    }
}
