//! Every call that is made, in every trouble: what is known afterwards.

use std::collections::BTreeMap;

use drs_engine::ids::{InstanceId, JobId, ServerId};
use drs_engine::limits::Quotas;
use drs_engine::ports::{
    Action, ActionRequest, ActionRun, Actions, CallError, Drs, Kind, Message, StartRecovery,
    StartServer, Topics, WhichInstances, WhichJobs,
};
use drs_engine::store::items::{
    Condition, Index, IndexQuery, Item, Items, Key, Query, Table, Write, WriteError,
};
use drs_engine_aws::{Session, Settings, TableError};
use jiff::Timestamp;

use crate::server::{Answer, Request, Server, with_sts};

/// The calls, in the order of the table.
const CALLS: [&str; 20] = [
    "drs:StartRecovery",
    "drs:TerminateRecoveryInstances",
    "drs:DescribeJobs",
    "drs:DescribeJobLogItems",
    "drs:DescribeRecoveryInstances",
    "drs:DescribeRecoverySnapshots",
    "drs:DescribeSourceServers",
    "ec2:DescribeInstances",
    "servicequotas:ListServiceQuotas",
    "dynamodb:BatchGetItem",
    "dynamodb:Query",
    "dynamodb:Query (index)",
    "dynamodb:TransactWriteItems",
    "dynamodb:DescribeTable",
    "lambda:Invoke",
    "ssm:StartAutomationExecution",
    "ssm:SendCommand",
    "ssm:GetAutomationExecution",
    "ssm:ListCommands",
    "sns:Publish",
];

/// Those of them that change something.
const CHANGES: [&str; 7] = [
    "drs:StartRecovery",
    "drs:TerminateRecoveryInstances",
    "dynamodb:TransactWriteItems",
    "lambda:Invoke",
    "ssm:StartAutomationExecution",
    "ssm:SendCommand",
    "sns:Publish",
];

/// An error in the form of the protocol that the request is in.
fn error(request: &Request, status: u16, code: &str) -> Answer {
    let later = ("retry-after", "7".to_owned());
    if request.header("authorization").contains("/ec2/") {
        let body = format!(
            "<Response><Errors><Error><Code>{code}</Code><Message>sorry</Message></Error></Errors></Response>"
        );
        return Answer::Http(status, vec![later], body);
    }
    let authorization = request.header("authorization");
    if authorization.contains("/sts/") || authorization.contains("/sns/") {
        let body = format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>sorry</Message></Error></ErrorResponse>"
        );
        return Answer::Http(status, vec![later], body);
    }
    Answer::Http(
        status,
        vec![later, ("x-amzn-errortype", code.to_owned())],
        format!("{{\"__type\":\"com.amazonaws#{code}\",\"message\":\"sorry\"}}"),
    )
}

fn key() -> Key {
    Key {
        table: Table::RecoveryPlans,
        partition: "plan-1".to_owned(),
        sort: None,
    }
}

