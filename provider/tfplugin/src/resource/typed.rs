//! From the typed [`Resource`] to the values that travel on the wire.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{Create, Delete, Outcome, Plan, Read, Resource, Update, coverage};
use crate::{
    context::Context,
    diagnostic::{Diagnostic, Diagnostics},
    identity::{Identity, IdentitySchema},
    path::Path,
    schema::{Schema, validate},
    value::{Type, Value},
};

/// A plan in values.
pub(crate) struct RawPlan {
    pub(crate) config: Value,
    pub(crate) prior: Value,
    pub(crate) planned: Value,
    pub(crate) requires_replace: Vec<Path>,
    pub(crate) diagnostics: Diagnostics,
    pub(crate) private: Vec<u8>,
}

/// An outcome in values; null when the object is gone.
#[derive(Debug)]
pub(crate) struct RawOutcome {
    pub(crate) state: Value,
    pub(crate) private: Option<Vec<u8>>,
    pub(crate) diagnostics: Diagnostics,
}

/// A request to apply, in values. Null `prior` is a create, null `planned` a delete.
pub(crate) struct RawApply {
    pub(crate) config: Value,
    pub(crate) prior: Value,
    pub(crate) planned: Value,
    pub(crate) private: Vec<u8>,
}

/// A resource whose model is no longer visible.
#[async_trait]
pub(crate) trait DynResource<C>: Send + Sync {
    /// What the model cannot hold.
    fn gaps(&self, schema: &Schema) -> Vec<String>;
    fn identity(&self) -> Option<&IdentitySchema>;
    async fn validate(&self, config: &Value) -> Result<Diagnostics, Diagnostics>;
    async fn modify_plan(&self, cx: &Context<C>, plan: &mut RawPlan) -> Result<(), Diagnostics>;
    async fn apply(&self, cx: &Context<C>, request: RawApply) -> Result<RawOutcome, Diagnostics>;
    async fn read(
        &self,
        cx: &Context<C>,
        state: &Value,
        private: Vec<u8>,
    ) -> Result<RawOutcome, Diagnostics>;
    async fn import(&self, cx: &Context<C>, id: &str) -> Result<RawOutcome, Diagnostics>;
    async fn import_by_identity(
        &self,
        cx: &Context<C>,
        identity: &Identity,
    ) -> Result<RawOutcome, Diagnostics>;
    async fn upgrade(
        &self,
        version: i64,
        state: serde_json::Value,
    ) -> Result<serde_json::Value, Diagnostics>;
}

/// Hides the model of a resource.
pub(crate) struct Typed<R> {
    resource: R,
    ty: Type,
    identity: Option<IdentitySchema>,
}

impl<R: Resource> Typed<R> {
    pub(crate) fn new(resource: R, schema: &Schema) -> Self {
        Self {
            identity: resource.identity(),
            resource,
            ty: schema.ty(),
        }
    }

    fn outcome(&self, outcome: Outcome<R::Model>) -> Result<RawOutcome, Diagnostics> {
        let state = self.untyped(outcome.state.as_ref())?;
        Ok(RawOutcome {
            state,
            private: outcome.private,
            diagnostics: outcome.diagnostics,
        })
    }

    fn untyped(&self, model: Option<&R::Model>) -> Result<Value, Diagnostics> {
        match model {
            Some(model) => Ok(Value::from_model(model, &self.ty)?),
            None => Ok(Value::Null),
        }
    }
}

#[async_trait]
impl<R: Resource> DynResource<R::Client> for Typed<R> {
    fn gaps(&self, schema: &Schema) -> Vec<String> {
        coverage::gaps::<R::Model>(&schema.attributes)
    }

    fn identity(&self) -> Option<&IdentitySchema> {
        self.identity.as_ref()
    }

    async fn validate(&self, config: &Value) -> Result<Diagnostics, Diagnostics> {
        Ok(self.resource.validate(validate::model(config)?).await)
    }

    async fn modify_plan(
        &self,
        cx: &Context<R::Client>,
        raw: &mut RawPlan,
    ) -> Result<(), Diagnostics> {
        let planned: Option<R::Model> = model(&raw.planned)?;
        let before = self.untyped(planned.as_ref())?;
        let mut plan = Plan {
            config: model(&raw.config)?,
            prior: model(&raw.prior)?,
            planned,
            changed: raw.prior != raw.planned,
            requires_replace: std::mem::take(&mut raw.requires_replace),
            diagnostics: std::mem::take(&mut raw.diagnostics),
            private: std::mem::take(&mut raw.private),
        };
        self.resource.modify_plan(cx, &mut plan).await;
        let after = self.untyped(plan.planned.as_ref())?;
        raw.planned = merge(&raw.planned, before, after).conform(&self.ty)?;
        raw.requires_replace = plan.requires_replace;
        raw.diagnostics = plan.diagnostics;
        raw.private = plan.private;
        Ok(())
    }

