//! The provider service: each RPC decodes its request, calls the core and encodes the answer.
//!
//! Whatever goes wrong in provider code, a panic included, becomes a diagnostic: hosts print any
//! other gRPC status as a failure of the plugin.

mod action;
pub(crate) mod codec;
pub(crate) mod core;
mod function;
mod identity;
mod managed;
mod provider;
pub(crate) mod session;

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use tfplugin_proto::tfplugin6::{self as pb, provider_server::Provider as Rpc};
use tonic::{Request, Response, Status, codegen::BoxStream};
use tracing::Instrument as _;

use crate::{
    diagnostic::{Diagnostic, Diagnostics},
    provider::Provider,
};
use codec::Answer;
pub(crate) use core::{Call, Core};
pub(crate) use session::Session;

/// The gRPC service of a provider.
pub(crate) struct Service<P: Provider> {
    core: Arc<Core<P>>,
    /// Of whoever calls without a connection, as tests do.
    session: Arc<Session<P::Client>>,
    requests: AtomicU64,
}

impl<P: Provider> Service<P> {
    pub(crate) fn new(core: Arc<Core<P>>) -> Self {
        Self {
            core,
            session: Arc::default(),
            requests: AtomicU64::new(0),
        }
    }

    /// The call that a request is.
    fn by<T>(&self, request: &Request<T>) -> Call<P> {
        let session = request.extensions().get::<Arc<Session<P::Client>>>();
        Call {
            core: Arc::clone(&self.core),
            session: Arc::clone(session.unwrap_or(&self.session)),
        }
    }

    /// The place in the logs where a request belongs.
    fn span(&self, rpc: &'static str, type_name: &str) -> tracing::Span {
        let id = self.requests.fetch_add(1, Ordering::Relaxed);
        let empty = tracing::field::Empty;
        let span = tracing::info_span!(
            "rpc",
            tf_rpc = rpc,
            tf_req_id = id,
            tf_resource_type = empty
        );
        if !type_name.is_empty() {
            span.record("tf_resource_type", type_name);
        }
        span
    }

    /// Runs one request in a task of its own: a panic ends only that task, and the work goes on
    /// when the host drops the connection, so that what is in flight can be recorded.
    async fn call<A, F>(
        &self,
        rpc: &'static str,
        type_name: &str,
        fallback: A,
        work: F,
    ) -> Result<Response<A>, Status>
    where
        A: Answer,
        F: Future<Output = Result<A, Diagnostics>> + Send + 'static,
    {
        let span = self.span(rpc, type_name);
        let began = Instant::now();
        let task = tokio::spawn(work.instrument(span.clone()));
        let answer = match task.await {
            Ok(Ok(answer)) => answer,
            Ok(Err(diagnostics)) => fallback.with(&diagnostics),
            Err(failure) => fallback.with(&crashed(rpc, failure).into()),
        };
        let tf_req_duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        span.in_scope(|| tracing::debug!(tf_req_duration_ms, "request served"));
        Ok(Response::new(answer))
    }
}

fn crashed(rpc: &str, failure: tokio::task::JoinError) -> Diagnostic {
    let reason = match failure.try_into_panic() {
        Ok(payload) => match payload.downcast::<String>() {
            Ok(text) => *text,
            Err(payload) => payload
                .downcast::<&str>()
                .map_or_else(|_| "no reason given".into(), |t| (*t).to_owned()),
        },
        Err(_) => "the task was cancelled".to_owned(),
    };
    tracing::error!(tf_rpc = rpc, reason, "the provider panicked");
    Diagnostic::error(
        "Provider Crashed",
        format!(
            "{rpc} ended with a panic: {reason}. This is a mistake in the provider: please report it."
        ),
    )
}

/// Declares RPCs that decode, call one function of the core and encode.
macro_rules! rpcs {
    ($(
        $rpc:ident => $name:literal, $module:ident
        $(, type $type_name:ident)?
        $(, keep $($kept:ident as $field:ident)+)?;
    )*) => {
        #[tonic::async_trait]
        impl<P: Provider> Rpc for Service<P> {
            $(async fn $rpc(
                &self,
                request: Request<pb::$module::Request>,
            ) -> Result<Response<pb::$module::Response>, Status> {
                let call = self.by(&request);
                let request = request.into_inner();
                #[allow(unused_mut)]
                let mut fallback = pb::$module::Response::default();
                $($(fallback.$field = request.$kept.clone();)+)?
                #[allow(unused_mut, unused_assignments)]
                let mut type_name = String::new();
                $(type_name.clone_from(&request.$type_name);)?
                let work = async move { call.$rpc(request).await };
                self.call($name, &type_name, fallback, work).await
            })*

            async fn invoke_action(
                &self,
                request: Request<pb::invoke_action::Request>,
            ) -> Result<Response<BoxStream<pb::invoke_action::Event>>, Status> {
                Ok(Response::new(Box::pin(self.invoke(request))))
            }

            async fn stop_provider(
                &self,
                request: Request<pb::stop_provider::Request>,
            ) -> Result<Response<pb::stop_provider::Response>, Status> {
                self.by(&request).session.stopper().stop_current();
                tracing::info!("the host asks to stop");
                Ok(Response::new(pb::stop_provider::Response::default()))
            }
        }
    };
}

rpcs! {
    get_metadata => "GetMetadata", get_metadata;
    get_provider_schema => "GetProviderSchema", get_provider_schema;
    validate_provider_config => "ValidateProviderConfig", validate_provider_config;
    configure_provider => "ConfigureProvider", configure_provider;
    get_functions => "GetFunctions", get_functions;
    call_function => "CallFunction", call_function;
    get_resource_identity_schemas => "GetResourceIdentitySchemas", get_resource_identity_schemas;
    upgrade_resource_identity => "UpgradeResourceIdentity", upgrade_resource_identity, type type_name;
    validate_resource_config => "ValidateResourceConfig", validate_resource_config, type type_name;
    validate_data_resource_config => "ValidateDataResourceConfig", validate_data_resource_config, type type_name;
    upgrade_resource_state => "UpgradeResourceState", upgrade_resource_state, type type_name;
    read_resource => "ReadResource", read_resource, type type_name, keep current_state as new_state
        current_identity as new_identity;
    plan_resource_change => "PlanResourceChange", plan_resource_change, type type_name;
    apply_resource_change => "ApplyResourceChange", apply_resource_change, type type_name,
        keep prior_state as new_state planned_private as private planned_identity as new_identity;
    import_resource_state => "ImportResourceState", import_resource_state, type type_name;
    move_resource_state => "MoveResourceState", move_resource_state, type target_type_name;
    read_data_source => "ReadDataSource", read_data_source, type type_name;
    validate_action_config => "ValidateActionConfig", validate_action_config, type type_name;
    plan_action => "PlanAction", plan_action, type action_type;
}
