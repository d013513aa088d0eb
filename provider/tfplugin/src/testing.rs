//! A host for tests: it asks a provider what Terraform would ask, in the same order, through the same
//! server code, and checks every answer against Terraform's rules.
//!
//! Methods panic when the *provider* breaks a rule, because that is a failed test. Diagnostics are not
//! broken rules: they are returned.
//!
//! ```
//! # use tfplugin::{testing::Host, *};
//! # use serde::{Deserialize, Serialize};
//! # struct Demo; struct Thing;
//! # #[derive(Deserialize)] struct Config {}
//! # #[async_trait] impl Provider for Demo {
//! #     type Config = Config; type Client = ();
//! #     fn address(&self) -> &str { "registry.terraform.io/example/demo" }
//! #     fn schema(&self) -> Schema { Schema::new("") }
//! #     fn catalog(&self) -> Catalog<()> { Catalog::new().resource(Thing) }
//! #     async fn configure(&self, _: Configure<Config>) -> Result<Configured<()>, Diagnostics> { Ok(Configured::ready(())) }
//! # }
//! # #[derive(Serialize, Deserialize)] struct Model { id: Attr<String>, name: Attr<String> }
//! # #[async_trait] impl Resource for Thing {
//! #     type Model = Model; type Client = ();
//! #     fn type_name(&self) -> &'static str { "demo_thing" }
//! #     fn schema(&self) -> Schema { Schema::new("").attribute("id", Attribute::string().computed()).attribute("name", Attribute::string().required()) }
//! #     async fn create(&self, _: &Context<()>, r: Create<Model>) -> Result<Outcome<Model>, Diagnostics> { Ok(Model { id: "1".into(), ..r.planned }.into()) }
//! #     async fn read(&self, _: &Context<()>, r: Read<Model>) -> Result<Outcome<Model>, Diagnostics> { Ok(r.state.into()) }
//! #     async fn update(&self, _: &Context<()>, r: Update<Model>) -> Result<Outcome<Model>, Diagnostics> { Ok(Model { id: "1".into(), ..r.planned }.into()) }
//! #     async fn delete(&self, _: &Context<()>, _: Delete<Model>) -> Result<Outcome<Model>, Diagnostics> { Ok(Outcome::gone()) }
//! # }
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! use serde_json::json;
//! use tfplugin::testing::{Action, Host, Instance};
//!
//! let host = Host::new(Demo);
//! host.configure(json!({})).await;
//! let mut thing = Instance::new("demo_thing");
//! let config = json!({ "name": "a" });
//! assert_eq!(host.apply(&mut thing, &config).await.action, Action::Create);
//! assert_eq!(host.plan(&mut thing, &config).await.action, Action::NoOp);
//! assert_eq!(thing.json()["id"], "1");
//! host.destroy(&mut thing).await;
//! assert!(!thing.exists());
//! # }
//! ```

mod proposed;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde_json::Value as Json;
use tfplugin_proto::tfplugin6::{self as pb, provider_server::Provider as _};
use tonic::Request;

use crate::{
    check::{self, Violation},
    diagnostic::Diagnostics,
    path::Path,
    provider::Provider,
    schema::Schema,
    server::{
        Core, Service,
        codec::{decode, encode},
    },
    value::{Type, Value, json},
    work::Work,
};

/// In a configuration for [`Host`], this text stands for a value that is not known yet.
pub const UNKNOWN: &str = "${unknown}";

/// The host version that the provider is told.
const TERRAFORM_VERSION: &str = "1.15.0-test";

/// A provider under test.
pub struct Host<P: Provider> {
    service: Service<P>,
    core: Arc<Core<P>>,
}

/// One resource in the state of a [`Host`].
#[derive(Clone, Debug)]
pub struct Instance {
    /// The resource type.
    pub type_name: String,
    /// The stored state; null when there is none.
    pub state: Value,
    /// The bytes stored beside it.
    pub private: Vec<u8>,
    /// Whether the next apply replaces it.
    pub tainted: bool,
}

/// What a plan or an apply does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    NoOp,
    /// Makes the object.
    Create,
    /// Changes the object.
    Update,
    /// Removes the object and makes another.
    Replace,
    /// Removes the object.
    Delete,
    /// Validation or planning failed.
    Refused,
}

