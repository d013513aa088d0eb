//! Being told to stop: by Ctrl-C, or by whoever manages this process.

/// Returns when this process is asked to stop. From the first poll on, the signals no longer end the process by
/// themselves.
#[cfg(unix)]
pub(crate) async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};

    let (Ok(mut terminate), Ok(mut hang_up)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::hangup()),
    ) else {
        return ctrl_c().await;
    };
    tokio::select! {
        () = ctrl_c() => {}
        _ = terminate.recv() => {}
        _ = hang_up.recv() => {}
    }
}

/// Returns when this process is asked to stop.
#[cfg(not(unix))]
pub(crate) async fn interrupted() {
    ctrl_c().await;
}

async fn ctrl_c() {
    if tokio::signal::ctrl_c().await.is_err() {
        // Without a handler the signal ends the process by itself, so there is nothing to wait for.
        std::future::pending::<()>().await;
    }
}
