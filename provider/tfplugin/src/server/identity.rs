//! Resource identity: its schemas, and how it travels beside states.

use tfplugin_proto::tfplugin6 as pb;

use super::{
    codec::{decode, decode_json, encode},
    core::Call,
};
use crate::{
    diagnostic::{Diagnostic, Diagnostics},
    identity::{Identity, IdentitySchema},
    provider::{Entry, Provider},
    value::Value,
};

impl<P: Provider> Call<P> {
    /// An empty answer works with every host.
    pub(super) async fn get_resource_identity_schemas(
        &self,
        _: pb::get_resource_identity_schemas::Request,
    ) -> Result<pb::get_resource_identity_schemas::Response, Diagnostics> {
        let resources = self.core.catalog.resources.iter();
        let schemas = resources.filter_map(|(name, entry)| {
            let schema = entry.item.identity()?.to_wire();
            Some(((*name).to_owned(), schema))
        });
        Ok(pb::get_resource_identity_schemas::Response {
            identity_schemas: schemas.collect(),
            ..Default::default()
        })
    }

    /// Called when a stored identity has another version than the schema.
    pub(super) async fn upgrade_resource_identity(
        &self,
        request: pb::upgrade_resource_identity::Request,
    ) -> Result<pb::upgrade_resource_identity::Response, Diagnostics> {
        let Entry { item, .. } = self.core.resource(&request.type_name)?;
        let schema = existing(item.identity(), &request.type_name)?;
        if request.version != schema.version {
            let detail = format!(
                "The identity of {} is stored in version {}, and the provider has version {}. Remove the \
                 object from the state with a `removed` block that does not destroy it, and import it again.",
                request.type_name, request.version, schema.version
            );
            return Err(Diagnostic::error("Unsupported Identity Version", detail).into());
        }
        let raw = request.raw_identity.unwrap_or_default().json;
        let identity = decode_json(&raw, &schema.ty())?;
        Ok(pb::upgrade_resource_identity::Response {
            upgraded_identity: data(schema, Some(identity)),
            ..Default::default()
        })
    }
}

fn existing<'a>(
    schema: Option<&'a IdentitySchema>,
    type_name: &str,
) -> Result<&'a IdentitySchema, Diagnostics> {
    schema.ok_or_else(|| {
        let detail = format!("{type_name} has no identity. Import it by its id.");
        Diagnostic::error("Unsupported Resource Identity", detail).into()
    })
}

/// The identity that belongs to a state: what the state holds of it, or what was stored while the state
/// does not hold all of it. Never anything for a resource without an identity, which hosts refuse.
pub(super) fn of_state(
    schema: Option<&IdentitySchema>,
    state: &Value,
    stored: Option<pb::ResourceIdentityData>,
) -> Option<pb::ResourceIdentityData> {
    let schema = schema.filter(|_| !state.is_null())?;
    if let Some(identity) = schema.of(state).filter(Value::is_wholly_known) {
        return data(schema, Some(identity));
    }
    // What a create has planned may be unknown still, and a host stores no unknown values.
    stored.filter(|stored| {
        let identity = decode(stored.identity_data.as_ref(), &schema.ty());
        identity.is_ok_and(|identity| identity.is_wholly_known())
    })
}

/// The identity of a plan: on create none before the whole of it is known, later what it was, and none on
/// destroy. The protocol lets the plan of a create hold unknown values, but Terraform 1.15 then shows no
/// plan at all ("Failed to marshal plan to json").
pub(super) fn planned(
    schema: Option<&IdentitySchema>,
    prior: &Value,
    planned: &Value,
    stored: Option<pb::ResourceIdentityData>,
) -> Option<pb::ResourceIdentityData> {
    let schema = schema.filter(|_| !planned.is_null())?;
    if prior.is_null() {
        return data(schema, schema.of(planned).filter(Value::is_wholly_known));
    }
    stored.or_else(|| data(schema, schema.of(prior)))
}

fn data(schema: &IdentitySchema, identity: Option<Value>) -> Option<pb::ResourceIdentityData> {
    identity.map(|identity| pb::ResourceIdentityData {
        identity_data: encode(&identity, &schema.ty()),
    })
}

/// The identity by which an object is to be imported, if it is not its id.
pub(super) fn requested(
    schema: Option<&IdentitySchema>,
    request: &pb::import_resource_state::Request,
) -> Result<Option<Identity>, Diagnostics> {
    let Some(identity) = &request.identity else {
        return Ok(None);
    };
    let schema = existing(schema, &request.type_name)?;
    let identity = decode(identity.identity_data.as_ref(), &schema.ty())?;
    if identity.is_null() && !request.id.is_empty() {
        return Ok(None);
    }
    let missing = schema.missing(&identity);
    if !missing.is_empty() {
        let names = missing.join(", ");
        let detail = format!("The identity must say {names}.");
        return Err(Diagnostic::error("Invalid Identity", detail).into());
    }
    if !identity.is_wholly_known() {
        let detail = "The identity is not known yet. Import needs known values.";
        return Err(Diagnostic::error("Invalid Identity", detail).into());
    }
    Ok(Some(Identity(identity)))
}

/// Refuses an import by identity whose state does not hold the identity that was asked for: a host keeps
/// what was asked for, and the next read would contradict it.
pub(super) fn imported(
    schema: Option<&IdentitySchema>,
    asked: Option<&Identity>,
    state: &Value,
) -> Result<(), Diagnostics> {
    let (Some(schema), Some(Identity(asked))) = (schema, asked) else {
        return Ok(());
    };
    let differs = schema.attributes.keys().filter(|name| {
        let asked = asked.attribute(name);
        !asked.is_null() && asked != state.attribute(name)
    });
    let names: Vec<&str> = differs.map(String::as_str).collect();
    if names.is_empty() {
        return Ok(());
    }
    let detail = format!(
        "The imported state has another identity than was asked for: {}. This is a mistake in the \
         provider: please report it.",
        names.join(", ")
    );
    Err(Diagnostic::error("Wrong Identity", detail).into())
}
