//! What the RPCs work on: the provider and its catalog, and a call of a host.

use std::sync::Arc;

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
    work::{Stop, Work},
};

use super::session::Session;

/// One provider instance.
pub(crate) struct Core<P: Provider> {
    pub(super) provider: P,
    pub(super) schema: Schema,
    pub(super) catalog: Catalog<P::Client>,
    work: Arc<Work>,
}

/// A call by one of the hosts.
pub(crate) struct Call<P: Provider> {
    pub(super) core: Arc<Core<P>>,
    pub(super) session: Arc<Session<P::Client>>,
}

impl<P: Provider> Call<P> {
    /// The context of a request that begins now.
    pub(super) fn context(&self) -> Context<P::Client> {
        let (client, terraform_version) = self.session.configured();
        Context {
            client,
            terraform_version,
            stop: self.stop_signal(),
            work: Arc::clone(&self.core.work),
        }
    }

    pub(super) fn stop_signal(&self) -> Stop {
        self.core.work.stop_signal(self.session.stopper())
    }
}

impl<P: Provider> Core<P> {
    pub(crate) fn new(provider: P, work: Arc<Work>) -> Self {
        Self {
            schema: provider.schema(),
            catalog: provider.catalog(),
            provider,
            work,
        }
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

    pub(super) fn critical_sections(&self) -> CriticalSections {
        CriticalSections(Arc::clone(&self.work))
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
