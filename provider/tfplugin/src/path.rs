//! Paths to a part of a configuration or a state.

use std::fmt;

use tfplugin_proto::tfplugin6 as pb;

/// Where a diagnostic, a replacement or a conversion error applies.
///
/// ```
/// use tfplugin::Path;
/// let path = Path::root().attribute("waves").index(0).attribute("name");
/// assert_eq!(path.to_string(), "waves[0].name");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(Vec<Step>);

/// One step of a [`Path`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// An attribute of an object.
    Attribute(String),
    /// An element of a map.
    Key(String),
    /// An element of a list.
    Index(usize),
    /// An element of a set. The protocol cannot name one, so a path ends before it on the wire.
    Element,
}

impl Path {
    /// The whole value.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// This path and then an attribute.
    #[must_use]
    pub fn attribute(self, name: impl Into<String>) -> Self {
        self.step(Step::Attribute(name.into()))
    }

    /// This path and then an element of a map.
    #[must_use]
    pub fn key(self, key: impl Into<String>) -> Self {
        self.step(Step::Key(key.into()))
    }

    /// This path and then an element of a list.
    #[must_use]
    pub fn index(self, index: usize) -> Self {
        self.step(Step::Index(index))
    }

    /// This path and then some element of a set.
    #[must_use]
    pub fn element(self) -> Self {
        self.step(Step::Element)
    }

    /// This path and then `step`.
    #[must_use]
    pub fn step(mut self, step: Step) -> Self {
        self.0.push(step);
        self
    }

    /// The steps, from the root.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// The steps of `self` and then those of `rest`.
    #[must_use]
    pub fn join(mut self, rest: &Path) -> Self {
        self.0.extend(rest.0.iter().cloned());
        self
    }

    /// The part that a host can show: a top-level attribute, and an element of it.
    pub(crate) fn visible(&self) -> Self {
        let is_nested =
            |(position, step): (usize, &Step)| position > 0 && matches!(step, Step::Attribute(_));
        let end = self.0.iter().enumerate().position(is_nested);
        Self(self.0[..end.unwrap_or(self.0.len())].to_vec())
    }

    pub(crate) fn from_reversed(mut steps: Vec<Step>) -> Self {
        steps.reverse();
        Self(steps)
    }

    /// The wire form, which ends where a set begins; none for the root.
    pub(crate) fn to_wire(&self) -> Option<pb::AttributePath> {
        use pb::attribute_path::{Step as WireStep, step::Selector};
        let steps: Vec<WireStep> = self
            .0
            .iter()
            .map_while(|step| match step {
                Step::Attribute(name) => Some(Selector::AttributeName(name.clone())),
                Step::Key(key) => Some(Selector::ElementKeyString(key.clone())),
                Step::Index(index) => Some(Selector::ElementKeyInt(
                    i64::try_from(*index).unwrap_or(i64::MAX),
                )),
                Step::Element => None,
            })
            .map(|selector| WireStep {
                selector: Some(selector),
            })
            .collect();
        (!steps.is_empty()).then_some(pb::AttributePath { steps })
    }

    pub(crate) fn from_wire(path: &pb::AttributePath) -> Self {
        use pb::attribute_path::step::Selector;
        Self(
            path.steps
                .iter()
                .filter_map(|step| step.selector.as_ref())
                .map(|selector| match selector {
                    Selector::AttributeName(name) => Step::Attribute(name.clone()),
                    Selector::ElementKeyString(key) => Step::Key(key.clone()),
                    Selector::ElementKeyInt(index) => {
                        Step::Index(usize::try_from(*index).unwrap_or(usize::MAX))
                    }
                })
                .collect(),
        )
    }
}

impl From<&str> for Path {
    /// A top-level attribute.
    fn from(name: &str) -> Self {
        Self::root().attribute(name)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("(the whole value)");
        }
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Attribute(name) if position == 0 => write!(f, "{name}")?,
                Step::Attribute(name) => write!(f, ".{name}")?,
                Step::Key(key) => write!(f, "[{key:?}]")?,
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Element => write!(f, "[*]")?,
            }
        }
        Ok(())
    }
}
