//! The steps of a plan and an apply, each followed by the check of its rules.

use serde_json::Value as Json;
use tfplugin_proto::tfplugin6::{self as pb, provider_server::Provider as _};
use tonic::Request;

use super::{
    Action, Host, Instance, Report,
    import::{enforce_identity, from_wire, to_wire},
    input::from_json,
    proposed, refused, text,
};
use crate::{
    check::{self, Violation},
    diagnostic::Diagnostics,
    path::Path,
    provider::Provider,
    server::codec::{decode, encode},
    value::Value,
};

impl<P: Provider> Host<P> {
    /// Plans a create, an update or a replacement.
    pub(super) async fn plan_change(&self, instance: &Instance, config: &Json) -> Report {
        let (schema, ty) = self.schema(&instance.type_name);
        let config = from_json(config, &ty);
        let prior = &instance.state;
        let mut answer = self
            .ask_plan(instance, prior, &config, &instance.private)
            .await;
        let mut diagnostics = messages(&answer.diagnostics);
        if diagnostics.has_errors() {
            return refused(diagnostics);
        }
        let mut planned = sure(decode(answer.planned_state.as_ref(), &ty));
        enforce("the plan", &check::plan(schema, &config, prior, &planned));
        let identity_schema = self.identity_schema(&instance.type_name);
        let mut identity = from_wire(identity_schema, answer.planned_identity);
        enforce(
            "the planned identity",
            &check::identity(identity_schema, &instance.identity, &identity),
        );
        let paths: Vec<Path> = answer
            .requires_replace
            .iter()
            .map(Path::from_wire)
            .collect();
        enforce(
            "the replacement",
            &check::requires_replace(prior, &planned, &paths),
        );
        let replace = !prior.is_null()
            && (instance.tainted
                || paths
                    .iter()
                    .any(|path| check::really_changes(prior, &planned, path)));
        if replace {
            answer = self
                .ask_plan(instance, &Value::Null, &config, &answer.planned_private)
                .await;
            diagnostics.extend(messages(&answer.diagnostics));
            planned = sure(decode(answer.planned_state.as_ref(), &ty));
            identity = from_wire(identity_schema, answer.planned_identity);
            if !diagnostics.has_errors() {
                enforce(
                    "the plan of the replacement",
                    &check::plan(schema, &config, &Value::Null, &planned),
                );
                enforce(
                    "the planned identity of the replacement",
                    &check::identity(identity_schema, &Value::Null, &identity),
                );
            }
        }
        let action = match () {
            () if replace => Action::Replace,
            () if prior.is_null() => Action::Create,
            () if prior == &planned => Action::NoOp,
            () => Action::Update,
        };
        Report {
            action,
            planned,
            diagnostics,
            private: answer.planned_private,
            identity,
        }
    }

    pub(super) async fn ask_plan(
        &self,
        instance: &Instance,
        prior: &Value,
        config: &Value,
        private: &[u8],
    ) -> pb::plan_resource_change::Response {
        let (schema, ty) = self.schema(&instance.type_name);
        let request = pb::plan_resource_change::Request {
            type_name: instance.type_name.clone(),
            prior_state: encode(prior, &ty),
            proposed_new_state: encode(&proposed::proposed(&schema.attributes, prior, config), &ty),
            config: encode(config, &ty),
            prior_private: private.to_vec(),
            client_capabilities: Some(client_capabilities()),
            prior_identity: self
                .identity_schema(&instance.type_name)
                .filter(|_| !prior.is_null())
                .and_then(|schema| to_wire(schema, &instance.identity)),
            ..Default::default()
        };
        answered(
            self.service
                .plan_resource_change(Request::new(request))
                .await,
        )
    }

    /// Applies a create or an update.
    pub(super) async fn change(
        &self,
        instance: &mut Instance,
        config: &Json,
        plan: &Report,
    ) -> Diagnostics {
        let (schema, ty) = self.schema(&instance.type_name);
        let creates = instance.state.is_null();
        let identity_schema = self.identity_schema(&instance.type_name);
        let request = pb::apply_resource_change::Request {
            type_name: instance.type_name.clone(),
            prior_state: encode(&instance.state, &ty),
            planned_state: encode(&plan.planned, &ty),
            config: encode(&from_json(config, &ty), &ty),
            planned_private: plan.private.clone(),
            planned_identity: identity_schema.and_then(|schema| to_wire(schema, &plan.identity)),
            ..Default::default()
        };
        let answer = answered(
            self.service
                .apply_resource_change(Request::new(request))
                .await,
        );
        let found = messages(&answer.diagnostics);
        let state = sure(decode(answer.new_state.as_ref(), &ty));
        let identity = from_wire(identity_schema, answer.new_identity);
        if found.has_errors() {
            enforce(
                "the state after a failed apply",
                &check::state(schema, &state),
            );
            enforce(
                "the identity after a failed apply",
                &check::identity(identity_schema, &instance.identity, &identity),
            );
            assert!(
                identity.is_null() || !state.is_null(),
                "an identity without an object"
            );
            instance.tainted = creates && !state.is_null();
        } else {
            enforce(
                "the state after apply",
                &check::apply(schema, &plan.planned, &state),
            );
            let planned = &plan.identity;
            enforce_identity(
                "the identity after apply",
                identity_schema,
                planned,
                &identity,
            );
            instance.tainted = false;
        }
        instance.identity = identity;
        instance.state = state;
        instance.private = answer.private;
        found
    }

    /// Applies a removal.
    pub(super) async fn remove(&self, instance: &mut Instance) -> Diagnostics {
        let (schema, ty) = self.schema(&instance.type_name);
        let null = encode(&Value::Null, &ty);
        let request = pb::apply_resource_change::Request {
            type_name: instance.type_name.clone(),
            prior_state: encode(&instance.state, &ty),
            planned_state: null.clone(),
            config: null,
            planned_private: instance.private.clone(),
            ..Default::default()
        };
        let answer = answered(
            self.service
                .apply_resource_change(Request::new(request))
                .await,
        );
        let found = messages(&answer.diagnostics);
        let state = sure(decode(answer.new_state.as_ref(), &ty));
        assert!(
            state.is_null() || found.has_errors(),
            "a state is left after a delete without an error"
        );
        enforce("the state after delete", &check::state(schema, &state));
        let identity = from_wire(
            self.identity_schema(&instance.type_name),
            answer.new_identity,
        );
        assert!(
            identity.is_null() || !state.is_null(),
            "an identity without an object"
        );
        instance.identity = identity;
        instance.state = state;
        instance.tainted &= instance.exists();
        found
    }
}

pub(super) fn client_capabilities() -> pb::ClientCapabilities {
    pb::ClientCapabilities {
        write_only_attributes_allowed: true,
        ..Default::default()
    }
}

pub(super) fn answered<T>(answer: Result<tonic::Response<T>, tonic::Status>) -> T {
    match answer {
        Ok(response) => response.into_inner(),
        Err(status) => panic!("hosts show a gRPC status as a failure of the plugin: {status}"),
    }
}

pub(super) fn messages(diagnostics: &[pb::Diagnostic]) -> Diagnostics {
    Diagnostics::from_wire(diagnostics)
}

pub(super) fn sure(value: Result<Value, Diagnostics>) -> Value {
    value.unwrap_or_else(|found| panic!("an answer does not fit its schema: {}", text(&found)))
}

pub(super) fn enforce(what: &str, violations: &[Violation]) {
    let list: Vec<String> = violations.iter().map(ToString::to_string).collect();
    assert!(
        list.is_empty(),
        "{what} breaks a rule of Terraform:\n{}",
        list.join("\n")
    );
}
