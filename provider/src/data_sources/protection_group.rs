//! `drs_protection_group`: one protection group, by its id or its name.

use tfplugin::{
    Attr, Attribute, Context, DataSource, Diagnostic, Diagnostics, Outcome, Resource as _, Schema,
    async_trait,
};

use super::named::{self, Named};
use super::read_only;
use crate::client::Client;
use crate::resources::group_model::Model;

/// The data source.
pub(crate) struct ProtectionGroup;

#[async_trait]
impl DataSource for ProtectionGroup {
    type Model = Model;
    type Client = Client;

    fn type_name(&self) -> &'static str {
        "drs_protection_group"
    }

    fn schema(&self) -> Schema {
        let schema = Schema::new("A protection group, by its id or its name, whoever made it.");
        let schema = attributes().fold(schema, |schema, (name, attribute)| {
            schema.attribute(name, attribute)
        });
        named::either(schema, "the protection group")
    }

    async fn validate(&self, config: Model) -> Diagnostics {
        named::one_of(&config.id, &config.name)
    }

    async fn read(
        &self,
        cx: &Context<Client>,
        config: Model,
    ) -> Result<Outcome<Model>, Diagnostics> {
        let client = cx.client()?;
        let groups = client.session().groups();
        let found = match named::of(&config.id, &config.name)? {
            Named::Id(id) => groups.find(&id.into()).await,
            Named::Name(name) => groups.find_by_name(name).await,
        };
        let found = client.nothing_without_tables(found);
        match found.map_err(|error| client.explain(&error))? {
            Some(group) => Ok(Model::default().read(&group, &Attr::Null).into()),
            None => Err(not_found(client, &config).into()),
        }
    }
}

/// What is shown of a group.
pub(super) fn attributes() -> impl Iterator<Item = (String, Attribute)> {
    read_only::of(crate::resources::ProtectionGroup.schema())
}

fn not_found(client: &Client, config: &Model) -> Diagnostic {
    let (attribute, meant) = named::told(&config.id, &config.name);
    let detail = format!(
        "There is no protection group with {meant} in environment {:?} of {}. The data source drs_protection_groups lists \
         those that there are.",
        client.session().environment(),
        client.history()
    );
    Diagnostic::error("Protection Group Not Found", detail).at(attribute)
}