/// Makes one call and says how it failed; `None` where it did not.
async fn make(session: &Session, call: &str) -> Option<CallError> {
    let (drs, items, target) = (session.drs(), session.items(), session.target());
    match call {
        "drs:StartRecovery" => {
            let request = StartRecovery {
                servers: vec![StartServer {
                    id: ServerId::new("s-1"),
                    snapshot: None,
                }],
                is_drill: true,
                tags: BTreeMap::new(),
                signed_at: Timestamp::now(),
            };
            drs.start_recovery(&target, &request).await.err()
        }
        "drs:TerminateRecoveryInstances" => drs
            .terminate(&target, &[InstanceId::new("i-1")])
            .await
            .err(),
        "drs:DescribeJobs" => drs
            .jobs(&target, &WhichJobs::Since(Timestamp::now()))
            .await
            .err(),
        "drs:DescribeJobLogItems" => drs.failures(&target, &JobId::new("drsjob-1")).await.err(),
        "drs:DescribeRecoverySnapshots" => {
            let server = ServerId::new("s-1");
            drs.recovery_snapshots(&target, &server).await.err()
        }
        "drs:DescribeRecoveryInstances" => {
            let which = WhichInstances::OfServers(vec![ServerId::new("s-1")]);
            drs.recovery_instances(&target, &which).await.err()
        }
        "drs:DescribeSourceServers" => drs.source_servers(&target, None).await.err(),
        "ec2:DescribeInstances" => drs
            .alive_in_ec2(&target, &[InstanceId::new("i-1")])
            .await
            .err(),
        "servicequotas:ListServiceQuotas" => {
            let quotas = drs.quotas(&target).await;
            assert_eq!(
                quotas,
                Ok(Quotas::default()),
                "quotas fall back to the documented ones"
            );
            None
        }
        "dynamodb:BatchGetItem" => items.get(&key()).await.err(),
        "dynamodb:Query" => {
            let query = Query {
                table: Table::ExecutionHistory,
                partition: "exec-1".to_owned(),
                prefix: "event#".to_owned(),
                after: None,
                limit: 10,
            };
            items.query(&query).await.err()
        }
        "dynamodb:Query (index)" => {
            let query = IndexQuery {
                index: Index::Status,
                partition: "RUNNING".to_owned(),
                start: None,
                limit: 10,
            };
            items.index(&query).await.err()
        }
        "dynamodb:TransactWriteItems" => {
            let item = Item {
                key: key(),
                attributes: BTreeMap::new(),
            };
            let write = Write::Put {
                item,
                condition: Condition::Always,
            };
            match items.transact(vec![write]).await {
                Ok(()) => None,
                Err(WriteError::Call(error)) => Some(error),
                Err(conflict) => panic!("{conflict:?}"),
            }
        }
        "dynamodb:DescribeTable" => match session.ensure_tables().await {
            Err(TableError::Call(error)) => Some(error),
            other => panic!("{other:?}"),
        },
        "lambda:Invoke" => {
            let function = "check".to_owned();
            begin(session, Action::Lambda { function }).await
        }
        "ssm:StartAutomationExecution" => begin(session, automation()).await,
        "ssm:SendCommand" => begin(session, command()).await,
        "ssm:GetAutomationExecution" => {
            let id = "01234567-89ab-cdef-0123-456789abcdef".to_owned();
            drs.look(&target, &ActionRun::Automation { id }).await.err()
        }
        "ssm:ListCommands" => {
            let id = "01234567-89ab-cdef-0123-456789abcdef".to_owned();
            drs.look(&target, &ActionRun::Command { id }).await.err()
        }
        "sns:Publish" => {
            let topic = "arn:aws:sns:us-east-1:111122223333:notices";
            drs.publish(topic, &Message::default()).await.err()
        }
        other => panic!("{other} is not in the table"),
    }
}

async fn begin(session: &Session, action: Action) -> Option<CallError> {
    let request = ActionRequest {
        action,
        token: "01234567-89ab-cdef-0123-456789abcdef".to_owned(),
        input: serde_json::json!({}),
    };
    let begun = session.drs().begin(&session.target(), &request).await;
    begun.err()
}

fn automation() -> Action {
    Action::Automation {
        document: "Shop-Failover".to_owned(),
        version: None,
        parameters: BTreeMap::new(),
    }
}

fn command() -> Action {
    Action::Command {
        document: "Shop-Check".to_owned(),
        version: None,
        parameters: BTreeMap::new(),
        instances: vec![InstanceId::new("i-01234567890123456")],
    }
}

/// Makes every call at once, because each waits between its tries.
async fn make_all(session: &Session) -> Vec<(&'static str, Option<CallError>)> {
    let tasks: Vec<_> = CALLS
        .into_iter()
        .map(|call| {
            let session = session.clone();
            (
                call,
                tokio::spawn(async move { make(&session, call).await }),
            )
        })
        .collect();
    let mut made = Vec::new();
    for (call, task) in tasks {
        made.push((call, task.await.unwrap()));
    }
    made
}

