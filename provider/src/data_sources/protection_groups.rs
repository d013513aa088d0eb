//! `drs_protection_groups`: every protection group, or those of an account and Region.

use serde::{Deserialize, Serialize};
use tfplugin::{
    Attr, Attribute, Context, DataSource, Diagnostics, Outcome, Schema, Type, async_trait,
};

use super::protection_group::attributes;
use crate::client::Client;
use crate::resources::group_model;
use crate::{convert, targets};

/// The data source.
pub(crate) struct ProtectionGroups;

/// What is asked for, and what is found.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Model {
    account_id: Attr<String>,
    region: Attr<String>,
    ids: Attr<Vec<Attr<String>>>,
    groups: Attr<Vec<group_model::Model>>,
}

#[async_trait]
impl DataSource for ProtectionGroups {
    type Model = Model;
    type Client = Client;

    fn type_name(&self) -> &'static str {
        "drs_protection_groups"
    }

    fn schema(&self) -> Schema {
        let only = |what: &str| Attribute::string().optional().describe(what);
        Schema::new("The protection groups of the environment, by name, whoever made them.")
            .attribute(
                "account_id",
                only("Only groups whose servers live in this account. Default: all.")
                    .validate(targets::an_account()),
            )
            .attribute(
                "region",
                only("Only groups whose servers live in this Region. Default: all.")
                    .validate(targets::a_region()),
            )
            .attribute(
                "ids",
                Attribute::list(Type::String)
                    .computed()
                    .describe("Ids of the groups that were found."),
            )
            .attribute(
                "groups",
                Attribute::list_nested(attributes())
                    .computed()
                    .describe("The groups that were found."),
            )
    }

    async fn read(
        &self,
        cx: &Context<Client>,
        config: Model,
    ) -> Result<Outcome<Model>, Diagnostics> {
        let client = cx.client()?;
        let groups = client.nothing_without_tables(client.session().groups().all().await);
        let mut groups = groups.map_err(|error| client.explain(&error))?;
        let is_wanted =
            |wanted: &Attr<String>, has: &str| wanted.known().is_none_or(|it| it == has);
        groups.retain(|group| {
            is_wanted(&config.account_id, &group.config.target.account_id)
                && is_wanted(&config.region, &group.config.target.region)
        });
        let shown = groups
            .iter()
            .map(|group| group_model::Model::default().read(group, &Attr::Null));
        Ok(Outcome::state(Model {
            ids: convert::list(groups.iter().map(|group| &group.id)),
            groups: Attr::Known(shown.collect()),
            ..config
        }))
    }
}
