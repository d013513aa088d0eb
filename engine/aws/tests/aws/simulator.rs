//! The ports against the simulator over HTTP: real conditions, real pages, real jobs.

use std::collections::{BTreeMap, BTreeSet};

use drs_engine::ids::{InstanceId, JobId, ServerId};
use drs_engine::ports::{
    Clock, Drs, Job, Kind, LaunchStatus, StartRecovery, StartServer, Taken, WhichInstances,
    WhichJobs,
};
use drs_engine::store::conformance::violations;
use drs_engine::store::items::{
    Condition, Index, IndexQuery, Item, Items, Key, Page, Query, Table, Value, Write, WriteError,
};
use drs_engine::time::Wake;
use drs_engine_aws::{DynamoItems, Embedded, Session, Settings, TableError};
use drs_simulator::{Options, Simulator};
use jiff::SignedDuration;

use crate::child::Home;

/// A simulator whose world runs so fast that a job takes a moment.
pub(crate) struct Rehearsal {
    pub(crate) simulator: Simulator,
    _home: Home,
}

impl Rehearsal {
    async fn new() -> Self {
        Self::of(None, 2_000.0).await
    }

    /// With a fleet in YAML, and so many times as fast as life.
    pub(crate) async fn of(fleet: Option<&str>, speed: f64) -> Self {
        let home = Home::new();
        let mut options = Options::at(home.path().join("store"));
        options.speed = Some(speed);
        options.admin = fleet.map(|_| "127.0.0.1:0".parse().unwrap());
        options.fleet = fleet.map(|fleet| {
            let path = home.path().join("fleet.yaml");
            std::fs::write(&path, fleet).unwrap();
            path
        });
        Self {
            simulator: Simulator::start(options).await.unwrap(),
            _home: home,
        }
    }

    pub(crate) async fn session(&self, create_tables: bool) -> Session {
        let credentials = self.simulator.credentials();
        let embedded = Embedded {
            endpoint: self.simulator.endpoint(),
            access_key_id: credentials.access_key_id.clone(),
            secret_access_key: credentials.secret_access_key.clone(),
            session_token: credentials.session_token.clone(),
            world: self.simulator.world_time(),
        };
        let settings = Settings {
            region: Some(self.simulator.default_region().to_owned()),
            create_tables,
            ..Settings::default()
        };
        Session::connect(&settings, Some(embedded)).await.unwrap()
    }
}

fn key(partition: &str, sort: &str) -> Key {
    Key {
        table: Table::ExecutionHistory,
        partition: partition.to_owned(),
        sort: Some(sort.to_owned()),
    }
}

