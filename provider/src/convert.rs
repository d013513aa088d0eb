//! Small conversions that several resources share.

use drs_engine::plan::PathStep;
use jiff::{SignedDuration, Timestamp};
use tfplugin::{Attr, Path, duration};

/// A path of the engine as one of Terraform.
pub(crate) fn path(steps: &[PathStep]) -> Path {
    steps.iter().fold(Path::root(), |path, step| match step {
        PathStep::Attribute(name) => path.attribute(*name),
        PathStep::Index(index) => path.index(*index),
    })
}

/// An instant as RFC 3339 text, to the second.
pub(crate) fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// An instant that may not have come yet.
pub(crate) fn optional_instant(at: Option<Timestamp>) -> Attr<String> {
    at.map(instant).into()
}

/// A span of time as it was written, once it is known; the schema has refused what is none.
pub(crate) fn span(text: &Attr<String>) -> Option<SignedDuration> {
    let parsed = duration::parse(text.known()?).ok()?;
    SignedDuration::try_from(parsed).ok()
}

/// The known elements of a list, or none while something in it is not known.
pub(crate) fn whole(list: &Attr<Vec<Attr<String>>>) -> Attr<Vec<String>> {
    match list {
        Attr::Null => Attr::Null,
        Attr::Unknown => Attr::Unknown,
        Attr::Known(items) => {
            let known: Option<Vec<String>> =
                items.iter().map(|item| item.known().cloned()).collect();
            known.map_or(Attr::Unknown, Attr::Known)
        }
    }
}

/// Texts as the elements of a list.
pub(crate) fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> Attr<Vec<Attr<String>>> {
    Attr::Known(
        items
            .into_iter()
            .map(|item| Attr::Known(item.to_string()))
            .collect(),
    )
}
