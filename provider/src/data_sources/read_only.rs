//! Attributes of a resource as a data source shows them: nobody sets them.

use tfplugin::schema::Kind;
use tfplugin::{Attribute, Schema};

/// The same attribute, and those within it, as something that is only read.
pub(super) fn read_only(mut attribute: Attribute) -> Attribute {
    attribute.required = false;
    attribute.optional = false;
    attribute.computed = true;
    attribute.default = None;
    attribute.validators.clear();
    attribute.modifiers.clear();
    if let Kind::Nested(_, inner) = &mut attribute.kind {
        let within = std::mem::take(inner).into_iter();
        *inner = within
            .map(|(name, attribute)| (name, read_only(attribute)))
            .collect();
    }
    attribute
}

/// The attributes of a resource, all of them only read.
pub(super) fn of(resource: Schema) -> impl Iterator<Item = (String, Attribute)> {
    let attributes = resource.attributes.into_iter();
    attributes.map(|(name, attribute)| (name, read_only(attribute)))
}
