//! Functions, documents and topics: against the simulator over HTTP, and what goes over the wire.

use std::collections::BTreeMap;
use std::time::Duration;

use drs_engine::ids::{InstanceId, ServerId, Target};
use drs_engine::ports::{
    Action, ActionRequest, ActionRun, ActionStatus, Actions, CallError, Clock, Drs, Kind, Message,
    Readiness, StartRecovery, StartServer, Topics, WhichInstances,
};
use drs_engine::time::{Wake, after};
use drs_engine_aws::Session;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::server::{Answer, Server, with_sts};
use crate::simulator::Rehearsal;

const FLEET: &str = r#"
accounts:
  - id: "111122223333"
    regions:
      - name: us-east-1
        servers: [{ hostname: db-1 }, { hostname: web-1 }]
        functions:
          - name: check
            script: [{ delay_seconds: 1, output: { success: true, checked: 2 } }]
          - name: says-no
            script: [{ delay_seconds: 1, output: { success: false, reason: "the shop answers 503" } }]
          - name: raises
            script: [{ delay_seconds: 1, outcome: fail, reason: "no route" }]
          - { name: slow, script: [{ delay_seconds: 600 }] }
          - { name: never-in-time, script: [{ delay_seconds: 5000 }] }
          - name: busy
            script: [{ outcome: throttle, times: 1 }]
        documents:
          - name: Shop-Failover
            script: [{ delay_seconds: 60, output: { Url: "https://shop" } }]
          - name: Shop-Check
            script: [{ delay_seconds: 5, reason: "connection refused", instances: { web-1: fail } }]
          - name: Shop-Broken
            script: [{ outcome: fail, reason: "no such zone" }]
        topics: [{ name: notices }, { name: ordered.fifo }]
"#;

/// Longest that a test waits for an action, on the wall.
const PATIENCE: Duration = Duration::from_secs(30);

fn token(number: u32) -> String {
    format!("01234567-89ab-4def-8123-{number:012}")
}

fn lambda(function: &str, number: u32) -> ActionRequest {
    ActionRequest {
        action: Action::Lambda {
            function: function.to_owned(),
        },
        token: token(number),
        input: json!({"wave": "web", "instance_ids": ["i-1", "i-2"]}),
    }
}

fn automation(document: &str, number: u32) -> ActionRequest {
    let parameters = [
        ("Wave", vec!["{wave}".to_owned()]),
        ("Instances", vec!["{instance_ids}".to_owned()]),
    ];
    ActionRequest {
        action: Action::Automation {
            document: document.to_owned(),
            version: None,
            parameters: parameters
                .into_iter()
                .map(|(name, values)| (name.to_owned(), values))
                .collect(),
        },
        ..lambda("", number)
    }
}

fn command(document: &str, instances: &[InstanceId]) -> ActionRequest {
    ActionRequest {
        action: Action::Command {
            document: document.to_owned(),
            version: None,
            parameters: BTreeMap::new(),
            instances: instances.to_vec(),
        },
        ..lambda("", 1)
    }
}

async fn begin(session: &Session, request: &ActionRequest) -> Result<ActionRun, CallError> {
    session.drs().begin(&session.target(), request).await
}

async fn look(session: &Session, run: &ActionRun) -> ActionStatus {
    let status = session.drs().look(&session.target(), run).await;
    status.expect("the simulator answers")
}

/// How an action ends.
async fn ended(session: &Session, run: &ActionRun) -> ActionStatus {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let status = look(session, run).await;
        if status != ActionStatus::Running {
            return status;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "{run} runs for ever"
        );
        sleep(Duration::from_millis(20)).await;
    }
}

fn failed(reason: &str) -> ActionStatus {
    ActionStatus::Failed {
        reason: reason.to_owned(),
    }
}

