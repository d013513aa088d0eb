//! Calls of Step Functions: what each answer means, in which Region it is asked, and what is asked again.

use drs_engine::ids::ExecutionId;
use drs_engine::ports::{CallError, Kind};
use drs_engine_aws::machines::{Fitness, Hosting, Standing, StateMachines, Unfit, Woken};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::server::{Answer, Request, Server, with_sts};

const MACHINE: &str = "arn:aws:states:eu-west-1:444455556666:stateMachine:drs";

/// Step Functions that always answers the same.
async fn always(answer: Answer) -> (Server, StateMachines) {
    answering(move |_| answer.clone()).await
}

async fn answering(
    answer: impl Fn(&Request) -> Answer + Send + Sync + 'static,
) -> (Server, StateMachines) {
    let server = Server::start(with_sts(answer)).await;
    let machines = server.session().await.state_machines();
    (server, machines)
}

fn refusal(code: &str) -> Answer {
    let body = json!({ "__type": code, "message": "no" });
    Answer::Http(400, vec![], body.to_string())
}

fn machine(kind: &str, status: &str) -> Answer {
    let found = json!({
        "stateMachineArn": MACHINE, "name": "drs", "definition": "{}", "type": kind, "status": status,
        "roleArn": "arn:aws:iam::444455556666:role/drs", "creationDate": 1.0,
    });
    Answer::ok(found.to_string())
}

fn hosting() -> Hosting {
    Hosting::new(MACHINE, &ExecutionId::new("exec-1"))
}

fn body(request: &Request) -> Value {
    serde_json::from_str(&request.body).unwrap()
}

/// What is asked of a machine is asked in the Region of its ARN, whatever the session's is.
fn assert_there(request: &Request) {
    let signed = request.header("authorization");
    assert!(
        signed.contains("/eu-west-1/states/aws4_request"),
        "{signed}"
    );
}

#[tokio::test]
async fn a_machine_is_looked_at_before_it_is_used() {
    let cases = [
        (machine("STANDARD", "ACTIVE"), Fitness::Fit),
        (machine("STANDARD", "DELETING"), Fitness::Deleting),
        (machine("EXPRESS", "ACTIVE"), Fitness::Express),
        (refusal("StateMachineDoesNotExist"), Fitness::Missing),
    ];
    for (answer, expected) in cases {
        let (server, machines) = always(answer).await;
        assert_eq!(machines.look(MACHINE).await, Ok(expected));
        let asked = server.seen("DescribeStateMachine");
        assert_there(&asked[0]);
        assert_eq!(body(&asked[0])["stateMachineArn"], MACHINE);
        assert_eq!(
            machines.check(MACHINE).await.is_ok(),
            expected == Fitness::Fit
        );
    }
}

#[tokio::test]
async fn what_cannot_be_looked_at_is_not_fit() {
    let (server, machines) = always(refusal("AccessDeniedException")).await;
    let Err(Unfit::Unreadable(error)) = machines.check(MACHINE).await else {
        panic!("an unreadable machine is not used");
    };
    assert_eq!(
        (error.kind, error.call),
        (Kind::Refused, "states:DescribeStateMachine")
    );
    for wrong in [
        "drs",
        "arn:aws:states:eu-west-1:444455556666:stateMachine:drs:3",
        "",
    ] {
        assert!(
            matches!(machines.check(wrong).await, Err(Unfit::Malformed(_))),
            "{wrong}"
        );
    }
    assert_eq!(
        server.seen("DescribeStateMachine").len(),
        1,
        "a name that is none is not asked for"
    );
}

#[tokio::test]
async fn a_run_is_begun_under_its_own_name() {
    let begun = json!({ "executionArn": "arn", "startDate": 1.0 }).to_string();
    for answer in [Answer::ok(begun), refusal("ExecutionAlreadyExists")] {
        let (server, machines) = always(answer).await;
        let hosting = hosting();
        assert_eq!(machines.begin(&hosting).await, Ok(()));
        let asked = server.seen("StartExecution");
        assert_eq!(asked.len(), 1);
        assert_there(&asked[0]);
        let sent = body(&asked[0]);
        assert_eq!(sent["stateMachineArn"], MACHINE);
        assert_eq!(sent["name"], hosting.run);
        let input: Value = serde_json::from_str(sent["input"].as_str().unwrap()).unwrap();
        assert_eq!(
            input,
            json!({ "execution_id": "exec-1", "run": hosting.run, "part": 1 })
        );
        assert!(
            hosting
                .host()
                .ends_with(&format!(":execution:drs:{}", hosting.run))
        );
    }
}