    async fn apply(
        &self,
        cx: &Context<R::Client>,
        request: RawApply,
    ) -> Result<RawOutcome, Diagnostics> {
        let RawApply {
            config,
            prior,
            planned,
            private,
        } = request;
        let outcome = if planned.is_null() {
            let request = Delete {
                prior: prior.to_model()?,
                private,
            };
            self.resource.delete(cx, request).await?
        } else if prior.is_null() {
            let request = Create {
                config: config.to_model()?,
                planned: planned.to_model()?,
                private,
            };
            self.resource.create(cx, request).await?
        } else {
            let request = Update {
                config: config.to_model()?,
                planned: planned.to_model()?,
                prior: prior.to_model()?,
                private,
            };
            self.resource.update(cx, request).await?
        };
        self.outcome(outcome)
    }

    async fn read(
        &self,
        cx: &Context<R::Client>,
        state: &Value,
        private: Vec<u8>,
    ) -> Result<RawOutcome, Diagnostics> {
        let request = Read {
            state: state.to_model()?,
            private,
        };
        self.outcome(self.resource.read(cx, request).await?)
    }

    async fn import(&self, cx: &Context<R::Client>, id: &str) -> Result<RawOutcome, Diagnostics> {
        self.outcome(self.resource.import(cx, id).await?)
    }

    async fn import_by_identity(
        &self,
        cx: &Context<R::Client>,
        identity: &Identity,
    ) -> Result<RawOutcome, Diagnostics> {
        self.outcome(self.resource.import_by_identity(cx, identity).await?)
    }

    async fn upgrade(
        &self,
        version: i64,
        state: serde_json::Value,
    ) -> Result<serde_json::Value, Diagnostics> {
        self.resource.upgrade(version, state).await
    }
}

fn model<M: serde::de::DeserializeOwned>(value: &Value) -> Result<Option<M>, Diagnostics> {
    if value.is_null() {
        Ok(None)
    } else {
        Ok(Some(value.to_model()?))
    }
}

/// Takes over only what `modify_plan` changed.
///
/// A model may hold less than the value did: a list with one unknown element reads as wholly unknown
/// where the element type has no room for that. What was not changed stays as it was planned.
fn merge(original: &Value, before: Value, after: Value) -> Value {
    if before == after {
        return original.clone();
    }
    match (original, before, after) {
        (Value::Object(original), Value::Object(mut before), Value::Object(after)) => {
            Value::Object(
                after
                    .into_iter()
                    .map(|(name, after)| {
                        let original = original.get(&name).unwrap_or(&Value::Null);
                        let before = before.remove(&name).unwrap_or_default();
                        (name, merge(original, before, after))
                    })
                    .collect(),
            )
        }
        (Value::List(original), Value::List(before), Value::List(after))
            if original.len() == after.len() && before.len() == after.len() =>
        {
            let items = original.iter().zip(before).zip(after);
            Value::List(
                items
                    .map(|((original, before), after)| merge(original, before, after))
                    .collect(),
            )
        }
        (_, _, after) => after,
    }
}

/// The state to answer after apply, read or import: known throughout, and without write-only values.
pub(crate) fn settled(mut outcome: RawOutcome, schema: &Schema) -> RawOutcome {
    let unknown = outcome.state.unknown_places();
    let known = without_unknown(outcome.state);
    outcome.state = crate::plan::without_write_only(&schema.attributes, known);
    // After an error the state is what could be saved; what was never learnt is null in it.
    if !outcome.diagnostics.has_errors() {
        outcome.diagnostics.extend(unknown.into_iter().map(|path| {
            let detail = format!(
                "{path} is still unknown. This is a mistake in the provider: please report it."
            );
            Diagnostic::error("Provider Returned an Unknown Value", detail).at(path)
        }));
    }
    outcome
}

/// The same value with null wherever it is unknown.
fn without_unknown(value: Value) -> Value {
    let each = |items: Vec<Value>| items.into_iter().map(without_unknown);
    let every = |entries: BTreeMap<String, Value>| {
        let entries = entries.into_iter();
        entries
            .map(|(name, value)| (name, without_unknown(value)))
            .collect()
    };
    match value {
        unknown if unknown.is_unknown() => Value::Null,
        Value::Object(entries) => Value::Object(every(entries)),
        Value::Map(entries) => Value::Map(every(entries)),
        Value::List(items) => Value::List(each(items).collect()),
        Value::Tuple(items) => Value::Tuple(each(items).collect()),
        Value::Set(items) => Value::set(each(items)),
        Value::Dynamic(inner) => Value::Dynamic(Box::new((inner.0, without_unknown(inner.1)))),
        other => other,
    }
}
