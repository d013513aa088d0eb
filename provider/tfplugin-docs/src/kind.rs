//! What a provider can have besides itself, and where the registries look for the pages and the examples of it.

/// Something with a page of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Resource,
    DataSource,
    EphemeralResource,
    ListResource,
    Action,
    Function,
}

/// All of them.
pub(crate) const KINDS: [Kind; 6] = [
    Kind::Resource,
    Kind::DataSource,
    Kind::EphemeralResource,
    Kind::ListResource,
    Kind::Action,
    Kind::Function,
];

impl Kind {
    /// The folder of its pages in `docs`, and of its examples in `examples`.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Kind::Resource => "resources",
            Kind::DataSource => "data-sources",
            Kind::EphemeralResource => "ephemeral-resources",
            Kind::ListResource => "list-resources",
            Kind::Action => "actions",
            Kind::Function => "functions",
        }
    }

    /// What stands behind the name in a title.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Kind::Resource => "Resource",
            Kind::DataSource => "Data Source",
            Kind::EphemeralResource => "Ephemeral Resource",
            Kind::ListResource => "List Resource",
            Kind::Action => "Action",
            Kind::Function => "function",
        }
    }

    /// What the name of an example begins and ends with; `resource_by_tags.tf` is a further one.
    pub(crate) fn example(self) -> (&'static str, &'static str) {
        match self {
            Kind::Resource => ("resource", ".tf"),
            Kind::DataSource => ("data-source", ".tf"),
            Kind::EphemeralResource => ("ephemeral-resource", ".tf"),
            Kind::ListResource => ("list-resource", ".tfquery.hcl"),
            Kind::Action => ("action", ".tf"),
            Kind::Function => ("function", ".tf"),
        }
    }
}
