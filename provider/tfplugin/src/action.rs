//! Actions: the trait that declares one.
//!
//! An action does something once, when it is invoked. It has no state and gives no values; what other
//! parts of a configuration need of its result, a data source reads. Needs Terraform 1.14; other hosts do
//! not see actions.

pub(crate) mod progress;

use async_trait::async_trait;
use serde::de::DeserializeOwned;

pub use progress::Progress;

use crate::{
    context::Context,
    diagnostic::Diagnostics,
    resource::coverage,
    schema::{Schema, validate},
    value::Value,
};

/// An action. One file holds its model, its schema and these methods.
#[async_trait]
pub trait Action: Send + Sync + 'static {
    /// The configuration, as a struct whose fields are [`Attr`](crate::Attr)s.
    type Model: DeserializeOwned + Send + Sync + 'static;
    /// What the provider's `configure` makes.
    type Client: Send + Sync + 'static;

    /// The whole name, with the provider's prefix.
    fn type_name(&self) -> &'static str;

    /// The schema. It is asked for once. Every attribute is required or optional: nothing is stored that
    /// could be computed, and no host fills in a default, so `invoke` does.
    fn schema(&self) -> Schema;

    /// Checks the configuration as far as it is known. Called without a client.
    async fn validate(&self, config: Self::Model) -> Diagnostics {
        let _ = config;
        Diagnostics::new()
    }

    /// Says before an apply whether the action could run. It must have no side effects. The configuration
    /// may hold unknown values, and the provider may not be configured yet.
    async fn plan(&self, cx: &Context<Self::Client>, config: Self::Model) -> Diagnostics {
        let _ = (cx, config);
        Diagnostics::new()
    }

    /// Does it. The configuration is wholly known. An error fails the run; it does not undo anything.
    ///
    /// It goes on when the host goes away. When it is asked to stop (see [`Context::stopped`]) it returns
    /// soon, with an error if something was left undone.
    async fn invoke(
        &self,
        cx: &Context<Self::Client>,
        config: Self::Model,
        progress: &Progress,
    ) -> Diagnostics;
}

/// An action whose model is no longer visible.
#[async_trait]
pub(crate) trait DynAction<C>: Send + Sync {
    /// What the model cannot hold.
    fn gaps(&self, schema: &Schema) -> Vec<String>;
    async fn validate(&self, config: &Value) -> Result<Diagnostics, Diagnostics>;
    async fn plan(&self, cx: &Context<C>, config: &Value) -> Result<Diagnostics, Diagnostics>;
    async fn invoke(
        &self,
        cx: &Context<C>,
        config: &Value,
        progress: &Progress,
    ) -> Result<Diagnostics, Diagnostics>;
}

/// Hides the model of an action.
pub(crate) struct Typed<A>(pub(crate) A);

#[async_trait]
impl<A: Action> DynAction<A::Client> for Typed<A> {
    fn gaps(&self, schema: &Schema) -> Vec<String> {
        coverage::unread::<A::Model>(&schema.attributes)
    }

    async fn validate(&self, config: &Value) -> Result<Diagnostics, Diagnostics> {
        Ok(self.0.validate(validate::model(config)?).await)
    }

    async fn plan(
        &self,
        cx: &Context<A::Client>,
        config: &Value,
    ) -> Result<Diagnostics, Diagnostics> {
        Ok(self.0.plan(cx, validate::model(config)?).await)
    }

    async fn invoke(
        &self,
        cx: &Context<A::Client>,
        config: &Value,
        progress: &Progress,
    ) -> Result<Diagnostics, Diagnostics> {
        Ok(self.0.invoke(cx, validate::model(config)?, progress).await)
    }
}
