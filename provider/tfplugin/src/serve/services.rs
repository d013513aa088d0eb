//! The gRPC server: the provider and the four services that go-plugin hosts expect beside it.

use std::{future::Future, io, pin::Pin};

use tfplugin_proto::{
    goplugin::{self, grpc_broker_server, grpc_controller_server, grpc_stdio_server},
    health::{self, health_check_response::ServingStatus, health_server},
    tfplugin6::provider_server::ProviderServer,
};
use tokio_stream::{Stream, StreamExt as _, wrappers::ReceiverStream};
use tonic::{Request, Response, Status, transport::Server};

use super::{exit::Handle, listener::Connection};
use crate::{limits::MAX_MESSAGE_BYTES, provider::Provider, server::Service};

/// Serves until the process ends.
pub(super) async fn serve<P: Provider>(
    provider: Service<P>,
    connections: ReceiverStream<io::Result<Connection<P::Client>>>,
    exit: Handle,
) -> Result<(), tonic::transport::Error> {
    let provider = ProviderServer::new(provider)
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(MAX_MESSAGE_BYTES);
    let plumbing = Plumbing { exit: exit.clone() };
    Server::builder()
        .add_service(provider)
        .add_service(grpc_controller_server::GrpcControllerServer::new(
            plumbing.clone(),
        ))
        .add_service(grpc_broker_server::GrpcBrokerServer::new(plumbing.clone()))
        .add_service(grpc_stdio_server::GrpcStdioServer::new(plumbing.clone()))
        .add_service(health_server::HealthServer::new(plumbing))
        .serve_with_incoming_shutdown(connections, async move {
            exit.ended().await;
        })
        .await
}

/// The services that know nothing of Terraform.
#[derive(Clone)]
struct Plumbing {
    exit: Handle,
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

impl Plumbing {
    /// A stream that sends `first` and then nothing until the process ends.
    fn open<T: Send + 'static>(&self, first: Vec<T>) -> Answers<T> {
        let exit = self.exit.clone();
        let ended: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(async move {
            exit.ended().await;
        });
        let silence = futures_stream(ended);
        Box::pin(tokio_stream::iter(first.into_iter().map(Ok)).chain(silence))
    }
}

/// A stream without items that ends with the future.
fn futures_stream<T: Send + 'static>(
    ended: Pin<Box<dyn Future<Output = ()> + Send>>,
) -> impl Stream<Item = Result<T, Status>> + Send {
    struct Silence<T> {
        ended: Pin<Box<dyn Future<Output = ()> + Send>>,
        item: std::marker::PhantomData<fn() -> T>,
    }
    impl<T> Stream for Silence<T> {
        type Item = Result<T, Status>;

        fn poll_next(
            mut self: Pin<&mut Self>,
            cx: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Self::Item>> {
            self.ended.as_mut().poll(cx).map(|()| None)
        }
    }
    Silence {
        ended,
        item: std::marker::PhantomData,
    }
}

#[tonic::async_trait]
impl grpc_controller_server::GrpcController for Plumbing {
    async fn shutdown(
        &self,
        _: Request<goplugin::Empty>,
    ) -> Result<Response<goplugin::Empty>, Status> {
        self.exit.shut_down();
        Ok(Response::new(goplugin::Empty {}))
    }
}

#[tonic::async_trait]
impl grpc_broker_server::GrpcBroker for Plumbing {
    /// Providers open no further connections.
    async fn start_stream(
        &self,
        _: Request<tonic::Streaming<goplugin::ConnInfo>>,
    ) -> Result<Response<Answers<goplugin::ConnInfo>>, Status> {
        Ok(Response::new(self.open(Vec::new())))
    }
}

#[tonic::async_trait]
impl grpc_stdio_server::GrpcStdio for Plumbing {
    /// Logs travel on stderr, so there is nothing to relay.
    async fn stream_stdio(
        &self,
        _: Request<()>,
    ) -> Result<Response<Answers<goplugin::StdioData>>, Status> {
        Ok(Response::new(self.open(Vec::new())))
    }
}

/// The name under which go-plugin asks for health.
const HEALTH_SERVICE: &str = "plugin";

#[tonic::async_trait]
impl health_server::Health for Plumbing {
    async fn check(
        &self,
        request: Request<health::HealthCheckRequest>,
    ) -> Result<Response<health::HealthCheckResponse>, Status> {
        match request.into_inner().service.as_str() {
            "" | HEALTH_SERVICE => Ok(Response::new(status(ServingStatus::Serving))),
            other => Err(Status::not_found(format!("no service {other:?}"))),
        }
    }

    async fn watch(
        &self,
        request: Request<health::HealthCheckRequest>,
    ) -> Result<Response<Answers<health::HealthCheckResponse>>, Status> {
        let first = match request.into_inner().service.as_str() {
            "" | HEALTH_SERVICE => ServingStatus::Serving,
            _ => ServingStatus::ServiceUnknown,
        };
        Ok(Response::new(self.open(vec![status(first)])))
    }
}

fn status(status: ServingStatus) -> health::HealthCheckResponse {
    health::HealthCheckResponse {
        status: status.into(),
    }
}
