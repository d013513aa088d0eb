//! Runs a provider as a plugin process: cookie, handshake line, mutual TLS, services, and exit.

mod debug;
mod exit;
mod handshake;
mod listener;
mod services;
mod tls;

use std::{process::ExitCode, sync::Arc};

use tokio_stream::wrappers::ReceiverStream;

use crate::{
    logging,
    provider::Provider,
    server::{Core, Service},
    work::Work,
};
use exit::Exit;
use handshake::Invitation;
use listener::{Endpoint, Listener};

/// Serves a provider until its host lets it go, and returns the code for `main` to return.
///
/// Without the host's cookie it prints a message for the person who started it and fails. With
/// `-debug` or `--debug` among the arguments it prints what a host needs to attach to it instead,
/// and runs until it is interrupted.
pub fn serve<P: Provider>(provider: P) -> ExitCode {
    let debug = std::env::args()
        .skip(1)
        .any(|argument| argument == "-debug" || argument == "--debug");
    let invitation = if debug {
        Some(Invitation::none())
    } else {
        Invitation::from_env()
    };
    let Some(invitation) = invitation else {
        handshake::explain(provider.address());
        return ExitCode::FAILURE;
    };
    logging::init(provider.address());
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    let code = match runtime.block_on(run(provider, &invitation, debug)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(error.as_ref()),
    };
    // What still runs has had its grace; it must not hold up the exit.
    runtime.shutdown_background();
    code
}

fn failed(error: &dyn std::error::Error) -> ExitCode {
    logging::write_line(&format!("the provider cannot be served: {error}"));
    ExitCode::FAILURE
}

type AnyError = Box<dyn std::error::Error + Send + Sync>;

async fn run<P: Provider>(
    provider: P,
    invitation: &Invitation,
    debug: bool,
) -> Result<(), AnyError> {
    let address = provider.address().to_owned();
    let work = Arc::new(Work::default());
    let core = Arc::new(Core::new(provider, Arc::clone(&work)));
    let identity = match &invitation.client_certificate {
        Some(certificate) => Some(tls::Identity::new(certificate)?),
        None => None,
    };
    let listener = Listener::bind(invitation)?;
    let endpoint = listener.endpoint().clone();
    let exit = Exit::new(debug)?;
    // Printed once everything is ready: the host connects at once.
    if debug {
        debug::print(&address, &endpoint)?;
    } else {
        handshake::print(&endpoint, identity.as_ref().map(tls::Identity::certificate))?;
    }
    let connections = listener.accept(identity.map(|i| i.acceptor()), exit.connections());
    let server = tokio::spawn(services::serve(
        Service::new(core),
        ReceiverStream::new(connections),
        exit.handle(),
    ));
    let reason = exit.wait().await;
    tracing::debug!(?reason, "the provider exits");
    exit::wind_down(&work, exit.handle(), server).await;
    remove(&endpoint);
    Ok(())
}

fn remove(endpoint: &Endpoint) {
    if let Endpoint::Unix(path) = endpoint {
        // Leftovers in a temporary directory are not worth an error at exit.
        let _ = std::fs::remove_file(path);
        if let Some(directory) = path.parent() {
            let _ = std::fs::remove_dir(directory);
        }
    }
}
