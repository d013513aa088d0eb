//! What the RPCs work on: the provider, its catalog and its client.

use std::sync::{Arc, PoisonError, RwLock};

use crate::{
    action::DynAction,
    context::{Context, CriticalSections},
    data_source::DynDataSource,
    diagnostic::{Diagnostic, Diagnostics},
    provider::{Catalog, Entry, Provider},
    resource::typed::DynResource,
    schema::{
        Schema,
        check::{check, check_action},
    },
    work::Work,
};

/// One provider instance.
pub(crate) struct Core<P: Provider> {
    pub(super) provider: P,
    pub(super) schema: Schema,
    pub(super) catalog: Catalog<P::Client>,
    session: RwLock<Session<P::Client>>,
    work: Arc<Work>,
}

/// What the last ConfigureProvider left.
struct Session<C> {
    client: Option<Arc<C>>,
    terraform_version: Arc<str>,
}

impl<P: Provider> Core<P> {
    pub(crate) fn new(provider: P, work: Arc<Work>) -> Self {
        let session = Session {
            client: None,
            terraform_version: Arc::from(""),
        };
        Self {
            schema: provider.schema(),
            catalog: provider.catalog(),
            provider,
            session: RwLock::new(session),
            work,
        }
    }

    pub(crate) fn work(&self) -> &Arc<Work> {
        &self.work
    }

    pub(crate) fn schema(&self) -> &Schema {
        &self.schema
    }

    pub(crate) fn catalog(&self) -> &Catalog<P::Client> {
        &self.catalog
    }

    pub(crate) fn address(&self) -> &str {
        self.provider.address()
    }

    /// Everything that hosts would refuse in the schemas, and what the models cannot hold.
    pub(crate) fn broken(&self) -> Vec<String> {
        let mut found = named("provider", check(&self.schema));
        for (name, entry) in &self.catalog.resources {
            found.extend(named(name, check(&entry.schema)));
            found.extend(named(name, entry.item.gaps(&entry.schema)));
            if let Some(identity) = entry.item.identity() {
                found.extend(named(name, identity.check(&entry.schema)));
            }
        }
        for (name, entry) in &self.catalog.data_sources {
            found.extend(named(name, check(&entry.schema)));
            found.extend(named(name, entry.item.gaps(&entry.schema)));
        }
        for (name, entry) in &self.catalog.actions {
            found.extend(named(name, check_action(&entry.schema)));
            found.extend(named(name, entry.item.gaps(&entry.schema)));
        }
        for (name, function) in &self.catalog.functions {
            found.extend(named(name, function.broken()));
        }
        found
    }

    /// The context of a request that begins now.
    pub(super) fn context(&self) -> Context<P::Client> {
        let session = self.session.read().unwrap_or_else(PoisonError::into_inner);
        Context {
            client: session.client.clone(),
            terraform_version: Arc::clone(&session.terraform_version),
            stop: self.work.stop_signal(),
            work: Arc::clone(&self.work),
        }
    }

    pub(super) fn critical_sections(&self) -> CriticalSections {
        CriticalSections(Arc::clone(&self.work))
    }

    pub(super) fn configured(&self, client: Option<Arc<P::Client>>, terraform_version: &str) {
        let mut session = self.session.write().unwrap_or_else(PoisonError::into_inner);
        *session = Session {
            client,
            terraform_version: Arc::from(terraform_version),
        };
    }

    pub(super) fn resource(
        &self,
        name: &str,
    ) -> Result<Entry<dyn DynResource<P::Client>>, Diagnostics> {
        self.catalog
            .resources
            .get(name)
            .cloned()
            .ok_or_else(|| unknown_type("resource", name))
    }

    pub(super) fn data_source(
        &self,
        name: &str,
    ) -> Result<Entry<dyn DynDataSource<P::Client>>, Diagnostics> {
        self.catalog
            .data_sources
            .get(name)
            .cloned()
            .ok_or_else(|| unknown_type("data source", name))
    }

    pub(super) fn action(
        &self,
        name: &str,
    ) -> Result<Entry<dyn DynAction<P::Client>>, Diagnostics> {
        self.catalog
            .actions
            .get(name)
            .cloned()
            .ok_or_else(|| unknown_type("action", name))
    }
}

fn unknown_type(kind: &str, name: &str) -> Diagnostics {
    Diagnostic::error(
        "Unknown Type",
        format!("The provider has no {kind} {name:?}."),
    )
    .into()
}

fn named(name: &str, rules: Vec<String>) -> Vec<String> {
    rules
        .into_iter()
        .map(|rule| format!("{name}: {rule}"))
        .collect()
}
