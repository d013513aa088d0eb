//! Step Functions: state machines that keep their runs and drive nothing.
//!
//! A run goes on for ever, or ends as the script of its machine says. Nothing waits in a pause by itself, so the tokens of a
//! stand-in are made up by whoever plays the machine: `NAME/` and anything, where `NAME` is the machine's. Each is good once.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::call::{Scene, Stage};
use super::super::error::ApiError;
use super::super::model::Site;
use super::super::{Caller, chance, wire};
use super::command::epoch;
use super::{Begun, Outcome, StubKind, end_of, read, too_many};

/// Runs and used tokens that a site remembers.
const KEPT: usize = 1_000;
/// Longest name of a run.
const NAME_CHARS: usize = 80;
/// Longest input.
const INPUT_BYTES: usize = 256 * 1024;

/// A run of a state machine, and what will become of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::sim::world) struct Run {
    machine: String,
    name: String,
    input: String,
    started_at: Timestamp,
    ends_at: Option<Timestamp>,
    outcome: Outcome,
}

impl Run {
    fn status(&self, now: Timestamp) -> &'static str {
        if self.ends_at.is_none_or(|ends_at| now < ends_at) {
            return "RUNNING";
        }
        match self.outcome {
            Outcome::Fail => "FAILED",
            Outcome::TimeOut => "TIMED_OUT",
            _ => "SUCCEEDED",
        }
    }
}

/// Where ARNs begin that are of this site.
struct Place<'a> {
    account_id: &'a str,
    region: &'a str,
}

impl<'a> Place<'a> {
    /// Of who calls.
    fn of(caller: &'a Caller, region: &'a str) -> Self {
        Self {
            account_id: &caller.account_id,
            region,
        }
    }

    fn arn(&self, kind: &str, name: &str) -> String {
        let partition = wire::partition(self.region);
        let (region, account_id) = (self.region, self.account_id);
        format!("arn:{partition}:states:{region}:{account_id}:{kind}:{name}")
    }

    /// The name in an ARN of this site; none where it is of another.
    fn name<'n>(&self, arn: &'n str, kind: &str) -> Result<Option<&'n str>, ApiError> {
        let name = arn
            .splitn(7, ':')
            .nth(6)
            .filter(|name| arn.starts_with("arn:") && !name.is_empty());
        let name = name.ok_or_else(|| error("InvalidArn", format!("Invalid Arn: '{arn}'")))?;
        Ok((self.arn(kind, name) == arn).then_some(name))
    }
}

fn error(code: &str, message: String) -> ApiError {
    ApiError::new(code, 400, message)
}

fn no_machine(arn: &str) -> ApiError {
    let message = format!("State Machine Does Not Exist: '{arn}'");
    error("StateMachineDoesNotExist", message)
}

/// Answers `DescribeStateMachine`.
pub(in crate::sim::world) fn machine(
    scene: &Scene<'_>,
    caller: &Caller,
    input: &Value,
) -> Result<Value, ApiError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Input {
        state_machine_arn: String,
    }
    let Input { state_machine_arn } = read(input)?;
    let place = Place::of(caller, scene.region);
    let name = place.name(&state_machine_arn, "stateMachine")?;
    let is_there = |site: &Site, name| site.stubs.has(StubKind::StateMachine, name);
    let name = name
        .filter(|name| scene.site.is_some_and(|site| is_there(site, name)))
        .ok_or_else(|| no_machine(&state_machine_arn))?;
    let role = format!(
        "arn:{}:iam::{}:role/{name}",
        wire::partition(scene.region),
        scene.account_id
    );
    Ok(json!({
        "stateMachineArn": state_machine_arn,
        "name": name,
        "status": "ACTIVE",
        "definition": "{}",
        "roleArn": role,
        "type": "STANDARD",
        "creationDate": 0.0,
    }))
}

