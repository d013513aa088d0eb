//! One of every kind of item, by the name of its golden file.

use std::collections::{BTreeMap, BTreeSet};

use super::events::{events, policies};
use super::points::points;
use super::verified;
use crate::event::{Author, Mode, Recorded};
use crate::ids::{ExecutionId, GroupId, OwnerId, PlanId, ServerId};
use crate::plan::{PlanSpec, WaveSpec};
use crate::store::claim::Claim;
use crate::store::codec::ReadError;
use crate::store::deletion::{DELETED, Deletion};
use crate::store::group::{Group, GroupConfig, Selection};
use crate::store::items::Item;
use crate::store::keys;
use crate::store::plan::StoredPlan;
use crate::store::projection::{ServerProjection, WaveProjection};
use crate::store::record::{self, SignOfLife};
use crate::store::summary::{CLAIMING, Summary};
use crate::store::target::{ExternalId, TargetAccount, TargetConfig};
use crate::testing::{beginning, ids, start, target};
use crate::time::Now;

/// Reads an item and writes it again.
pub(super) type Again = fn(&Item) -> Result<Item, ReadError>;

/// Every kind of item, by the name of its file, with the way to read and write it again.
pub(super) fn kinds() -> Vec<(String, Item, Again)> {
    let mut all: Vec<(String, Item, Again)> = Vec::new();
    for (name, group) in groups() {
        let again: Again = |item| Ok(Group::decode(item)?.encode());
        all.push((name.to_owned(), group.encode(), again));
    }
    let again: Again = |item| Ok(StoredPlan::decode(item)?.encode());
    all.push(("plan".to_owned(), plan().encode(), again));
    let claims = [
        ("claim-group-name", keys::group_name("Databases"), "pg-01"),
        (
            "claim-group-server",
            keys::group_server(&target(), &ServerId::new("s-1")),
            "pg-01",
        ),
        ("claim-plan-name", keys::plan_name("Shop"), "rp-01"),
        (
            "lease",
            keys::lease(&target(), &ServerId::new("s-1")),
            "x-01",
        ),
    ];
    for (name, key, owner) in claims {
        let claim = Claim {
            key,
            owner: owner.to_owned(),
            owner_name: "Shop".to_owned(),
        };
        let again: Again = |item| Ok(Claim::decode(item)?.encode());
        all.push((name.to_owned(), claim.encode(), again));
    }
    for (name, summary) in summaries() {
        let again: Again = |item| Ok(Summary::decode(item)?.encode());
        all.push((name.to_owned(), summary.encode(), again));
    }
    // What came later counts from another number, so that what was there keeps its own.
    let numbered = (0..)
        .zip(events())
        .chain((200..).zip(policies()))
        .chain((400..).zip(verified::events()))
        .chain((500..).zip(points()));
    for (number, (name, event)) in numbered {
        let author = if number == 0 {
            Author::Operator("arn:aws:iam::111122223333:user/ada".to_owned())
        } else {
            Author::Owner(OwnerId::new("o-1"))
        };
        let recorded = Recorded {
            seq: number + 1,
            now: now(),
            author,
            event,
        };
        let item = record::encode_event(&execution(), &recorded, "nonce");
        let again: Again = |item| {
            let nonce = record::nonce_of(item)?;
            Ok(record::encode_event(
                &execution(),
                &record::decode_event(item)?,
                &nonce,
            ))
        };
        all.push((format!("event-{name}"), item, again));
    }
    all.extend(projections());
    all.extend(with_policies());
    all.extend(verified::items());
    all.extend(targets());
    all.extend(super::points::frozen());
    all
}

pub(super) fn execution() -> ExecutionId {
    ExecutionId::new("x-01")
}

pub(super) fn now() -> Now {
    Now {
        world: "2026-03-01T10:00:00.123456789Z".parse().unwrap(),
        wall: "2026-03-01T10:00:00.5Z".parse().unwrap(),
    }
}

pub(super) fn group_config() -> GroupConfig {
    groups().remove(1).1.config
}

