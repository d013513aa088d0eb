//! What came with notices and lifetimes.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::samples::{Again, execution, plan};
use crate::event::{Event, NoticeId};
use crate::ids::PlanId;
use crate::plan::{NoticeKind, Notifications, NotificationsSpec};
use crate::store::footprint::Footprint;
use crate::store::items::Item;
use crate::store::plan::StoredPlan;
use crate::store::sweep::Marker;
use crate::testing::{beginning, start, target};

const TOPIC: &str = "arn:aws:sns:us-east-1:111122223333:disaster-recovery";

/// Events of notices, and a start that tells somebody and has a lifetime.
pub(super) fn events() -> Vec<(&'static str, Event)> {
    let (mut started, _) = beginning(&[("db", &["s-1"])]);
    started.max_lifetime = Some(SignedDuration::from_hours(8));
    started.notifications = Some(Notifications {
        topics: vec![TOPIC.to_owned()],
        events: NoticeKind::ALL.into(),
    });
    let notice = || NoticeId {
        event: 1,
        topic: TOPIC.to_owned(),
    };
    let failed = |given_up| Event::NoticeFailed {
        notice: notice(),
        message: "why".to_owned(),
        given_up,
    };
    vec![
        (
            "started-with-notifications",
            Event::ExecutionStarted(Box::new(started)),
        ),
        ("notice-sent", Event::NoticeSent { notice: notice() }),
        ("notice-failed", failed(false)),
        ("notice-given-up", failed(true)),
    ]
}

/// A plan that tells somebody, and what an execution is found by: for a sweep, and where a target is to go.
pub(super) fn items() -> Vec<(String, Item, Again)> {
    let mut stored = plan();
    stored.spec.notifications = Some(NotificationsSpec {
        topic_arns: vec![TOPIC.to_owned()],
        events: Some(vec!["PAUSED".to_owned(), "FINISHED".to_owned()]),
    });
    let marker = Marker {
        execution_id: execution(),
        plan_id: PlanId::new("rp-01"),
        at: start(),
    };
    let footprint = Footprint {
        execution_id: execution(),
        started_at: start(),
        places: BTreeSet::from([target()]),
    };
    let plan: Again = |item| Ok(StoredPlan::decode(item)?.encode());
    let sweep: Again = |item| Ok(Marker::decode(item)?.encode());
    let again: Again = |item| Ok(Footprint::decode(item)?.encode());
    vec![
        ("plan-with-notifications".to_owned(), stored.encode(), plan),
        ("sweep".to_owned(), marker.encode(), sweep),
        ("footprint".to_owned(), footprint.encode(), again),
    ]
}
