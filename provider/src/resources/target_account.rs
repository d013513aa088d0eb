//! `drs_target_account`: another account that may be worked in, and the role in it that is assumed.
//!
//! Making one calls nothing but DynamoDB, so that the role can be written afterwards, in the same configuration, with the
//! external id that was made for it.

use drs_engine::ports::Clock as _;
use drs_engine::store::target::ExternalId;
use drs_engine::store::targets::{Instances, TargetError};
use drs_engine_aws::fresh;
use tfplugin::{
    Attribute, Context, Create, Delete, Diagnostic, Diagnostics, IdentitySchema, Outcome, Plan,
    Read, Resource, Schema, Type, Update, async_trait,
};

use crate::client::Client;
use crate::{held, identity};

mod left;
mod model;
mod refusal;
#[cfg(test)]
mod tests;

use model::Model;

/// The resource.
pub(crate) struct TargetAccount;

#[async_trait]
impl Resource for TargetAccount {
    type Model = Model;
    type Client = Client;

    fn type_name(&self) -> &'static str {
        "drs_target_account"
    }

    fn schema(&self) -> Schema {
        sessions(identity(about()))
    }

    fn identity(&self) -> Option<IdentitySchema> {
        identity::of_id("Id of the account.")
    }

    async fn validate(&self, config: Model) -> Diagnostics {
        refusal::invalid(&config.problems())
    }

    async fn modify_plan(&self, cx: &Context<Client>, plan: &mut Plan<Model>) {
        let Some(client) = cx.client_if_configured() else {
            return;
        };
        if let Err(error) = look(client, plan).await {
            plan.diagnostics.push(error);
        }
    }

    async fn create(
        &self,
        cx: &Context<Client>,
        request: Create<Model>,
    ) -> Result<Outcome<Model>, Diagnostics> {
        let client = cx.client()?;
        client.ready_to_write().await?;
        let planned = request.planned;
        let account = planned.account_id.require("account_id")?;
        is_another_account(client, account)?;
        let given = planned.external_id.known().map(ExternalId::new);
        let external_id = given.unwrap_or_else(fresh::external_id);
        let (targets, now) = (client.session().targets(), client.session().clock().now());
        match targets
            .create(account, planned.to_config(), external_id, now)
            .await
        {
            Ok(target) => Ok(Model::of(client, &target).into()),
            Err(error) => Err(refusal::of(client, &error)),
        }
    }

    async fn read(
        &self,
        cx: &Context<Client>,
        request: Read<Model>,
    ) -> Result<Outcome<Model>, Diagnostics> {
        let client = cx.client()?;
        let account = request.state.account_id.require("account_id")?;
        let found = client.session().targets().find(account).await;
        let found = client.nothing_without_tables(found);
        Ok(match found.map_err(|error| client.explain(&error))? {
            Some(target) => Outcome::state(Model::of(client, &target)),
            None => Outcome::gone(),
        })
    }

    async fn update(
        &self,
        cx: &Context<Client>,
        request: Update<Model>,
    ) -> Result<Outcome<Model>, Diagnostics> {
        let client = cx.client()?;
        client.ready_to_write().await?;
        let planned = request.planned;
        let account = planned.account_id.require("account_id")?;
        let (targets, now) = (client.session().targets(), client.session().clock().now());
        match targets.update(account, planned.to_config(), now).await {
            Ok(target) => Ok(Model::of(client, &target).into()),
            Err(error) => Err(refusal::of(client, &error)),
        }
    }

    async fn delete(
        &self,
        cx: &Context<Client>,
        request: Delete<Model>,
    ) -> Result<Outcome<Model>, Diagnostics> {
        let client = cx.client()?;
        client.ready_to_write().await?;
        let account = request.prior.account_id.require("account_id")?;
        let targets = client.session().targets();
        // Groups and drills of the account may be deleted in the same apply, and lists may show them a moment longer.
        let is_held = |error: &TargetError| {
            matches!(
                error,
                TargetError::InUse { .. } | TargetError::HasInstances { .. }
            )
        };
        match held::wait(cx, is_held, || targets.delete(account, Instances::Keep)).await {
            Ok(()) => Ok(Outcome::gone()),
            Err(error) => Err(refusal::of(client, &error)),
        }
    }

    async fn import(&self, cx: &Context<Client>, id: &str) -> Result<Outcome<Model>, Diagnostics> {
        let client = cx.client()?;
        let found = client.session().targets().find(id).await;
        let found = client.nothing_without_tables(found);
        match found.map_err(|error| client.explain(&error))? {
            Some(target) => Ok(Model::of(client, &target).into()),
            None => Err(Diagnostic::error(
                "Target Account Not Found",
                format!(
                    "Account {id:?} is not a target of environment {:?}. The id of a target is its account, 12 digits; \
                     `drsctl target list` shows those that are there.",
                    client.session().environment()
                ),
            )
            .into()),
        }
    }
}

