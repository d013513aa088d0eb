//! `drs_protection_group`: a named set of source servers in one account and Region.
//!
//! A group that lists servers holds them: no other group can list them. A group that selects by tags holds nothing, and
//! has whatever servers carry its tags when an execution starts.

use drs_engine::ids::GroupId;
use drs_engine::limits;
use drs_engine::ports::Clock as _;
use drs_engine::store::group::{Group, GroupConfig, Selection};
use drs_engine::store::groups::GroupError;
use drs_engine_aws::fresh;
use tfplugin::schema::validator;
use tfplugin::{
    Attribute, Context, Create, Delete, Diagnostic, Diagnostics, IdentitySchema, Outcome, Plan,
    Read, Resource, Schema, Type, Update, async_trait,
};

use crate::client::Client;
use crate::{held, identity, tags, targets};

pub(crate) mod check;
pub(crate) mod model;
mod refusal;
#[cfg(test)]
mod tests;

pub(crate) use check::id_problem;
use model::Model;

/// The resource.
pub(crate) struct ProtectionGroup;

#[async_trait]
impl Resource for ProtectionGroup {
    type Model = Model;
    type Client = Client;

    fn type_name(&self) -> &'static str {
        "drs_protection_group"
    }

    fn schema(&self) -> Schema {
        schema()
    }

    fn identity(&self) -> Option<IdentitySchema> {
        identity::of_id("Id of the group.")
    }

    async fn validate(&self, config: Model) -> Diagnostics {
        check::configuration(&config)
    }

    async fn modify_plan(&self, cx: &Context<Client>, plan: &mut Plan<Model>) {
        let Some(client) = cx.client_if_configured() else {
            return;
        };
        if let Some(problem) = check::of_another_place(client, &plan.private) {
            plan.diagnostics.push(problem);
            return;
        }
        if plan.is_destroy() {
            check::destroy(client, plan).await;
            return;
        }
        plan_identity(client, plan);
        if plan.prior.is_none() || plan.changed {
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
        let config = request.planned.to_config(client.default_tags())?;
        targets::reached(client, &config.target).await?;
        check::servers_exist(cx, client, &config).await?;
        let id = GroupId::new(fresh::id("pg"));
        let group = write(cx, client, Write::Create(&id), &config).await?;
        Ok(Outcome::state(request.planned.with(&group)).with_private(kept_in(client)))
    }

    async fn read(
        &self,
        cx: &Context<Client>,
        request: Read<Model>,
    ) -> Result<Outcome<Model>, Diagnostics> {
        let client = cx.client()?;
        let id = GroupId::new(request.state.id.require("id")?);
        // It is kept in other tables; that it is not in these says nothing. The plan says what is wrong.
        if check::of_another_place(client, &request.private).is_some() {
            return Ok(request.state.into());
        }
        let found = client.nothing_without_tables(client.session().groups().find(&id).await);
        Ok(match found.map_err(|error| client.explain(&error))? {
            Some(group) => Outcome::state(request.state.read(&group, client.default_tags()))
                .with_private(kept_in(client)),
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
        let config = request.planned.to_config(client.default_tags())?;
        if request.planned.source_server_ids != request.prior.source_server_ids {
            check::servers_exist(cx, client, &config).await?;
        }
        let id = GroupId::new(request.prior.id.require("id")?);
        let group = write(cx, client, Write::Update(&id), &config).await?;
        Ok(request.planned.with(&group).into())
    }

    async fn delete(
        &self,
        cx: &Context<Client>,
        request: Delete<Model>,
    ) -> Result<Outcome<Model>, Diagnostics> {
        let client = cx.client()?;
        client.ready_to_write().await?;
        let id = GroupId::new(request.prior.id.require("id")?);
        match client.session().groups().delete(&id).await {
            Ok(()) => Ok(Outcome::gone()),
            Err(error) => Err(refusal::of(client, &error, None)),
        }
    }

    async fn import(&self, cx: &Context<Client>, id: &str) -> Result<Outcome<Model>, Diagnostics> {
        let client = cx.client()?;
        let found = client.session().groups().find_by_id_or_name(id).await;
        let found = client.nothing_without_tables(found);
        match found.map_err(|error| client.explain(&error))? {
            Some(group) => Ok(Model::default().read(&group, client.default_tags()).into()),
            None => Err(Diagnostic::error(
                "Protection Group Not Found",
                format!(
                    "There is no protection group with the id or the name {id:?} in environment {:?}. Names match \
                     without regard to case. If it is in another environment, set the provider's environment.",
                    client.session().environment()
                ),
            )
            .into()),
        }
    }
}

/// Where the tables are that a group is kept in. It is stored beside the state: a provider that works on other tables would
/// otherwise take the group for one that was deleted.
fn kept_in(client: &Client) -> Vec<u8> {
    client.history().to_string().into_bytes()
}

/// Plans what follows from the configuration and the provider alone, so that it is known before apply.
fn plan_identity(client: &Client, plan: &mut Plan<Model>) {
    let target = client.target();
    let (config, Some(planned)) = (&plan.config, &mut plan.planned) else {
        return;
    };
    let own = |configured: Option<&tfplugin::Attr<String>>| {
        configured.is_none_or(tfplugin::Attr::is_null)
    };
    if own(config.as_ref().map(|config| &config.account_id)) {
        planned.account_id = target.account_id.clone().into();
    }
    if own(config.as_ref().map(|config| &config.region)) {
        planned.region = target.region.clone().into();
    }
    planned.tags_all = tags::all(client.default_tags(), &planned.tags);
    planned.digest = planned.digest();
    let Some(prior) = &plan.prior else {
        return;
    };
    for (name, moved) in [
        ("account_id", prior.account_id != planned.account_id),
        ("region", prior.region != planned.region),
    ] {
        if moved {
            plan.requires_replace.push(name.into());
            plan.changed = true;
        }
    }
}

/// Notes how the group will be for what is planned after it.
fn note(client: &Client, plan: &Plan<Model>) {
    let (Some(prior), Some(planned)) = (&plan.prior, &plan.planned) else {
        return;
    };
    if let Some(id) = prior.id.known() {
        let config = planned.to_config(client.default_tags());
        client.planned().note_group(id, config.ok());
    }
}

/// What to write.
#[derive(Clone, Copy)]
enum Write<'a> {
    Create(&'a GroupId),
    Update(&'a GroupId),
}

/// Writes a group. What others hold is waited for: they may give it up in the same apply. What this group gives up meanwhile
/// it takes back when it is refused in the end.
async fn write(
    cx: &Context<Client>,
    client: &Client,
    write: Write<'_>,
    config: &GroupConfig,
) -> Result<Group, Diagnostics> {
    let given_up = match (put(client, write, config).await, write) {
        (Ok(group), _) => return Ok(group),
        (Err(error), Write::Update(id)) if is_held(&error) => give_up(client, id, config).await?,
        (Err(error), Write::Create(_)) if is_held(&error) => None,
        (Err(error), _) => return Err(refusal::of(client, &error, Some(config))),
    };
    match held::wait(cx, is_held, || put(client, write, config)).await {
        Ok(group) => Ok(group),
        Err(error) => {
            let refused = refusal::of(client, &error, Some(config));
            Err(take_back(client, write, given_up, refused).await)
        }
    }
}

fn is_held(error: &GroupError) -> bool {
    matches!(
        error,
        GroupError::NameTaken { .. } | GroupError::ServersTaken(_)
    )
}

async fn put(client: &Client, write: Write<'_>, config: &GroupConfig) -> Result<Group, GroupError> {
    let groups = client.session().groups();
    let now = client.session().clock().now();
    match write {
        Write::Create(id) => groups.create(id.clone(), config.clone(), now).await,
        Write::Update(id) => groups.update(id, config.clone(), now).await,
    }
}

/// Gives up the servers that a group no longer lists, and a name that it no longer has, before it waits for those that others
/// hold: two groups that exchange them in one apply would otherwise wait for each other. Meanwhile a group is called by its
/// id. Returns how it was, where it gave up anything.
async fn give_up(
    client: &Client,
    id: &GroupId,
    wanted: &GroupConfig,
) -> Result<Option<GroupConfig>, Diagnostics> {
    let groups = client.session().groups();
    let stored = groups.find(id).await;
    let Some(stored) = stored.map_err(|error| client.explain(&error))? else {
        return Ok(None);
    };
    let listed = stored.config.selection.listed();
    let kept: Vec<_> = listed
        .iter()
        .filter(|server| wanted.selection.listed().contains(server))
        .cloned()
        .collect();
    let mut less = stored.config.clone();
    if kept.len() < listed.len() {
        less.selection = Selection::Servers(kept);
    }
    if wanted.name.to_lowercase() != less.name.to_lowercase() {
        less.name = id.to_string();
    }
    if less == stored.config {
        return Ok(None);
    }
    let now = client.session().clock().now();
    let written = groups.update(id, less, now).await;
    written
        .map(|_| Some(stored.config))
        .map_err(|error| refusal::of(client, &error, Some(wanted)))
}

/// Takes back what was given up for a change that is now refused. What others have taken meanwhile stays theirs.
async fn take_back(
    client: &Client,
    write: Write<'_>,
    given_up: Option<GroupConfig>,
    mut refused: Diagnostics,
) -> Diagnostics {
    let (Write::Update(id), Some(before)) = (write, given_up) else {
        return refused;
    };
    let now = client.session().clock().now();
    let groups = client.session().groups();
    if groups.update(id, before.clone(), now).await.is_err() {
        refused.push(refusal::less(id, &before));
    }
    refused
}

fn schema() -> Schema {
    Schema::new(
        "A named set of source servers in one account and Region. A group either lists its servers, and then holds \
         them: no other group can list them; or it selects them by tags, and then has every server that carries all of \
         the tags when an execution starts.\n\n\
         The servers of a group cannot change while an execution that was started with it runs, and it cannot be \
         deleted \
         then. A name or a server that another group holds is waited for, one minute, because the other group may give \
         it up \
         in the same apply.",
    )
    .attribute(
        "id",
        Attribute::string().computed().use_state_for_unknown().describe("Id of the group."),
    )
    .attribute(
        "name",
        Attribute::string().required().describe(
            "Name, unique in the environment without regard to case; at most 64 characters.",
        ),
    )
    .attribute(
        "description",
        Attribute::string()
            .optional()
            .validate(validator::length(0, limits::DESCRIPTION_CHARS))
            .describe("Free text for people. Default: none."),
    )
    .attribute(
        "account_id",
        Attribute::string().optional().computed().validate(targets::an_account()).describe(
            "Account that the servers live in; one that is not the provider's is a target, see `drs_target_account`. \
             Default: the provider's. A change makes a new group.",
        ),
    )
    .attribute(
        "region",
        Attribute::string().optional().computed().validate(targets::a_region()).describe(
            "Region that the servers replicate to. Default: the provider's. A change makes a new group.",
        ),
    )
    .attribute(
        "source_server_ids",
        Attribute::list(Type::String).optional().describe(
            "Ids of the servers, in launch order. Exactly one of this and `server_selection_tags` is set.",
        ),
    )
    .attribute(
        "server_selection_tags",
        Attribute::map(Type::String)
            .optional()
            .validate(validator::elements(1, limits::TAGS_PER_SELECTION))
            .describe(
                "Tags that a source server must carry, all of them, exactly; upper and lower case matter. The servers \
                 launch by host name and then id. Exactly one of this and `source_server_ids` is set.",
            ),
    )
    .attribute("tags", tags::tags())
    .attribute("tags_all", tags::tags_all())
    .attribute(
        "digest",
        Attribute::string().computed().describe(
            "Digest of everything that decides which servers the group has; a pure function of the configuration, for \
             use in `triggers`.",
        ),
    )
}