fn put(key: Key, attributes: &[(&str, Value)], condition: Condition) -> Write {
    let attributes: BTreeMap<String, Value> = attributes
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect();
    Write::Put {
        item: Item { key, attributes },
        condition,
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

#[tokio::test]
async fn tables_are_made_when_asked_by_any_number_at_once() {
    let rehearsal = Rehearsal::new().await;
    let error = rehearsal
        .session(false)
        .await
        .ensure_tables()
        .await
        .unwrap_err();
    assert!(matches!(error, TableError::Missing { .. }), "{error}");
    let (one, two) = (rehearsal.session(true).await, rehearsal.session(true).await);
    let (first, second) = tokio::join!(one.ensure_tables(), two.ensure_tables());
    assert_eq!((first, second), (Ok(()), Ok(())));
    assert_eq!(rehearsal.session(false).await.ensure_tables().await, Ok(()));
}

#[tokio::test]
async fn the_store_suite_passes_on_the_embedded_database() {
    let rehearsal = Rehearsal::new().await;
    let session = rehearsal.session(true).await;
    session.ensure_tables().await.unwrap();
    let items = session.items();
    assert_eq!(violations(&items, "one").await, [""; 0]);
    assert_eq!(violations(&items, "another corner").await, [""; 0]);
}

#[tokio::test]
async fn a_transaction_is_made_whole_or_names_what_did_not_hold() {
    let rehearsal = Rehearsal::new().await;
    let session = rehearsal.session(true).await;
    session.ensure_tables().await.unwrap();
    let items = session.items();
    let all_kinds = [
        ("Text", text("")),
        ("Number", Value::Number(i64::MAX)),
        ("Flag", Value::Flag(true)),
        (
            "Set",
            Value::TextSet(BTreeSet::from(["a".to_owned(), "b".to_owned()])),
        ),
        ("List", Value::List(vec![text("a"), Value::Number(-1)])),
        (
            "Map",
            Value::Map(BTreeMap::from([("a".to_owned(), Value::List(vec![]))])),
        ),
    ];
    let (one, two) = (key("exec-1", "one"), key("exec-1", "two"));
    let first = put(one.clone(), &all_kinds, Condition::Absent);
    items.transact(vec![first.clone()]).await.unwrap();
    let Write::Put { item, .. } = &first else {
        unreachable!()
    };
    assert_eq!(items.get(&one).await.unwrap().as_ref(), Some(item));

    let check = |equals: Vec<(&'static str, Value)>| Write::Check {
        key: one.clone(),
        condition: Condition::Equals(equals),
    };
    let second = put(two.clone(), &[("Status", text("NEW"))], Condition::Absent);
    let wrong = check(vec![
        ("Flag", Value::Flag(true)),
        ("Number", Value::Number(1)),
    ]);
    assert_eq!(
        items.transact(vec![second.clone(), wrong]).await,
        Err(WriteError::Conflict(vec![1]))
    );
    assert_eq!(items.get(&two).await, Ok(None));
    let again = items.transact(vec![first, second.clone()]).await;
    assert_eq!(again, Err(WriteError::Conflict(vec![0])));
    let right = check(all_kinds.to_vec());
    items.transact(vec![second, right]).await.unwrap();

    let delete = |condition| Write::Delete {
        key: two.clone(),
        condition,
    };
    let stale = delete(Condition::Equals(vec![("Status", text("OLD"))]));
    assert_eq!(
        items.transact(vec![stale]).await,
        Err(WriteError::Conflict(vec![0]))
    );
    items
        .transact(vec![delete(Condition::Equals(vec![]))])
        .await
        .unwrap();
    assert_eq!(items.get(&two).await, Ok(None));
    let gone = items
        .transact(vec![delete(Condition::Equals(vec![]))])
        .await;
    assert_eq!(gone, Err(WriteError::Conflict(vec![0])));
    let always = Write::Check {
        key: two,
        condition: Condition::Always,
    };
    items.transact(vec![always]).await.unwrap();
}

/// Makes events 1 to 7 of an execution, and an item beside them.
async fn history(items: &DynamoItems) {
    let mut writes: Vec<Write> = (1..=7)
        .map(|n| {
            put(
                key("exec-1", &format!("event#{n:012}")),
                &[],
                Condition::Absent,
            )
        })
        .collect();
    writes.push(put(key("exec-1", "summary"), &[], Condition::Absent));
    writes.push(put(
        key("exec-2", "event#000000000001"),
        &[],
        Condition::Absent,
    ));
    items.transact(writes).await.unwrap();
}

fn events(page: &Page) -> Vec<&str> {
    page.items
        .iter()
        .filter_map(|item| item.key.sort.as_deref())
        .collect()
}

#[tokio::test]
async fn a_partition_is_read_in_order_page_by_page() {
    let rehearsal = Rehearsal::new().await;
    let session = rehearsal.session(true).await;
    session.ensure_tables().await.unwrap();
    let items = session.items();
    history(&items).await;
    let query = |after: Option<&str>, limit| Query {
        table: Table::ExecutionHistory,
        partition: "exec-1".to_owned(),
        prefix: "event#".to_owned(),
        after: after.map(str::to_owned),
        limit,
    };
    let name = |n: u64| format!("event#{n:012}");
    let mut found = Vec::new();
    let mut after = Some(name(0));
    for _ in 0..10 {
        let page = items.query(&query(after.as_deref(), 3)).await.unwrap();
        assert!(page.items.len() <= 3);
        found.extend(events(&page).into_iter().map(str::to_owned));
        after = page
            .items
            .last()
            .and_then(|item| item.key.sort.clone())
            .or(after);
        if !page.more {
            break;
        }
    }
    assert_eq!(found, (1..=7).map(name).collect::<Vec<_>>());
    let all = items.query(&query(None, 100)).await.unwrap();
    assert_eq!((all.items.len(), all.more), (7, false));
    let rest = items.query(&query(Some(&name(5)), 100)).await.unwrap();
    assert_eq!(events(&rest), [name(6), name(7)]);
    for (after, count) in [(name(7), 0), ("summary".to_owned(), 0), ("a".to_owned(), 7)] {
        let page = items.query(&query(Some(&after), 100)).await.unwrap();
        assert_eq!(page.items.len(), count, "after {after}");
    }
}

#[tokio::test]
async fn an_index_lists_the_newest_first_and_goes_on_where_it_ended() {
    let rehearsal = Rehearsal::new().await;
    let session = rehearsal.session(true).await;
    session.ensure_tables().await.unwrap();
    let items = session.items();
    let mut writes: Vec<Write> = (1..=5)
        .map(|n| {
            let attributes = [
                ("Status", text("RUNNING")),
                ("StartTime", Value::Number(1_000 + n)),
            ];
            put(
                key(&format!("exec-{n}"), "summary"),
                &attributes,
                Condition::Absent,
            )
        })
        .collect();
    // Without a start it is in no list.
    writes.push(put(
        key("exec-9", "wave#000"),
        &[("Status", text("RUNNING"))],
        Condition::Absent,
    ));
    items.transact(writes).await.unwrap();
    let mut start = None;
    let mut found = Vec::new();
    for _ in 0..5 {
        let query = IndexQuery {
            index: Index::Status,
            partition: "RUNNING".to_owned(),
            start: start.take(),
            limit: 2,
        };
        let page = items.index(&query).await.unwrap();
        found.extend(page.items.iter().map(|item| item.key.partition.clone()));
        start = page.items.last().cloned();
        if !page.more {
            break;
        }
    }
    assert_eq!(found, ["exec-5", "exec-4", "exec-3", "exec-2", "exec-1"]);
}

/// Looks until a job has ended; the world is fast, so this takes a second or two.
async fn completed(session: &Session, id: &JobId) -> Job {
    let (drs, clock, target) = (session.drs(), session.clock(), session.target());
    for _ in 0..600 {
        let jobs = drs
            .jobs(&target, &WhichJobs::Ids(vec![id.clone()]))
            .await
            .unwrap();
        if let Some(job) = jobs.into_iter().find(|job| job.completed) {
            return job;
        }
        let mut wake = Wake::default();
        wake.at_world(clock.now().world + SignedDuration::from_secs(60));
        clock.sleep(wake).await;
    }
    panic!("{id} did not end");
}

#[tokio::test]
async fn a_drill_is_launched_followed_and_terminated() {
    let rehearsal = Rehearsal::new().await;
    let session = rehearsal.session(false).await;
    let (drs, target) = (session.drs(), session.target());
    let servers = drs.source_servers(&target, None).await.unwrap();
    let first = servers.first().expect("the built-in fleet has servers");
    assert!(
        first.arn.contains(&target.account_id) && !first.hostname.is_empty(),
        "{first:?}"
    );
    let some = [first.id.clone(), ServerId::new("s-00000000000000000")];
    let known = drs.source_servers(&target, Some(&some)).await.unwrap();
    assert_eq!(known, std::slice::from_ref(first));
    assert!(drs.quotas(&target).await.unwrap().jobs > 0);

    let before = session.clock().now();
    let request = |server: &ServerId| StartRecovery {
        servers: vec![StartServer {
            id: server.clone(),
            snapshot: None,
        }],
        is_drill: true,
        tags: [("attempt".to_owned(), "1".to_owned())].into(),
        signed_at: before.wall,
    };
    let job = drs
        .start_recovery(&target, &request(&first.id))
        .await
        .unwrap();
    let again = drs
        .start_recovery(&target, &request(&first.id))
        .await
        .unwrap_err();
    assert_eq!(
        (again.kind, again.code.as_str()),
        (Kind::Busy, "ConflictException")
    );
    let unknown = drs
        .start_recovery(&target, &request(&ServerId::new("s-1")))
        .await
        .unwrap_err();
    assert_eq!(
        (unknown.kind, unknown.code.as_str()),
        (Kind::Refused, "ValidationException")
    );

    let since = WhichJobs::Since(before.world - SignedDuration::from_secs(60));
    let seen = drs.jobs(&target, &since).await.unwrap();
    let seen = seen
        .iter()
        .find(|seen| seen.id == job)
        .expect("DRS lists the job");
    assert!(
        seen.launches && seen.is_drill && seen.tags["attempt"] == "1",
        "{seen:?}"
    );
    let done = completed(&session, &job).await;
    assert_eq!(done.servers[0].status, LaunchStatus::Launched);
    assert!(drs.failures(&target, &job).await.unwrap().is_empty());

    let of_server = WhichInstances::OfServers(vec![first.id.clone()]);
    let instances = drs.recovery_instances(&target, &of_server).await.unwrap();
    assert_eq!(instances.len(), 1);
    assert!(
        instances[0].is_drill && instances[0].job.as_ref() == Some(&job),
        "{instances:?}"
    );
    let taken = drs.snapshots_taken(&target, &job).await.unwrap();
    assert_eq!(taken, BTreeMap::from([(first.id.clone(), Taken::Fresh)]));
    let id = instances[0].id.clone();
    let asked = [id.clone(), InstanceId::new("i-00000000000000000")];
    assert_eq!(
        drs.alive_in_ec2(&target, &asked).await.unwrap(),
        std::slice::from_ref(&id)
    );

    let ending = drs
        .terminate(&target, std::slice::from_ref(&id))
        .await
        .unwrap()
        .expect("a job terminates");
    completed(&session, &ending).await;
    assert!(
        drs.recovery_instances(&target, &WhichInstances::Ids(vec![id.clone()]))
            .await
            .unwrap()
            .is_empty()
    );
    assert!(drs.alive_in_ec2(&target, &[id]).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_launch_that_comes_after_the_signatures_age_has_no_effect() {
    let rehearsal = Rehearsal::new().await;
    let session = rehearsal.session(false).await;
    let (drs, target) = (session.drs(), session.target());
    let servers = drs.source_servers(&target, None).await.unwrap();
    let request = StartRecovery {
        servers: vec![StartServer {
            id: servers[0].id.clone(),
            snapshot: None,
        }],
        is_drill: true,
        tags: BTreeMap::new(),
        signed_at: session.clock().now().wall - SignedDuration::from_mins(6),
    };
    let error = drs.start_recovery(&target, &request).await.unwrap_err();
    assert_eq!(error.kind, Kind::Busy, "{error}");
    // Neither is the next one shifted, nor is what only looks.
    let fresh = StartRecovery {
        signed_at: session.clock().now().wall,
        ..request
    };
    drs.start_recovery(&target, &fresh).await.unwrap();
    let since = session.clock().now().world - SignedDuration::from_hours(24);
    assert_eq!(
        drs.jobs(&target, &WhichJobs::Since(since))
            .await
            .unwrap()
            .len(),
        1
    );
}
