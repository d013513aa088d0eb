//! Imports, by id and by identity.

use serde_json::Value as Json;
use tfplugin_proto::tfplugin6::{self as pb, provider_server::Provider as _};
use tonic::Request;

use super::{
    Host, Instance,
    input::{from_json, to_json},
    steps::{answered, client_capabilities, enforce, messages, sure},
};
use crate::{
    check,
    diagnostic::Diagnostics,
    identity::IdentitySchema,
    provider::Provider,
    server::codec::{decode, decode_json, encode},
    value::Value,
};

impl<P: Provider> Host<P> {
    /// Imports an object by its id and reads it.
    ///
    /// # Errors
    /// The messages, when there is no such object.
    pub async fn import(&self, type_name: &str, id: &str) -> Result<Instance, Diagnostics> {
        self.ask_import(type_name, id, None).await
    }

    /// Imports an object by its identity and reads it, as an `import` block with `identity` does.
    ///
    /// # Errors
    /// The messages, when there is no such object.
    ///
    /// # Panics
    /// When the resource has no identity, and when the provider breaks a rule: what was asked for must be
    /// the identity of what was found.
    pub async fn import_by_identity(
        &self,
        type_name: &str,
        identity: &Json,
    ) -> Result<Instance, Diagnostics> {
        let schema = self.identity_schema(type_name);
        let schema = schema.unwrap_or_else(|| panic!("{type_name} has no identity"));
        let asked = from_json(identity, &schema.ty());
        let instance = self
            .ask_import(type_name, "", to_wire(schema, &asked))
            .await?;
        assert!(
            instance.identity != Value::Null,
            "an import by identity must answer with an identity"
        );
        for name in schema.attributes.keys() {
            let (asked, found) = (asked.attribute(name), instance.identity.attribute(name));
            assert!(
                asked.is_null() || asked == found,
                "{name} of the imported identity is not what was asked for"
            );
        }
        Ok(instance)
    }

    /// Brings a stored identity of some version to the current one.
    ///
    /// # Errors
    /// The messages, when the provider cannot.
    ///
    /// # Panics
    /// When the answer does not fit the identity schema.
    pub async fn upgrade_identity(
        &self,
        type_name: &str,
        version: i64,
        stored: &Json,
    ) -> Result<Json, Diagnostics> {
        let request = pb::upgrade_resource_identity::Request {
            type_name: type_name.to_owned(),
            version,
            raw_identity: Some(pb::RawState {
                json: stored.to_string().into_bytes(),
                ..Default::default()
            }),
        };
        let request = Request::new(request);
        let answer = answered(self.service.upgrade_resource_identity(request).await);
        let found = messages(&answer.diagnostics);
        if found.has_errors() {
            return Err(found);
        }
        let schema = self.identity_schema(type_name);
        Ok(to_json(&from_wire(schema, answer.upgraded_identity)))
    }

    async fn ask_import(
        &self,
        type_name: &str,
        id: &str,
        identity: Option<pb::ResourceIdentityData>,
    ) -> Result<Instance, Diagnostics> {
        let (schema, ty) = self.schema(type_name);
        let request = pb::import_resource_state::Request {
            type_name: type_name.to_owned(),
            id: id.to_owned(),
            client_capabilities: Some(client_capabilities()),
            identity,
        };
        let request = Request::new(request);
        let answer = answered(self.service.import_resource_state(request).await);
        let found = messages(&answer.diagnostics);
        if found.has_errors() {
            return Err(found);
        }
        let [imported] = answer.imported_resources.as_slice() else {
            panic!("an import must give exactly one resource");
        };
        let mut instance = Instance::new(type_name);
        instance.state = sure(decode(imported.state.as_ref(), &ty));
        enforce("the imported state", &check::state(schema, &instance.state));
        let identity_schema = self.identity_schema(type_name);
        instance.identity = from_wire(identity_schema, imported.identity.clone());
        instance.private.clone_from(&imported.private);
        enforce(
            "the imported identity",
            &check::identity(identity_schema, &Value::Null, &instance.identity),
        );
        let found = self.refresh(&mut instance).await;
        if found.has_errors() || !instance.exists() {
            Err(found)
        } else {
            Ok(instance)
        }
    }

    pub(super) fn identity_schema(&self, type_name: &str) -> Option<&IdentitySchema> {
        let entry = self.core.catalog().resources.get(type_name);
        entry.and_then(|entry| entry.item.identity())
    }
}

/// What is wrong with an identity after a step that went well: every object that exists has one.
pub(super) fn enforce_identity(
    what: &str,
    schema: Option<&IdentitySchema>,
    before: &Value,
    after: &Value,
) {
    assert!(
        schema.is_none() || !after.is_null(),
        "{what} is missing: the state does not hold all that is required for import"
    );
    enforce(what, &check::identity(schema, before, after));
}

/// Identity data as they travel; none for none.
pub(super) fn to_wire(
    schema: &IdentitySchema,
    identity: &Value,
) -> Option<pb::ResourceIdentityData> {
    (!identity.is_null()).then(|| pb::ResourceIdentityData {
        identity_data: encode(identity, &schema.ty()),
    })
}

/// Identity data as a value; null for none.
pub(super) fn from_wire(
    schema: Option<&IdentitySchema>,
    identity: Option<pb::ResourceIdentityData>,
) -> Value {
    let Some(identity) = identity else {
        return Value::Null;
    };
    let Some(schema) = schema else {
        panic!("hosts refuse an identity of a resource without an identity schema");
    };
    sure(decode(identity.identity_data.as_ref(), &schema.ty()))
}

/// An identity as it comes back from where it is stored.
pub(super) fn stored(schema: &IdentitySchema, identity: &Value) -> Value {
    let json = crate::value::json::encode(identity).to_string();
    sure(decode_json(json.as_bytes(), &schema.ty()))
}
