//! Who is told what happens, and its way to and from the engine's.

use drs_engine::plan::NotificationsSpec;
use serde::{Deserialize, Serialize};
use tfplugin::Attr;

use super::Known;
use crate::convert;

/// Who is told, in configuration, plan and state.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub(crate) struct Notifications {
    pub(crate) topic_arns: Attr<Vec<Attr<String>>>,
    pub(crate) events: Attr<Vec<Attr<String>>>,
}

impl Notifications {
    /// Who is told as far as it is known: nobody while no list of topics is, and of everything while no list of events is.
    pub(super) fn to_spec(&self, known: &mut Known) -> Option<NotificationsSpec> {
        known.missing |= self.topic_arns.is_unknown() || self.events.is_unknown();
        if self.topic_arns.is_unknown() {
            return None;
        }
        let topics = self.topic_arns.known().into_iter().flatten().enumerate();
        let topic_arns = topics
            .map(|(position, arn)| known.text(arn, || stand_in(position)))
            .collect();
        let events: Option<Vec<String>> = self.events.known().map(|events| {
            let words = events.iter();
            words.filter_map(|word| known.optional(word)).collect()
        });
        let is_partly_known = events.as_ref().is_some_and(Vec::is_empty)
            && self.events.known().is_some_and(|events| !events.is_empty());
        Some(NotificationsSpec {
            topic_arns,
            events: events.filter(|_| !is_partly_known),
        })
    }

    pub(super) fn of_spec(spec: &NotificationsSpec) -> Self {
        Self {
            topic_arns: convert::list(&spec.topic_arns),
            events: spec.events.as_ref().map_or(Attr::Null, convert::list),
        }
    }
}

/// A topic that breaks no rule, in place of one that is not known yet.
fn stand_in(position: usize) -> String {
    format!("arn:aws:sns:us-east-1:000000000000:unknown-{position}")
}
