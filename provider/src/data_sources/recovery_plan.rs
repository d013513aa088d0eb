//! `drs_recovery_plan`: one recovery plan, by its id or its name.

use tfplugin::{
    Attr, Attribute, Context, DataSource, Diagnostic, Diagnostics, Outcome, Resource as _, Schema,
    async_trait,
};

use super::named::{self, Named};
use super::read_only;
use crate::client::Client;
use crate::resources::plan_model::Model;

/// The data source.
pub(crate) struct RecoveryPlan;

#[async_trait]
impl DataSource for RecoveryPlan {
    type Model = Model;
    type Client = Client;

    fn type_name(&self) -> &'static str {
        "drs_recovery_plan"
    }

    fn schema(&self) -> Schema {
        let schema = Schema::new("A recovery plan, by its id or its name, whoever made it.");
        let schema = attributes().fold(schema, |schema, (name, attribute)| {
            schema.attribute(name, attribute)
        });
        named::either(schema, "the recovery plan")
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
        let plans = client.session().plans();
        let found = match named::of(&config.id, &config.name)? {
            Named::Id(id) => plans.find(&id.into()).await,
            Named::Name(name) => plans.find_by_name(name).await,
        };
        let found = client.nothing_without_tables(found);
        match found.map_err(|error| client.explain(&error))? {
            Some(plan) => Ok(Model::default().read(&plan, &Attr::Null).into()),
            None => Err(not_found(client, &config).into()),
        }
    }
}

/// What is shown of a plan.
pub(super) fn attributes() -> impl Iterator<Item = (String, Attribute)> {
    read_only::of(crate::resources::RecoveryPlan.schema())
}

fn not_found(client: &Client, config: &Model) -> Diagnostic {
    let (attribute, meant) = named::told(&config.id, &config.name);
    let detail = format!(
        "There is no recovery plan with {meant} in environment {:?} of {}. The data source drs_recovery_plans lists \
         those that there are.",
        client.session().environment(),
        client.history()
    );
    Diagnostic::error("Recovery Plan Not Found", detail).at(attribute)
}