#[tokio::test]
async fn a_run_that_may_have_begun_is_asked_for_again_and_one_that_is_refused_is_not() {
    let count = AtomicUsize::new(0);
    // More than the SDK tries by itself in one call.
    let lost_first = move |_: &Request| match count.fetch_add(1, Ordering::SeqCst) {
        0..5 => Answer::Lost,
        _ => refusal("ExecutionAlreadyExists"),
    };
    let (server, machines) = answering(lost_first).await;
    let hosting = hosting();
    assert_eq!(machines.begin(&hosting).await, Ok(()));
    let asked = server.seen("StartExecution");
    assert_eq!(asked.len(), 6);
    assert!(
        asked
            .iter()
            .all(|request| body(request)["name"] == hosting.run)
    );

    for code in [
        "AccessDeniedException",
        "StateMachineDoesNotExist",
        "StateMachineDeleting",
    ] {
        let (server, machines) = always(refusal(code)).await;
        let error = machines.begin(&hosting).await.unwrap_err();
        assert_eq!((error.kind, error.code.as_str()), (Kind::Refused, code));
        assert_eq!(server.seen("StartExecution").len(), 1);
    }
}

#[tokio::test]
async fn throttling_passes_and_a_lost_answer_is_not_known() {
    let (_server, machines) = always(refusal("ThrottlingException")).await;
    let throttled: CallError = machines.wake(MACHINE, "token").await.unwrap_err();
    assert_eq!(throttled.kind, Kind::Busy, "{throttled}");
    let (_server, machines) = always(Answer::Lost).await;
    let lost = machines.wake(MACHINE, "token").await.unwrap_err();
    assert_eq!(lost.kind, Kind::Unknown, "{lost}");
    assert!(
        !format!("{throttled}{lost}").contains("token\""),
        "a token is not shown"
    );
}

#[tokio::test]
async fn a_token_that_is_used_is_no_error() {
    let (server, machines) = always(Answer::ok("{}")).await;
    assert_eq!(machines.wake(MACHINE, "the-token").await, Ok(Woken::Now));
    let asked = server.seen("SendTaskSuccess");
    assert_there(&asked[0]);
    assert_eq!(
        body(&asked[0]),
        json!({ "taskToken": "the-token", "output": "{}" })
    );
    for code in ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"] {
        let (_server, machines) = always(refusal(code)).await;
        assert_eq!(
            machines.wake(MACHINE, "old").await,
            Ok(Woken::NotWaiting),
            "{code}"
        );
    }
}

#[tokio::test]
async fn how_a_run_stands() {
    let status = |word: &str| {
        let found = json!({
            "executionArn": "arn", "stateMachineArn": MACHINE, "status": word, "startDate": 1.0,
        });
        Answer::ok(found.to_string())
    };
    let cases = [
        (status("RUNNING"), Standing::Running),
        (status("PENDING_REDRIVE"), Standing::Running),
        (status("SUCCEEDED"), Standing::Succeeded),
        (status("FAILED"), Standing::Ended("FAILED".to_owned())),
        (status("ABORTED"), Standing::Ended("ABORTED".to_owned())),
        (refusal("ExecutionDoesNotExist"), Standing::Missing),
    ];
    for (answer, expected) in cases {
        let (server, machines) = always(answer).await;
        assert_eq!(machines.standing(MACHINE, "exec-1-run").await, Ok(expected));
        let asked = server.seen("DescribeExecution");
        assert_there(&asked[0]);
        let arn = "arn:aws:states:eu-west-1:444455556666:execution:drs:exec-1-run";
        assert_eq!(body(&asked[0])["executionArn"], arn);
    }
}
