//! The provider block, metadata and data sources.

use std::collections::BTreeMap;

use tfplugin_proto::tfplugin6 as pb;

use super::{
    codec::{Answer as _, decode, decode_block, decode_known, encode},
    core::Call,
};
use crate::{
    diagnostic::Diagnostics,
    provider::{Configure, Entry, Provider},
    resource::typed::settled,
    schema::validate::{model, validate},
};

/// What this framework can do, for every provider.
fn capabilities() -> pb::ServerCapabilities {
    pb::ServerCapabilities {
        plan_destroy: true,
        get_provider_schema_optional: true,
        move_resource_state: true,
        generate_resource_config: false,
    }
}

impl<P: Provider> Call<P> {
    pub(super) async fn get_metadata(
        &self,
        _: pb::get_metadata::Request,
    ) -> Result<pb::get_metadata::Response, Diagnostics> {
        use pb::get_metadata::{
            ActionMetadata, DataSourceMetadata, FunctionMetadata, ResourceMetadata,
        };
        let resources = self.core.catalog.resources.keys();
        let data_sources = self.core.catalog.data_sources.keys();
        let functions = self.core.catalog.functions.keys();
        let actions = self.core.catalog.actions.keys();
        Ok(pb::get_metadata::Response {
            server_capabilities: Some(capabilities()),
            resources: resources
                .map(|name| ResourceMetadata {
                    type_name: (*name).to_owned(),
                })
                .collect(),
            data_sources: data_sources
                .map(|name| DataSourceMetadata {
                    type_name: (*name).to_owned(),
                })
                .collect(),
            functions: functions
                .map(|name| FunctionMetadata {
                    name: (*name).to_owned(),
                })
                .collect(),
            actions: actions
                .map(|name| ActionMetadata {
                    type_name: (*name).to_owned(),
                })
                .collect(),
            ..Default::default()
        })
    }

    pub(super) async fn get_provider_schema(
        &self,
        _: pb::get_provider_schema::Request,
    ) -> Result<pb::get_provider_schema::Response, Diagnostics> {
        Ok(pb::get_provider_schema::Response {
            provider: Some(self.core.schema.to_wire()),
            resource_schemas: schemas(&self.core.catalog.resources),
            data_source_schemas: schemas(&self.core.catalog.data_sources),
            functions: self.functions(),
            action_schemas: schemas(&self.core.catalog.actions)
                .into_iter()
                .map(|(name, schema)| {
                    let schema = Some(schema);
                    (name, pb::ActionSchema { schema })
                })
                .collect(),
            server_capabilities: Some(capabilities()),
            ..Default::default()
        })
    }

    pub(super) async fn validate_provider_config(
        &self,
        request: pb::validate_provider_config::Request,
    ) -> Result<pb::validate_provider_config::Response, Diagnostics> {
        let config = decode(request.config.as_ref(), &self.core.schema.ty())?;
        let mut diagnostics = validate(&self.core.schema, &config, true);
        if !diagnostics.has_errors() && !config.is_null() {
            diagnostics.extend(self.core.provider.validate(model(&config)?).await);
        }
        Ok(pb::validate_provider_config::Response::default().with(&diagnostics))
    }

    pub(super) async fn configure_provider(
        &self,
        request: pb::configure_provider::Request,
    ) -> Result<pb::configure_provider::Response, Diagnostics> {
        let config = decode_block(request.config.as_ref(), &self.core.schema.ty())?;
        let result = self
            .core
            .provider
            .configure(Configure {
                config: model(&config)?,
                terraform_version: request.terraform_version.clone(),
                stop: self.stop_signal(),
                critical_sections: self.core.critical_sections(),
            })
            .await?;
        self.session
            .configure(result.client, &request.terraform_version);
        Ok(pb::configure_provider::Response::default().with(&result.diagnostics))
    }

    pub(super) async fn validate_data_resource_config(
        &self,
        request: pb::validate_data_resource_config::Request,
    ) -> Result<pb::validate_data_resource_config::Response, Diagnostics> {
        let Entry { schema, item } = self.core.data_source(&request.type_name)?;
        let config = decode(request.config.as_ref(), &schema.ty())?;
        let mut diagnostics = validate(&schema, &config, true);
        if !diagnostics.has_errors() && !config.is_null() {
            diagnostics.extend(item.validate(&config).await?);
        }
        Ok(pb::validate_data_resource_config::Response::default().with(&diagnostics))
    }

    pub(super) async fn read_data_source(
        &self,
        request: pb::read_data_source::Request,
    ) -> Result<pb::read_data_source::Response, Diagnostics> {
        let Entry { schema, item } = self.core.data_source(&request.type_name)?;
        let ty = schema.ty();
        let config = decode_known(request.config.as_ref(), &ty)?;
        let outcome = settled(item.read(&self.context(), &config).await?, &schema);
        let response = pb::read_data_source::Response {
            state: encode(&outcome.state, &ty),
            ..Default::default()
        };
        Ok(response.with(&outcome.diagnostics))
    }
}

fn schemas<T: ?Sized>(entries: &BTreeMap<&'static str, Entry<T>>) -> BTreeMap<String, pb::Schema> {
    entries
        .iter()
        .map(|(name, entry)| ((*name).to_owned(), entry.schema.to_wire()))
        .collect()
}