/// What was called, oldest first.
fn called(rehearsal: &Rehearsal) -> Vec<Value> {
    let store = rehearsal.simulator.admin_token_path();
    let token = std::fs::read_to_string(store).unwrap();
    let endpoint = rehearsal.simulator.admin_endpoint().unwrap();
    let address = endpoint.trim_start_matches("http://").to_owned();
    let request = format!(
        "GET /calls HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
        token.trim()
    );
    let answer = tokio::task::block_in_place(|| {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect(&address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    });
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    body["calls"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_succeed_fail_and_run_out_of_time() {
    let rehearsal = Rehearsal::of(Some(FLEET), 500.0).await;
    let session = rehearsal.session(false).await;
    let output = Some(r#"{"checked":2,"success":true}"#.to_owned());
    let timed_out = "Sandbox.Timedout: RequestId: ";
    for (number, (function, expected)) in [
        ("check", ActionStatus::Succeeded { output }),
        ("says-no", failed("the shop answers 503")),
        ("raises", failed("Error: no route")),
        ("never-in-time", failed(timed_out)),
    ]
    .into_iter()
    .enumerate()
    {
        let request = lambda(function, u32::try_from(number).unwrap());
        let run = begin(&session, &request).await.unwrap();
        let status = ended(&session, &run).await;
        match (&status, expected) {
            (ActionStatus::Failed { reason }, ActionStatus::Failed { reason: expected })
                if expected == timed_out =>
            {
                assert!(reason.starts_with(timed_out), "{reason}");
            }
            (_, expected) => assert_eq!(status, expected, "{function}"),
        }
    }
    let calls = called(&rehearsal);
    assert_eq!(calls[0]["operation"], "lambda:Invoke");
    assert_eq!(calls[0]["input"]["Payload"]["wave"], "web");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_is_missing_or_throttled_does_not_run() {
    let rehearsal = Rehearsal::of(Some(FLEET), 500.0).await;
    let session = rehearsal.session(true).await;
    session.ensure_tables().await.unwrap();
    let missing = begin(&session, &lambda("chekc", 1)).await.unwrap_err();
    assert_eq!(missing.kind, Kind::Refused, "{missing}");
    assert!(missing.to_string().contains("function:chekc"), "{missing}");
    let busy = begin(&session, &lambda("busy", 2)).await.unwrap_err();
    assert_eq!(busy.kind, Kind::Busy, "{busy}");
    // What did not run is begun again with its token.
    let run = begin(&session, &lambda("busy", 2)).await.unwrap();
    let output = None;
    assert_eq!(
        ended(&session, &run).await,
        ActionStatus::Succeeded { output }
    );
    let there = Target {
        account_id: "444455556666".to_owned(),
        ..session.target()
    };
    let elsewhere = session.drs().begin(&there, &lambda("check", 3)).await;
    assert_eq!(elsewhere.unwrap_err().code, "TargetNotConfigured");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_is_known_to_the_process_that_invoked_it_only() {
    let rehearsal = Rehearsal::of(Some(FLEET), 100.0).await;
    let (one, other) = (
        rehearsal.session(false).await,
        rehearsal.session(false).await,
    );
    let run = begin(&one, &lambda("slow", 1)).await.unwrap();
    assert_eq!(look(&one, &run).await, ActionStatus::Running);
    assert_eq!(look(&other, &run).await, ActionStatus::Lost);
    // Begun again where it is known, it is not invoked again.
    assert_eq!(begin(&one, &lambda("slow", 1)).await.unwrap(), run);
    let output = None;
    assert_eq!(ended(&one, &run).await, ActionStatus::Succeeded { output });
    assert_eq!(called(&rehearsal).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_automation_runs_once_for_its_token() {
    let rehearsal = Rehearsal::of(Some(FLEET), 100.0).await;
    let session = rehearsal.session(false).await;
    let request = automation("Shop-Failover", 1);
    let run = begin(&session, &request).await.unwrap();
    let again = begin(&rehearsal.session(false).await, &request).await;
    assert_eq!(again.unwrap(), run);
    assert_eq!(look(&session, &run).await, ActionStatus::Running);
    let output = Some(r#"{"Url":["https://shop"]}"#.to_owned());
    assert_eq!(
        ended(&session, &run).await,
        ActionStatus::Succeeded { output }
    );
    let parameters = called(&rehearsal)[0]["input"]["Parameters"].clone();
    assert_eq!(
        parameters,
        json!({"Wave": ["web"], "Instances": ["i-1", "i-2"]})
    );

    let broken = begin(&session, &automation("Shop-Broken", 2))
        .await
        .unwrap();
    let ActionStatus::Failed { reason } = ended(&session, &broken).await else {
        panic!("it fails");
    };
    assert!(
        reason.starts_with("Failed: ") && reason.contains("no such zone"),
        "{reason}"
    );
    let missing = begin(&session, &automation("Shop-Failovre", 3)).await;
    let missing = missing.unwrap_err();
    assert_eq!(missing.kind, Kind::Refused);
    assert_eq!(missing.code, "AutomationDefinitionNotFoundException");
    let mismatch = begin(&session, &automation("Shop-Broken", 1)).await;
    assert_eq!(mismatch.unwrap_err().code, "IdempotentParameterMismatch");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_succeeds_where_it_does_on_every_instance() {
    let rehearsal = Rehearsal::of(Some(FLEET), 2_000.0).await;
    let session = rehearsal.session(false).await;
    let drs = session.drs();
    let target = session.target();
    let servers = drs.source_servers(&target, None).await.unwrap();
    let mut ids: Vec<_> = servers.into_iter().collect();
    ids.sort_by(|one, other| one.hostname.cmp(&other.hostname));
    let ids: Vec<_> = ids.into_iter().map(|server| server.id).collect();
    let server = |id: &ServerId| StartServer {
        id: id.clone(),
        snapshot: None,
    };
    let launch = StartRecovery {
        servers: ids.iter().map(server).collect(),
        is_drill: true,
        tags: BTreeMap::new(),
        signed_at: session.clock().now().wall,
    };
    drs.start_recovery(&target, &launch).await.unwrap();
    let mut wake = Wake::default();
    wake.at_world(after(
        session.clock().now().world,
        SignedDuration::from_hours(1),
    ));
    session.clock().sleep(wake).await;
    let which = WhichInstances::OfServers(ids.clone());
    let found = drs.recovery_instances(&target, &which).await.unwrap();
    let of = |place: usize| {
        let is_it = |instance: &&drs_engine::ports::RecoveryInstance| instance.server == ids[place];
        found.iter().find(is_it).unwrap().id.clone()
    };
    let (db, web) = (of(0), of(1));

    let both = command("Shop-Check", &[db.clone(), web.clone()]);
    let run = begin(&session, &both).await.unwrap();
    let reason = format!("{web}: Failed: connection refused");
    assert_eq!(ended(&session, &run).await, failed(&reason));
    let one = begin(&session, &command("Shop-Check", &[db]))
        .await
        .unwrap();
    let output = None;
    assert_eq!(
        ended(&session, &one).await,
        ActionStatus::Succeeded { output }
    );

    let stranger = InstanceId::new("i-01234567890123456");
    let busy = begin(&session, &command("Shop-Check", &[stranger])).await;
    let busy = busy.unwrap_err();
    assert_eq!(
        (busy.kind, busy.code.as_str()),
        (Kind::Busy, "InvalidInstanceId")
    );
    let missing = begin(&session, &command("Shop-Chekc", &[web])).await;
    assert_eq!(missing.unwrap_err().code, "InvalidDocument");
    let nowhere = begin(&session, &command("Shop-Check", &[])).await;
    assert_eq!(nowhere.unwrap_err().kind, Kind::Refused);
}

fn message(subject: &str, text: &str) -> Message {
    let attributes = [("plan", "Bücher & mehr"), ("status", "RUNNING")];
    let attributes = attributes.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Message {
        id: "exec-1/1".to_owned(),
        subject: subject.to_owned(),
        text: text.to_owned(),
        attributes: attributes.into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_published_or_says_why_not() {
    let rehearsal = Rehearsal::of(Some(FLEET), 500.0).await;
    let drs = rehearsal.session(false).await.drs();
    let arn = |name: &str| format!("arn:aws:sns:us-east-1:111122223333:{name}");
    let told = message("Drill läuft\n", "");
    let publish = |name: &'static str| drs.publish(name, &told);
    drs.publish(&arn("notices"), &told).await.unwrap();
    let began = message("Drill", "It began.");
    drs.publish(&arn("ordered.fifo"), &began).await.unwrap();
    let calls = called(&rehearsal);
    assert_eq!(calls[0]["input"]["Subject"], "Drill l?uft?");
    assert_eq!(
        calls[0]["input"]["MessageAttributes"],
        json!({"plan": "Bücher & mehr", "status": "RUNNING"})
    );
    assert_eq!(calls[1]["input"]["MessageGroupId"], "drs");
    let missing = drs.publish(&arn("notcies"), &began).await;
    let missing = missing.unwrap_err();
    assert_eq!(
        (missing.kind, missing.code.as_str()),
        (Kind::Refused, "NotFound")
    );
    assert_eq!(publish("notices").await.unwrap_err().kind, Kind::Refused);
    let foreign = "arn:aws:sns:us-east-1:444455556666:notices";
    assert_eq!(
        publish(foreign).await.unwrap_err().code,
        "AuthorizationError"
    );
    // Whether a topic is there is asked without publishing.
    let published = called(&rehearsal).len();
    let is_there = async |arn: String| drs.topic_is_there(&arn).await;
    assert_eq!(is_there(arn("notices")).await, Ok(true));
    assert_eq!(is_there(arn("notcies")).await, Ok(false));
    let denied = is_there(foreign.to_owned()).await.unwrap_err();
    assert!(denied.is_denied(), "{denied}");
    let malformed = is_there("notices".to_owned()).await;
    assert_eq!(malformed.unwrap_err().kind, Kind::Refused);
    assert_eq!(called(&rehearsal).len(), published);
}

/// A function and a topic are called in the Region of their ARN, whatever the session's.
#[tokio::test]
async fn an_arn_says_which_region_is_called() {
    let server = Server::start(with_sts(|_| {
        Answer::ok("<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>")
    }))
    .await;
    let session = server.session().await;
    let function = "arn:aws:lambda:eu-west-1:111122223333:function:check";
    begin(&session, &lambda(function, 1)).await.unwrap();
    let invoked = server.seen(&format!(
        "2015-03-31/functions/{}/invocations",
        function.replace(':', "%3A")
    ));
    let signed = invoked[0].header("authorization");
    assert!(
        signed.contains("/eu-west-1/lambda/aws4_request"),
        "{signed}"
    );
    let topic = "arn:aws:sns:ap-south-1:111122223333:notices";
    let began = message("Drill", "It began.");
    session.drs().publish(topic, &began).await.unwrap();
    let published = server.seen("Publish");
    let signed = published[0].header("authorization");
    assert!(signed.contains("/ap-south-1/sns/aws4_request"), "{signed}");
}

/// A document that is asked for in a version.
fn document(name: &str, version: Option<&str>) -> Action {
    Action::Automation {
        document: name.to_owned(),
        version: version.map(ToOwned::to_owned),
        parameters: BTreeMap::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_be_run_is_looked_for_without_running_it() {
    let rehearsal = Rehearsal::of(Some(FLEET), 1.0).await;
    let session = rehearsal.session(false).await;
    let target = session.target();
    let function = |name: &str| lambda(name, 1).action;
    let arn = "arn:aws:lambda:us-east-1:111122223333:function:check:live";
    for (action, there) in [
        (function("check"), true),
        (function(arn), true),
        (function("chekc"), false),
        (document("Shop-Failover", None), true),
        (document("Shop-Failover", Some("1")), true),
        (document("Shop-Failovre", None), false),
        (command("AWS-RunShellScript", &[]).action, true),
    ] {
        let found = session.drs().is_there(&target, &action).await;
        assert_eq!(found, Ok(there), "{action:?}");
    }
    assert_eq!(called(&rehearsal), Vec::<Value>::new());
}
