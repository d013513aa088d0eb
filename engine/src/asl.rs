//! The state machine that hosts the loop on AWS Step Functions, and the words that it and our function exchange.
//!
//! There is one machine for every plan and every execution: it knows no waves, no servers and no DRS. It asks the function
//! for a turn, waits as long as the function says, and asks again; while an execution is paused it waits for somebody to
//! give back a token. What happened is in the history alone, so a run of the machine may be lost at any moment: the next
//! one goes on where the history ends.
//!
//! The machine is in the Amazon States Language with JSONata. Only ids travel in its state. It does not decide, and it
//! retries the function only: a turn is safe to repeat, because no two turns of a run go on at the same time and because
//! an intent is in the history before its call is made.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::ids::{ExecutionId, OwnerId};
use crate::limits;

/// What the function is asked by the machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Ask {
    /// To drive the execution for as long as there is something to do now.
    Turn(Asked),
    /// To keep a token, by which the machine is woken when somebody resumes or cancels the execution.
    Pause {
        /// Who asks.
        #[serde(flatten)]
        asked: Asked,
        /// How many events the history had when the turn before found it paused.
        seq: u64,
        /// The token. Whoever has it can end the wait of the machine, so it is never shown.
        token: String,
    },
}

/// Which machine asks about which execution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The execution of a plan.
    pub execution_id: ExecutionId,
    /// The name of the first run of the machine for it; its later runs keep it.
    pub run: String,
    /// The ARN of the state machine.
    pub state_machine: String,
}

/// What the function answers to a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "next", rename_all = "snake_case")]
pub enum Answer {
    /// Nothing is left to do here: the execution has ended, or somebody else drives it.
    Done,
    /// Ask again in so many seconds.
    Wait {
        /// Whole seconds, at least one.
        seconds: i64,
    },
    /// Somebody must resume the execution first.
    Pause {
        /// How many events its history has.
        seq: u64,
    },
}

/// What a run of the machine begins with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// The execution of a plan.
    pub execution_id: ExecutionId,
    /// The name of the first run of the machine for it.
    pub run: String,
    /// Which run this is: a machine goes on as a new one before its own history is full.
    pub part: u32,
}

impl Input {
    /// What the first run for an execution begins with. The name is one that nobody has used.
    pub fn first(execution_id: ExecutionId, name: String) -> Self {
        Self {
            execution_id,
            run: name,
            part: 1,
        }
    }
}

/// The name of a run: the execution's id, so that it is found in the console, and something that nobody has used.
pub fn run_name(id: &ExecutionId, fresh: &str) -> String {
    let named = format!("{id}-{fresh}");
    named.chars().take(RUN_NAME_CHARS).collect()
}

/// The owner that the runs of a machine for an execution are, together.
pub fn owner_of(run: &str) -> OwnerId {
    OwnerId::new(format!("{OWNER_PREFIX}{run}"))
}

/// Whether an owner is a state machine.
pub fn is_machine(owner: &OwnerId) -> bool {
    owner.as_str().starts_with(OWNER_PREFIX)
}

/// The ARN of a run, which is what people are told of where it drives; none where the state machine's is no ARN of one.
pub fn run_arn(state_machine: &str, run: &str) -> Option<String> {
    let (before, name) = state_machine.split_once(":stateMachine:")?;
    (!name.is_empty() && !name.contains(':')).then(|| format!("{before}:execution:{name}:{run}"))
}

/// What is wrong with the ARN of a state machine; nothing when it is one.
pub fn arn_problem(arn: &str) -> Option<String> {
    let parts: Vec<&str> = arn.split(':').collect();
    let is_name = |name: &str| {
        (1..=80).contains(&name.len())
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
    };
    let fits = match parts.as_slice() {
        [
            "arn",
            partition,
            "states",
            region,
            account,
            "stateMachine",
            name,
        ] => {
            !partition.is_empty()
                && !region.is_empty()
                && account.len() == 12
                && account.bytes().all(|digit| digit.is_ascii_digit())
                && is_name(name)
        }
        _ => false,
    };
    (!fits).then(|| {
        format!(
            "{arn:?} is not the ARN of a state machine: it must be like \
             arn:aws:states:us-east-1:111122223333:stateMachine:NAME, without a version or an alias"
        )
    })
}

