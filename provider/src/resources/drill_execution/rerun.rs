//! Why a drill that has run is run again, said at plan: a host shows what is replaced, but hardly why.
//!
//! A drill that is tainted is not told of here: the host says so itself, and does not show the provider what was there.

use std::collections::{BTreeMap, BTreeSet};

use tfplugin::{Attr, Diagnostic};

use super::model::Model;
use crate::diagnose::sentence;

/// Changes of one attribute that are spelled out; the rest is counted.
const NAMED: usize = 5;
/// Longest value that is shown as a whole, in characters: an id is. Digests are longer, and told apart by their beginning.
const SHOWN: usize = 40;
/// Characters that are shown of a longer one.
const BEGINNING: usize = 12;

/// What changed so that this is another drill than the one that has run; none when it is the same.
pub(super) fn because_of_a_change(prior: &Model, planned: &Model) -> Option<Diagnostic> {
    let changes = [
        (
            "recovery_plan_id",
            one(&prior.recovery_plan_id, &planned.recovery_plan_id),
        ),
        ("triggers", several(&prior.triggers, &planned.triggers)),
        (
            "recovery_point_before",
            one(&prior.recovery_point_before, &planned.recovery_point_before),
        ),
        (
            "recovery_snapshots",
            several(&prior.recovery_snapshots, &planned.recovery_snapshots),
        ),
    ];
    let changes: Vec<(&str, String)> = changes
        .into_iter()
        .filter_map(|(name, change)| Some((name, change?)))
        .collect();
    let (first, _) = changes.first()?;
    let told = changes.iter();
    let told: Vec<String> = told
        .map(|(name, change)| format!("{name} changed ({change})"))
        .collect();
    let text = format!("Because {}. {}", told.join(", and "), follows(prior));
    Some(Diagnostic::warning(SUMMARY, text).at(*first))
}

/// It ended otherwise than as a success, and that is not accepted.
pub(super) fn because_of_its_end(prior: &Model) -> Diagnostic {
    let text = |value: &Attr<String>| value.known().cloned().unwrap_or_default();
    let (id, status) = (text(&prior.id), text(&prior.status));
    Diagnostic::warning(
        SUMMARY,
        format!(
            "The last one, execution {id}, ended as {status}: {} {} To keep it as it is, set fail_on_unsuccessful = false; to \
             see what happened, run `drsctl show {id}`.",
            sentence(&text(&prior.summary)),
            follows(prior)
        ),
    )
    .at("status")
}

const SUMMARY: &str = "The Drill Runs Again";

/// What the replacement does.
fn follows(prior: &Model) -> String {
    let id = prior.id.known().map_or("", String::as_str);
    let is_left = prior.instances_terminated != Attr::Known(true);
    let first = match (is_left, prior.is_cleanup("never")) {
        (true, false) => format!("Apply terminates what execution {id} launched, and starts"),
        (true, true) => format!("Apply leaves what execution {id} launched, and starts"),
        (false, _) => "Apply starts".to_owned(),
    };
    format!("{first} a new drill, which launches the servers again.")
}

/// Values by name.
type Named = Attr<BTreeMap<String, Attr<String>>>;

/// A change of a value.
fn one(prior: &Attr<String>, planned: &Attr<String>) -> Option<String> {
    (prior != planned).then(|| format!("{} -> {}", shown(prior), shown(planned)))
}

/// The changes of values by name.
fn several(prior: &Named, planned: &Named) -> Option<String> {
    if prior == planned {
        return None;
    }
    if planned.is_unknown() {
        return Some("to what is known only after apply".to_owned());
    }
    let none = BTreeMap::new();
    let (before, after) = (
        prior.known().unwrap_or(&none),
        planned.known().unwrap_or(&none),
    );
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let changes = names.into_iter().filter_map(|name| {
        let value = |values: &BTreeMap<String, Attr<String>>| {
            values.get(name).cloned().unwrap_or(Attr::Null)
        };
        Some(format!("{name}: {}", one(&value(before), &value(after))?))
    });
    let changes: Vec<String> = changes.collect();
    let named: Vec<&str> = changes.iter().take(NAMED).map(String::as_str).collect();
    Some(match changes.len().saturating_sub(NAMED) {
        // Empty is another than left out.
        _ if changes.is_empty() && planned.is_null() => "left out now".to_owned(),
        _ if changes.is_empty() => "empty now".to_owned(),
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    })
}

/// A value as a person tells it from another.
fn shown(value: &Attr<String>) -> String {
    match value {
        Attr::Unknown => "(known after apply)".to_owned(),
        Attr::Null => "(none)".to_owned(),
        Attr::Known(text) if text.chars().count() > SHOWN => {
            let first: String = text.chars().take(BEGINNING).collect();
            format!("{:?}", format!("{first}..."))
        }
        Attr::Known(text) => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(values: &[(&str, &str)]) -> Named {
        let values = values.iter();
        let known = values.map(|(name, value)| ((*name).to_owned(), (*value).into()));
        Attr::Known(known.collect())
    }

    #[test]
    fn every_change_is_told_and_digests_are_told_apart() {
        let (a, b) = ("a".repeat(64), "b".repeat(64));
        let prior = Model {
            id: "exec-1".into(),
            recovery_plan_id: "rp-1".into(),
            triggers: named(&[("plan", &a), ("quarter", "2026-Q3"), ("same", "1")]),
            ..Model::default()
        };
        let mut planned = prior.clone();
        assert_eq!(because_of_a_change(&prior, &planned), None);
        planned.triggers = named(&[("plan", &b), ("quarter", "2026-Q4"), ("same", "1")]);
        planned.recovery_point_before = "2026-03-01T09:00:00Z".into();
        let told = because_of_a_change(&prior, &planned).unwrap();
        assert_eq!(told.path, Some("triggers".into()));
        let mut all = vec![told.detail];
        let cases = [
            Attr::Null,
            Attr::Unknown,
            named(&[]),
            named(&[("plan", &a)]),
        ];
        for triggers in cases {
            let planned = Model {
                triggers,
                ..prior.clone()
            };
            all.push(because_of_a_change(&prior, &planned).unwrap().detail);
        }
        let many: Vec<(String, Attr<String>)> =
            (0..9).map(|n| (n.to_string(), Attr::Unknown)).collect();
        let planned = Model {
            triggers: Attr::Known(many.into_iter().collect()),
            ..prior.clone()
        };
        all.push(because_of_a_change(&prior, &planned).unwrap().detail);
        let (none, empty) = (prior.clone(), prior.clone());
        let none = Model {
            triggers: Attr::Null,
            cleanup: "never".into(),
            ..none
        };
        let empty = Model {
            triggers: named(&[]),
            instances_terminated: true.into(),
            ..empty
        };
        all.push(because_of_a_change(&none, &empty).unwrap().detail);
        all.push(because_of_a_change(&empty, &none).unwrap().detail);
        insta::assert_snapshot!(all.join("\n"));
    }
}
