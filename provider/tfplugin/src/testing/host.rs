//! The host itself: one method per thing that a person does with Terraform.

use std::sync::Arc;

use serde_json::Value as Json;
use tfplugin_proto::tfplugin6::{self as pb, provider_server::Provider as _};
use tonic::Request;

use super::{
    Action, Instance, Report,
    import::{enforce_identity, from_wire, stored, to_wire},
    input::{from_json, to_json},
    refused,
    steps::{answered, client_capabilities, enforce, messages, sure},
};
use crate::{
    check,
    diagnostic::Diagnostics,
    provider::Provider,
    schema::Schema,
    server::{
        Core, Service,
        codec::{decode, encode},
    },
    value::{Type, Value, json},
    work::Work,
};

/// The host version that the provider is told.
const TERRAFORM_VERSION: &str = "1.15.0-test";

/// A provider under test.
pub struct Host<P: Provider> {
    pub(super) service: Service<P>,
    pub(super) core: Arc<Core<P>>,
}

impl<P: Provider> Host<P> {
    /// Starts a provider.
    ///
    /// # Panics
    /// When one of its schemas breaks a rule, or a model lacks a field for an attribute.
    #[must_use]
    #[track_caller]
    pub fn new(provider: P) -> Self {
        let core = Arc::new(Core::new(provider, Arc::new(Work::default())));
        let broken = core.broken();
        assert!(
            broken.is_empty(),
            "hosts refuse the schemas, or models do not fit them: {broken:#?}"
        );
        Self {
            service: Service::new(Arc::clone(&core)),
            core,
        }
    }

    /// Validates and configures the provider, and returns its messages.
    pub async fn configure(&self, config: impl Into<Json>) -> Diagnostics {
        let ty = self.core.schema().ty();
        let config = encode(&from_json(&config.into(), &ty), &ty);
        let request = pb::validate_provider_config::Request {
            config: config.clone(),
        };
        let answer = self
            .service
            .validate_provider_config(Request::new(request))
            .await;
        let mut found = messages(&answered(answer).diagnostics);
        if !found.has_errors() {
            let request = pb::configure_provider::Request {
                terraform_version: TERRAFORM_VERSION.to_owned(),
                config,
                client_capabilities: Some(client_capabilities()),
            };
            let answer = self.service.configure_provider(Request::new(request)).await;
            found.extend(messages(&answered(answer).diagnostics));
        }
        found
    }

    /// Asks the provider to stop its current work, as Ctrl-C does.
    pub async fn stop(&self) {
        let request = pb::stop_provider::Request {};
        answered(self.service.stop_provider(Request::new(request)).await);
    }

    /// Validates the configuration of a resource.
    pub async fn validate(&self, type_name: &str, config: &Json) -> Diagnostics {
        let (_, ty) = self.schema(type_name);
        let request = pb::validate_resource_config::Request {
            type_name: type_name.to_owned(),
            config: encode(&from_json(config, &ty), &ty),
            client_capabilities: Some(client_capabilities()),
        };
        let answer = self
            .service
            .validate_resource_config(Request::new(request))
            .await;
        messages(&answered(answer).diagnostics)
    }

    /// Validates, refreshes and plans, without changing the object.
    pub async fn plan(&self, instance: &mut Instance, config: &Json) -> Report {
        let mut diagnostics = self.validate(&instance.type_name, config).await;
        if !diagnostics.has_errors() {
            diagnostics.extend(self.refresh(instance).await);
        }
        if diagnostics.has_errors() {
            return refused(diagnostics);
        }
        let mut report = self.plan_change(instance, config).await;
        diagnostics.extend(report.diagnostics);
        report.diagnostics = diagnostics;
        report
    }

    /// Plans and applies.
    pub async fn apply(&self, instance: &mut Instance, config: &Json) -> Report {
        self.apply_with(instance, config, config).await
    }

    /// Plans with one configuration and applies with another, in which what was `UNKNOWN` is known.
    pub async fn apply_with(
        &self,
        instance: &mut Instance,
        planned: &Json,
        applied: &Json,
    ) -> Report {
        let mut report = self.plan(instance, planned).await;
        if report.diagnostics.has_errors() || report.action == Action::NoOp {
            return report;
        }
        report
            .diagnostics
            .extend(self.validate(&instance.type_name, applied).await);
        // A host removes the old object first and then plans the new one, so that a replacement stays one even when
        // what was unknown turns out to be the old value.
        let expected = if report.action == Action::Replace {
            report.diagnostics.extend(self.remove(instance).await);
            if instance.exists() {
                return report;
            }
            Action::Create
        } else {
            report.action
        };
        let again = self.plan_change(instance, applied).await;
        report.diagnostics.extend(again.diagnostics.clone());
        if report.diagnostics.has_errors() {
            return report;
        }
        enforce(
            "the plan during apply",
            &check::final_plan(&report.planned, &again.planned),
        );
        enforce(
            "the identity planned during apply",
            &check::identity(
                self.identity_schema(&instance.type_name),
                &report.identity,
                &again.identity,
            ),
        );
        assert_eq!(
            again.action, expected,
            "the action changed between plan and apply"
        );
        let found = self.change(instance, applied, &again).await;
        report.diagnostics.extend(found);
        report
    }

