//! What names an object of ours for ever, for import blocks by identity.

use tfplugin::{IdentitySchema, Type};

/// An identity that is the id.
pub(crate) fn of_id(what: &str) -> Option<IdentitySchema> {
    let schema = IdentitySchema::new(0);
    Some(schema.required_for_import("id", Type::String, what))
}
