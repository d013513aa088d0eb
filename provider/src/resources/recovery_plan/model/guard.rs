//! The drill guard of a plan, and its way to and from the engine's.

use std::collections::BTreeMap;

use drs_engine::plan::DrillGuard;
use serde::{Deserialize, Serialize};
use tfplugin::Attr;

use super::Known;

/// A drill guard in configuration, plan and state.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub(crate) struct Guard {
    pub(crate) subnet_tags: Attr<BTreeMap<String, Attr<String>>>,
}

impl Guard {
    /// The guard as far as it is known: no guard at all while none of its tags is.
    pub(super) fn to_spec(&self, known: &mut Known) -> Option<DrillGuard> {
        if self.subnet_tags.is_unknown() {
            known.missing = true;
            return None;
        }
        let tags = self.subnet_tags.known().into_iter().flatten();
        let tags = tags.map(|(key, value)| (key.clone(), known.text(value, || "unknown".into())));
        Some(DrillGuard {
            subnet_tags: tags.collect(),
        })
    }

    pub(super) fn of_spec(spec: &DrillGuard) -> Self {
        let tags = spec.subnet_tags.iter();
        let tags = tags.map(|(key, value)| (key.clone(), Attr::Known(value.clone())));
        Self {
            subnet_tags: Attr::Known(tags.collect()),
        }
    }
}
