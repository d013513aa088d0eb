//! Items of schema version 1 as files, one for every kind and every event. They stay for ever: what was once written must
//! be read by every later version, and written back as it was.
//!
//! A new kind gets its file with `GOLDEN=new cargo test -p drs-engine store::tests`; a file that exists is never written over.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use jiff::SignedDuration;
use serde_json::{Value as Json, json};

use super::claim::Claim;
use super::codec::{ReadError, SCHEMA_VERSION};
use super::group::{Group, GroupConfig, Selection};
use super::items::{Item, Key, Table, Value};
use super::plan::StoredPlan;
use super::projection::{ServerProjection, WaveProjection};
use super::record::{self, SignOfLife};
use super::summary::{CLAIMING, Summary};
use super::{keys, memory};
use crate::event::{
    Acceptance, Author, Event, Intent, Judgement, LaunchId, LiveInstance, Mode, Outcome, Recorded,
    Remedy, ServerResult, WaveOutcome,
};
use crate::ids::{ExecutionId, GroupId, InstanceId, JobId, OwnerId, PlanId, ServerId};
use crate::plan::{PlanSpec, WaveSpec};
use crate::testing::{beginning, ids, start, target};
use crate::time::Now;

/// Attributes that no decoder reads.
const UNREAD: [&str; 5] = ["Kind", "Name", "At", "Sequence", "ServerIds"];

/// Reads an item and writes it again.
type Again = fn(&Item) -> Result<Item, ReadError>;

fn execution() -> ExecutionId {
    ExecutionId::new("x-01")
}