pub(super) fn wave() -> WaveProjection {
    WaveProjection {
        index: 1,
        name: "web".to_owned(),
        status: "COMPLETED".to_owned(),
        started_at: Some(start()),
        ended_at: Some(start()),
        launched: 2,
        failed: 1,
        degraded: 0,
        servers: 3,
    }
}

pub(super) fn server() -> ServerProjection {
    ServerProjection {
        id: ServerId::new("s-1"),
        hostname: "web-1".to_owned(),
        wave: "web".to_owned(),
        target: target(),
        status: "FAILED".to_owned(),
        reason: Some("no capacity".to_owned()),
        job: Some("drsjob-1".to_owned()),
        instance: Some("i-1".to_owned()),
        health: None,
        health_reason: None,
        checked_at: None,
    }
}

fn projections() -> Vec<(String, Item, Again)> {
    let (_, frozen) = beginning(&[("db", &["s-2", "s-1"])]);
    let (wave, server) = (wave(), server());
    let sign = SignOfLife {
        owner: OwnerId::new("o-1"),
        host: "alpha".to_owned(),
        at: now().wall,
    };
    let id = execution();
    vec![
        (
            "frozen".to_owned(),
            record::encode_frozen(&id, 0, 0, &frozen.waves[0]),
            |item| {
                let (wave, servers) = record::decode_frozen(item)?;
                Ok(record::encode_frozen(&execution(), wave, 0, &servers))
            },
        ),
        ("wave".to_owned(), record::encode_wave(&id, &wave), |item| {
            Ok(record::encode_wave(
                &execution(),
                &record::decode_wave(item)?,
            ))
        }),
        (
            "server".to_owned(),
            record::encode_server(&id, &server),
            |item| {
                Ok(record::encode_server(
                    &execution(),
                    &record::decode_server(item)?,
                ))
            },
        ),
        (
            "owner".to_owned(),
            record::encode_owner(&id, &sign),
            |item| {
                Ok(record::encode_owner(
                    &execution(),
                    &record::decode_owner(item)?,
                ))
            },
        ),
    ]
}

/// Items that tell of failure policies.
fn with_policies() -> Vec<(String, Item, Again)> {
    let (_, mut frozen) = beginning(&[("db", &["s-2", "s-1"])]);
    frozen.waves[0][1].critical = true;
    let mut stored = plan();
    let [db, web] = stored.spec.waves.as_mut_slice() else {
        panic!("the plan has two waves");
    };
    db.on_failure = Some("pause".to_owned());
    db.critical_server_ids = Some(ids(&["s-1"]));
    db.retries = Some(2);
    web.on_failure = Some("continue".to_owned());
    web.min_success_percent = Some(80);
    vec![
        (
            "frozen-critical".to_owned(),
            record::encode_frozen(&execution(), 0, 0, &frozen.waves[0]),
            |item| {
                let (wave, servers) = record::decode_frozen(item)?;
                Ok(record::encode_frozen(&execution(), wave, 0, &servers))
            },
        ),
        ("plan-with-policies".to_owned(), stored.encode(), |item| {
            Ok(StoredPlan::decode(item)?.encode())
        }),
    ]
}

fn groups() -> Vec<(&'static str, Group)> {
    let tags = BTreeMap::from([("Team".to_owned(), "shop".to_owned())]);
    let group = |selection, claiming: bool| Group {
        id: GroupId::new("pg-01"),
        config: GroupConfig {
            name: "Databases".to_owned(),
            description: Some("both of them".to_owned()),
            target: target(),
            selection,
            tags: tags.clone(),
        },
        version: 7,
        created_at: start(),
        modified_at: start(),
        executions: BTreeSet::from([execution()]),
        claiming_until: claiming.then(start),
        is_complete: !claiming,
    };
    let tier = BTreeMap::from([("Tier".to_owned(), "db".to_owned())]);
    vec![
        (
            "group-listed",
            group(Selection::Servers(ids(&["s-2", "s-1"])), false),
        ),
        ("group-tags", group(Selection::Tags(tier), false)),
        (
            "group-claiming",
            group(Selection::Servers(ids(&["s-1"])), true),
        ),
    ]
}