/// Answers `StartExecution`. The same name with the same input again is the same run, while it goes on.
pub(super) fn start(
    stage: &mut Stage<'_>,
    caller: &Caller,
    input: &Value,
) -> Result<Begun, ApiError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Input {
        state_machine_arn: String,
        #[serde(default)]
        name: Option<String>,
        #[serde(default)]
        input: Option<String>,
    }
    let asked: Input = read(input)?;
    let region = stage.site.region.clone();
    let place = Place::of(caller, &region);
    let machine = place.name(&asked.state_machine_arn, "stateMachine")?;
    let machine = machine.ok_or_else(|| no_machine(&asked.state_machine_arn))?;
    let given = asked.input.unwrap_or_else(|| "{}".to_owned());
    let is_json = serde_json::from_str::<Value>(&given).is_ok();
    if !is_json || given.len() > INPUT_BYTES {
        let message = "Invalid State Machine Execution Input: 'it is no JSON, or too long'";
        return Err(error("InvalidExecutionInput", message.to_owned()));
    }
    let number = stage.site.stubs.next_number();
    let name = asked
        .name
        .unwrap_or_else(|| chance::uuid(stage.seed, &["run", &stage.site.key(), &number]));
    let is_odd =
        |c: char| c.is_whitespace() || c.is_control() || "<>{}[]?*\"#%\\^|~`$&,;:/".contains(c);
    if !(1..=NAME_CHARS).contains(&name.chars().count()) || name.contains(is_odd) {
        return Err(error("InvalidName", format!("Invalid Name: '{name}'")));
    }
    let arn = place.arn("execution", &format!("{machine}:{name}"));
    let mut runs = stage.site.stubs.runs.iter();
    if let Some(known) = runs.find(|run| run.machine == machine && run.name == name) {
        if known.input == given && known.status(stage.now) == "RUNNING" {
            return Ok(begun(arn, known.started_at));
        }
        let message = format!("Execution Already Exists: '{arn}'");
        return Err(error("ExecutionAlreadyExists", message));
    }
    let missing = no_machine(&asked.state_machine_arn);
    let throttled = too_many("ThrottlingException");
    let stubs = &mut stage.site.stubs;
    let step = stubs.answer(StubKind::StateMachine, machine, missing, throttled)?;
    let ends_at = step.delay_seconds.map(|_| end_of(&step, 0.0, stage));
    let runs = &mut stage.site.stubs.runs;
    runs.push_back(Run {
        machine: machine.to_owned(),
        name,
        input: given,
        started_at: stage.now,
        ends_at,
        outcome: step.outcome,
    });
    while runs.len() > KEPT {
        runs.pop_front();
    }
    Ok(begun(arn, stage.now))
}

fn begun(arn: String, at: Timestamp) -> Begun {
    Begun {
        body: json!({"executionArn": arn, "startDate": epoch(at)}),
        status: 200,
        id: arn,
    }
}

/// Answers `DescribeExecution`.
pub(in crate::sim::world) fn show(
    scene: &Scene<'_>,
    caller: &Caller,
    input: &Value,
) -> Result<Value, ApiError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Input {
        execution_arn: String,
    }
    let Input { execution_arn } = read(input)?;
    let place = Place::of(caller, scene.region);
    let named = place.name(&execution_arn, "execution")?;
    let runs = scene
        .site
        .map(|site| &site.stubs.runs)
        .into_iter()
        .flatten();
    let found = named
        .and_then(|named| named.split_once(':'))
        .and_then(|(machine, name)| {
            runs.into_iter()
                .find(|run| run.machine == machine && run.name == name)
        });
    let run = found.ok_or_else(|| {
        let message = format!("Execution Does Not Exist: '{execution_arn}'");
        error("ExecutionDoesNotExist", message)
    })?;
    let status = run.status(scene.now);
    let stopped = run.ends_at.filter(|_| status != "RUNNING");
    Ok(wire::present([
        ("executionArn", json!(execution_arn)),
        (
            "stateMachineArn",
            json!(place.arn("stateMachine", &run.machine)),
        ),
        ("name", json!(run.name)),
        ("status", json!(status)),
        ("startDate", epoch(run.started_at)),
        ("stopDate", stopped.map_or(Value::Null, epoch)),
        ("input", json!(run.input)),
    ]))
}

/// Answers `SendTaskSuccess`.
pub(super) fn wake(stage: &mut Stage<'_>, input: &Value) -> Result<Begun, ApiError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Input {
        task_token: String,
        output: String,
    }
    let Input { task_token, output } = read(input)?;
    if serde_json::from_str::<Value>(&output).is_err() {
        let message = "Invalid State Machine Execution Output: 'it is no JSON'";
        return Err(error("InvalidOutput", message.to_owned()));
    }
    let Some((machine, _)) = task_token.split_once('/') else {
        return Err(error(
            "InvalidToken",
            "Invalid Token: 'Invalid token'".to_owned(),
        ));
    };
    let stubs = &mut stage.site.stubs;
    if !stubs.has(StubKind::StateMachine, machine) {
        let message = "Task does not exist";
        return Err(error("TaskDoesNotExist", message.to_owned()));
    }
    if stubs.tokens.contains(&task_token) {
        let message = "Task Timed Out: 'Provided task does not exist anymore'";
        return Err(error("TaskTimedOut", message.to_owned()));
    }
    let number = stubs.next_number();
    stubs.tokens.push_back(task_token);
    while stubs.tokens.len() > KEPT {
        stubs.tokens.pop_front();
    }
    Ok(Begun {
        id: number,
        status: 200,
        body: json!({}),
    })
}