/// Looks at what there is before a target is made or changed, and plans what is known by then.
async fn look(client: &Client, plan: &mut Plan<Model>) -> Result<(), Diagnostic> {
    let is_create = plan.is_create();
    let left = left::warning(client, plan).await;
    plan.diagnostics.extend(left);
    let Some(planned) = &mut plan.planned else {
        return Ok(());
    };
    planned.trust_policy = planned
        .external_id
        .as_ref()
        .map(|id| model::trust_policy(client, &ExternalId::new(id)));
    let Some(account) = planned.account_id.known() else {
        return Ok(());
    };
    is_another_account(client, account)?;
    client
        .planned()
        .note_target(account, planned.known_regions());
    if is_create {
        let there = client.nothing_without_tables(client.session().targets().find(account).await);
        if there.map_err(|error| client.explain(&error))?.is_some() {
            plan.diagnostics.push(refusal::exists_already(account));
        }
    }
    Ok(())
}

/// The provider's own account is worked in with its own credentials.
fn is_another_account(client: &Client, account: &str) -> Result<(), Diagnostic> {
    if *account != client.target().account_id {
        return Ok(());
    }
    let detail = format!(
        "{account} is the account that the provider works in, and needs no target: its credentials are used there, in every \
         Region. Remove this resource; groups of other Regions of the account name their region."
    );
    Err(Diagnostic::error("The Provider's Own Account", detail).at("account_id"))
}

fn about() -> Schema {
    Schema::new(
        "Another account that servers may be recovered in, and the role in it that is assumed. The provider's own account \
         needs none. Making a target calls nothing but DynamoDB: the role can be written afterwards, in the same \
         configuration, with `trust_policy`, or with `external_id`.\n\n\
         A call for servers of the account is made as that role or not at all; the provider's credentials are never used \
         there. The target of an account with protection groups, or with recovery instances that drills may have left there, \
         is not deleted; apply waits one minute for them to go. `drsctl target remove ACCOUNT --leave-instances` leaves such \
         instances to whoever has the account.\n\n\
         Refer to `id` where groups and data sources of the same configuration are in the account: they are then looked at \
         once the target is there. What else they need, such as the role, they `depends_on`.",
    )
}

fn identity(schema: Schema) -> Schema {
    schema
        .attribute(
            "id",
            Attribute::string().computed().use_state_for_unknown().describe(
                "The account, known once the target is there.",
            ),
        )
        .attribute(
            "account_id",
            Attribute::string().required().requires_replace().describe(
                "The account, 12 digits; there is one target for each. A change makes a new target.",
            ),
        )
        .attribute(
            "regions",
            Attribute::set(Type::String).required().describe(
                "Regions of the account that may be worked in, at least one. One in which drills may have left recovery \
                 instances is not taken away.",
            ),
        )
        .attribute(
            "role_arn",
            Attribute::string().required().describe(
                "ARN of the role that is assumed, a role of that account. It need not exist yet.",
            ),
        )
        .attribute(
            "external_id",
            Attribute::string()
                .optional()
                .computed()
                .sensitive()
                .use_state_for_unknown()
                .requires_replace()
                .describe(
                    "External id that is sent whenever the role is assumed, for the role's trust policy to ask for. It \
                     never changes; another one makes a new target. Set it only for a role that exists. Default: one \
                     that is made for this target alone.",
                ),
        )
        .attribute(
            "trust_policy",
            Attribute::string().computed().sensitive().use_state_for_unknown().describe(
                "Trust policy that the role needs, as JSON: it lets the provider's account assume the role, and only \
                 with the external id. For `assume_role_policy` of the role.",
            ),
        )
}

fn sessions(schema: Schema) -> Schema {
    schema
        .attribute(
            "name",
            Attribute::string().optional().describe(
                "What people call the account; at most 64 characters. Default: none.",
            ),
        )
        .attribute(
            "description",
            Attribute::string().optional().describe("Free text for people. Default: none."),
        )
        .attribute(
            "session_name",
            Attribute::string().optional().describe(
                "Name of the role's sessions, as CloudTrail of the account shows it. Default: `drs-orchestration`.",
            ),
        )
        .attribute(
            "session_duration_seconds",
            Attribute::number().optional().describe(
                "How long one session lasts, 900 to 43200 seconds; it is renewed before it ends. A provider that works as \
                 a role itself gets an hour at most. Default: as long as STS likes.",
            ),
        )
}
