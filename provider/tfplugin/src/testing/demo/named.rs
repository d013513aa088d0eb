//! Resources with an identity: one that is its id, and one of several parts.

use serde::{Deserialize, Serialize};

use crate::{
    Attr, Attribute, Context, Create, Delete, Diagnostic, Diagnostics, Identity, IdentitySchema,
    Outcome, Read, Resource, Schema, Type, Update, async_trait,
};

/// Its identity is its id. It breaks every rule of identities on demand.
pub(in crate::testing) struct Named;

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(in crate::testing) struct NamedModel {
    id: Attr<String>,
    name: Attr<String>,
    note: Attr<String>,
}

#[async_trait]
impl Resource for Named {
    type Model = NamedModel;
    type Client = String;

    fn type_name(&self) -> &'static str {
        "demo_named"
    }

    fn schema(&self) -> Schema {
        Schema::new("Named.")
            .attribute("id", Attribute::string().computed())
            .attribute("name", Attribute::string().required().requires_replace())
            .attribute("note", Attribute::string().optional())
    }

    fn identity(&self) -> Option<IdentitySchema> {
        Some(IdentitySchema::new(2).required_for_import("id", Type::String, "The id."))
    }

    async fn create(
        &self,
        _: &Context<String>,
        request: Create<NamedModel>,
    ) -> Result<Outcome<NamedModel>, Diagnostics> {
        let name = request.planned.name.require("name")?.clone();
        let mut state = request.planned;
        match name.as_str() {
            "half" => {
                return Ok(
                    Outcome::state(state).with(Diagnostic::error("Half", "It has no id yet."))
                );
            }
            "nameless" => state.id = Attr::Null,
            _ => state.id = Attr::Known(format!("id-{name}")),
        }
        Ok(state.into())
    }

    async fn read(
        &self,
        _: &Context<String>,
        request: Read<NamedModel>,
    ) -> Result<Outcome<NamedModel>, Diagnostics> {
        let mut state = request.state;
        if state.id.known().is_some_and(|id| id == "id-gone") {
            return Ok(Outcome::gone());
        }
        if state.name.is_null() {
            state.name = Attr::Known(state.id.require("id")?.trim_start_matches("id-").into());
        }
        if state.note == "renames it".into() {
            state.id = "other".into();
        }
        Ok(state.into())
    }

    async fn update(
        &self,
        _: &Context<String>,
        request: Update<NamedModel>,
    ) -> Result<Outcome<NamedModel>, Diagnostics> {
        match request.planned.note.known().map(String::as_str) {
            Some("panics") => panic!("the update panicked"),
            Some("fails") => return Err(Diagnostic::error("Failed", "Nothing changed.").into()),
            _ => {}
        }
        let id = request.prior.id;
        Ok(NamedModel {
            id,
            ..request.planned
        }
        .into())
    }

    async fn delete(
        &self,
        _: &Context<String>,
        request: Delete<NamedModel>,
    ) -> Result<Outcome<NamedModel>, Diagnostics> {
        if request.prior.note == "stays".into() {
            return Err(Diagnostic::error("Stuck", "It is still there.").into());
        }
        Ok(Outcome::gone())
    }

    async fn import(
        &self,
        _: &Context<String>,
        id: &str,
    ) -> Result<Outcome<NamedModel>, Diagnostics> {
        if id == "none" {
            return Ok(Outcome::gone());
        }
        // An import that finds something else than was asked for.
        let id = if id == "wrong" { "id-right" } else { id };
        Ok(NamedModel {
            id: id.into(),
            ..NamedModel::default()
        }
        .into())
    }
}

/// Its identity has two parts, of which an import may leave out one.
pub(in crate::testing) struct Placed;

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(in crate::testing) struct PlacedModel {
    number: Attr<i64>,
    zone: Attr<String>,
}

#[async_trait]
impl Resource for Placed {
    type Model = PlacedModel;
    type Client = String;

    fn type_name(&self) -> &'static str {
        "demo_placed"
    }

    fn schema(&self) -> Schema {
        let zone = Attribute::string().optional().computed();
        Schema::new("Placed.")
            .attribute("number", Attribute::number().required().requires_replace())
            .attribute("zone", zone.use_state_for_unknown().requires_replace())
    }

    fn identity(&self) -> Option<IdentitySchema> {
        Some(
            IdentitySchema::new(0)
                .required_for_import("number", Type::Number, "Which one.")
                .optional_for_import("zone", Type::String, "Where."),
        )
    }

    async fn create(
        &self,
        _: &Context<String>,
        request: Create<PlacedModel>,
    ) -> Result<Outcome<PlacedModel>, Diagnostics> {
        Ok(placed(request.planned).into())
    }

    async fn read(
        &self,
        _: &Context<String>,
        request: Read<PlacedModel>,
    ) -> Result<Outcome<PlacedModel>, Diagnostics> {
        Ok(placed(request.state).into())
    }

    async fn update(
        &self,
        _: &Context<String>,
        request: Update<PlacedModel>,
    ) -> Result<Outcome<PlacedModel>, Diagnostics> {
        Ok(placed(request.planned).into())
    }

    async fn delete(
        &self,
        _: &Context<String>,
        _: Delete<PlacedModel>,
    ) -> Result<Outcome<PlacedModel>, Diagnostics> {
        Ok(Outcome::gone())
    }

    async fn import_by_identity(
        &self,
        _: &Context<String>,
        identity: &Identity,
    ) -> Result<Outcome<PlacedModel>, Diagnostics> {
        Ok(placed(identity.to_model()?).into())
    }
}

fn placed(mut model: PlacedModel) -> PlacedModel {
    if model.zone.known().is_none() {
        model.zone = "z1".into();
    }
    model
}
