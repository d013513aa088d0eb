//! Tables that are missing, foreign, replicated, or made by somebody else at the same time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use drs_engine::store::items::{Items, Key, Table};
use drs_engine_aws::{Settings, TableError};
use serde_json::{Value, json};

use crate::server::{Answer, Request, Server, with_sts};

fn body(request: &Request) -> Value {
    serde_json::from_str(&request.body).unwrap()
}

fn failed(code: &str) -> Answer {
    Answer::Http(
        400,
        vec![],
        json!({"__type": format!("x#{code}"), "message": "so it is"}).to_string(),
    )
}

/// A table as CreateTable asked for it, in the words of DescribeTable.
fn described(asked: &Value) -> Value {
    let mut table = asked.clone();
    table["TableStatus"] = json!("ACTIVE");
    json!({"Table": table})
}

/// DynamoDB with what was created so far; `race` makes every creation come second.
struct Tables {
    made: Mutex<Vec<Value>>,
    race: bool,
    backups_fail_once: AtomicBool,
}

fn answer(tables: &Tables, request: &Request) -> Answer {
    let asked = body(request);
    let mut made = tables.made.lock().unwrap();
    match request.operation().as_str() {
        "DescribeTable" => made
            .iter()
            .find(|table| table["TableName"] == asked["TableName"])
            .map_or_else(
                || failed("ResourceNotFoundException"),
                |table| Answer::ok(described(table).to_string()),
            ),
        "CreateTable" => {
            made.push(asked);
            if tables.race {
                failed("ResourceInUseException")
            } else {
                Answer::ok("{}")
            }
        }
        "UpdateContinuousBackups" if tables.backups_fail_once.swap(false, Ordering::SeqCst) => {
            failed("ContinuousBackupsUnavailableException")
        }
        "UpdateContinuousBackups" => Answer::ok("{}"),
        other => panic!("{other} was not expected"),
    }
}

async fn dynamodb(race: bool) -> (Server, Arc<Tables>) {
    let tables = Arc::new(Tables {
        made: Mutex::default(),
        race,
        backups_fail_once: AtomicBool::new(true),
    });
    let shared = Arc::clone(&tables);
    (
        Server::start(with_sts(move |request| answer(&shared, request))).await,
        tables,
    )
}

fn may_create() -> Settings {
    Settings {
        create_tables: true,
        environment: "rehearsal".to_owned(),
        ..Settings::default()
    }
}

#[tokio::test]
async fn tables_are_made_once_with_their_safeguards() {
    for race in [false, true] {
        let (server, _) = dynamodb(race).await;
        let session = server.session_with(&may_create()).await;
        session.ensure_tables().await.unwrap();
        session.ensure_tables().await.unwrap();
        let created: Vec<Value> = server.seen("CreateTable").iter().map(body).collect();
        let names: Vec<&str> = created
            .iter()
            .map(|table| table["TableName"].as_str().unwrap())
            .collect();
        assert_eq!(
            names,
            [
                "protection-groups-rehearsal",
                "recovery-plans-rehearsal",
                "execution-history-rehearsal"
            ]
        );
        for table in &created {
            assert_eq!(table["BillingMode"], "PAY_PER_REQUEST");
            assert_eq!(
                table["SSESpecification"],
                json!({"Enabled": true, "SSEType": "KMS"})
            );
            assert_eq!(table["DeletionProtectionEnabled"], true);
        }
        assert_eq!(
            created[2]["KeySchema"],
            json!([
                {"AttributeName": "ExecutionId", "KeyType": "HASH"},
                {"AttributeName": "ItemKey", "KeyType": "RANGE"},
            ])
        );
        // One failure that passes, and the three.
        assert_eq!(server.seen("UpdateContinuousBackups").len(), 4);
    }
}

#[tokio::test]
async fn a_missing_table_is_named_with_the_way_to_make_it() {
    let (server, _) = dynamodb(false).await;
    let error = server.session().await.ensure_tables().await.unwrap_err();
    let text = error.to_string();
    assert_eq!(
        error,
        TableError::Missing {
            table: "protection-groups-default".to_owned()
        }
    );
    assert!(
        text.contains("create_tables = true") && text.contains("drsctl"),
        "{text}"
    );
    assert!(server.seen("CreateTable").is_empty());
}

#[tokio::test]
async fn tables_that_are_not_fit_are_refused() {
    type Change = fn(&mut Value);
    let changes: [(Change, &str); 6] = [
        (
            |table| table["Replicas"] = json!([{"RegionName": "us-west-2"}]),
            "replicated",
        ),
        (
            |table| table["GlobalTableVersion"] = json!("2017.11.29"),
            "replicated",
        ),
        (
            |table| table["KeySchema"][0]["AttributeName"] = json!("Other"),
            "its key is not ExecutionId and ItemKey",
        ),
        (
            |table| table["GlobalSecondaryIndexes"] = json!([]),
            "no index StatusIndex",
        ),
        (
            |table| {
                table["GlobalSecondaryIndexes"][1]["Projection"] =
                    json!({"ProjectionType": "KEYS_ONLY"})
            },
            "its index PlanIdIndex is not over PlanId and StartTime",
        ),
        (
            |table| {
                for attribute in table["AttributeDefinitions"].as_array_mut().unwrap() {
                    if attribute["AttributeName"] == "StartTime" {
                        attribute["AttributeType"] = json!("S");
                    }
                }
            },
            "its index StatusIndex is not over Status and StartTime",
        ),
    ];
    for (change, words) in changes {
        let (server, tables) = dynamodb(false).await;
        let session = server.session_with(&may_create()).await;
        session.ensure_tables().await.unwrap();
        change(&mut tables.made.lock().unwrap()[2]);
        let error = session.ensure_tables().await.unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("execution-history-rehearsal") && text.contains(words),
            "{text}"
        );
        assert_eq!(server.seen("CreateTable").len(), 3);
    }
}

#[tokio::test]
async fn an_item_that_somebody_else_wrote_is_not_touched() {
    let server = Server::start(with_sts(|_| {
        let item = json!({"PlanId": {"S": "plan-1"}, "Price": {"N": "9.99"}});
        Answer::ok(json!({"Responses": {"recovery-plans-default": [item]}}).to_string())
    }))
    .await;
    let key = Key {
        table: Table::RecoveryPlans,
        partition: "plan-1".to_owned(),
        sort: None,
    };
    let error = server.session().await.items().get(&key).await.unwrap_err();
    assert_eq!(error.code, "ForeignItem");
    assert!(
        error.message.contains("Price") && error.message.contains("another environment"),
        "{error}"
    );
    let seen = server.seen("BatchGetItem");
    let asked = &body(&seen[0])["RequestItems"]["recovery-plans-default"];
    assert_eq!(asked["ConsistentRead"], true);
}

#[tokio::test]
async fn a_creation_whose_answer_was_lost_is_found_made() {
    let (inner, tables) = dynamodb(false).await;
    drop(inner);
    let server = Server::start(with_sts(move |request| {
        let made = tables.made.lock().unwrap().len();
        match request.operation().as_str() {
            "CreateTable" => {
                let asked = body(request);
                let known = tables.made.lock().unwrap().contains(&asked);
                if known {
                    return failed("ResourceInUseException");
                }
                answer(&tables, request);
                assert_eq!(tables.made.lock().unwrap().len(), made + 1);
                Answer::Lost
            }
            _ => answer(&tables, request),
        }
    }))
    .await;
    server
        .session_with(&may_create())
        .await
        .ensure_tables()
        .await
        .unwrap();
    assert_eq!(server.seen("CreateTable").len(), 6);
}
