//! Functions, documents and topics: what comes of a call follows its script, and what was called can be asked.

use super::*;
use crate::sim::fleet::{Outcome, Step, Stub};
use crate::sim::world::StubKind;

const TOPIC: &str = "arn:aws:sns:us-east-1:111122223333:notices";

fn step(outcome: Outcome) -> Step {
    Step {
        outcome,
        ..Step::default()
    }
}

fn place() -> Place {
    Place {
        account_id: None,
        region: REGION.to_owned(),
    }
}

impl Bench {
    fn script(&mut self, kind: StubKind, name: &str, script: Vec<Step>) {
        self.admin(AdminCommand::ScriptStub {
            place: place(),
            kind,
            stub: Stub {
                script,
                ..Stub::named(name)
            },
        });
    }

    fn invoke(&mut self, name: &str) -> Value {
        self.call("lambda:Invoke", invocation(name))
    }

    /// The status of an automation.
    fn automation(&mut self, id: &Value) -> Value {
        let input = json!({"AutomationExecutionId": id});
        self.call("ssm:GetAutomationExecution", input)["AutomationExecution"].clone()
    }
}

fn invocation(name: &str) -> Value {
    json!({"FunctionName": name, "Payload": {"wave": "web"}})
}

#[test]
fn what_nobody_declared_does_not_exist() {
    let mut bench = Bench::healthy(1);
    assert_eq!(
        bench.refusal("lambda:Invoke", invocation("check")),
        (
            "ResourceNotFoundException".to_owned(),
            404,
            "Function not found: arn:aws:lambda:us-east-1:111122223333:function:check".to_owned()
        )
    );
    let publish = json!({"TopicArn": TOPIC, "Message": "hello"});
    assert_eq!(bench.refusal("sns:Publish", publish.clone()).0, "NotFound");
    let start = json!({"DocumentName": "Shop-Failover"});
    let (code, ..) = bench.refusal("ssm:StartAutomationExecution", start.clone());
    assert_eq!(code, "AutomationDefinitionNotFoundException");
    let send = json!({"DocumentName": "Shop-Check", "InstanceIds": ["i-01234567890123456"]});
    assert_eq!(bench.refusal("ssm:SendCommand", send).0, "InvalidDocument");
    // What AWS gives to everybody is there, and so is everything once somebody says so.
    bench.call(
        "ssm:StartAutomationExecution",
        json!({"DocumentName": "AWS-StopEC2Instance"}),
    );
    for kind in [StubKind::Function, StubKind::Document, StubKind::Topic] {
        bench.script(kind, "*", Vec::new());
    }
    bench.invoke("check");
    bench.call("sns:Publish", publish);
    bench.call("ssm:StartAutomationExecution", start);
}

#[test]
fn a_function_follows_its_script_call_by_call() {
    let mut bench = Bench::healthy(1);
    let script = vec![
        Step {
            times: Some(2),
            ..step(Outcome::Throttle)
        },
        Step {
            times: Some(1),
            reason: Some("503".to_owned()),
            delay_seconds: Some(20.0),
            ..step(Outcome::Fail)
        },
        Step {
            output: Some(json!({"success": true})),
            ..step(Outcome::Succeed)
        },
    ];
    bench.script(StubKind::Function, "check", script);
    for _ in 0..2 {
        let (code, status, _) = bench.refusal("lambda:Invoke", invocation("check"));
        assert_eq!((code.as_str(), status), ("TooManyRequestsException", 429));
    }
    let failed = bench.invoke("check");
    assert_eq!(failed["FunctionError"], "Unhandled");
    assert_eq!(failed["Payload"]["errorMessage"], "503");
    assert_eq!(failed["EndsAt"], "2026-11-24T08:00:20Z");
    for _ in 0..2 {
        let answer = bench.invoke("check:live");
        assert_eq!(answer["Payload"], json!({"success": true}));
        assert_eq!(answer.get("FunctionError"), None);
    }
}

#[test]
fn a_function_runs_for_a_quarter_of_an_hour_at_most() {
    let mut bench = Bench::healthy(1);
    let slow = Step {
        delay_seconds: Some(901.0),
        ..Step::default()
    };
    bench.script(StubKind::Function, "slow", vec![slow]);
    let answer = bench.invoke("slow");
    assert_eq!(answer["FunctionError"], "Unhandled");
    assert_eq!(answer["Payload"]["errorType"], "Sandbox.Timedout");
    assert_eq!(answer["EndsAt"], "2026-11-24T08:15:00Z");
}

#[test]
fn functions_and_topics_of_others_are_out_of_reach() {
    let mut bench = Bench::healthy(1);
    let of = |account: &str, region: &str| {
        invocation(&format!("arn:aws:lambda:{region}:{account}:function:check"))
    };
    let (code, ..) = bench.refusal("lambda:Invoke", of(ACCOUNT, "eu-west-1"));
    assert_eq!(code, "ResourceNotFoundException");
    let (code, ..) = bench.refusal("lambda:Invoke", of("444455556666", REGION));
    assert_eq!(code, "AccessDeniedException");
    for (arn, expected) in [
        (
            "arn:aws:sns:eu-west-1:111122223333:notices",
            "InvalidParameter",
        ),
        (
            "arn:aws:sns:us-east-1:444455556666:notices",
            "AuthorizationError",
        ),
        ("notices", "InvalidParameter"),
    ] {
        let publish = json!({"TopicArn": arn, "Message": "hello"});
        assert_eq!(bench.refusal("sns:Publish", publish).0, expected, "{arn}");
    }
}