/// What is wrong with the ARN of a function of Lambda, which may name a version or an alias; nothing when it is one.
pub fn function_problem(arn: &str) -> Option<String> {
    let parts: Vec<&str> = arn.split(':').collect();
    let fits = match parts.as_slice() {
        [
            "arn",
            partition,
            "lambda",
            region,
            account,
            "function",
            named @ ..,
        ] => {
            let is_account = account.len() == 12 && account.bytes().all(|c| c.is_ascii_digit());
            let is_named =
                (1..=2).contains(&named.len()) && named.iter().all(|name| !name.is_empty());
            !partition.is_empty() && !region.is_empty() && is_account && is_named
        }
        _ => false,
    };
    (!fits).then(|| {
        format!(
            "{arn:?} is not the ARN of a function: it must be like \
             arn:aws:lambda:us-east-1:111122223333:function:NAME, and may end with :VERSION or :ALIAS"
        )
    })
}

/// The machine, for a function's ARN.
pub fn definition(function_arn: &str) -> Value {
    json!({
        "Comment": format!(
            "Drives executions of recovery plans: a turn of the function, a wait, and again. Definition {DEFINITION}."
        ),
        "QueryLanguage": "JSONata",
        "StartAt": "Begin",
        "TimeoutSeconds": limits::MACHINE_TIMEOUT.as_secs(),
        "States": {
            "Begin": {
                "Type": "Pass",
                "Assign": {
                    "execution_id": "{% $states.input.execution_id %}",
                    "run": "{% $states.input.run %}",
                    "part": "{% $states.input.part %}",
                    "turns": 0,
                },
                "Next": "Turn",
            },
            "Turn": turn(function_arn),
            "Answer": answer(),
            "Wait": {
                "Type": "Wait",
                "Seconds": "{% $seconds %}",
                "Next": "Turn",
            },
            "Pause": pause(function_arn),
            "Continue": go_on(),
            "Done": {"Type": "Succeed", "Output": {"execution_id": "{% $execution_id %}"}},
            "Continued": {"Type": "Succeed", "Output": {"execution_id": "{% $execution_id %}"}},
            "Failed": {
                "Type": "Fail",
                "Error": "{% $error %}",
                "Cause": "{% $cause %}",
            },
            "NotUnderstood": {
                "Type": "Fail",
                "Error": "NotUnderstood",
                "Cause": "The function answered what this machine does not know; drsctl state-machine prints the newest one.",
            },
        },
    })
}

/// The version of the machine, in its comment. A change of what it and the function exchange makes it a new one.
const DEFINITION: u32 = 1;
/// What owners that are machines begin with.
const OWNER_PREFIX: &str = "step-functions/";
/// Longest name of a first run; Step Functions allows 80 characters, and later runs get a number behind it.
const RUN_NAME_CHARS: usize = 72;

/// One turn. Whatever goes wrong with calling the function passes, or is told by the sweeper that finds nobody driving.
fn turn(function_arn: &str) -> Value {
    json!({
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": function_arn, "Payload": payload("turn")},
        "TimeoutSeconds": limits::TURN_TIMEOUT.as_secs(),
        "Retry": [while_busy()],
        "Catch": [failed()],
        "Assign": {
            "turns": "{% $turns + 1 %}",
            "next": "{% $states.result.Payload.next %}",
            "seconds": format!(
                "{{% $exists($states.result.Payload.seconds) ? $states.result.Payload.seconds : {} %}}",
                limits::REST_LONGEST.as_secs()
            ),
            "seq": "{% $exists($states.result.Payload.seq) ? $states.result.Payload.seq : 0 %}",
        },
        "Next": "Answer",
    })
}

