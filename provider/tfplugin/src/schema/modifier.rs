//! Plan modifiers: how an attribute is planned when the framework alone cannot know.

use std::{fmt, sync::Arc};

use crate::value::Value;

/// A step in the plan of one attribute. Modifiers run in order, on create and update.
#[derive(Clone)]
pub enum PlanModifier {
    /// An unknown planned value becomes the stored one, when there is one.
    UseStateForUnknown,
    /// A change replaces the resource.
    RequiresReplace,
    /// A change replaces the resource when the function says so.
    RequiresReplaceIf(Arc<dyn Fn(&ModifierContext<'_>) -> bool + Send + Sync>),
    /// The planned value becomes what the function returns.
    Custom(Arc<dyn Fn(&ModifierContext<'_>) -> Value + Send + Sync>),
}

/// What a plan modifier can see.
#[derive(Clone, Copy, Debug)]
pub struct ModifierContext<'a> {
    /// The configured value.
    pub config: &'a Value,
    /// The stored value; null on create.
    pub prior: &'a Value,
    /// The planned value so far.
    pub planned: &'a Value,
    /// The whole configuration.
    pub whole_config: &'a Value,
    /// The whole stored state; null on create.
    pub whole_prior: &'a Value,
}

impl fmt::Debug for PlanModifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UseStateForUnknown => "UseStateForUnknown",
            Self::RequiresReplace => "RequiresReplace",
            Self::RequiresReplaceIf(_) => "RequiresReplaceIf",
            Self::Custom(_) => "Custom",
        })
    }
}
