//! What came with recovery points.

use std::collections::BTreeMap;

use super::samples::{Again, execution};
use crate::event::{Event, LaunchId};
use crate::ids::{ServerId, SnapshotId};
use crate::point::{LaunchedFrom, Point, RecoveryPoint, Source};
use crate::store::items::Item;
use crate::store::record;
use crate::testing::{beginning, start};

fn point() -> Point {
    Point {
        id: SnapshotId::new("pit-0123456789abcdef0"),
        at: start(),
    }
}

pub(super) fn points() -> Vec<(&'static str, Event)> {
    let (mut before, mut frozen) = beginning(&[("db", &["s-1"])]);
    frozen.waves[0][0].snapshot = Some(point());
    before.resolution_digest = frozen.digest();
    let mut named = before.clone();
    before.points = RecoveryPoint::Before(start());
    named.points = RecoveryPoint::Named(BTreeMap::from([("host-s-1".to_owned(), point().id)]));
    let from = |source, snapshot, at| LaunchedFrom {
        source,
        snapshot,
        at,
    };
    let points = [
        from(Some(Source::Latest), None, Some(start())),
        from(Some(Source::Previous), None, None),
        from(Some(Source::Named), Some(point().id), Some(start())),
        from(None, None, Some(start())),
    ];
    let servers = ["s-1", "s-2", "s-3", "s-4"].map(ServerId::new);
    let found = Event::PointsFound {
        launch: LaunchId(3),
        points: servers.into_iter().zip(points).collect(),
    };
    vec![
        (
            "started-before-a-time",
            Event::ExecutionStarted(Box::new(before)),
        ),
        (
            "started-from-points",
            Event::ExecutionStarted(Box::new(named)),
        ),
        ("points-found", found),
    ]
}

pub(super) fn frozen() -> Vec<(String, Item, Again)> {
    let (_, mut frozen) = beginning(&[("db", &["s-2", "s-1"])]);
    frozen.waves[0][1].snapshot = Some(point());
    let item = record::encode_frozen(&execution(), 0, 0, &frozen.waves[0]);
    let again: Again = |item| {
        let (wave, servers) = record::decode_frozen(item)?;
        Ok(record::encode_frozen(&execution(), wave, 0, &servers))
    };
    vec![("frozen-with-points".to_owned(), item, again)]
}
