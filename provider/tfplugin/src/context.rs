//! What a method of a resource or a data source can reach beside its own request.

use std::{fmt, sync::Arc, time::Duration};

use crate::{
    diagnostic::Diagnostic,
    work::{CriticalSection, Stop, Work},
};

/// The provider's client, the signal to stop, and what is known of the host. One per request.
pub struct Context<C> {
    pub(crate) client: Option<Arc<C>>,
    pub(crate) terraform_version: Arc<str>,
    pub(crate) stop: Stop,
    pub(crate) work: Arc<Work>,
}

impl<C> Context<C> {
    /// What [`Provider::configure`](crate::Provider::configure) made.
    ///
    /// # Errors
    /// A diagnostic that explains what to do, when the provider is not configured: its
    /// configuration has values that are known only after apply.
    pub fn client(&self) -> Result<&Arc<C>, Diagnostic> {
        self.client.as_ref().ok_or_else(|| {
            Diagnostic::error(
                "Provider Not Configured",
                "The provider's configuration has values that are known only after apply, so it \
                 cannot reach its API yet. Apply the resources that those values come from first \
                 (terraform apply -target=...), or set them to known values.",
            )
        })
    }

    /// The client, or none while the provider is not configured. For planning, where that is no error.
    #[must_use]
    pub fn client_if_configured(&self) -> Option<&Arc<C>> {
        self.client.as_ref()
    }

    /// Whether the request has been asked to stop (Ctrl-C): start nothing new and return what
    /// there is.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stop.is_stopped()
    }

    /// Completes when the request is asked to stop.
    pub async fn stopped(&self) {
        self.stop.stopped().await;
    }

    /// Sleeps, or returns early when asked to stop. Says whether the whole time has passed.
    pub async fn sleep(&self, time: Duration) -> bool {
        self.stop.sleep(time).await
    }

    /// The signal itself, to hand on.
    #[must_use]
    pub fn stop_signal(&self) -> Stop {
        self.stop.clone()
    }

    /// Holds off the exit of the process, for at most five seconds, until it is dropped. For a
    /// remote call in flight whose outcome must be recorded.
    ///
    /// Once the process is ending this never completes: what has not begun does not begin.
    pub async fn critical_section(&self) -> CriticalSection {
        self.work.critical_section().await
    }

    /// A way to open critical sections that can be handed on to another layer.
    #[must_use]
    pub fn critical_sections(&self) -> CriticalSections {
        CriticalSections(Arc::clone(&self.work))
    }

    /// The version of the host; empty before the provider is configured.
    #[must_use]
    pub fn terraform_version(&self) -> &str {
        &self.terraform_version
    }
}

impl<C> fmt::Debug for Context<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("configured", &self.client.is_some())
            .field("stopped", &self.is_stopped())
            .finish_non_exhaustive()
    }
}

/// Opens critical sections from anywhere, also after the request that it came from.
#[derive(Clone, Debug)]
pub struct CriticalSections(pub(crate) Arc<Work>);

impl CriticalSections {
    /// See [`Context::critical_section`].
    pub async fn enter(&self) -> CriticalSection {
        self.0.critical_section().await
    }
}