/// What came of a plan or an apply.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was planned.
    pub action: Action,
    /// The planned state.
    pub planned: Value,
    /// All messages, in order.
    pub diagnostics: Diagnostics,
    /// Bytes planned beside the state.
    private: Vec<u8>,
}

impl Report {
    /// The planned state as JSON. Unknown values appear as [`UNKNOWN`].
    #[must_use]
    pub fn json(&self) -> Json {
        to_json(&self.planned)
    }

    /// Every message as one text, for assertions.
    #[must_use]
    pub fn text(&self) -> String {
        text(&self.diagnostics)
    }
}

impl Instance {
    /// A resource that does not exist yet.
    #[must_use]
    pub fn new(type_name: &str) -> Self {
        Self {
            type_name: type_name.to_owned(),
            state: Value::Null,
            private: Vec::new(),
            tainted: false,
        }
    }

    /// Whether there is a state.
    #[must_use]
    pub fn exists(&self) -> bool {
        !self.state.is_null()
    }

    /// The state as JSON.
    #[must_use]
    pub fn json(&self) -> Json {
        to_json(&self.state)
    }
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

    /// Plans with one configuration and applies with another, in which what was [`UNKNOWN`] is known.
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
        let again = self.plan_change(instance, applied).await;
        report.diagnostics.extend(again.diagnostics.clone());
        if report.diagnostics.has_errors() {
            return report;
        }
        enforce(
            "the plan during apply",
            &check::final_plan(&report.planned, &again.planned),
        );
        assert_eq!(
            again.action, report.action,
            "the action changed between plan and apply"
        );
        if report.action == Action::Replace {
            report.diagnostics.extend(self.remove(instance).await);
            if instance.exists() {
                return report;
            }
        }
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
        assert!(planned.is_null(), "a planned destroy must plan null");
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
        let stored = json::encode(&instance.state);
        let (state, mut found) = self
            .upgrade(&instance.type_name, schema.version, &stored)
            .await;
        assert_eq!(
            state, instance.state,
            "storing and reading a state changes it"
        );
        let request = pb::read_resource::Request {
            type_name: instance.type_name.clone(),
            current_state: encode(&state, &ty),
            private: instance.private.clone(),
            client_capabilities: Some(client_capabilities()),
            ..Default::default()
        };
        let answer = answered(self.service.read_resource(Request::new(request)).await);
        let read = messages(&answer.diagnostics);
        if !read.has_errors() {
            instance.state = sure(decode(answer.new_state.as_ref(), &ty));
            instance.private = answer.private;
            enforce(
                "the state after read",
                &check::state(schema, &instance.state),
            );
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

    /// Imports an object by its id and reads it.
    ///
    /// # Errors
    /// The messages, when there is no such object.
    pub async fn import(&self, type_name: &str, id: &str) -> Result<Instance, Diagnostics> {
        let (_, ty) = self.schema(type_name);
        let request = pb::import_resource_state::Request {
            type_name: type_name.to_owned(),
            id: id.to_owned(),
            client_capabilities: Some(client_capabilities()),
            identity: None,
        };
        let answer = answered(
            self.service
                .import_resource_state(Request::new(request))
                .await,
        );
        let found = messages(&answer.diagnostics);
        if found.has_errors() {
            return Err(found);
        }
        let [imported] = answer.imported_resources.as_slice() else {
            panic!("an import must give exactly one resource");
        };
        let mut instance = Instance::new(type_name);
        instance.state = sure(decode(imported.state.as_ref(), &ty));
        instance.private.clone_from(&imported.private);
        let found = self.refresh(&mut instance).await;
        if found.has_errors() || !instance.exists() {
            Err(found)
        } else {
            Ok(instance)
        }
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

    fn schema(&self, type_name: &str) -> (&Schema, Type) {
        let entry = self.core.catalog().resources.get(type_name);
        let schema = &entry
            .unwrap_or_else(|| panic!("no resource {type_name}"))
            .schema;
        (schema, schema.ty())
    }

    /// Plans a create, an update or a replacement.
    async fn plan_change(&self, instance: &Instance, config: &Json) -> Report {
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
            if !diagnostics.has_errors() {
                enforce(
                    "the plan of the replacement",
                    &check::plan(schema, &config, &Value::Null, &planned),
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
        }
    }

    async fn ask_plan(
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
            ..Default::default()
        };
        answered(
            self.service
                .plan_resource_change(Request::new(request))
                .await,
        )
    }

    /// Applies a create or an update.
    async fn change(&self, instance: &mut Instance, config: &Json, plan: &Report) -> Diagnostics {
        let (schema, ty) = self.schema(&instance.type_name);
        let creates = instance.state.is_null();
        let request = pb::apply_resource_change::Request {
            type_name: instance.type_name.clone(),
            prior_state: encode(&instance.state, &ty),
            planned_state: encode(&plan.planned, &ty),
            config: encode(&from_json(config, &ty), &ty),
            planned_private: plan.private.clone(),
            ..Default::default()
        };
        let answer = answered(
            self.service
                .apply_resource_change(Request::new(request))
                .await,
        );
        let found = messages(&answer.diagnostics);
        let state = sure(decode(answer.new_state.as_ref(), &ty));
        if found.has_errors() {
            enforce(
                "the state after a failed apply",
                &check::state(schema, &state),
            );
            instance.tainted = creates && !state.is_null();
        } else {
            enforce(
                "the state after apply",
                &check::apply(schema, &plan.planned, &state),
            );
            instance.tainted = false;
        }
        instance.state = state;
        instance.private = answer.private;
        found
    }

    /// Applies a removal.
    async fn remove(&self, instance: &mut Instance) -> Diagnostics {
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
        instance.state = state;
        found
    }
}

impl<P: Provider> std::fmt::Debug for Host<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host")
            .field("provider", &self.core.address())
            .finish()
    }
}

