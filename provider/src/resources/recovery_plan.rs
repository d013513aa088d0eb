//! `drs_recovery_plan`: waves over protection groups.

use drs_engine::ids::PlanId;
use drs_engine::plan::PlanSpec;
use drs_engine::ports::Clock as _;
use drs_engine::store::plan::StoredPlan;
use drs_engine::store::plans::PlanStoreError;
use drs_engine_aws::fresh;
use tfplugin::{
    Attr, Context, Create, Delete, Diagnostic, Diagnostics, IdentitySchema, Outcome, Plan, Read,
    Resource, Schema, Update, async_trait,
};

use crate::client::Client;
use crate::{held, identity, tags};

mod check;
pub(crate) mod model;
mod places;
mod refusal;
mod schema;
#[cfg(test)]
mod tests;

use model::{Model, Written};
pub(crate) use refusal::not_found;

/// The resource.
pub(crate) struct RecoveryPlan;

#[async_trait]
impl Resource for RecoveryPlan {
    type Model = Model;
    type Client = Client;

    fn type_name(&self) -> &'static str {
        "drs_recovery_plan"
    }

    fn schema(&self) -> Schema {
        schema::schema()
    }

    fn identity(&self) -> Option<IdentitySchema> {
        identity::of_id("Id of the plan.")
    }

    async fn validate(&self, config: Model) -> Diagnostics {
        check::configuration(&config)
    }

    async fn modify_plan(&self, cx: &Context<Client>, plan: &mut Plan<Model>) {
        if let Some(planned) = &mut plan.planned {
            planned.digest = planned.digest();
            if let Some(prior) = &plan.prior {
                planned.keep_objectives(prior);
            }
        }
        let Some(client) = cx.client_if_configured() else {
            return;
        };
        if plan.is_destroy() {
            check::destroy(client, plan).await;
            return;
        }
        if let Some(planned) = &mut plan.planned {
            planned.tags_all = tags::all(client.default_tags(), &planned.tags);
            // Tags of the provider may have changed, and an objective may only be written in another way.
            plan.changed = plan.prior.as_ref().is_none_or(|prior| prior != planned);
        }
        if plan.changed {
            note(client, plan);
            check::change(client, plan).await;
        }
    }

    async fn create(
        &self,
        cx: &Context<Client>,
        request: Create<Model>,
    ) -> Result<Outcome<Model>, Diagnostics> {
        let client = cx.client()?;
        client.ready_to_write().await?;
        let written = request.planned.written(client.default_tags())?;
        let id = PlanId::new(fresh::id("rp"));
        let plan = write(cx, client, Write::Create(&id), &written).await?;
        Ok(request.planned.with(&plan).into())
    }

    async fn read(
        &self,
        cx: &Context<Client>,
        request: Read<Model>,
    ) -> Result<Outcome<Model>, Diagnostics> {
        let client = cx.client()?;
        let id = PlanId::new(request.state.id.require("id")?);
        let found = client.nothing_without_tables(client.session().plans().find(&id).await);
        Ok(match found.map_err(|error| client.explain(&error))? {
            Some(plan) => Outcome::state(request.state.read(&plan, client.default_tags())),
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
        let written = request.planned.written(client.default_tags())?;
        let id = PlanId::new(request.prior.id.require("id")?);
        let plan = write(cx, client, Write::Update(&id), &written).await?;
        Ok(request.planned.with(&plan).into())
    }

    async fn delete(
        &self,
        cx: &Context<Client>,
        request: Delete<Model>,
    ) -> Result<Outcome<Model>, Diagnostics> {
        let client = cx.client()?;
        client.ready_to_write().await?;
        let id = PlanId::new(request.prior.id.require("id")?);
        match client.session().plans().delete(&id).await {
            Ok(()) => Ok(Outcome::gone()),
            Err(error) => Err(refusal::of(client, &error, "deleted").into()),
        }
    }

    async fn import(&self, cx: &Context<Client>, id: &str) -> Result<Outcome<Model>, Diagnostics> {
        let client = cx.client()?;
        let found = client.session().plans().find_by_id_or_name(id).await;
        let found = client.nothing_without_tables(found);
        match found.map_err(|error| client.explain(&error))? {
            Some(plan) => Ok(Model::default().read(&plan, client.default_tags()).into()),
            None => Err(not_found(client, id).into()),
        }
    }
}

/// Notes how the plan will be for what is planned after it.
fn note(client: &Client, plan: &Plan<Model>) {
    let (Some(prior), Some(planned)) = (&plan.prior, &plan.planned) else {
        return;
    };
    if let Some(id) = prior.id.known() {
        let (spec, incomplete) = planned.to_spec();
        client
            .planned()
            .note_plan(id, (!incomplete).then_some(spec));
    }
}

/// What to write.
#[derive(Clone, Copy)]
enum Write<'a> {
    Create(&'a PlanId),
    Update(&'a PlanId),
}

/// Writes a plan. A name that another plan holds is waited for: it may be given up in the same apply. What this plan gives up
/// meanwhile it takes back when it is refused in the end.
async fn write(
    cx: &Context<Client>,
    client: &Client,
    write: Write<'_>,
    written: &Written,
) -> Result<StoredPlan, Diagnostic> {
    let is_held = |error: &PlanStoreError| matches!(error, PlanStoreError::NameTaken { .. });
    let explain = |error: &PlanStoreError| refusal::of(client, error, "changed");
    let before = match (put(client, write, written).await, write) {
        (Err(error), Write::Update(id)) if is_held(&error) => give_up_name(client, id).await?,
        (Err(error), Write::Create(_)) if is_held(&error) => None,
        (result, _) => return result.map_err(|error| explain(&error)),
    };
    let result = held::wait(cx, is_held, || put(client, write, written)).await;
    match (result, before) {
        (Err(error), Some(before)) => Err(take_back(client, before, explain(&error)).await),
        (result, _) => result.map_err(|error| explain(&error)),
    }
}

/// Gives up the name that a plan no longer has, before it waits for the one that another holds: two plans that exchange names
/// in one apply would otherwise wait for each other. Meanwhile a plan is called by its id. Returns how it was.
async fn give_up_name(client: &Client, id: &PlanId) -> Result<Option<StoredPlan>, Diagnostic> {
    let plans = client.session().plans();
    let stored = plans.find(id).await;
    let Some(before) = stored.map_err(|error| client.explain(&error))? else {
        return Ok(None);
    };
    let nameless = PlanSpec {
        name: id.to_string(),
        ..before.spec.clone()
    };
    let now = client.session().clock().now();
    let written = plans.update(id, nameless, before.tags.clone(), now).await;
    written
        .map(|_| Some(before))
        .map_err(|error| refusal::of(client, &error, "changed"))
}

/// Takes a name back that was given up for a change that is now refused. If another has taken it meanwhile, it stays theirs.
async fn take_back(client: &Client, before: StoredPlan, mut refused: Diagnostic) -> Diagnostic {
    let now = client.session().clock().now();
    let plans = client.session().plans();
    let (id, name) = (before.id.clone(), before.spec.name.clone());
    if plans
        .update(&id, before.spec, before.tags, now)
        .await
        .is_err()
    {
        refused.detail.push_str(&refusal::nameless(&id, &name));
    }
    refused
}

async fn put(
    client: &Client,
    write: Write<'_>,
    Written { spec, tags }: &Written,
) -> Result<StoredPlan, PlanStoreError> {
    let plans = client.session().plans();
    let now = client.session().clock().now();
    let (spec, tags) = (spec.clone(), tags.clone());
    match write {
        Write::Create(id) => plans.create(id.clone(), spec, tags, now).await,
        Write::Update(id) => plans.update(id, spec, tags, now).await,
    }
}

impl Model {
    /// The digest, once everything that it is made of is known. A plan that is refused has none.
    fn digest(&self) -> Attr<String> {
        let (spec, incomplete) = self.to_spec();
        match drs_engine::plan::Plan::parse(&spec) {
            Ok(plan) if !incomplete => plan.digest().into(),
            _ => Attr::Unknown,
        }
    }
}
