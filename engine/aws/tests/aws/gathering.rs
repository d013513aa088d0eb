//! Reads of the same moment are one call, and each gets its own answer.

use std::collections::BTreeSet;
use std::future::Future;

use drs_engine::ids::{ServerId, Target};
use drs_engine::ports::{CallError, Drs, Kind};
use drs_engine::store::items::{Item, Items, Key, Table};
use drs_engine_aws::DynamoItems;
use serde_json::{Value, json};

use crate::server::{ACCOUNT, Answer, Request, Server, with_sts};

const PLANS: &str = "recovery-plans-default";

fn body(request: &Request) -> Value {
    serde_json::from_str(&request.body).unwrap()
}

fn plan(number: usize) -> Key {
    Key {
        table: Table::RecoveryPlans,
        partition: format!("plan-{number}"),
        sort: None,
    }
}

fn item(key: &Value) -> Value {
    json!({"PlanId": key["PlanId"], "Name": {"S": format!("of {}", key["PlanId"]["S"].as_str().unwrap())}})
}

fn asked(request: &Request) -> Vec<Value> {
    body(request)["RequestItems"][PLANS]["Keys"]
        .as_array()
        .cloned()
        .unwrap_or_default()
}

/// What came of reads that are made at the same time, in their order.
async fn at_once<F>(reads: impl Iterator<Item = F>) -> Vec<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let tasks: Vec<_> = reads.map(tokio::spawn).collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

/// Plans that are read at the same time, one by one.
async fn plans_at_once(
    items: &DynamoItems,
    numbers: impl Iterator<Item = usize>,
) -> Vec<Result<Option<Item>, CallError>> {
    let read = |number| {
        let items = items.clone();
        async move { items.get(&plan(number)).await }
    };
    at_once(numbers.map(read)).await
}

/// DynamoDB that has every plan but the seventh.
fn has_plans(request: &Request) -> Answer {
    let is_there = |key: &&Value| key["PlanId"]["S"] != "plan-7";
    let keys = asked(request);
    let items: Vec<Value> = keys.iter().filter(is_there).map(item).collect();
    Answer::ok(json!({"Responses": {PLANS: items}, "UnprocessedKeys": {}}).to_string())
}

#[tokio::test]
async fn reads_of_the_same_moment_are_one_call() {
    let server = Server::start(with_sts(has_plans)).await;
    let items = server.session().await.items();
    let numbers = || (0..10).chain(0..10);
    let found = plans_at_once(&items, numbers()).await;
    for (number, found) in numbers().zip(found) {
        let found = found.unwrap().map(|item| item.key);
        assert_eq!(found, (number != 7).then(|| plan(number)));
    }
    let calls = server.seen("BatchGetItem");
    assert_eq!(calls.len(), 1);
    assert_eq!(asked(&calls[0]).len(), 10, "a key is asked for once");
    // One that comes later is not served from what was read before.
    items.get(&plan(1)).await.unwrap();
    assert_eq!(server.seen("BatchGetItem").len(), 2);
}

#[tokio::test]
async fn no_call_asks_for_more_than_dynamodb_takes() {
    let server = Server::start(with_sts(has_plans)).await;
    let items = server.session().await.items();
    let keys: BTreeSet<Key> = (0..250).map(plan).collect();
    assert_eq!(items.get_all(keys).await.unwrap().len(), 249);
    let sizes = server
        .seen("BatchGetItem")
        .iter()
        .map(|call| asked(call).len())
        .collect::<Vec<_>>();
    assert_eq!(sizes, [100, 100, 50]);
    plans_at_once(&items, 0..250).await;
    let calls = server.seen("BatchGetItem");
    assert!(calls.iter().all(|call| asked(call).len() <= 100));
    assert!(calls.len() <= 3 + 4, "{} calls", calls.len());
}

#[tokio::test]
async fn what_is_left_unread_is_asked_for_again() {
    let server = Server::start(with_sts(|request| {
        let keys = asked(request);
        let (now, later) = keys.split_at(keys.len().min(4));
        let items: Vec<Value> = now.iter().map(item).collect();
        let unread = if later.is_empty() {
            json!({})
        } else {
            json!({PLANS: {"Keys": later, "ConsistentRead": true}})
        };
        Answer::ok(json!({"Responses": {PLANS: items}, "UnprocessedKeys": unread}).to_string())
    }))
    .await;
    let items = server.session().await.items();
    let found = items.get_all((0..10).map(plan).collect()).await.unwrap();
    assert_eq!(found.len(), 10);
    let calls = server.seen("BatchGetItem");
    assert_eq!(calls.len(), 3);
    assert!(
        calls
            .iter()
            .all(|call| body(call)["RequestItems"][PLANS]["ConsistentRead"] == true)
    );
}

