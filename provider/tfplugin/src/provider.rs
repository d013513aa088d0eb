//! The provider itself: its configuration, and the list of what it offers.

use std::{collections::BTreeMap, fmt, sync::Arc};

use async_trait::async_trait;
use serde::de::DeserializeOwned;

use crate::{
    action::{self, Action, DynAction},
    context::CriticalSections,
    data_source::{self, DataSource, DynDataSource},
    diagnostic::{Diagnostic, Diagnostics},
    function::{self, DynFunction, Function},
    resource::{
        Resource,
        typed::{self, DynResource},
    },
    schema::Schema,
    work::Stop,
};

/// A provider.
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// The provider block, as a struct whose fields are [`Attr`](crate::Attr)s.
    type Config: DeserializeOwned + Send + Sync + 'static;
    /// What resources and data sources need to work. Made by [`configure`](Self::configure).
    type Client: Send + Sync + 'static;

    /// The whole address, such as `registry.terraform.io/namespace/name`.
    fn address(&self) -> &str;

    /// The schema of the provider block.
    fn schema(&self) -> Schema;

    /// Everything the provider offers.
    fn catalog(&self) -> Catalog<Self::Client>;

    /// Checks the provider block as far as it is known.
    async fn validate(&self, config: Self::Config) -> Diagnostics {
        let _ = config;
        Diagnostics::new()
    }

    /// Makes the client. Its warnings are shown on every plan and apply.
    ///
    /// The configuration may hold unknown values; then return [`Configured::later`] rather than an
    /// error. In debug mode this is called many times on the same instance.
    async fn configure(
        &self,
        request: Configure<Self::Config>,
    ) -> Result<Configured<Self::Client>, Diagnostics>;
}

/// A request to configure the provider.
#[derive(Debug)]
pub struct Configure<M> {
    /// The provider block.
    pub config: M,
    /// The version of the host.
    pub terraform_version: String,
    /// The signal to stop this request.
    pub stop: Stop,
    /// A way to open critical sections, for the client to keep.
    pub critical_sections: CriticalSections,
}

/// The result of configuring a provider.
pub struct Configured<C> {
    pub(crate) client: Option<Arc<C>>,
    pub(crate) diagnostics: Diagnostics,
}

impl<C> Configured<C> {
    /// The provider is ready.
    pub fn ready(client: C) -> Self {
        Self {
            client: Some(Arc::new(client)),
            diagnostics: Diagnostics::new(),
        }
    }

    /// The configuration is not known yet. Only what needs the client fails, with a message that says so.
    #[must_use]
    pub fn later() -> Self {
        Self {
            client: None,
            diagnostics: Diagnostics::new(),
        }
    }

    /// The same result with a message, which the host shows on every plan and apply.
    #[must_use]
    pub fn with(mut self, diagnostic: Diagnostic) -> Self {
        self.diagnostics.push(diagnostic);
        self
    }
}

impl<C> fmt::Debug for Configured<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Configured")
            .field("ready", &self.client.is_some())
            .finish_non_exhaustive()
    }
}

/// What a provider offers, by name.
pub struct Catalog<C> {
    pub(crate) resources: BTreeMap<&'static str, Entry<dyn DynResource<C>>>,
    pub(crate) data_sources: BTreeMap<&'static str, Entry<dyn DynDataSource<C>>>,
    pub(crate) actions: BTreeMap<&'static str, Entry<dyn DynAction<C>>>,
    pub(crate) functions: BTreeMap<&'static str, Arc<dyn DynFunction>>,
}

/// One thing on offer, with its schema.
pub(crate) struct Entry<T: ?Sized> {
    pub(crate) schema: Arc<Schema>,
    pub(crate) item: Arc<T>,
}

impl<T: ?Sized> Clone for Entry<T> {
    fn clone(&self) -> Self {
        Self {
            schema: Arc::clone(&self.schema),
            item: Arc::clone(&self.item),
        }
    }
}

impl<C: Send + Sync + 'static> Catalog<C> {
    /// Nothing.
    #[must_use]
    pub fn new() -> Self {
        Self {
            resources: BTreeMap::new(),
            data_sources: BTreeMap::new(),
            actions: BTreeMap::new(),
            functions: BTreeMap::new(),
        }
    }

    /// The same catalog with one more resource.
    #[must_use]
    pub fn resource(mut self, resource: impl Resource<Client = C>) -> Self {
        let name = resource.type_name();
        let schema = resource.schema();
        let item = Arc::new(typed::Typed::new(resource, &schema));
        self.resources.insert(
            name,
            Entry {
                schema: Arc::new(schema),
                item,
            },
        );
        self
    }

    /// The same catalog with one more data source.
    #[must_use]
    pub fn data_source(mut self, source: impl DataSource<Client = C>) -> Self {
        let name = source.type_name();
        let schema = source.schema();
        let item = Arc::new(data_source::Typed::new(source, &schema));
        self.data_sources.insert(
            name,
            Entry {
                schema: Arc::new(schema),
                item,
            },
        );
        self
    }

    /// The same catalog with one more action.
    #[must_use]
    pub fn action(mut self, action: impl Action<Client = C>) -> Self {
        let name = action.type_name();
        let schema = Arc::new(action.schema());
        let item = Arc::new(action::Typed(action));
        self.actions.insert(name, Entry { schema, item });
        self
    }

    /// The same catalog with one more function.
    #[must_use]
    pub fn function(mut self, function: impl Function) -> Self {
        let name = function.name();
        let item = Arc::new(function::Typed::new(function));
        self.functions.insert(name, item);
        self
    }
}

impl<C: Send + Sync + 'static> Default for Catalog<C> {
    fn default() -> Self {
        Self::new()
    }
}

impl<C> fmt::Debug for Catalog<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalog")
            .field("resources", &self.resources.keys())
            .field("data_sources", &self.data_sources.keys())
            .field("actions", &self.actions.keys())
            .field("functions", &self.functions.keys())
            .finish()
    }
}
