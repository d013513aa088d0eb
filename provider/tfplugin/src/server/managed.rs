//! Managed resources: validate, upgrade, read, plan, apply, import and move.

use tfplugin_proto::tfplugin6 as pb;

use super::{
    codec::{Answer as _, decode, decode_json, decode_known, encode, malformed, parse_json},
    core::Call,
    identity,
};
use crate::{
    diagnostic::{Diagnostic, Diagnostics},
    identity::Identity,
    path::Path,
    plan,
    provider::{Entry, Provider},
    resource::typed::{RawApply, RawOutcome, RawPlan, settled},
    schema::{Schema, validate::validate},
    value::{Value, json},
};

impl<P: Provider> Call<P> {
    pub(super) async fn validate_resource_config(
        &self,
        request: pb::validate_resource_config::Request,
    ) -> Result<pb::validate_resource_config::Response, Diagnostics> {
        let Entry { schema, item } = self.core.resource(&request.type_name)?;
        let config = decode(request.config.as_ref(), &schema.ty())?;
        let write_only = request
            .client_capabilities
            .is_some_and(|c| c.write_only_attributes_allowed);
        let mut diagnostics = validate(&schema, &config, write_only);
        if !diagnostics.has_errors() && !config.is_null() {
            diagnostics.extend(item.validate(&config).await?);
        }
        Ok(pb::validate_resource_config::Response::default().with(&diagnostics))
    }

    /// Called on every state read. State of the current version only changes its encoding.
    pub(super) async fn upgrade_resource_state(
        &self,
        request: pb::upgrade_resource_state::Request,
    ) -> Result<pb::upgrade_resource_state::Response, Diagnostics> {
        let Entry { schema, item } = self.core.resource(&request.type_name)?;
        let ty = schema.ty();
        let pb::RawState { json: raw, flatmap } = request.raw_state.unwrap_or_default();
        if raw.is_empty() && !flatmap.is_empty() {
            return Err(flat_state(&request.type_name));
        }
        let state = if request.version == schema.version {
            decode_json(&raw, &ty)?
        } else {
            let new = item.upgrade(request.version, parse_json(&raw)?).await?;
            json::decode(&new, &ty).map_err(malformed)?
        };
        Ok(pb::upgrade_resource_state::Response {
            upgraded_state: encode(&state, &ty),
            ..Default::default()
        })
    }

    pub(super) async fn read_resource(
        &self,
        request: pb::read_resource::Request,
    ) -> Result<pb::read_resource::Response, Diagnostics> {
        let Entry { schema, item } = self.core.resource(&request.type_name)?;
        let ty = schema.ty();
        let state = decode_known(request.current_state.as_ref(), &ty)?;
        let context = self.context();
        let outcome = match context.client_if_configured() {
            Some(_) => item.read(&context, &state, request.private.clone()).await?,
            // What is not known yet is no reason to fail a plan.
            None => RawOutcome {
                state,
                private: None,
                diagnostics: not_refreshed().into(),
            },
        };
        let outcome = settled(outcome, &schema);
        let response = pb::read_resource::Response {
            new_state: encode(&outcome.state, &ty),
            private: outcome.private.unwrap_or(request.private),
            new_identity: identity::of_state(
                item.identity(),
                &outcome.state,
                request.current_identity,
            ),
            ..Default::default()
        };
        Ok(response.with(&outcome.diagnostics))
    }

    pub(super) async fn plan_resource_change(
        &self,
        request: pb::plan_resource_change::Request,
    ) -> Result<pb::plan_resource_change::Response, Diagnostics> {
        let Entry { schema, item } = self.core.resource(&request.type_name)?;
        let ty = schema.ty();
        let config = decode(request.config.as_ref(), &ty)?.without_refinements();
        let prior = decode_known(request.prior_state.as_ref(), &ty)?;
        let proposed = decode(request.proposed_new_state.as_ref(), &ty)?.without_refinements();
        let mut plan = attribute_plan(&schema, config, prior, proposed);
        plan.private = request.prior_private;
        item.modify_plan(&self.context(), &mut plan).await?;
        let RawPlan {
            planned,
            prior,
            requires_replace,
            diagnostics,
            private,
            ..
        } = plan;
        let planned = plan::without_write_only(&schema.attributes, planned);
        let response = pb::plan_resource_change::Response {
            requires_replace: replace_paths(&requires_replace, &prior, &planned),
            planned_state: encode(&planned, &ty),
            planned_private: private,
            planned_identity: identity::planned(
                item.identity(),
                &prior,
                &planned,
                request.prior_identity,
            ),
            ..Default::default()
        };
        Ok(response.with(&diagnostics))
    }

    pub(super) async fn apply_resource_change(
        &self,
        request: pb::apply_resource_change::Request,
    ) -> Result<pb::apply_resource_change::Response, Diagnostics> {
        let Entry { schema, item } = self.core.resource(&request.type_name)?;
        let ty = schema.ty();
        let prior = decode_known(request.prior_state.as_ref(), &ty)?;
        let planned = decode(request.planned_state.as_ref(), &ty)?;
        let change = Change::of(&prior, &planned);
        let work = RawApply {
            config: decode_known(request.config.as_ref(), &ty)?,
            prior: prior.clone(),
            planned,
            private: request.planned_private.clone(),
        };
        // Nothing was stored after an error, so the prior state stays, and its identity with it.
        let outcome = item.apply(&self.context(), work).await;
        let outcome = outcome.unwrap_or_else(|diagnostics| RawOutcome {
            state: Value::Null,
            private: None,
            diagnostics,
        });
        let outcome = settled(checked(outcome, change, prior), &schema);
        let response = pb::apply_resource_change::Response {
            new_state: encode(&outcome.state, &ty),
            private: outcome.private.unwrap_or(request.planned_private),
            new_identity: identity::of_state(
                item.identity(),
                &outcome.state,
                request.planned_identity,
            ),
            ..Default::default()
        };
        Ok(response.with(&outcome.diagnostics))
    }