pub(super) fn plan() -> StoredPlan {
    let wave = WaveSpec {
        name: "db".to_owned(),
        protection_group_ids: vec![GroupId::new("pg-01")],
        depends_on_waves: Some(Vec::new()),
        launch_order: Some("SEQUENTIAL".to_owned()),
        source_server_ids: Some(ids(&["s-1"])),
        max_in_flight: Some(1),
        wait_time_seconds: Some(30),
        timeout_seconds: Some(3_600),
        ..WaveSpec::default()
    };
    let least = WaveSpec {
        name: "web".to_owned(),
        protection_group_ids: vec![GroupId::new("pg-02")],
        ..WaveSpec::default()
    };
    StoredPlan {
        id: PlanId::new("rp-01"),
        spec: PlanSpec {
            name: "Shop".to_owned(),
            description: Some("all of it".to_owned()),
            waves: vec![wave, least],
            execution_timeout_seconds: Some(7_200),
        },
        tags: BTreeMap::from([("Team".to_owned(), "shop".to_owned())]),
        version: 3,
        created_at: start(),
        modified_at: start(),
        runs: 2,
        execution: Some(execution()),
    }
}

fn summaries() -> Vec<(&'static str, Summary)> {
    let summary = |status: &str, version: i64| Summary {
        execution_id: execution(),
        plan_id: PlanId::new("rp-01"),
        plan_name: "Shop".to_owned(),
        status: status.to_owned(),
        is_terminal: false,
        mode: Mode::Drill,
        started_at: start(),
        ended_at: None,
        account_id: target().account_id,
        region: target().region,
        initiated_by: "arn:aws:sts::111122223333:assumed-role/terraform/ci".to_owned(),
        origin: "terraform".to_owned(),
        inputs_digest: "44136fa3".to_owned(),
        delivered: false,
        wave_status: "db RUNNING 1/2, web WAITING".to_owned(),
        errors: Vec::new(),
        version,
        preempted_by: None,
        claiming_until: None,
        deletion: None,
    };
    let claiming = Summary {
        claiming_until: Some(start()),
        ..summary(CLAIMING, 0)
    };
    let ended = Summary {
        is_terminal: true,
        ended_at: Some(start()),
        delivered: true,
        mode: Mode::Recovery,
        errors: vec!["1 of 2 servers launched".to_owned()],
        ..summary("FAILED", 42)
    };
    vec![
        ("summary-claiming", claiming),
        ("summary-running", summary("RUNNING", 12)),
        ("summary-ended", ended.clone()),
        (
            "summary-deleted",
            Summary {
                status: DELETED.to_owned(),
                wave_status: String::new(),
                errors: Vec::new(),
                deletion: Some(Deletion {
                    at: start(),
                    by: "arn:aws:iam::111122223333:user/ada".to_owned(),
                    reason: "why".to_owned(),
                }),
                ..ended
            },
        ),
    ]
}

fn targets() -> Vec<(String, Item, Again)> {
    let role = "arn:aws:iam::444455556666:role/dr/Orchestration";
    let target = |config| TargetAccount {
        account_id: "444455556666".to_owned(),
        config,
        external_id: ExternalId::new("drs-0123456789abcdef0123456789abcdef"),
        version: 3,
        created_at: start(),
        modified_at: start(),
    };
    let least = TargetConfig {
        name: None,
        description: None,
        regions: BTreeSet::from(["eu-west-1".to_owned()]),
        role_arn: role.to_owned(),
        session_name: None,
        session_duration_seconds: None,
    };
    let full = TargetConfig {
        name: Some("Shop".to_owned()),
        description: Some("where the shop is recovered".to_owned()),
        regions: BTreeSet::from(["eu-central-1".to_owned(), "eu-west-1".to_owned()]),
        session_name: Some("disaster-recovery".to_owned()),
        session_duration_seconds: Some(3_600),
        ..least.clone()
    };
    let again: Again = |item| Ok(TargetAccount::decode(item)?.encode());
    vec![
        ("target".to_owned(), target(full).encode(), again),
        ("target-least".to_owned(), target(least).encode(), again),
    ]
}