#[test]
fn a_message_has_the_bounds_of_sns() {
    let mut bench = Bench::healthy(1);
    bench.script(StubKind::Topic, "notices", Vec::new());
    bench.script(StubKind::Topic, "ordered.fifo", Vec::new());
    for (member, value) in [
        ("Message", String::new()),
        ("Message", "x".repeat(256 * 1024 + 1)),
        ("Subject", String::new()),
        ("Subject", "x".repeat(101)),
        ("Subject", "two\nlines".to_owned()),
        ("Subject", "é".to_owned()),
        (
            "TopicArn",
            format!("{}ordered.fifo", TOPIC.trim_end_matches("notices")),
        ),
    ] {
        let mut input = json!({"TopicArn": TOPIC, "Message": "hello", "Subject": "A drill"});
        input[member] = json!(value);
        assert_eq!(
            bench.refusal("sns:Publish", input).0,
            "InvalidParameter",
            "{member}"
        );
    }
}

#[test]
fn an_automation_runs_once_for_a_token() {
    let mut bench = Bench::healthy(1);
    let script = vec![
        Step {
            times: Some(1),
            delay_seconds: Some(60.0),
            output: Some(json!({"Url": "https://shop"})),
            ..Step::default()
        },
        step(Outcome::Fail),
    ];
    bench.script(StubKind::Document, "Shop-Failover", script);
    let input = json!({
        "DocumentName": "Shop-Failover",
        "Parameters": {"Wave": ["web"]},
        "ClientToken": "01234567-89ab-cdef-0123-456789abcdef",
    });
    let first = bench.call("ssm:StartAutomationExecution", input.clone());
    assert_eq!(first["AutomationExecutionId"].as_str().unwrap().len(), 36);
    bench.wait(59.0);
    assert_eq!(
        bench.call("ssm:StartAutomationExecution", input.clone()),
        first
    );
    let id = &first["AutomationExecutionId"];
    assert_eq!(
        bench.automation(id)["AutomationExecutionStatus"],
        "InProgress"
    );
    bench.wait(1.0);
    let ended = bench.automation(id);
    assert_eq!(ended["AutomationExecutionStatus"], "Success");
    assert_eq!(ended["Outputs"], json!({"Url": ["https://shop"]}));

    let mut other = input.clone();
    other["Parameters"] = json!({"Wave": ["db"]});
    let (code, ..) = bench.refusal("ssm:StartAutomationExecution", other.clone());
    assert_eq!(code, "IdempotentParameterMismatch");
    other["ClientToken"] = json!("11234567-89ab-cdef-0123-456789abcdef");
    let second = bench.call("ssm:StartAutomationExecution", other);
    bench.wait(1.0);
    let failed = bench.automation(&second["AutomationExecutionId"]);
    assert_eq!(failed["AutomationExecutionStatus"], "Failed");
    let message = failed["FailureMessage"].as_str().unwrap();
    assert!(message.contains("as its script says"), "{message}");
    for (id, code) in [
        (
            "01234567-89ab-cdef-0123-456789abcdef",
            "AutomationExecutionNotFoundException",
        ),
        ("short", "ValidationException"),
    ] {
        let input = json!({"AutomationExecutionId": id});
        assert_eq!(bench.refusal("ssm:GetAutomationExecution", input).0, code);
    }
}

#[test]
fn a_command_may_fail_on_one_instance_of_two() {
    let mut bench = Bench::healthy(2);
    let ids = bench.ids(&["host-0001", "host-0002"]);
    let instances = bench.launched(&ids);
    let script = Step {
        reason: Some("connection refused".to_owned()),
        instances: [("host-0002".to_owned(), Outcome::Fail)].into(),
        delay_seconds: Some(5.0),
        ..Step::default()
    };
    bench.script(StubKind::Document, "Shop-Check", vec![script]);
    let input = json!({"DocumentName": "Shop-Check", "InstanceIds": instances});
    let command = bench.call("ssm:SendCommand", input)["Command"].clone();
    assert_eq!(command["Status"], "InProgress");
    bench.wait(5.0);
    let by_id = json!({"CommandId": command["CommandId"]});
    let listed = bench.call("ssm:ListCommands", by_id.clone())["Commands"][0].clone();
    assert_eq!(
        (
            &listed["Status"],
            &listed["CompletedCount"],
            &listed["ErrorCount"]
        ),
        (&json!("Failed"), &json!(2), &json!(1))
    );
    let mut one = json!({"CommandId": command["CommandId"], "MaxResults": 1, "Details": true});
    let mut statuses = BTreeMap::new();
    for _ in 0..2 {
        let page = bench.call("ssm:ListCommandInvocations", one.clone());
        let invocation = &page["CommandInvocations"][0];
        let instance = invocation["InstanceId"].as_str().unwrap().to_owned();
        statuses.insert(instance, invocation["Status"].clone());
        one["NextToken"] = page.get("NextToken").cloned().unwrap_or(Value::Null);
    }
    assert_eq!(one["NextToken"], Value::Null);
    assert_eq!(statuses[&instances[0]], "Success");
    assert_eq!(statuses[&instances[1]], "Failed");
    let mut shown = by_id;
    shown["InstanceId"] = json!(instances[1]);
    let shown = bench.call("ssm:GetCommandInvocation", shown);
    assert_eq!(shown["StandardErrorContent"], "connection refused");
    assert_eq!(shown["ResponseCode"], 1);
}