/// What a call that failed must say: its own name, this kind by what it does, and one of these codes.
fn check(made: &[(&str, Option<CallError>)], trouble: &str, changes: Kind, codes: &[&str]) {
    for (call, error) in made {
        let Some(error) = error else {
            assert_eq!(*call, "servicequotas:ListServiceQuotas", "{trouble}");
            continue;
        };
        let is_change = CHANGES.contains(call);
        let wanted = if is_change { changes } else { Kind::Busy };
        assert_eq!(error.kind, wanted, "{call} in {trouble}: {error}");
        assert!(
            call.starts_with(error.call),
            "{call} is called {}",
            error.call
        );
        assert!(
            codes.contains(&error.code.as_str()),
            "{call} in {trouble}: {error}"
        );
    }
}

#[tokio::test]
async fn throttled_calls_had_no_effect_and_say_how_long_to_wait() {
    let server = Server::start(with_sts(|request| {
        error(request, 429, "ThrottlingException")
    }))
    .await;
    let made = make_all(&server.session().await).await;
    check(&made, "429", Kind::Busy, &["ThrottlingException"]);
    for (call, error) in made {
        let after = error.and_then(|error| error.retry_after);
        assert!(after.is_none_or(|after| after.as_secs() == 7), "{call}");
    }
}

#[tokio::test]
async fn after_a_fault_of_the_service_changes_are_in_doubt() {
    let server = Server::start(with_sts(|request| {
        error(request, 500, "InternalServerException")
    }))
    .await;
    let made = make_all(&server.session().await).await;
    check(&made, "500", Kind::Unknown, &["InternalServerException"]);
}

#[tokio::test]
async fn after_a_lost_answer_changes_are_in_doubt() {
    let server = Server::start(with_sts(|_| Answer::Lost)).await;
    let made = make_all(&server.session().await).await;
    check(&made, "a lost answer", Kind::Unknown, &["ConnectionLost"]);
    assert_eq!(server.seen("StartRecovery").len(), 1);
    assert_eq!(server.seen("TerminateRecoveryInstances").len(), 1);
    let invoked = server.seen("2015-03-31/functions/check/invocations");
    assert_eq!(invoked.len(), 1);
    for once in ["StartAutomationExecution", "SendCommand", "Publish"] {
        assert_eq!(server.seen(once).len(), 1, "{once}");
    }
    // The tries of one transaction carry one token, so DynamoDB makes it once.
    let tokens: Vec<String> = server
        .seen("TransactWriteItems")
        .iter()
        .map(|request| {
            let body: serde_json::Value = serde_json::from_str(&request.body).unwrap();
            body["ClientRequestToken"].as_str().unwrap().to_owned()
        })
        .collect();
    assert!(
        tokens.len() > 1 && tokens.windows(2).all(|two| two[0] == two[1]),
        "{tokens:?}"
    );
}

#[tokio::test]
async fn a_refused_connection_had_no_effect() {
    let server = Server::start(with_sts(|_| Answer::Lost)).await;
    let session = server.session().await;
    drop(server);
    tokio::task::yield_now().await;
    let made = make_all(&session).await;
    check(&made, "a refused connection", Kind::Busy, &["Unreachable"]);
}