fn answer() -> Value {
    let when = |condition: String, next: &str| json!({"Condition": format!("{{% {condition} %}}"), "Next": next});
    json!({
        "Type": "Choice",
        "Choices": [
            when("$next = 'done'".to_owned(), "Done"),
            when(format!("$turns >= {}", limits::TURNS_PER_MACHINE), "Continue"),
            when("$next = 'wait'".to_owned(), "Wait"),
            when("$next = 'pause'".to_owned(), "Pause"),
        ],
        "Default": "NotUnderstood",
    })
}

/// Waits for the token. A lost word costs no more than this wait: then the machine looks for itself.
fn pause(function_arn: &str) -> Value {
    let mut payload = payload("pause");
    payload["seq"] = json!("{% $seq %}");
    payload["token"] = json!("{% $states.context.Task.Token %}");
    json!({
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "Arguments": {"FunctionName": function_arn, "Payload": payload},
        "TimeoutSeconds": limits::PAUSE_LOOK.as_secs(),
        "Retry": [while_busy()],
        "Catch": [
            {"ErrorEquals": ["States.Timeout"], "Next": "Turn"},
            {"ErrorEquals": ["States.ALL"], "Next": "Wait"},
        ],
        "Next": "Turn",
    })
}

/// Goes on as a new run. Its name is fixed, so that a lost answer does not make two.
fn go_on() -> Value {
    json!({
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution",
        "Arguments": {
            "StateMachineArn": "{% $states.context.StateMachine.Id %}",
            "Name": "{% $run & '-' & $string($part + 1) %}",
            "Input": {
                "execution_id": "{% $execution_id %}",
                "run": "{% $run %}",
                "part": "{% $part + 1 %}",
            },
        },
        "TimeoutSeconds": limits::CONTINUE_TIMEOUT.as_secs(),
        "Retry": [{
            "ErrorEquals": ["States.Timeout", "StepFunctions.SdkClientException", "StepFunctions.ThrottlingException",
                "StepFunctions.ServiceQuotaExceededException", "StepFunctions.SfnException"],
            "IntervalSeconds": 5,
            "BackoffRate": 2,
            "MaxDelaySeconds": 60,
            "MaxAttempts": 8,
        }],
        "Catch": [
            {"ErrorEquals": ["StepFunctions.ExecutionAlreadyExistsException"], "Next": "Continued"},
            failed(),
        ],
        "Next": "Continued",
    })
}

/// What passes when the function is called: AWS's own trouble, and the function's word for a history that cannot be read
/// now.
fn while_busy() -> Value {
    json!({
        "ErrorEquals": ["Lambda.ServiceException", "Lambda.AWSLambdaException", "Lambda.SdkClientException",
            "Lambda.ClientExecutionTimeoutException", "Lambda.TooManyRequestsException", "Lambda.Unknown",
            "Sandbox.Timedout", "Runtime.ExitError", BUSY],
        "IntervalSeconds": 2,
        "BackoffRate": 2,
        "MaxDelaySeconds": 60,
        "MaxAttempts": 10,
        "JitterStrategy": "FULL",
    })
}

/// The function's word for trouble that passes.
pub const BUSY: &str = "Busy";
/// The function's word for what it will never do.
pub const REFUSED: &str = "Refused";

fn failed() -> Value {
    json!({
        "ErrorEquals": ["States.ALL"],
        "Assign": {
            "error": "{% $states.errorOutput.Error %}",
            "cause": "{% $states.errorOutput.Cause %}",
        },
        "Next": "Failed",
    })
}

fn payload(ask: &str) -> Value {
    json!({
        "ask": ask,
        "execution_id": "{% $execution_id %}",
        "run": "{% $run %}",
        "state_machine": "{% $states.context.StateMachine.Id %}",
    })
}

