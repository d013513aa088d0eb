//! Which point is meant, and what is said where none is.

use super::*;
use crate::testing::{beginning, ids};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn point(number: u32) -> SnapshotId {
    SnapshotId::new(format!("pit-{number:017}"))
}

fn named(pairs: &[(&str, &str)]) -> RecoveryPoint {
    let pairs = pairs.iter();
    RecoveryPoint::Named(
        pairs
            .map(|(server, id)| ((*server).to_owned(), SnapshotId::new(*id)))
            .collect(),
    )
}

fn kept(times: &[(u32, Option<&str>)]) -> Vec<RecoverySnapshot> {
    let times = times.iter();
    times
        .map(|(number, taken_at)| RecoverySnapshot {
            id: point(*number),
            taken_at: taken_at.map(at),
        })
        .collect()
}

#[test]
fn every_name_that_means_nothing_is_told_at_once() {
    let (_, mut frozen) = beginning(&[("db", &["s-1", "s-2"]), ("web", &["s-3", "s-4"])]);
    frozen.waves[1][0].hostname = "twin".to_owned();
    frozen.waves[1][1].hostname = "twin".to_owned();
    let good = "pit-00000000000000001";
    let asked = named(&[
        ("s-1", good),
        ("host-s-1", good),
        ("host-s-2", "LATEST"),
        ("twin", good),
        ("elsewhere", "pit-1"),
    ]);
    let (choices, errors) = choices(&asked, &frozen);
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "\"pit-1\" is no recovery point for \"elsewhere\": the id of one is \"pit-\" and 17 letters or digits",
            "a recovery point is named for \"elsewhere\", and no server that takes part has this id or host name",
            "\"LATEST\" is no recovery point for \"host-s-2\": the id of one is \"pit-\" and 17 letters or digits",
            "two recovery points are named for host-s-1 (s-1), by its id and by its host name",
            "a recovery point is named for \"twin\", and several servers have this host name: name one of s-3, s-4",
        ]
    );
    let chosen: Vec<_> = choices.into_iter().collect();
    assert_eq!(
        chosen,
        [(
            ids(&["s-1"])[0].clone(),
            Choice::Named(SnapshotId::new(good))
        )]
    );
}

#[test]
fn the_newest_point_before_a_time_is_meant_and_one_that_is_not_taken_yet_never() {
    let (_, frozen) = beginning(&[("db", &["s-1"])]);
    let server = &frozen.waves[0][0];
    let has = kept(&[
        (3, Some("2026-03-01T09:30:00Z")),
        (1, Some("2026-03-01T09:10:00Z")),
        (2, Some("2026-03-01T09:20:00Z")),
        (4, None),
    ]);
    let before = |text: &str| pick(&Choice::Before(at(text)), server, &has);
    assert_eq!(before("2026-03-01T09:29:59Z").unwrap().id, point(2));
    assert_eq!(before("2026-03-01T09:30:00Z").unwrap().id, point(3));
    assert_eq!(before("2027-01-01T00:00:00Z").unwrap().id, point(3));
    assert_eq!(
        before("2026-03-01T09:00:00Z").unwrap_err().to_string(),
        "host-s-1 (s-1) has no recovery point of 2026-03-01 09:00:00 UTC or before; it has 3 points, the oldest \
         pit-00000000000000001 of 2026-03-01 09:10:00 UTC, the newest pit-00000000000000003 of 2026-03-01 09:30:00 UTC"
    );
    let named = |number| pick(&Choice::Named(point(number)), server, &has);
    assert_eq!(named(1).unwrap().at, at("2026-03-01T09:10:00Z"));
    let missing = named(4).unwrap_err();
    assert!(matches!(&missing, PointError::Missing { has, .. } if has.count == 3));
    let none = pick(&Choice::Named(point(1)), server, &[]).unwrap_err();
    assert_eq!(
        none.to_string(),
        "host-s-1 (s-1) has no recovery point pit-00000000000000001: it aged out, or is another server's; it has no \
         recovery point at all"
    );
}

#[test]
fn what_is_asked_for_by_default_is_not_stored_and_the_rest_keeps_its_form() {
    let text = |points: &RecoveryPoint| serde_json::to_string(points).unwrap();
    assert!(RecoveryPoint::default().is_latest() && named(&[]).is_latest());
    let before = RecoveryPoint::Before(at("2026-03-01T09:00:00Z"));
    assert_eq!(text(&before), r#"{"before":"2026-03-01T09:00:00Z"}"#);
    let one = named(&[("s-1", "pit-1")]);
    assert_eq!(text(&one), r#"{"named":{"s-1":"pit-1"}}"#);
    for points in [RecoveryPoint::Latest, before, one] {
        assert_eq!(
            serde_json::from_str::<RecoveryPoint>(&text(&points)).unwrap(),
            points
        );
    }
    let (_, frozen) = beginning(&[("db", &["s-1"])]);
    let stored = serde_json::to_string(&frozen).unwrap();
    assert!(!stored.contains("snapshot"), "{stored}");
}

#[test]
fn very_many_problems_are_counted() {
    let unknown = |number: usize| PointError::ServerUnknown {
        named: format!("s-{number}"),
    };
    let problems: Vec<PointError> = (0..limits::POINT_PROBLEMS + 3).map(unknown).collect();
    let lines = told(&problems);
    assert_eq!(lines.len(), limits::POINT_PROBLEMS + 1);
    assert_eq!(lines.last().unwrap(), "and 3 more");
}
