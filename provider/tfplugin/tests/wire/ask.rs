//! Every place of the protocol where a host sends values, and what the plugin says about one.

use tfplugin::value::msgpack;
use tfplugin_proto::tfplugin6::{
    self as pb, invoke_action::event::Type as Said, provider_client::ProviderClient,
};
use tonic::{Response, Status, transport::Channel};

use crate::host::{self, Plugin};

/// A field of a request that holds a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    ValidateProvider,
    Configure,
    ValidateResource,
    PlannedConfig,
    PlannedPrior,
    PlannedProposed,
    AppliedConfig,
    AppliedPrior,
    AppliedPlan,
    Read,
    Upgrade,
    UpgradeIdentity,
    ImportIdentity,
    ValidateDataSource,
    ReadDataSource,
    ValidateAction,
    PlanAction,
    InvokeAction,
    CallFunction,
}

pub(crate) const PLACES: [Place; 19] = [
    Place::ValidateProvider,
    Place::Configure,
    Place::ValidateResource,
    Place::PlannedConfig,
    Place::PlannedPrior,
    Place::PlannedProposed,
    Place::AppliedConfig,
    Place::AppliedPrior,
    Place::AppliedPlan,
    Place::Read,
    Place::Upgrade,
    Place::UpgradeIdentity,
    Place::ImportIdentity,
    Place::ValidateDataSource,
    Place::ReadDataSource,
    Place::ValidateAction,
    Place::PlanAction,
    Place::InvokeAction,
    Place::CallFunction,
];

impl Place {
    /// Whether the value travels as the JSON of a stored state and nothing else.
    pub(crate) fn is_stored(self) -> bool {
        matches!(self, Self::Upgrade | Self::UpgradeIdentity)
    }
}

/// Where values are sent from.
pub(crate) struct Asker {
    client: ProviderClient<Channel>,
}

const NOTE: &str = "minimal_note";
const APPEND: &str = "minimal_append";

impl Asker {
    /// With a provider that keeps its notes in the plugin's directory.
    pub(crate) async fn new(plugin: &Plugin) -> Self {
        let client = plugin.configured().await;
        Self { client }
    }

    /// Sends a value to a place and returns what is said about it. Anything but an answer is a failed test.
    pub(crate) async fn ask(
        &mut self,
        place: Place,
        value: &pb::DynamicValue,
    ) -> Vec<pb::Diagnostic> {
        let answer = host::within(self.answer(place, value)).await;
        answer.unwrap_or_else(|status| panic!("{place:?} with {value:?} is no answer: {status}"))
    }

    async fn answer(&mut self, place: Place, value: &pb::DynamicValue) -> Answer {
        match place {
            Place::ValidateProvider | Place::Configure => self.provider(place, value).await,
            Place::ValidateDataSource | Place::ReadDataSource => {
                self.data_source(place, value).await
            }
            Place::ValidateAction | Place::PlanAction => self.action(place, value).await,
            Place::InvokeAction => self.invoke(value).await,
            Place::CallFunction => self.call(value).await,
            Place::Upgrade | Place::UpgradeIdentity | Place::ImportIdentity => {
                self.stored(place, value).await
            }
            Place::AppliedConfig | Place::AppliedPrior | Place::AppliedPlan => {
                self.apply(place, value).await
            }
            _ => self.resource(place, value).await,
        }
    }

    async fn provider(&mut self, place: Place, value: &pb::DynamicValue) -> Answer {
        let config = Some(value.clone());
        if place == Place::ValidateProvider {
            let request = pb::validate_provider_config::Request { config };
            return said(self.client.validate_provider_config(request).await, |it| {
                it.diagnostics
            });
        }
        let request = pb::configure_provider::Request {
            config,
            ..Default::default()
        };
        said(self.client.configure_provider(request).await, |it| {
            it.diagnostics
        })
    }

    async fn resource(&mut self, place: Place, value: &pb::DynamicValue) -> Answer {
        let type_name = NOTE.to_owned();
        let here = |wanted: Place| (wanted == place).then(|| value.clone());
        match place {
            Place::ValidateResource => {
                let config = Some(value.clone());
                let request = pb::validate_resource_config::Request {
                    type_name,
                    config,
                    ..Default::default()
                };
                said(self.client.validate_resource_config(request).await, |it| {
                    it.diagnostics
                })
            }
            Place::Read => {
                let request = pb::read_resource::Request {
                    type_name,
                    current_state: Some(value.clone()),
                    private: value.msgpack.clone(),
                    ..Default::default()
                };
                said(self.client.read_resource(request).await, |it| {
                    it.diagnostics
                })
            }
            _ => {
                let good = host::create("asked", "text", 0, 0);
                let request = pb::plan_resource_change::Request {
                    type_name,
                    config: here(Place::PlannedConfig).or(good.config),
                    prior_state: here(Place::PlannedPrior),
                    proposed_new_state: here(Place::PlannedProposed).or(good.planned_state),
                    prior_private: value.msgpack.clone(),
                    ..Default::default()
                };
                said(self.client.plan_resource_change(request).await, |it| {
                    it.diagnostics
                })
            }
        }
    }