#[tokio::test]
async fn a_table_without_capacity_is_busy_and_not_empty() {
    let server = Server::start(with_sts(|request| {
        let unread = &body(request)["RequestItems"];
        Answer::ok(json!({"Responses": {}, "UnprocessedKeys": unread}).to_string())
    }))
    .await;
    let error = server
        .session()
        .await
        .items()
        .get(&plan(1))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind, error.code.as_str()),
        (Kind::Busy, "UnprocessedKeys")
    );
    assert_eq!(server.seen("BatchGetItem").len(), 6);
}

#[tokio::test]
async fn an_item_that_cannot_be_read_fails_its_own_read_alone() {
    let server = Server::start(with_sts(|request| {
        let theirs = |key: &Value| {
            let mut item = item(key);
            if key["PlanId"]["S"] == "plan-1" {
                item["Price"] = json!({"N": "9.99"});
            }
            item
        };
        let items: Vec<Value> = asked(request).iter().map(theirs).collect();
        Answer::ok(json!({"Responses": {PLANS: items}}).to_string())
    }))
    .await;
    let items = server.session().await.items();
    let (one, two) = (plan(1), plan(2));
    let (one, two) = tokio::join!(items.get(&one), items.get(&two));
    assert_eq!(one.unwrap_err().code, "ForeignItem");
    assert!(two.unwrap().is_some());
    assert_eq!(server.seen("BatchGetItem").len(), 1);
}

#[tokio::test]
async fn a_failed_call_is_the_answer_to_each_of_its_reads() {
    let server = Server::start(with_sts(|_| {
        let body = json!({"__type": "x#AccessDeniedException", "message": "no"});
        Answer::Http(400, vec![], body.to_string())
    }))
    .await;
    let items = server.session().await.items();
    for read in plans_at_once(&items, 0..5).await {
        let error = read.unwrap_err();
        assert_eq!(
            (error.kind, error.call),
            (Kind::Refused, "dynamodb:BatchGetItem")
        );
    }
    assert_eq!(server.seen("BatchGetItem").len(), 1);
}

#[tokio::test]
async fn looks_at_source_servers_are_one_call() {
    let id = |number: usize| format!("s-{number:017}");
    let server = Server::start(with_sts(|request| {
        let ids = body(request)["filters"]["sourceServerIDs"].clone();
        let ids = ids
            .as_array()
            .cloned()
            .unwrap_or_else(|| vec![json!("s-all")]);
        let there = ids.iter().filter(|id| *id != "s-00000000000000003");
        let items: Vec<Value> = there.map(|id| json!({"sourceServerID": id})).collect();
        Answer::ok(json!({"items": items}).to_string())
    }))
    .await;
    let session = server.session().await;
    let target = Target {
        account_id: ACCOUNT.to_owned(),
        region: session.region().to_owned(),
    };
    let drs = session.drs();
    let look = |ids: Option<Vec<ServerId>>| {
        let (drs, target) = (drs.clone(), target.clone());
        async move { drs.source_servers(&target, ids.as_deref()).await }
    };
    let one = |number| look(Some(vec![ServerId::new(id(number))]));
    for (number, found) in at_once((0..10).map(one)).await.into_iter().enumerate() {
        let found: Vec<String> = found
            .unwrap()
            .iter()
            .map(|server| server.id.to_string())
            .collect();
        let expected = if number == 3 {
            vec![]
        } else {
            vec![id(number)]
        };
        assert_eq!(found, expected);
    }
    assert_eq!(server.seen("DescribeSourceServers").len(), 1);
    at_once((0..10).map(|_| look(None))).await;
    assert_eq!(server.seen("DescribeSourceServers").len(), 2);
    assert_eq!(look(Some(vec![])).await, Ok(vec![]));
    assert_eq!(server.seen("DescribeSourceServers").len(), 2);
}

#[tokio::test]
async fn an_answer_about_something_else_does_not_mean_that_nothing_is_there() {
    for answer in [
        json!({}),
        json!({"Responses": {"recovery-plans-other": []}}),
        json!({"Responses": {PLANS: [{"Name": {"S": "no key"}}]}}),
    ] {
        let server = Server::start(with_sts(move |_| Answer::ok(answer.to_string()))).await;
        let read = server.session().await.items().get(&plan(1)).await;
        let error = read.unwrap_err();
        assert_eq!(
            (error.kind, error.code.as_str()),
            (Kind::Busy, "UnreadableAnswer")
        );
    }
}
