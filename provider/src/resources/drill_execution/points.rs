//! What a drill launches its servers from: their newest state, the newest point before a time, or points by name.

use std::collections::BTreeMap;

use drs_engine::ids::{PlanId, SnapshotId};
use drs_engine::point::{self, PointError, RecoveryPoint, is_point_id};
use jiff::Timestamp;
use serde_json::Value as Json;
use tfplugin::{Attr, Diagnostic, Diagnostics, Path};

use super::model::Model;
use crate::client::Client;
use crate::convert::instant;
use crate::diagnose::sentence;

/// The attribute with a time, and its input in the history.
const BEFORE: &str = "recovery_point_before";
/// The attribute with points by server, and its input in the history.
const NAMED: &str = "recovery_snapshots";

/// Points by the id or the host name of a server.
pub(crate) type Named = Attr<BTreeMap<String, Attr<String>>>;

/// What is wrong with a configuration as far as it is known.
pub(crate) fn configuration(before: &Attr<String>, named: &Named) -> Diagnostics {
    let mut found = Diagnostics::new();
    if !before.is_null() && !named.is_null() {
        let is_certain = before.known().is_some() && named.known().is_some();
        if is_certain {
            found.error_at(
                NAMED,
                "One Kind of Recovery Point",
                "Both recovery_point_before and recovery_snapshots are set. Remove one of the two: a drill launches its \
                 servers from points before a time, or from points by name.",
            );
        }
    }
    if let Some(text) = before.known()
        && time(text).is_none()
    {
        found.error_at(
            BEFORE,
            "Invalid Time",
            format!(
                "{text:?} is not a time with its zone. Write it like 2026-03-01T09:00:00Z or 2026-03-01T10:00:00+01:00."
            ),
        );
    }
    for (server, snapshot) in named.known().into_iter().flatten() {
        let problem = match snapshot {
            Attr::Known(id) if is_point_id(id) => continue,
            Attr::Unknown => continue,
            Attr::Null => "The recovery point is null. Remove the server, or name a point.".into(),
            Attr::Known(id) => {
                let snapshot = SnapshotId::new(id);
                let named = server.clone();
                sentence(&PointError::Malformed { named, snapshot }.to_string())
            }
        };
        let at = Path::from(NAMED).key(server);
        found.error_at(at, "Invalid Recovery Point ID", problem);
    }
    found
}

fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

/// What is asked for; none while it is not known.
pub(crate) fn wanted(before: &Attr<String>, named: &Named) -> Option<RecoveryPoint> {
    match (before, named) {
        (Attr::Known(text), _) => time(text).map(RecoveryPoint::Before),
        (Attr::Null, Attr::Known(points)) => {
            let points = points.iter().map(|(server, snapshot)| {
                let id = snapshot.known()?;
                Some((server.clone(), SnapshotId::new(id)))
            });
            Some(RecoveryPoint::Named(points.collect::<Option<_>>()?))
        }
        (Attr::Null, Attr::Null) => Some(RecoveryPoint::Latest),
        _ => None,
    }
}

/// What of it belongs to the inputs of the execution: it says which run this is.
pub(super) fn inputs(planned: &Model) -> BTreeMap<String, Json> {
    let before = planned.recovery_point_before.known();
    let named = planned.recovery_snapshots.known();
    let named = named.map(|points| {
        let known = |snapshot: &Attr<String>| snapshot.known().cloned();
        let pairs = points.iter();
        pairs
            .map(|(server, snapshot)| (server.clone(), known(snapshot).into()))
            .collect()
    });
    let inputs = [
        (BEFORE, before.map(|text| Json::from(text.as_str()))),
        (NAMED, named.map(Json::Object)),
    ];
    inputs
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}

/// Both attributes from the history: as they were written, or, for a drill that was started elsewhere, as they would be.
pub(super) fn of_history(
    inputs: &BTreeMap<String, Json>,
    points: &RecoveryPoint,
) -> (Attr<String>, Attr<BTreeMap<String, Attr<String>>>) {
    match points {
        RecoveryPoint::Latest => (Attr::Null, Attr::Null),
        RecoveryPoint::Before(at) => {
            let written = inputs.get(BEFORE).and_then(Json::as_str);
            let text = written.map_or_else(|| instant(*at), str::to_owned);
            (text.into(), Attr::Null)
        }
        RecoveryPoint::Named(points) => {
            let pairs = points.iter();
            let pairs = pairs.map(|(server, id)| (server.clone(), Attr::Known(id.to_string())));
            (Attr::Null, Attr::Known(pairs.collect()))
        }
    }
}

/// Why servers could not be launched from what is asked for, as things are now. Points may be gone, or there, when apply
/// starts the drill.
pub(super) fn would_lack(
    plan: &PlanId,
    before: &Attr<String>,
    problems: &[PointError],
) -> Diagnostic {
    let text = format!(
        "{}As things are now, apply starts nothing. {}",
        lines(&point::told(problems)),
        help(plan)
    );
    Diagnostic::warning("The Drill Would Be Refused for Its Recovery Points", text)
        .at(attribute(before))
}

/// Why servers cannot be launched from what was asked for; `what` they are launched for, such as a drill.
pub(crate) fn refused(
    client: &Client,
    what: &str,
    plan: Option<&PlanId>,
    before: &Attr<String>,
    problems: &[PointError],
) -> Diagnostic {
    let unreadable = problems.iter().find_map(|problem| match problem {
        PointError::Unreadable { error, .. } => Some(client.explain_call(error)),
        _ => None,
    });
    if let Some(found) = unreadable {
        let detail = format!(
            "The recovery points of servers cannot be read. Nothing was launched. {}",
            found.detail
        );
        return Diagnostic::error(found.summary, detail).at(attribute(before));
    }
    let help = plan.map_or_else(String::new, help);
    let text = format!(
        "{}Nothing was launched. {help}",
        lines(&point::told(problems))
    );
    Diagnostic::error(format!("{what} Refused"), text).at(attribute(before))
}

fn help(plan: &PlanId) -> String {
    format!("`drsctl points {plan}` shows the points of its servers.")
}

/// The problems, as the beginning of a paragraph or as one of their own: several one a line, a single one as a sentence.
fn lines(problems: &[String]) -> String {
    match problems {
        [one] => format!("{} ", sentence(one)),
        several => format!(
            "Servers cannot be launched from what is asked for:\n  {}\n\n",
            several.join("\n  ")
        ),
    }
}

fn attribute(before: &Attr<String>) -> &'static str {
    if before.is_null() { NAMED } else { BEFORE }
}
