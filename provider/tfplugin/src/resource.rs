//! Managed resources: the trait that declares one, and what its methods take and give.

pub(crate) mod coverage;
pub(crate) mod typed;

use async_trait::async_trait;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    context::Context,
    diagnostic::{Diagnostic, Diagnostics},
    identity::{Identity, IdentitySchema},
    path::Path,
    schema::Schema,
};

/// A managed resource. One file holds its model, its schema and these methods.
///
/// An `Err` means that nothing was stored: on create no state is kept, on update and delete the
/// prior state stays. When something exists remotely although there was an error, return an
/// [`Outcome`] with the state *and* the error: on create that taints the resource instead of losing
/// it.
#[async_trait]
pub trait Resource: Send + Sync + 'static {
    /// The configuration, the plan and the state, as a struct whose fields are
    /// [`Attr`](crate::Attr)s named like the attributes of the schema.
    type Model: Serialize + DeserializeOwned + Send + Sync + 'static;
    /// What the provider's `configure` makes.
    type Client: Send + Sync + 'static;

    /// The whole name, with the provider's prefix.
    fn type_name(&self) -> &'static str;

    /// The schema. It is asked for once.
    fn schema(&self) -> Schema;

    /// The attributes that name an object for ever, if the resource has such. It is asked for once.
    ///
    /// They never change while an object exists, so they force a replacement or keep their stored value
    /// while other attributes change, and `create` and `read` must fill in all that are required.
    fn identity(&self) -> Option<IdentitySchema> {
        None
    }

    /// Checks the configuration as far as it is known, beyond what the schema's validators see.
    /// Called without a client.
    async fn validate(&self, config: Self::Model) -> Diagnostics {
        let _ = config;
        Diagnostics::new()
    }

    /// Has the last word on a plan, after defaults and plan modifiers; also on a planned destroy.
    ///
    /// It may change attributes of `plan.planned` that are computed, warn, refuse, and ask for a
    /// replacement. It must have no side effects, and must give the same answer twice.
    async fn modify_plan(&self, cx: &Context<Self::Client>, plan: &mut Plan<Self::Model>) {
        let _ = (cx, plan);
    }

    /// Makes the object.
    async fn create(
        &self,
        cx: &Context<Self::Client>,
        request: Create<Self::Model>,
    ) -> Result<Outcome<Self::Model>, Diagnostics>;

    /// Looks at the object. [`Outcome::gone`] says that it no longer exists.
    async fn read(
        &self,
        cx: &Context<Self::Client>,
        request: Read<Self::Model>,
    ) -> Result<Outcome<Self::Model>, Diagnostics>;

    /// Changes the object in place.
    async fn update(
        &self,
        cx: &Context<Self::Client>,
        request: Update<Self::Model>,
    ) -> Result<Outcome<Self::Model>, Diagnostics>;

    /// Removes the object. [`Outcome::gone`] is success; a state means that something is left.
    async fn delete(
        &self,
        cx: &Context<Self::Client>,
        request: Delete<Self::Model>,
    ) -> Result<Outcome<Self::Model>, Diagnostics>;

    /// Finds an existing object by its id. `read` follows at once, so a state with the id is enough.
    async fn import(
        &self,
        cx: &Context<Self::Client>,
        id: &str,
    ) -> Result<Outcome<Self::Model>, Diagnostics> {
        let _ = (cx, id);
        Err(Diagnostic::error(
            "Resource Cannot Be Imported",
            format!("{} has no import.", self.type_name()),
        )
        .into())
    }

    /// Finds an existing object by its identity. `read` follows at once, so a state with the identity is
    /// enough; what the identity leaves out must be filled in.
    ///
    /// An identity that is one text is taken for the id.
    async fn import_by_identity(
        &self,
        cx: &Context<Self::Client>,
        identity: &Identity,
    ) -> Result<Outcome<Self::Model>, Diagnostics> {
        let schema = self.identity();
        if let Some(name) = schema.as_ref().and_then(IdentitySchema::only_text) {
            return self.import(cx, identity.text(name)?).await;
        }
        let detail = format!("{} has no import by identity.", self.type_name());
        Err(Diagnostic::error("Resource Cannot Be Imported", detail).into())
    }

    /// Brings stored state of an older schema version to the shape of the current one.
    async fn upgrade(
        &self,
        version: i64,
        state: serde_json::Value,
    ) -> Result<serde_json::Value, Diagnostics> {
        let _ = state;
        Err(Diagnostic::error(
            "Unsupported State Version",
            format!(
                "{} cannot read its state of schema version {version}.",
                self.type_name()
            ),
        )
        .into())
    }
}

