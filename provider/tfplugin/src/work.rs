//! Work under way: how it is asked to stop, and how an exit waits for what must not be cut.

use std::{future::Future, sync::Mutex, time::Duration};

use tokio::sync::watch;

/// A signal that asks a request to end early. It is advisory: the request returns what it has.
#[derive(Clone, Debug)]
pub struct Stop {
    host: watch::Receiver<bool>,
    process: watch::Receiver<bool>,
}

impl Stop {
    /// Whether the request has been asked to stop.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        *self.host.borrow() || *self.process.borrow()
    }

    /// Completes when the request is asked to stop.
    pub async fn stopped(&self) {
        tokio::select! {
            () = told(self.host.clone()) => {}
            () = told(self.process.clone()) => {}
        }
    }

    /// Sleeps, or returns early when asked to stop. Says whether the whole time has passed.
    pub async fn sleep(&self, time: Duration) -> bool {
        tokio::select! {
            () = tokio::time::sleep(time) => true,
            () = self.stopped() => false,
        }
    }
}

async fn told(mut receiver: watch::Receiver<bool>) {
    if receiver.wait_for(|stopped| *stopped).await.is_err() {
        // A sender that goes away without a word asks for nothing: what a host began goes on when it is gone.
        std::future::pending::<()>().await;
    }
}

/// Asks what is under way to stop. What begins later runs normally.
#[derive(Debug)]
pub(crate) struct Stopper(Mutex<watch::Sender<bool>>);

impl Default for Stopper {
    fn default() -> Self {
        Self(Mutex::new(watch::Sender::new(false)))
    }
}

impl Stopper {
    pub(crate) fn stop_current(&self) {
        let mut sender = self.sender();
        sender.send_replace(true);
        *sender = watch::Sender::new(false);
    }

    fn subscribe(&self) -> watch::Receiver<bool> {
        self.sender().subscribe()
    }

    fn sender(&self) -> std::sync::MutexGuard<'_, watch::Sender<bool>> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// While one of these lives, no exit path ends the process, for at most
/// [`CRITICAL_SECTION_GRACE`](crate::limits::CRITICAL_SECTION_GRACE).
///
/// Hold one around a remote call whose outcome must be recorded.
#[derive(Debug)]
#[must_use = "the section ends when this is dropped"]
pub struct CriticalSection(watch::Sender<Sections>);

impl Drop for CriticalSection {
    fn drop(&mut self) {
        self.0.send_modify(|sections| sections.open -= 1);
    }
}

/// The critical sections of the process.
#[derive(Clone, Copy, Debug, Default)]
struct Sections {
    open: usize,
    closed: bool,
}

/// The work of one provider process.
#[derive(Debug, Default)]
pub(crate) struct Work {
    stopper: Stopper,
    sections: watch::Sender<Sections>,
}

impl Work {
    /// The signal for a request of a host that begins now.
    pub(crate) fn stop_signal(&self, host: &Stopper) -> Stop {
        Stop {
            host: host.subscribe(),
            process: self.stopper.subscribe(),
        }
    }

    /// Asks the current requests of all hosts to stop.
    pub(crate) fn stop_current(&self) {
        self.stopper.stop_current();
    }

    /// Begins a critical section. Once the process is ending this never completes, so that nothing
    /// begins that would be cut off.
    pub(crate) async fn critical_section(&self) -> CriticalSection {
        let mut entered = false;
        self.sections.send_if_modified(|sections| {
            entered = !sections.closed;
            sections.open += usize::from(entered);
            entered
        });
        if !entered {
            std::future::pending::<()>().await;
        }
        CriticalSection(self.sections.clone())
    }

    /// Lets no further critical section begin. Completes when none is open.
    pub(crate) fn close(&self) -> impl Future<Output = ()> + Send + use<> {
        self.sections.send_modify(|sections| sections.closed = true);
        let mut receiver = self.sections.subscribe();
        async move {
            // An error means that the sender is gone, and with it every section.
            let _ = receiver.wait_for(|sections| sections.open == 0).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_host_stops_what_it_runs_and_arms_again() {
        let (work, host, other) = (Work::default(), Stopper::default(), Stopper::default());
        let (first, others) = (work.stop_signal(&host), work.stop_signal(&other));
        host.stop_current();
        first.stopped().await;
        assert!(first.is_stopped());
        assert!(!first.sleep(Duration::from_secs(3600)).await);
        assert!(!work.stop_signal(&host).is_stopped());
        assert!(!others.is_stopped());
        // Who goes away stops nothing, and the end of the process stops everything.
        drop(other);
        assert!(!is_ready(Box::pin(others.stopped())).await);
        work.stop_current();
        others.stopped().await;
        assert!(others.is_stopped());
    }

    #[tokio::test]
    async fn closing_waits_for_open_sections_and_lets_none_begin() {
        let work = Work::default();
        let (one, two) = (work.critical_section().await, work.critical_section().await);
        let closed = work.close();
        tokio::pin!(closed);
        drop(one);
        assert!(!is_ready(closed.as_mut()).await);
        assert!(!is_ready(Box::pin(work.critical_section())).await);
        drop(two);
        closed.await;
        assert!(!is_ready(Box::pin(work.critical_section())).await);
    }

    async fn is_ready<F: Future + Unpin>(future: F) -> bool {
        tokio::select! { biased; _ = future => true, () = std::future::ready(()) => false }
    }
}