    async fn apply(&mut self, place: Place, value: &pb::DynamicValue) -> Answer {
        let here = |wanted: Place| (wanted == place).then(|| value.clone());
        // Beside the value that is asked about everything is as it should be.
        let good = host::create("asked", "text", 0, 0);
        let request = pb::apply_resource_change::Request {
            type_name: NOTE.into(),
            config: here(Place::AppliedConfig).or(good.config),
            prior_state: here(Place::AppliedPrior),
            planned_state: here(Place::AppliedPlan).or(good.planned_state),
            planned_private: value.msgpack.clone(),
            ..Default::default()
        };
        let answer = self.client.apply_resource_change(request.clone()).await?;
        let answer = answer.into_inner();
        if failed(&answer.diagnostics) && request.prior_state.is_some() {
            // It may come back in another encoding, but what could not be read comes back as it was.
            let value = |it: &Option<pb::DynamicValue>| {
                let bytes = it.as_ref().unwrap().msgpack.clone();
                msgpack::decode(&bytes, &host::note_type()).map_err(|_| bytes)
            };
            let (before, after) = (value(&request.prior_state), value(&answer.new_state));
            assert_eq!(before, after, "the state is lost");
            assert_eq!(
                answer.private, request.planned_private,
                "what belongs to it is lost"
            );
        }
        Ok(answer.diagnostics)
    }

    async fn stored(&mut self, place: Place, value: &pb::DynamicValue) -> Answer {
        let type_name = NOTE.to_owned();
        let raw = || {
            Some(pb::RawState {
                json: value.json.clone(),
                ..Default::default()
            })
        };
        match place {
            Place::Upgrade => {
                let raw_state = raw();
                let request = pb::upgrade_resource_state::Request {
                    type_name,
                    version: 0,
                    raw_state,
                };
                said(self.client.upgrade_resource_state(request).await, |it| {
                    it.diagnostics
                })
            }
            Place::UpgradeIdentity => {
                let raw_identity = raw();
                let request = pb::upgrade_resource_identity::Request {
                    type_name,
                    version: 0,
                    raw_identity,
                };
                said(self.client.upgrade_resource_identity(request).await, |it| {
                    it.diagnostics
                })
            }
            _ => {
                let identity = Some(pb::ResourceIdentityData {
                    identity_data: Some(value.clone()),
                });
                let request = pb::import_resource_state::Request {
                    type_name,
                    identity,
                    ..Default::default()
                };
                said(self.client.import_resource_state(request).await, |it| {
                    it.diagnostics
                })
            }
        }
    }

    async fn data_source(&mut self, place: Place, value: &pb::DynamicValue) -> Answer {
        let (type_name, config) = (NOTE.to_owned(), Some(value.clone()));
        if place == Place::ValidateDataSource {
            let request = pb::validate_data_resource_config::Request { type_name, config };
            return said(
                self.client.validate_data_resource_config(request).await,
                |it| it.diagnostics,
            );
        }
        let request = pb::read_data_source::Request {
            type_name,
            config,
            ..Default::default()
        };
        said(self.client.read_data_source(request).await, |it| {
            it.diagnostics
        })
    }

    async fn action(&mut self, place: Place, value: &pb::DynamicValue) -> Answer {
        let (name, config) = (APPEND.to_owned(), Some(value.clone()));
        if place == Place::ValidateAction {
            let request = pb::validate_action_config::Request {
                type_name: name,
                config,
            };
            return said(self.client.validate_action_config(request).await, |it| {
                it.diagnostics
            });
        }
        let request = pb::plan_action::Request {
            action_type: name,
            config,
            ..Default::default()
        };
        said(self.client.plan_action(request).await, |it| it.diagnostics)
    }

    async fn invoke(&mut self, value: &pb::DynamicValue) -> Answer {
        let request = pb::invoke_action::Request {
            action_type: APPEND.into(),
            config: Some(value.clone()),
            ..Default::default()
        };
        let mut events = self.client.invoke_action(request).await?.into_inner();
        let mut end = None;
        while let Some(event) = events.message().await? {
            assert!(end.is_none(), "an event after the end");
            if let Some(Said::Completed(completed)) = event.r#type {
                end = Some(completed.diagnostics);
            }
        }
        Ok(end.expect("a stream has one end"))
    }

    /// The one error of a function, as a diagnostic.
    async fn call(&mut self, value: &pb::DynamicValue) -> Answer {
        let request = pb::call_function::Request {
            name: "slug".into(),
            arguments: vec![value.clone()],
        };
        let error = self.client.call_function(request).await?.into_inner().error;
        let said = error.into_iter().map(|error| pb::Diagnostic {
            severity: pb::diagnostic::Severity::Error.into(),
            summary: "Function".into(),
            detail: error.text,
            attribute: None,
        });
        Ok(said.collect())
    }
}

type Answer = Result<Vec<pb::Diagnostic>, Status>;

fn said<T>(
    answer: Result<Response<T>, Status>,
    diagnostics: impl FnOnce(T) -> Vec<pb::Diagnostic>,
) -> Answer {
    answer.map(|answer| diagnostics(answer.into_inner()))
}

/// Whether something is an error.
pub(crate) fn failed(said: &[pb::Diagnostic]) -> bool {
    said.iter()
        .any(|it| it.severity() == pb::diagnostic::Severity::Error)
}

/// The first attribute of the place that a host shows for an error.
pub(crate) fn shown(said: &pb::Diagnostic) -> Option<&str> {
    use pb::attribute_path::step::Selector;
    match said.attribute.as_ref()?.steps.first()?.selector.as_ref()? {
        Selector::AttributeName(name) => Some(name),
        _ => None,
    }
}