#[test]
fn a_command_needs_instances_that_systems_manager_knows() {
    let mut bench = Bench::healthy(2);
    let ids = bench.ids(&["host-0001"]);
    let instances = bench.launched(&ids);
    bench.script(StubKind::Document, "Shop-Check", Vec::new());
    let send = |ids: &[String]| json!({"DocumentName": "Shop-Check", "InstanceIds": ids});
    bench.call("ssm:SendCommand", send(&instances));
    let stopped = |stopped| AdminCommand::SetStopped {
        place: place(),
        instance: instances[0].clone(),
        stopped,
    };
    bench.admin(stopped(true));
    let (code, _, message) = bench.refusal("ssm:SendCommand", send(&instances));
    assert_eq!(code, "InvalidInstanceId");
    assert!(message.contains(&instances[0]), "{message}");
    // One that was only just launched has no agent yet.
    bench.launch(&ids);
    bench.wait(600.0);
    let fresh = bench.server(&ids[0])["recoveryInstanceId"].clone();
    let fresh = [fresh.as_str().unwrap().to_owned()];
    let codes: Vec<String> = (0..40)
        .map(|_| {
            bench.wait(10.0);
            match bench.try_call("ssm:SendCommand", send(&fresh)) {
                Ok(_) => String::new(),
                Err(error) => error.code,
            }
        })
        .collect();
    assert_eq!(codes.last().map(String::as_str), Some(""));
    for (input, code) in [
        (send(&[]), "ValidationException"),
        (send(&["host".to_owned()]), "ValidationException"),
        (
            send(&[fresh[0].clone(), fresh[0].clone()]),
            "DuplicateInstanceId",
        ),
        (send(&vec![fresh[0].clone(); 51]), "ValidationException"),
        (
            json!({"DocumentName": "a b", "InstanceIds": fresh}),
            "ValidationException",
        ),
    ] {
        assert_eq!(bench.refusal("ssm:SendCommand", input).0, code);
    }
}

#[test]
fn what_was_called_is_remembered_up_to_a_bound() {
    let mut bench = Bench::healthy(1);
    bench.script(StubKind::Function, "check", Vec::new());
    bench.invoke("check");
    bench.refusal("lambda:Invoke", invocation("chekc"));
    let calls = bench.admin(AdminCommand::ListStubCalls)["calls"].clone();
    assert_eq!(calls[0]["operation"], "lambda:Invoke");
    assert_eq!(calls[0]["input"], invocation("check"));
    assert_eq!(calls[0].get("error"), None);
    assert_eq!(calls[1]["error"], "ResourceNotFoundException");
    for _ in 0..1_001 {
        bench.invoke("check");
    }
    assert_eq!(bench.world.stub_calls().count(), 1_000);
    let mut long = invocation("check");
    long["Payload"] = json!("x".repeat(3 * 1024 * 1024));
    for _ in 0..2 {
        bench.call("lambda:Invoke", long.clone());
    }
    assert_eq!(bench.world.stub_calls().count(), 1);
    let size = serde_json::to_string(&bench.world).unwrap().len();
    assert!(size < 5 * 1024 * 1024, "{size}");
}

#[test]
fn a_script_that_makes_no_sense_is_refused() {
    let mut bench = Bench::healthy(1);
    let mut refused = |name: &str, kind, step: Step| {
        let stub = Stub {
            script: vec![step],
            ..Stub::named(name)
        };
        let place = place();
        let command = AdminCommand::ScriptStub { place, kind, stub };
        bench
            .world
            .admin(bench.now, command)
            .unwrap_err()
            .to_string()
    };
    let delayed = Step {
        delay_seconds: Some(-1.0),
        ..Step::default()
    };
    let never = Step {
        times: Some(0),
        ..Step::default()
    };
    let late = step(Outcome::TimeOut);
    assert!(refused("a:b", StubKind::Function, Step::default()).starts_with("name: "));
    assert!(refused("f", StubKind::Function, delayed).starts_with("script[0].delay_seconds: "));
    assert!(refused("f", StubKind::Function, never).starts_with("script[0].times: "));
    assert!(refused("t", StubKind::Topic, late).starts_with("script[0].outcome: "));
}