    pub(super) async fn import_resource_state(
        &self,
        request: pb::import_resource_state::Request,
    ) -> Result<pb::import_resource_state::Response, Diagnostics> {
        let Entry { schema, item } = self.core.resource(&request.type_name)?;
        let asked = identity::requested(item.identity(), &request)?;
        let outcome = match &asked {
            Some(identity) => item.import_by_identity(&self.context(), identity).await?,
            None => item.import(&self.context(), &request.id).await?,
        };
        let outcome = settled(outcome, &schema);
        if outcome.state.is_null() && !outcome.diagnostics.has_errors() {
            return Err(not_found(&request, asked.as_ref()));
        }
        let mut response = pb::import_resource_state::Response::default();
        if !outcome.state.is_null() {
            identity::imported(item.identity(), asked.as_ref(), &outcome.state)?;
            response
                .imported_resources
                .push(pb::import_resource_state::ImportedResource {
                    type_name: request.type_name,
                    state: encode(&outcome.state, &schema.ty()),
                    private: outcome.private.unwrap_or_default(),
                    identity: identity::of_state(item.identity(), &outcome.state, None),
                });
        }
        Ok(response.with(&outcome.diagnostics))
    }

    pub(super) async fn move_resource_state(
        &self,
        request: pb::move_resource_state::Request,
    ) -> Result<pb::move_resource_state::Response, Diagnostics> {
        Err(Diagnostic::error(
            "Unsupported Resource Move",
            format!(
                "{} cannot take over the state of {} ({}). Import the object under its new address and \
                 remove the old one with a `removed` block.",
                request.target_type_name, request.source_type_name, request.source_provider_address
            ),
        )
        .into())
    }
}

/// State as Terraform wrote it before 0.12. No resource of this protocol was ever stored in it.
fn flat_state(type_name: &str) -> Diagnostics {
    let detail = format!(
        "The state of {type_name} is in the form of Terraform 0.11, which this provider cannot read. Remove the \
         object from the state with a `removed` block that does not destroy it, and import it again."
    );
    Diagnostic::error("Unsupported State", detail).into()
}

fn not_found(
    request: &pb::import_resource_state::Request,
    identity: Option<&Identity>,
) -> Diagnostics {
    let by = match identity {
        Some(Identity(identity)) => format!("identity {}", json::encode(identity)),
        None => format!("id {:?}", request.id),
    };
    let detail = format!("There is no {} with the {by}.", request.type_name);
    Diagnostic::error("Object Not Found", detail).into()
}

/// What an apply does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    Create,
    Update,
    Delete,
}

impl Change {
    fn of(prior: &Value, planned: &Value) -> Self {
        match (prior.is_null(), planned.is_null()) {
            (_, true) => Self::Delete,
            (true, false) => Self::Create,
            (false, false) => Self::Update,
        }
    }
}

/// The plan before the resource itself has a say. Null `proposed` is a planned destroy.
fn attribute_plan(schema: &Schema, config: Value, prior: Value, proposed: Value) -> RawPlan {
    let (planned, requires_replace) = if proposed.is_null() {
        (Value::Null, Vec::new())
    } else {
        let plan = plan::plan(schema, &config, &prior, proposed);
        (plan.planned, plan.requires_replace)
    };
    RawPlan {
        config,
        prior,
        planned,
        requires_replace,
        diagnostics: Diagnostics::new(),
        private: Vec::new(),
    }
}

/// The paths in wire form. On create nothing is replaced, and on destroy nothing stays.
fn replace_paths(paths: &[Path], prior: &Value, planned: &Value) -> Vec<pb::AttributePath> {
    if prior.is_null() || planned.is_null() {
        return Vec::new();
    }
    let mut paths: Vec<&Path> = paths.iter().collect();
    paths.sort();
    paths.dedup();
    paths.into_iter().filter_map(Path::to_wire).collect()
}

/// Refuses answers that a host would misread: a create or update without a state, and a delete that
/// leaves one without saying why.
fn checked(mut outcome: RawOutcome, change: Change, prior: Value) -> RawOutcome {
    let failed = outcome.diagnostics.has_errors();
    match (change, outcome.state.is_null()) {
        (Change::Delete, false) if !failed => outcome.diagnostics.push(Diagnostic::error(
            "Object Not Removed",
            "Part of the object is left. It stays in the state; run destroy again.",
        )),
        (Change::Create | Change::Update, true) if !failed => outcome.diagnostics.push(Diagnostic::error(
            "Missing State",
            "The provider returned no state after apply. This is a mistake in the provider: please report it.",
        )),
        _ => {}
    }
    if outcome.state.is_null() && change != Change::Create && outcome.diagnostics.has_errors() {
        outcome.state = prior;
    }
    outcome
}
/// The state is what it was, because the provider cannot look.
fn not_refreshed() -> Diagnostic {
    Diagnostic::warning(
        "Not Refreshed",
        "The provider's configuration has values that are known only after apply, so it was not looked whether this object \
         is still as the state has it. Apply looks again once they are known.",
    )
}
