//! Data sources: the trait that declares one.

use async_trait::async_trait;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    context::Context,
    diagnostic::Diagnostics,
    resource::{Outcome, coverage, typed::RawOutcome},
    schema::{Schema, validate},
    value::{Type, Value},
};

/// A data source. One file holds its model, its schema and these methods.
#[async_trait]
pub trait DataSource: Send + Sync + 'static {
    /// The configuration and the result, as a struct whose fields are [`Attr`](crate::Attr)s.
    type Model: Serialize + DeserializeOwned + Send + Sync + 'static;
    /// What the provider's `configure` makes.
    type Client: Send + Sync + 'static;

    /// The whole name, with the provider's prefix.
    fn type_name(&self) -> &'static str;

    /// The schema. It is asked for once.
    fn schema(&self) -> Schema;

    /// Checks the configuration as far as it is known. Called without a client.
    async fn validate(&self, config: Self::Model) -> Diagnostics {
        let _ = config;
        Diagnostics::new()
    }

    /// Reads. The state holds the configuration and what was found.
    async fn read(
        &self,
        cx: &Context<Self::Client>,
        config: Self::Model,
    ) -> Result<Outcome<Self::Model>, Diagnostics>;
}

/// A data source whose model is no longer visible.
#[async_trait]
pub(crate) trait DynDataSource<C>: Send + Sync {
    /// What the model cannot hold.
    fn gaps(&self, schema: &Schema) -> Vec<String>;
    async fn validate(&self, config: &Value) -> Result<Diagnostics, Diagnostics>;
    async fn read(&self, cx: &Context<C>, config: &Value) -> Result<RawOutcome, Diagnostics>;
}

/// Hides the model of a data source.
pub(crate) struct Typed<D> {
    source: D,
    ty: Type,
}

impl<D: DataSource> Typed<D> {
    pub(crate) fn new(source: D, schema: &Schema) -> Self {
        Self {
            source,
            ty: schema.ty(),
        }
    }
}

#[async_trait]
impl<D: DataSource> DynDataSource<D::Client> for Typed<D> {
    fn gaps(&self, schema: &Schema) -> Vec<String> {
        coverage::gaps::<D::Model>(&schema.attributes)
    }

    async fn validate(&self, config: &Value) -> Result<Diagnostics, Diagnostics> {
        Ok(self.source.validate(validate::model(config)?).await)
    }

    async fn read(
        &self,
        cx: &Context<D::Client>,
        config: &Value,
    ) -> Result<RawOutcome, Diagnostics> {
        let outcome = self.source.read(cx, validate::model(config)?).await?;
        let state = match &outcome.state {
            Some(model) => Value::from_model(model, &self.ty)?,
            None => Value::Null,
        };
        Ok(RawOutcome {
            state,
            private: None,
            diagnostics: outcome.diagnostics,
        })
    }
}
