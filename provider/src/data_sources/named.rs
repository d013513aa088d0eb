//! Data sources that read one object by its id or by its name.

use tfplugin::{Attr, Attribute, Diagnostic, Diagnostics, Schema};

/// How an object is meant.
pub(super) enum Named<'a> {
    /// By its id.
    Id(&'a str),
    /// By its name, without regard to case.
    Name(&'a str),
}

/// The same schema, in which either the id or the name is set.
pub(super) fn either(schema: Schema, what: &str) -> Schema {
    let set = |text: String| Attribute::string().optional().computed().describe(text);
    schema
        .attribute(
            "id",
            set(format!(
                "Id of {what}. Exactly one of this and `name` is set."
            )),
        )
        .attribute(
            "name",
            set(format!(
                "Name of {what}, without regard to case. Exactly one of this and `id` is set."
            )),
        )
}

/// Refuses both and neither.
pub(super) fn one_of(id: &Attr<String>, name: &Attr<String>) -> Diagnostics {
    let mut found = Diagnostics::new();
    match (id, name) {
        (Attr::Null, Attr::Null) => {
            found.error_at("id", "Which One?", "Set id, or name, to read one.");
        }
        (Attr::Known(_), Attr::Known(_)) => found.error_at(
            "name",
            "Which One?",
            "Both id and name are set. Remove one of the two.",
        ),
        _ => {}
    }
    found
}

/// How it is meant, once everything is known.
pub(super) fn of<'a>(
    id: &'a Attr<String>,
    name: &'a Attr<String>,
) -> Result<Named<'a>, Diagnostic> {
    match id.known() {
        Some(id) => Ok(Named::Id(id)),
        None => Ok(Named::Name(name.require("name")?)),
    }
}

/// The attribute that says which one is meant, and what it says, in words.
pub(super) fn told(id: &Attr<String>, name: &Attr<String>) -> (&'static str, String) {
    match (id.known(), name.known()) {
        (Some(id), _) => ("id", format!("the id {id:?}")),
        (None, name) => (
            "name",
            format!("the name {:?}", name.map_or("", String::as_str)),
        ),
    }
}