fn now() -> Now {
    Now {
        world: "2026-03-01T10:00:00.123456789Z".parse().unwrap(),
        wall: "2026-03-01T10:00:00.5Z".parse().unwrap(),
    }
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

fn plan() -> StoredPlan {
    let wave = WaveSpec {
        name: "db".to_owned(),
        protection_group_ids: vec![GroupId::new("pg-01")],
        depends_on_waves: Some(Vec::new()),
        launch_order: Some("SEQUENTIAL".to_owned()),
        source_server_ids: Some(ids(&["s-1"])),
        max_in_flight: Some(1),
        wait_time_seconds: Some(30),
        timeout_seconds: Some(3_600),
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
        claiming_until: None,
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
        ("summary-ended", ended),
    ]
}

type Named = (&'static str, Event);

/// One of every event, with every way it can be.
fn events() -> Vec<Named> {
    let mut all = beginnings();
    all.extend(launches());
    all.extend(followings());
    all.extend(endings());
    all.extend(terminations());
    all
}

fn why() -> String {
    "why".to_owned()
}

fn instances() -> Vec<InstanceId> {
    vec![InstanceId::new("i-0123456789abcdef0")]
}

fn beginnings() -> Vec<Named> {
    let (mut started, _) = beginning(&[("db", &["s-1"]), ("web", &["s-2"])]);
    started.timeout = Some(SignedDuration::from_secs(7_200));
    started.waves[1].max_in_flight = Some(2);
    started.waves[1].wait = SignedDuration::from_secs(30);
    let inputs = json!({"week": "9", "exact": 1.25, "nothing": null});
    started.inputs = BTreeMap::from([("triggers".to_owned(), inputs)]);
    let taken = Event::OwnerTaken {
        owner: OwnerId::new("o-2"),
        host: "beta".to_owned(),
        previous: Some(OwnerId::new("o-1")),
    };
    vec![
        ("started", Event::ExecutionStarted(Box::new(started))),
        ("owner-taken", taken),
        ("wave-ready", Event::WaveReady { wave: 1 }),
        ("wave-started", Event::WaveStarted { wave: 1 }),
    ]
}

fn launches() -> Vec<Named> {
    let launch = LaunchId(3);
    let intent = Intent {
        launch,
        wave: 1,
        attempt: 2,
        target: target(),
        servers: ids(&["s-1", "s-2"]),
        signed_at: now().wall,
        tagged: true,
    };
    let refused = |remedy| Event::LaunchRefused {
        launch,
        code: "ValidationException".to_owned(),
        message: why(),
        remedy,
    };
    let accepted = |how| Event::LaunchAccepted {
        launch,
        job: JobId::new("drsjob-0123456789abcdef0"),
        how,
    };
    let after = Some(SignedDuration::from_secs(5));
    let message = why();
    let reason = why();
    let assumed = true;
    vec![
        ("launch-intended", Event::LaunchIntended(Box::new(intent))),
        ("launch-answered", accepted(Acceptance::Answered)),
        ("launch-adopted-by-tag", accepted(Acceptance::AdoptedByTag)),
        (
            "launch-adopted-by-servers",
            accepted(Acceptance::AdoptedByServers),
        ),
        ("launch-refused-for-good", refused(Remedy::GiveUp)),
        (
            "launch-refused-for-now",
            refused(Remedy::RetryLater { after }),
        ),
        ("launch-refused-for-tags", refused(Remedy::RetryWithoutTags)),
        ("launch-refused-as-whole", refused(Remedy::RetryInHalves)),
        ("launch-unknown", Event::LaunchUnknown { launch, message }),
        (
            "launch-not-carried-out",
            Event::LaunchNotCarriedOut { launch, assumed },
        ),
        ("launch-given-up", Event::LaunchGivenUp { launch, reason }),
    ]
}

fn followings() -> Vec<Named> {
    let launch = LaunchId(3);
    let live = LiveInstance {
        server: ServerId::new("s-1"),
        instance: InstanceId::new("i-0123456789abcdef0"),
    };
    let judgement = |result, instance| Judgement {
        server: ServerId::new("s-1"),
        result,
        instance,
    };
    let tripped = Event::GuardTripped {
        wave: 1,
        instances: vec![live],
    };
    let unreadable = Event::GuardUnreadable {
        wave: 1,
        message: why(),
    };
    let judged = Event::ServersJudged {
        launch,
        results: vec![
            judgement(ServerResult::Launched, instances().pop()),
            judgement(ServerResult::Failed { reason: why() }, None),
        ],
    };
    let found = Event::InstancesFound {
        launch,
        instances: BTreeMap::from([(ServerId::new("s-1"), InstanceId::new("i-1"))]),
    };
    vec![
        ("guard-tripped", tripped),
        ("guard-unreadable", unreadable),
        ("servers-judged", judged),
        ("instances-found", found),
        ("job-ended", Event::JobEnded { launch }),
        ("wave-timed-out", Event::WaveTimedOut { wave: 1 }),
        ("execution-timed-out", Event::ExecutionTimedOut),
    ]
}

fn endings() -> Vec<Named> {
    let wave = |outcome| Event::WaveFinished { wave: 1, outcome };
    let whole = |outcome| Event::ExecutionFinished {
        outcome,
        summary: why(),
    };
    vec![
        ("wave-completed", wave(WaveOutcome::Completed)),
        ("wave-failed", wave(WaveOutcome::Failed)),
        ("wave-late", wave(WaveOutcome::TimedOut)),
        ("wave-not-launched", wave(WaveOutcome::NotLaunched)),
        ("cancel-requested", Event::CancelRequested { reason: why() }),
        ("completed", whole(Outcome::Completed)),
        ("failed", whole(Outcome::Failed)),
        ("cancelled", whole(Outcome::Cancelled)),
        ("timed-out", whole(Outcome::TimedOut)),
        ("result-delivered", Event::ResultDelivered),
    ]
}

fn terminations() -> Vec<Named> {
    let intended = Event::TerminationIntended {
        target: target(),
        instances: instances(),
    };
    let accepted = Event::TerminationAccepted {
        target: target(),
        instances: instances(),
        job: Some(JobId::new("drsjob-1")),
    };
    let gone = Event::InstancesGone {
        instances: instances(),
    };
    let finished = Event::TerminationFinished {
        left: instances(),
        reason: Some(why()),
    };
    vec![
        (
            "termination-requested",
            Event::TerminationRequested { reason: why() },
        ),
        ("termination-intended", intended),
        ("termination-accepted", accepted),
        ("instances-gone", gone),
        ("termination-finished", finished),
        ("halted", Event::Halted { reason: why() }),
    ]
}

/// Every kind of item, by the name of its file, with the way to read and write it again.
fn kinds() -> Vec<(String, Item, Again)> {
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
    for (number, (name, event)) in events().into_iter().enumerate() {
        let author = if number == 0 {
            Author::Operator("arn:aws:iam::111122223333:user/ada".to_owned())
        } else {
            Author::Owner(OwnerId::new("o-1"))
        };
        let recorded = Recorded {
            seq: number as u64 + 1,
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
    all
}

fn projections() -> Vec<(String, Item, Again)> {
    let (_, frozen) = beginning(&[("db", &["s-2", "s-1"])]);
    let wave = WaveProjection {
        index: 1,
        name: "web".to_owned(),
        status: "COMPLETED".to_owned(),
        started_at: Some(start()),
        ended_at: Some(start()),
        launched: 2,
        failed: 1,
        servers: 3,
    };
    let server = ServerProjection {
        id: ServerId::new("s-1"),
        hostname: "web-1".to_owned(),
        wave: "web".to_owned(),
        target: target(),
        status: "FAILED".to_owned(),
        reason: Some("no capacity".to_owned()),
        job: Some("drsjob-1".to_owned()),
        instance: Some("i-1".to_owned()),
    };
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

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/store/golden/v1")
}

/// An item in the JSON that DynamoDB itself uses.
fn to_text(item: &Item) -> String {
    let attributes: serde_json::Map<String, Json> = item
        .attributes
        .iter()
        .map(|(name, value)| (name.clone(), to_json(value)))
        .collect();
    let table = match item.key.table {
        Table::ProtectionGroups => "protection-groups",
        Table::RecoveryPlans => "recovery-plans",
        Table::ExecutionHistory => "execution-history",
    };
    let whole = json!({
        "table": table,
        "partition": item.key.partition,
        "sort": item.key.sort,
        "attributes": attributes,
    });
    let text = serde_json::to_string_pretty(&whole).unwrap();
    format!("{text}\n")
}

fn to_json(value: &Value) -> Json {
    match value {
        Value::Text(text) => json!({"S": text}),
        Value::Number(number) => json!({"N": number.to_string()}),
        Value::Flag(flag) => json!({"BOOL": flag}),
        Value::TextSet(texts) => json!({"SS": texts}),
        Value::List(values) => json!({"L": values.iter().map(to_json).collect::<Vec<_>>()}),
        Value::Map(values) => {
            let values = values
                .iter()
                .map(|(key, value)| (key.clone(), to_json(value)));
            json!({"M": values.collect::<serde_json::Map<_, _>>()})
        }
    }
}

fn from_text(text: &str) -> Item {
    let whole: Json = serde_json::from_str(text).unwrap();
    let table = match whole["table"].as_str().unwrap() {
        "protection-groups" => Table::ProtectionGroups,
        "recovery-plans" => Table::RecoveryPlans,
        _ => Table::ExecutionHistory,
    };
    let attributes = whole["attributes"].as_object().unwrap();
    Item {
        key: Key {
            table,
            partition: whole["partition"].as_str().unwrap().to_owned(),
            sort: whole["sort"].as_str().map(str::to_owned),
        },
        attributes: attributes
            .iter()
            .map(|(name, value)| (name.clone(), from_json(value)))
            .collect(),
    }
}

fn from_json(value: &Json) -> Value {
    let (kind, value) = value.as_object().unwrap().iter().next().unwrap();
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    match kind.as_str() {
        "S" => Value::Text(text(value)),
        "N" => Value::Number(text(value).parse().unwrap()),
        "BOOL" => Value::Flag(value.as_bool().unwrap()),
        "SS" => Value::TextSet(value.as_array().unwrap().iter().map(text).collect()),
        "L" => Value::List(value.as_array().unwrap().iter().map(from_json).collect()),
        _ => Value::Map(
            value
                .as_object()
                .unwrap()
                .iter()
                .map(|(key, value)| (key.clone(), from_json(value)))
                .collect(),
        ),
    }
}

#[test]
fn golden_items_of_version_1_are_read_and_written_back_as_they_were() {
    let may_write = std::env::var_os("GOLDEN").is_some_and(|word| word == "new");
    for (name, item, again) in kinds() {
        let path = folder().join(format!("{name}.json"));
        if may_write && !path.exists() {
            std::fs::create_dir_all(folder()).unwrap();
            std::fs::write(&path, to_text(&item)).unwrap();
        }
        let golden = std::fs::read_to_string(&path).unwrap_or_else(|error| {
            panic!("{}: {error}; write it with GOLDEN=new", path.display())
        });
        let read = from_text(&golden);
        assert_eq!(
            to_text(&again(&read).unwrap()),
            golden,
            "{name} is written back otherwise"
        );
        assert_eq!(
            to_text(&item),
            golden,
            "{name} is written otherwise than it was"
        );
    }
}

#[test]
fn golden_files_have_a_kind_each() {
    let known: BTreeSet<String> = kinds()
        .into_iter()
        .map(|(name, ..)| format!("{name}.json"))
        .collect();
    let found: BTreeSet<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(found, known, "a golden file is never deleted");
}

#[test]
fn an_item_of_a_newer_version_is_refused() {
    for (name, mut item, again) in kinds() {
        let version = SCHEMA_VERSION + 1;
        item.attributes
            .insert("SchemaVersion".to_owned(), Value::Number(version));
        let key = item.key.clone();
        assert_eq!(
            again(&item),
            Err(ReadError::Newer { key, version }),
            "{name}"
        );
    }
    let error = ReadError::Newer {
        key: keys::group(&GroupId::new("pg-01")),
        version: 2,
    };
    insta::assert_snapshot!(error.to_string());
}

#[test]
fn a_foreign_item_is_refused_whatever_is_wrong_with_it() {
    for (name, item, again) in kinds() {
        for attribute in item.attributes.keys() {
            let mut broken = item.clone();
            let other = Value::List(vec![Value::Flag(true)]);
            broken.attributes.insert(attribute.clone(), other);
            match again(&broken) {
                Err(ReadError::Foreign { .. }) => {}
                // Attributes that only indexes and people read are not looked at.
                Ok(_) => assert!(
                    UNREAD.contains(&attribute.as_str()) || name == "plan",
                    "{name}: {attribute}"
                ),
                Err(other) => panic!("{name}: {other}"),
            }
        }
        let mut foreign = item.clone();
        foreign.attributes.remove("SchemaVersion");
        assert!(matches!(again(&foreign), Err(ReadError::Foreign { .. })));
    }
    let error = ReadError::Foreign {
        key: keys::summary(&execution()),
        attribute: "SchemaVersion".to_owned(),
    };
    insta::assert_snapshot!(error.to_string());
}

#[test]
fn an_item_that_is_not_ours_is_never_written_over() {
    let items = memory::MemoryItems::default();
    let foreign = Item {
        key: keys::group(&GroupId::new("pg-01")),
        attributes: BTreeMap::from([("Owner".to_owned(), Value::Text("else".to_owned()))]),
    };
    let put = super::items::Write::Put {
        item: foreign.clone(),
        condition: super::items::Condition::Absent,
    };
    items.write_now(&[put]).unwrap();
    let groups = super::groups::Groups::new(items.clone());
    let config = groups_config();
    let id = GroupId::new("pg-01");
    assert!(crate::testing::at_once(groups.create(id.clone(), config.clone(), now())).is_err());
    assert!(crate::testing::at_once(groups.update(&id, config, now())).is_err());
    assert!(crate::testing::at_once(groups.delete(&id)).is_err());
    assert_eq!(items.all(), [foreign]);
}

fn groups_config() -> GroupConfig {
    groups().remove(1).1.config
}
