//! Messages for the person who runs Terraform.

use tfplugin_proto::tfplugin6 as pb;

use crate::{path::Path, value::ConversionError};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The operation failed.
    Error,
    /// The operation goes on.
    Warning,
}

/// One message: a summary that a person understands, a detail with the next step, and a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// One line.
    pub summary: String,
    /// What happened and what to do about it.
    pub detail: String,
    /// Where in the configuration; none for the whole block.
    pub path: Option<Path>,
}

impl Diagnostic {
    /// An error.
    #[must_use]
    pub fn error(summary: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(Severity::Error, summary.into(), detail.into())
    }

    /// A warning.
    #[must_use]
    pub fn warning(summary: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(Severity::Warning, summary.into(), detail.into())
    }

    /// The same message about one part of the configuration.
    #[must_use]
    pub fn at(mut self, path: impl Into<Path>) -> Self {
        self.path = Some(path.into());
        self
    }

    fn new(severity: Severity, summary: String, detail: String) -> Self {
        Self {
            severity,
            summary,
            detail,
            path: None,
        }
    }

    /// The wire form. A host shows the line of a top-level attribute. Given a longer path it may show the line of another
    /// attribute that happens to have the last name; so the path ends where every host can follow it, and the text begins
    /// with the whole of it.
    pub(crate) fn to_wire(&self) -> pb::Diagnostic {
        let severity = match self.severity {
            Severity::Error => pb::diagnostic::Severity::Error,
            Severity::Warning => pb::diagnostic::Severity::Warning,
        };
        pb::Diagnostic {
            severity: severity.into(),
            summary: self.summary.clone(),
            detail: self.placed_detail(),
            attribute: self.path.as_ref().and_then(|path| path.visible().to_wire()),
        }
    }

    fn placed_detail(&self) -> String {
        let hidden = self.path.as_ref().filter(|path| path.visible() != **path);
        match hidden.map(ToString::to_string) {
            Some(place) if !self.detail.contains(&place) => format!("{place}: {}", self.detail),
            _ => self.detail.clone(),
        }
    }

    pub(crate) fn from_wire(diagnostic: &pb::Diagnostic) -> Self {
        let severity = match diagnostic.severity() {
            pb::diagnostic::Severity::Warning => Severity::Warning,
            _ => Severity::Error,
        };
        Self {
            severity,
            summary: diagnostic.summary.clone(),
            detail: diagnostic.detail.clone(),
            path: diagnostic.attribute.as_ref().map(Path::from_wire),
        }
    }
}

/// Messages in the order in which they arose. They accumulate: one mistake does not hide another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// No messages.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a message.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Adds an error about a part of the configuration.
    pub fn error_at(
        &mut self,
        path: impl Into<Path>,
        summary: impl Into<String>,
        detail: impl Into<String>,
    ) {
        self.push(Diagnostic::error(summary, detail).at(path));
    }

    /// Adds a warning about a part of the configuration.
    pub fn warning_at(
        &mut self,
        path: impl Into<Path>,
        summary: impl Into<String>,
        detail: impl Into<String>,
    ) {
        self.push(Diagnostic::warning(summary, detail).at(path));
    }

    /// Whether any message is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.0
            .iter()
            .any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Whether there are no messages.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The messages.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    pub(crate) fn to_wire(&self) -> Vec<pb::Diagnostic> {
        self.0.iter().map(Diagnostic::to_wire).collect()
    }

    pub(crate) fn from_wire(diagnostics: &[pb::Diagnostic]) -> Self {
        diagnostics.iter().map(Diagnostic::from_wire).collect()
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl From<ConversionError> for Diagnostic {
    /// A value that does not fit a model is a mistake of the provider, never of its user.
    fn from(error: ConversionError) -> Self {
        Self::error(
            "Value Conversion Error",
            format!("{error}. This is a mistake in the provider: please report it."),
        )
        .at(error.path)
    }
}

impl From<ConversionError> for Diagnostics {
    fn from(error: ConversionError) -> Self {
        Diagnostic::from(error).into()
    }
}

impl FromIterator<Diagnostic> for Diagnostics {
    fn from_iter<I: IntoIterator<Item = Diagnostic>>(diagnostics: I) -> Self {
        Self(diagnostics.into_iter().collect())
    }
}

impl Extend<Diagnostic> for Diagnostics {
    fn extend<I: IntoIterator<Item = Diagnostic>>(&mut self, diagnostics: I) {
        self.0.extend(diagnostics);
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_no_host_can_show_is_said_in_the_text() {
        let cases = [
            (Path::from("name"), "name", "It is wrong."),
            (Path::from("ids").index(2), "ids[2]", "It is wrong."),
            (
                Path::from("waves").index(0).attribute("name"),
                "waves[0]",
                "waves[0].name: It is wrong.",
            ),
            (
                Path::from("timeouts").attribute("create"),
                "timeouts",
                "timeouts.create: It is wrong.",
            ),
        ];
        for (path, shown, text) in cases {
            let wire = Diagnostic::error("Wrong", "It is wrong.")
                .at(path)
                .to_wire();
            let place = wire.attribute.as_ref().map(Path::from_wire);
            assert_eq!(place.map(|place| place.to_string()).as_deref(), Some(shown));
            assert_eq!(wire.detail, text);
        }
    }

    #[test]
    fn a_text_that_names_its_place_is_left_alone() {
        let path = Path::from("timeouts").attribute("create");
        let text = "The argument timeouts.create must be a duration.";
        let wire = Diagnostic::error("Wrong", text).at(path).to_wire();
        assert_eq!(wire.detail, text);
    }
}
