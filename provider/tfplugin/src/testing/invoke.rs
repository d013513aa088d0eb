//! Actions: planned and invoked.

use serde_json::Value as Json;
use tfplugin_proto::tfplugin6::{self as pb, invoke_action::event, provider_server::Provider as _};
use tokio_stream::StreamExt as _;
use tonic::Request;

use super::{
    Host,
    input::from_json,
    steps::{answered, client_capabilities, messages},
};
use crate::{diagnostic::Diagnostics, provider::Provider, server::codec::encode};

impl<P: Provider> Host<P> {
    /// Validates and plans an action, without running it.
    ///
    /// # Panics
    /// When there is no such action.
    pub async fn plan_action(&self, type_name: &str, config: &Json) -> Diagnostics {
        let config = self.action_config(type_name, config);
        let request = pb::validate_action_config::Request {
            type_name: type_name.to_owned(),
            config: config.clone(),
        };
        let request = Request::new(request);
        let answer = answered(self.service.validate_action_config(request).await);
        let mut found = messages(&answer.diagnostics);
        if found.has_errors() {
            return found;
        }
        let request = pb::plan_action::Request {
            action_type: type_name.to_owned(),
            config,
            client_capabilities: Some(client_capabilities()),
        };
        let answer = answered(self.service.plan_action(Request::new(request)).await);
        assert!(answer.deferred.is_none(), "actions are not deferred");
        found.extend(messages(&answer.diagnostics));
        found
    }

    /// Validates, plans and runs an action, as `terraform apply -invoke` does, and returns what it said
    /// while it ran and all messages. After an error in the plan it does not run.
    ///
    /// # Panics
    /// When there is no such action.
    pub async fn invoke(&self, type_name: &str, config: &Json) -> (Vec<String>, Diagnostics) {
        let mut found = self.plan_action(type_name, config).await;
        if found.has_errors() {
            return (Vec::new(), found);
        }
        let request = pb::invoke_action::Request {
            action_type: type_name.to_owned(),
            config: self.action_config(type_name, config),
            client_capabilities: Some(client_capabilities()),
        };
        let mut events = answered(self.service.invoke_action(Request::new(request)).await);
        let mut progress = Vec::new();
        let mut completed = None;
        while let Some(event) = events.next().await {
            let event = event.unwrap_or_else(|status| panic!("the stream breaks: {status}"));
            assert!(completed.is_none(), "an event after the end of the action");
            match event.r#type {
                Some(event::Type::Progress(event)) => progress.push(event.message),
                Some(event::Type::Completed(event)) => completed = Some(event.diagnostics),
                None => panic!("an empty event crashes a host"),
            }
        }
        let completed = completed.expect("without an end a host takes the action for a success");
        found.extend(messages(&completed));
        (progress, found)
    }

    fn action_config(&self, type_name: &str, config: &Json) -> Option<pb::DynamicValue> {
        let entry = self.core.catalog().actions.get(type_name);
        let entry = entry.unwrap_or_else(|| panic!("no action {type_name}"));
        let ty = entry.schema.ty();
        encode(&from_json(config, &ty), &ty)
    }
}