#[tokio::test]
async fn codes_decide_whether_a_refusal_is_for_good() {
    for (status, code, start, store) in [
        (409, "ConflictException", Kind::Busy, Kind::Busy),
        (402, "ServiceQuotaExceededException", Kind::Busy, Kind::Busy),
        (400, "ValidationException", Kind::Refused, Kind::Refused),
        (
            400,
            "UninitializedAccountException",
            Kind::Refused,
            Kind::Refused,
        ),
        (403, "AccessDeniedException", Kind::Refused, Kind::Refused),
        (
            404,
            "ResourceNotFoundException",
            Kind::Refused,
            Kind::Refused,
        ),
        (403, "ExpiredTokenException", Kind::Busy, Kind::Refused),
        (
            403,
            "InvalidSignatureException",
            Kind::Refused,
            Kind::Refused,
        ),
        (503, "SlowDown", Kind::Busy, Kind::Busy),
        (408, "RequestTimeout", Kind::Unknown, Kind::Unknown),
        (418, "ANewException", Kind::Refused, Kind::Refused),
    ] {
        let server = Server::start(with_sts(move |request| error(request, status, code))).await;
        let session = server.session().await;
        let (launch, write) = tokio::join!(
            make(&session, "drs:StartRecovery"),
            make(&session, "dynamodb:TransactWriteItems")
        );
        let (launch, write) = (launch.unwrap(), write.unwrap());
        assert_eq!((launch.kind, launch.code.as_str()), (start, code));
        assert_eq!((write.kind, write.code.as_str()), (store, code));
        assert_eq!(launch.message, "sorry");
    }
}

#[tokio::test]
async fn an_answer_that_is_not_from_aws_leaves_a_launch_in_doubt() {
    for answer in [
        Answer::Http(
            403,
            vec![("content-type", "text/html".to_owned())],
            "<html>blocked</html>".to_owned(),
        ),
        Answer::Http(502, vec![], String::new()),
        Answer::Http(200, vec![], "<html>welcome</html>".to_owned()),
    ] {
        let shown = format!("{answer:?}");
        let server = Server::start(with_sts(move |_| answer.clone())).await;
        let session = server.session_with(&Settings::default()).await;
        let launch = make(&session, "drs:StartRecovery").await.unwrap();
        assert_eq!(launch.kind, Kind::Unknown, "{shown}: {launch}");
        assert_eq!(server.seen("StartRecovery").len(), 1);
    }
}

/// What a person reads when STS is in trouble: these calls come before everything else.
#[tokio::test]
async fn trouble_while_connecting_is_told() {
    let lost = |_: &Request| Answer::Lost;
    let throttled = |request: &Request| error(request, 429, "ThrottlingException");
    let faulty = |request: &Request| error(request, 500, "InternalFailure");
    type Handler = fn(&Request) -> Answer;
    let troubles: [(Handler, &str); 3] = [
        (lost, "cannot be reached"),
        (throttled, "sts:GetCallerIdentity"),
        (faulty, "sts:GetCallerIdentity"),
    ];
    for (handler, words) in troubles {
        let server = Server::start(handler).await;
        let error = server.try_session(&Settings::default()).await.unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains(words) && text.contains(&server.url()),
            "{text}"
        );
        assert_eq!(server.seen("GetCallerIdentity").len(), 4, "{text}");
    }
    let server = Server::start(lost).await;
    let url = server.url();
    let closed = server.close();
    let error = closed.try_session(&Settings::default()).await.unwrap_err();
    assert!(
        error.is_unreachable() && error.to_string().contains(&url),
        "{error}"
    );
}

/// Making a table may be done twice, so what is in doubt is looked at again.
#[tokio::test]
async fn trouble_while_tables_are_made_is_told_or_made_up_for() {
    let missing = |request: &Request| error(request, 400, "ResourceNotFoundException");
    let settings = Settings {
        create_tables: true,
        ..Settings::default()
    };
    for (status, code) in [(429, "ThrottlingException"), (400, "AccessDeniedException")] {
        let server = Server::start(with_sts(move |request| {
            match request.operation().as_str() {
                "DescribeTable" => missing(request),
                _ => error(request, status, code),
            }
        }))
        .await;
        let failed = server
            .session_with(&settings)
            .await
            .ensure_tables()
            .await
            .unwrap_err();
        let text = failed.to_string();
        assert!(
            text.contains("dynamodb:CreateTable") && text.contains(code),
            "{text}"
        );
    }
}
