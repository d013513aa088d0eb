//! A mistake in a plan, and where it is.

use std::fmt;

/// One thing that is wrong with a plan, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanError {
    /// Path of the attribute, outermost first.
    pub path: Vec<PathStep>,
    /// What is wrong and what would be right, in words for the person who wrote the plan.
    pub message: String,
}

/// One step of an attribute path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathStep {
    /// An attribute by name.
    Attribute(&'static str),
    /// An element of a list by position.
    Index(usize),
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.path.iter().enumerate() {
            match step {
                PathStep::Attribute(name) if position == 0 => write!(f, "{name}")?,
                PathStep::Attribute(name) => write!(f, ".{name}")?,
                PathStep::Index(index) => write!(f, "[{index}]")?,
            }
        }
        write!(f, ": {}", self.message)
    }
}

impl std::error::Error for PlanError {}