    /// Refreshes, plans the removal and removes.
    pub async fn destroy(&self, instance: &mut Instance) -> Report {
        let mut diagnostics = self.refresh(instance).await;
        if !instance.exists() || diagnostics.has_errors() {
            return Report {
                action: Action::NoOp,
                ..refused(diagnostics)
            };
        }
        let answer = self
            .ask_plan(instance, &instance.state, &Value::Null, &instance.private)
            .await;
        diagnostics.extend(messages(&answer.diagnostics));
        if diagnostics.has_errors() {
            return refused(diagnostics);
        }
        let (_, ty) = self.schema(&instance.type_name);
        let planned = sure(decode(answer.planned_state.as_ref(), &ty));
        assert!(
            planned.is_null() && answer.planned_identity.is_none(),
            "a planned destroy must plan null"
        );
        diagnostics.extend(self.remove(instance).await);
        Report {
            action: Action::Delete,
            ..refused(diagnostics)
        }
    }

    /// Upgrades and reads the stored state.
    pub async fn refresh(&self, instance: &mut Instance) -> Diagnostics {
        if !instance.exists() {
            return Diagnostics::new();
        }
        let (schema, ty) = self.schema(&instance.type_name);
        let (state, mut found) = self
            .upgrade(
                &instance.type_name,
                schema.version,
                &json::encode(&instance.state),
            )
            .await;
        assert_eq!(
            state, instance.state,
            "storing and reading a state changes it"
        );
        let identity_schema = self.identity_schema(&instance.type_name);
        let identity =
            identity_schema.map_or(Value::Null, |schema| stored(schema, &instance.identity));
        let request = pb::read_resource::Request {
            type_name: instance.type_name.clone(),
            current_state: encode(&state, &ty),
            private: instance.private.clone(),
            client_capabilities: Some(client_capabilities()),
            current_identity: identity_schema.and_then(|schema| to_wire(schema, &identity)),
            ..Default::default()
        };
        let answer = answered(self.service.read_resource(Request::new(request)).await);
        let read = messages(&answer.diagnostics);
        if !read.has_errors() {
            instance.identity = from_wire(identity_schema, answer.new_identity);
            instance.state = sure(decode(answer.new_state.as_ref(), &ty));
            instance.private = answer.private;
            enforce(
                "the state after read",
                &check::state(schema, &instance.state),
            );
            if instance.exists() {
                let after = &instance.identity;
                enforce_identity("the identity after read", identity_schema, &identity, after);
            } else {
                assert!(instance.identity.is_null(), "an identity without an object");
            }
        }
        found.extend(read);
        found
    }

    /// Upgrades a stored state.
    pub async fn upgrade(
        &self,
        type_name: &str,
        version: i64,
        stored: &Json,
    ) -> (Value, Diagnostics) {
        let (_, ty) = self.schema(type_name);
        let request = pb::upgrade_resource_state::Request {
            type_name: type_name.to_owned(),
            version,
            raw_state: Some(pb::RawState {
                json: stored.to_string().into_bytes(),
                ..Default::default()
            }),
        };
        let answer = answered(
            self.service
                .upgrade_resource_state(Request::new(request))
                .await,
        );
        let state = sure(decode(answer.upgraded_state.as_ref(), &ty));
        (state, messages(&answer.diagnostics))
    }

    /// Validates and reads a data source.
    pub async fn data(&self, type_name: &str, config: &Json) -> (Json, Diagnostics) {
        let entry = self.core.catalog().data_sources.get(type_name);
        let schema = &entry
            .unwrap_or_else(|| panic!("no data source {type_name}"))
            .schema;
        let ty = schema.ty();
        let config = encode(&from_json(config, &ty), &ty);
        let request = pb::validate_data_resource_config::Request {
            type_name: type_name.to_owned(),
            config: config.clone(),
        };
        let answer = self
            .service
            .validate_data_resource_config(Request::new(request))
            .await;
        let mut found = messages(&answered(answer).diagnostics);
        if found.has_errors() {
            return (Json::Null, found);
        }
        let request = pb::read_data_source::Request {
            type_name: type_name.to_owned(),
            config,
            ..Default::default()
        };
        let answer = answered(self.service.read_data_source(Request::new(request)).await);
        let state = sure(decode(answer.state.as_ref(), &ty));
        enforce("the data source's state", &check::state(schema, &state));
        found.extend(messages(&answer.diagnostics));
        (to_json(&state), found)
    }

    pub(super) fn schema(&self, type_name: &str) -> (&Schema, Type) {
        let entry = self.core.catalog().resources.get(type_name);
        let schema = &entry
            .unwrap_or_else(|| panic!("no resource {type_name}"))
            .schema;
        (schema, schema.ty())
    }
}

impl<P: Provider> std::fmt::Debug for Host<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host")
            .field("provider", &self.core.address())
            .finish()
    }
}
