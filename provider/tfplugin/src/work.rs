//! Work under way: how it is asked to stop, and how an exit waits for what must not be cut.

use std::{future::Future, sync::Mutex, time::Duration};

use tokio::sync::watch;

/// A signal that asks a request to end early. It is advisory: the request returns what it has.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Whether the request has been asked to stop.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        *self.0.borrow()
    }

    /// Completes when the request is asked to stop.
    pub async fn stopped(&self) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|stopped| *stopped).await.is_err() {
            // The sender only goes away after it has sent its signal or with the whole server.
            std::future::pending::<()>().await;
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
#[derive(Debug)]
pub(crate) struct Work {
    stop: Mutex<watch::Sender<bool>>,
    sections: watch::Sender<Sections>,
}

impl Default for Work {
    fn default() -> Self {
        Self {
            stop: Mutex::new(watch::Sender::new(false)),
            sections: watch::Sender::new(Sections::default()),
        }
    }
}

impl Work {
    /// The signal for a request that begins now.
    pub(crate) fn stop_signal(&self) -> Stop {
        Stop(self.sender().subscribe())
    }

    /// Asks all current requests to stop. Later ones run normally.
    pub(crate) fn stop_current(&self) {
        let mut sender = self.sender();
        sender.send_replace(true);
        *sender = watch::Sender::new(false);
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

    fn sender(&self) -> std::sync::MutexGuard<'_, watch::Sender<bool>> {
        self.stop
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn stop_cancels_what_runs_and_arms_again() {
        let work = Work::default();
        let first = work.stop_signal();
        work.stop_current();
        first.stopped().await;
        assert!(first.is_stopped());
        assert!(!first.sleep(Duration::from_secs(3600)).await);
        assert!(!work.stop_signal().is_stopped());
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
