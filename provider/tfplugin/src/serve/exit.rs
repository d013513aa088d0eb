//! When the process ends, and how.
//!
//! It ends when the host calls Shutdown, when the host's last connection closes, when the parent
//! process changes, or on SIGTERM. In debug mode only signals end it. SIGINT belongs to the host: a
//! Ctrl-C in the terminal reaches this process too, and the host then calls StopProvider.

use std::{io, sync::Arc};

use tokio::{sync::watch, task::JoinHandle};

use crate::{
    limits::{CRITICAL_SECTION_GRACE, DRAIN, FIRST_CONNECTION},
    work::Work,
};

/// Why the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    Shutdown,
    HostGone,
    ParentGone,
    NeverConnected,
    Signal,
}

/// Watches for a reason to end.
pub(super) struct Exit {
    debug: bool,
    handle: Handle,
    connections: Connections,
    signals: signals::Signals,
}

/// Ends the process from anywhere, and tells when it does.
#[derive(Clone, Debug)]
pub(super) struct Handle {
    reason: Arc<watch::Sender<Option<Reason>>>,
    debug: bool,
}

impl Handle {
    /// The host has called Shutdown. One that is attached is not the only one, and did not start this process.
    pub(super) fn shut_down(&self) {
        if !self.debug {
            self.reason.send_replace(Some(Reason::Shutdown));
        }
    }

    /// Completes when the process ends, for whatever reason.
    pub(super) async fn ended(&self) -> Option<Reason> {
        let mut receiver = self.reason.subscribe();
        receiver
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|reason| *reason)
    }
}

/// Counts the open connections.
#[derive(Clone, Debug)]
pub(super) struct Connections(Arc<watch::Sender<Count>>);

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    open: usize,
    ever: bool,
}

/// One open connection.
#[derive(Debug)]
pub(super) struct Open(Connections);

impl Connections {
    /// Counts one connection until the result is dropped.
    pub(super) fn open(&self) -> Open {
        self.0.send_modify(|count| {
            *count = Count {
                open: count.open + 1,
                ever: true,
            }
        });
        Open(self.clone())
    }

    /// Completes when somebody was connected and nobody is any more.
    async fn gone(&self) -> Reason {
        let mut receiver = self.0.subscribe();
        let never = tokio::time::timeout(FIRST_CONNECTION, receiver.wait_for(|count| count.ever))
            .await
            .is_err();
        if never {
            return Reason::NeverConnected;
        }
        let _ = receiver.wait_for(|count| count.open == 0).await;
        Reason::HostGone
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| count.open -= 1);
    }
}

impl Exit {
    /// Takes over the signals of the process.
    pub(super) fn new(debug: bool) -> io::Result<Self> {
        Ok(Self {
            debug,
            handle: Handle {
                reason: Arc::new(watch::Sender::new(None)),
                debug,
            },
            connections: Connections(Arc::new(watch::Sender::new(Count::default()))),
            signals: signals::Signals::new()?,
        })
    }

    pub(super) fn handle(&self) -> Handle {
        self.handle.clone()
    }

    pub(super) fn connections(&self) -> Connections {
        self.connections.clone()
    }

    /// Completes when the process is to end.
    pub(super) async fn wait(&self) -> Reason {
        let connections = self.connections.clone();
        let handle = self.handle.clone();
        let signals = self.signals.wait(self.debug);
        if self.debug {
            signals.await;
            return Reason::Signal;
        }
        tokio::select! {
            reason = handle.ended() => reason.unwrap_or(Reason::Shutdown),
            reason = connections.gone() => reason,
            () = self.signals.parent_gone() => Reason::ParentGone,
            () = signals => Reason::Signal,
        }
    }
}

/// Stops the current work, waits for critical sections, and lets the last answers out. Each wait is
/// bounded: the host kills what takes longer.
pub(super) async fn wind_down<T>(work: &Work, handle: Handle, mut server: JoinHandle<T>) {
    work.stop_current();
    if tokio::time::timeout(CRITICAL_SECTION_GRACE, work.close())
        .await
        .is_err()
    {
        tracing::error!("the provider exits although a critical section is still open");
    }
    handle.shut_down_quietly();
    if tokio::time::timeout(DRAIN, &mut server).await.is_err() {
        server.abort();
    }
}

impl Handle {
    /// Makes [`ended`](Self::ended) complete, when it has not yet.
    fn shut_down_quietly(&self) {
        self.reason.send_if_modified(|reason| {
            let first = reason.is_none();
            reason.get_or_insert(Reason::Signal);
            first
        });
    }
}

#[cfg(unix)]
mod signals {
    //! SIGINT and SIGTERM, and the parent process.

    use std::{io, os::unix::process::parent_id};

    use tokio::{
        signal::unix::{Signal, SignalKind, signal},
        sync::Mutex,
    };

    use crate::limits::PARENT_POLL;

    /// Holding the SIGINT stream is what keeps SIGINT from ending the process.
    pub(super) struct Signals {
        interrupt: Mutex<Signal>,
        terminate: Mutex<Signal>,
        parent: u32,
    }

    impl Signals {
        pub(super) fn new() -> io::Result<Self> {
            Ok(Self {
                interrupt: Mutex::new(signal(SignalKind::interrupt())?),
                terminate: Mutex::new(signal(SignalKind::terminate())?),
                // Before the handshake line: a host that dies right after it must be missed too.
                parent: parent_id(),
            })
        }

        /// Completes on SIGTERM, and on SIGINT when it is not the host's.
        pub(super) async fn wait(&self, interrupt_counts: bool) {
            let (mut interrupt, mut terminate) =
                (self.interrupt.lock().await, self.terminate.lock().await);
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv(), if interrupt_counts => {}
            }
        }

        /// Completes when this process has another parent than at first.
        pub(super) async fn parent_gone(&self) {
            let mut interval = tokio::time::interval(PARENT_POLL);
            while parent_id() == self.parent {
                interval.tick().await;
            }
        }
    }
}

#[cfg(not(unix))]
mod signals {
    //! Ctrl-C, which is the only signal here.

    use std::io;

    /// Ctrl-C handling.
    pub(super) struct Signals;

    impl Signals {
        pub(super) fn new() -> io::Result<Self> {
            // Registering a handler is what keeps Ctrl-C from ending the process.
            tokio::spawn(async { while tokio::signal::ctrl_c().await.is_ok() {} });
            Ok(Self)
        }

        pub(super) async fn wait(&self, interrupt_counts: bool) {
            if !interrupt_counts || tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        }

        /// There is no parent to watch; the host's connection tells enough.
        pub(super) async fn parent_gone(&self) {
            std::future::pending::<()>().await;
        }
    }
}