impl Answer {
    /// The answer for a wait: whole seconds, rounded up, at least one.
    pub fn wait(span: SignedDuration) -> Self {
        let rounded = span.as_secs() + i64::from(span.subsec_nanos() > 0);
        Self::Wait {
            seconds: rounded.max(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FUNCTION: &str = "arn:aws:lambda:us-east-1:111122223333:function:drs-default-drill";
    const MACHINE: &str = "arn:aws:states:us-east-1:111122223333:stateMachine:drs-default-drill";

    #[test]
    fn the_definition_is_the_one_that_was_read() {
        let text = serde_json::to_string_pretty(&definition(FUNCTION)).expect("it is JSON");
        insta::assert_snapshot!(text);
    }

    /// Every state that is named exists, every state is reached, and every branch ends somewhere.
    #[test]
    fn every_state_is_reached_and_every_next_exists() {
        let definition = definition(FUNCTION);
        let states = definition["States"].as_object().expect("it has states");
        let mut reached = std::collections::BTreeSet::new();
        let mut next = vec![
            definition["StartAt"]
                .as_str()
                .expect("it starts")
                .to_owned(),
        ];
        while let Some(name) = next.pop() {
            let state = states
                .get(&name)
                .unwrap_or_else(|| panic!("no state {name}"));
            if reached.insert(name) {
                collect(state, &mut next);
            }
        }
        let all: std::collections::BTreeSet<String> = states.keys().cloned().collect();
        assert_eq!(reached, all);
    }

    fn collect(value: &Value, next: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    match (key.as_str(), value) {
                        ("Next" | "Default", Value::String(name)) => next.push(name.clone()),
                        _ => collect(value, next),
                    }
                }
            }
            Value::Array(list) => list.iter().for_each(|value| collect(value, next)),
            _ => {}
        }
    }

    #[test]
    fn the_words_are_the_machines() {
        let asked = Asked {
            execution_id: ExecutionId::new("e-1"),
            run: "e-1-abc".to_owned(),
            state_machine: MACHINE.to_owned(),
        };
        let ask = Ask::Pause {
            asked: asked.clone(),
            seq: 7,
            token: "t".to_owned(),
        };
        let written = serde_json::to_value(&ask).expect("it is JSON");
        assert_eq!(
            written,
            json!({"ask": "pause", "execution_id": "e-1", "run": "e-1-abc", "state_machine": MACHINE, "seq": 7, "token": "t"})
        );
        assert_eq!(
            serde_json::from_value::<Ask>(written).expect("it is read back"),
            ask
        );
        assert_eq!(
            serde_json::to_value(Ask::Turn(asked)).expect("it is JSON")["ask"],
            "turn"
        );
        for (answer, text) in [
            (Answer::Done, r#"{"next":"done"}"#),
            (
                Answer::wait(SignedDuration::ZERO),
                r#"{"next":"wait","seconds":1}"#,
            ),
            (
                Answer::wait(SignedDuration::from_millis(2_100)),
                r#"{"next":"wait","seconds":3}"#,
            ),
            (Answer::Pause { seq: 7 }, r#"{"next":"pause","seq":7}"#),
        ] {
            assert_eq!(serde_json::to_string(&answer).expect("it is JSON"), text);
        }
    }

    #[test]
    fn a_run_is_known_by_its_name() {
        let id = ExecutionId::new("e-0123456789");
        let name = run_name(&id, &"f".repeat(80));
        assert_eq!(name.len(), RUN_NAME_CHARS);
        assert!(is_machine(&owner_of(&name)));
        assert!(!is_machine(&OwnerId::new("o-1")));
        assert_eq!(
            run_arn(MACHINE, "e-1-abc").as_deref(),
            Some("arn:aws:states:us-east-1:111122223333:execution:drs-default-drill:e-1-abc")
        );
        assert_eq!(run_arn("arn:aws:lambda:us-east-1:1:function:x", "r"), None);
        assert_eq!(arn_problem(MACHINE), None);
        for wrong in [
            "",
            "drs-default-drill",
            "arn:aws:lambda:us-east-1:111122223333:function:drs-default-drill",
            "arn:aws:states:us-east-1:111122223333:stateMachine:drs-default-drill:1",
            "arn:aws:states:us-east-1:111122223333:execution:drs-default-drill:x",
            "arn:aws:states:us-east-1:1111:stateMachine:drs",
            "arn:aws:states:us-east-1:111122223333:stateMachine:a b",
        ] {
            assert!(arn_problem(wrong).is_some(), "{wrong}");
        }
    }
}