/// A plan under way.
#[derive(Debug)]
pub struct Plan<M> {
    /// The configuration; none on destroy. It may hold unknown values.
    pub config: Option<M>,
    /// The stored state; none on create.
    pub prior: Option<M>,
    /// The planned state; none on destroy.
    pub planned: Option<M>,
    /// Whether the plan differs from the stored state so far.
    pub changed: bool,
    /// What forces a replacement. Only attributes whose value changes count.
    pub requires_replace: Vec<Path>,
    /// Warnings and errors.
    pub diagnostics: Diagnostics,
    /// Bytes stored beside the state. They reach `create` and `update` of the same plan.
    pub private: Vec<u8>,
}

impl<M> Plan<M> {
    /// Whether the object is to be made.
    #[must_use]
    pub fn is_create(&self) -> bool {
        self.prior.is_none()
    }

    /// Whether the object is to be removed.
    #[must_use]
    pub fn is_destroy(&self) -> bool {
        self.planned.is_none()
    }

    /// Whether an existing object stays, changed or not.
    #[must_use]
    pub fn is_update(&self) -> bool {
        self.prior.is_some() && self.planned.is_some()
    }

    /// A change at `path` replaces the object.
    pub fn replace(&mut self, path: impl Into<Path>) {
        self.requires_replace.push(path.into());
    }

    /// Adds a warning about a part of the configuration.
    pub fn warn(
        &mut self,
        path: impl Into<Path>,
        summary: impl Into<String>,
        detail: impl Into<String>,
    ) {
        self.diagnostics.warning_at(path, summary, detail);
    }

    /// Refuses the plan because of a part of the configuration.
    pub fn refuse(
        &mut self,
        path: impl Into<Path>,
        summary: impl Into<String>,
        detail: impl Into<String>,
    ) {
        self.diagnostics.error_at(path, summary, detail);
    }
}

/// A request to make an object.
#[derive(Debug)]
pub struct Create<M> {
    /// The configuration, wholly known. Only here are write-only values.
    pub config: M,
    /// The planned state. What is computed is still unknown.
    pub planned: M,
    /// Bytes that `modify_plan` left.
    pub private: Vec<u8>,
}

/// A request to look at an object.
#[derive(Debug)]
pub struct Read<M> {
    /// The stored state.
    pub state: M,
    /// Bytes stored beside it.
    pub private: Vec<u8>,
}

/// A request to change an object.
#[derive(Debug)]
pub struct Update<M> {
    /// The configuration, wholly known. Only here are write-only values.
    pub config: M,
    /// The planned state. What is computed may be unknown.
    pub planned: M,
    /// The stored state.
    pub prior: M,
    /// Bytes that `modify_plan` left.
    pub private: Vec<u8>,
}

/// A request to remove an object.
#[derive(Debug)]
pub struct Delete<M> {
    /// The stored state.
    pub prior: M,
    /// Bytes stored beside it.
    pub private: Vec<u8>,
}

/// What became of an object: a state, or none when it is gone, and messages either way.
#[derive(Debug)]
pub struct Outcome<M> {
    /// The new state.
    pub state: Option<M>,
    /// Bytes to store beside the state; none keeps those that came with the request.
    pub private: Option<Vec<u8>>,
    /// Warnings, and errors that do not undo the state.
    pub diagnostics: Diagnostics,
}

impl<M> Outcome<M> {
    /// The object is in this state.
    #[must_use]
    pub fn state(state: M) -> Self {
        Self {
            state: Some(state),
            private: None,
            diagnostics: Diagnostics::new(),
        }
    }

    /// The object does not exist.
    #[must_use]
    pub fn gone() -> Self {
        Self {
            state: None,
            private: None,
            diagnostics: Diagnostics::new(),
        }
    }

    /// The same outcome with another message.
    #[must_use]
    pub fn with(mut self, diagnostic: Diagnostic) -> Self {
        self.diagnostics.push(diagnostic);
        self
    }

    /// The same outcome with more messages.
    #[must_use]
    pub fn with_all(mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) -> Self {
        self.diagnostics.extend(diagnostics);
        self
    }

    /// The same outcome with bytes to store beside the state.
    #[must_use]
    pub fn with_private(mut self, private: Vec<u8>) -> Self {
        self.private = Some(private);
        self
    }
}

impl<M> From<M> for Outcome<M> {
    fn from(state: M) -> Self {
        Self::state(state)
    }
}