/// Every message as one text, for assertions.
#[must_use]
pub fn text(diagnostics: &Diagnostics) -> String {
    let lines = diagnostics.iter().map(|d| match &d.path {
        Some(path) => format!("{:?}: {}: {} ({path})\n", d.severity, d.summary, d.detail),
        None => format!("{:?}: {}: {}\n", d.severity, d.summary, d.detail),
    });
    lines.collect()
}

fn client_capabilities() -> pb::ClientCapabilities {
    pb::ClientCapabilities {
        write_only_attributes_allowed: true,
        ..Default::default()
    }
}

fn refused(diagnostics: Diagnostics) -> Report {
    Report {
        action: Action::Refused,
        planned: Value::Null,
        diagnostics,
        private: Vec::new(),
    }
}

fn answered<T>(answer: Result<tonic::Response<T>, tonic::Status>) -> T {
    match answer {
        Ok(response) => response.into_inner(),
        Err(status) => panic!("hosts show a gRPC status as a failure of the plugin: {status}"),
    }
}

fn messages(diagnostics: &[pb::Diagnostic]) -> Diagnostics {
    Diagnostics::from_wire(diagnostics)
}

fn sure(value: Result<Value, Diagnostics>) -> Value {
    value.unwrap_or_else(|found| panic!("an answer does not fit its schema: {}", text(&found)))
}

fn enforce(what: &str, violations: &[Violation]) {
    let list: Vec<String> = violations.iter().map(ToString::to_string).collect();
    assert!(
        list.is_empty(),
        "{what} breaks a rule of Terraform:\n{}",
        list.join("\n")
    );
}

/// A configuration in JSON as a value of `ty`. A misspelt attribute is a mistake of the test.
fn from_json(config: &Json, ty: &Type) -> Value {
    untyped(config)
        .conform(ty)
        .unwrap_or_else(|error| panic!("the test's configuration: {error}"))
}

fn untyped(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => Value::Number(
            number
                .to_string()
                .parse()
                .expect("JSON numbers are numbers"),
        ),
        Json::String(text) if text == UNKNOWN => Value::unknown(),
        Json::String(text) => Value::String(text.clone()),
        Json::Array(items) => Value::List(items.iter().map(untyped).collect()),
        Json::Object(entries) => {
            Value::object(entries.iter().map(|(key, value)| (key, untyped(value))))
        }
    }
}

fn to_json(value: &Value) -> Json {
    match value {
        Value::Unknown(_) => Json::String(UNKNOWN.to_owned()),
        Value::List(items) | Value::Set(items) | Value::Tuple(items) => {
            items.iter().map(to_json).collect()
        }
        Value::Map(entries) | Value::Object(entries) => Json::Object(
            entries
                .iter()
                .map(|(key, value)| (key.clone(), to_json(value)))
                .collect(),
        ),
        other => json::encode(other),
    }
}
