//! What one host has told this process.
//!
//! A host has one connection and a process of its own, so there is one session. In debug mode several hosts share the
//! process, and one host has a connection for every `provider` block: the settings of one must not become those of
//! another, nor a Ctrl-C in one terminal end what another has begun.

use std::sync::{Arc, PoisonError, RwLock};

use crate::work::Stopper;

/// The state of one connection.
pub(crate) struct Session<C> {
    configured: RwLock<Configured<C>>,
    stopper: Stopper,
}

/// What the last ConfigureProvider left.
struct Configured<C> {
    client: Option<Arc<C>>,
    terraform_version: Arc<str>,
}

impl<C> Default for Session<C> {
    fn default() -> Self {
        Self {
            configured: RwLock::new(Configured {
                client: None,
                terraform_version: Arc::from(""),
            }),
            stopper: Stopper::default(),
        }
    }
}

impl<C> Session<C> {
    /// The client, while there is one, and the version of the host.
    pub(super) fn configured(&self) -> (Option<Arc<C>>, Arc<str>) {
        let configured = self
            .configured
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        (
            configured.client.clone(),
            Arc::clone(&configured.terraform_version),
        )
    }

    pub(super) fn configure(&self, client: Option<Arc<C>>, terraform_version: &str) {
        let mut configured = self
            .configured
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *configured = Configured {
            client,
            terraform_version: Arc::from(terraform_version),
        };
    }

    pub(super) fn stopper(&self) -> &Stopper {
        &self.stopper
    }
}
