//! Systems Manager: commands on instances.
//!
//! An instance is known to Systems Manager when it runs and its status checks are passed, which stands for the agent
//! having registered.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::call::{Scene, Stage};
use super::super::chance;
use super::super::error::ApiError;
use super::super::model::{Machine, MachineState, Site};
use super::super::page::Page;
use super::super::wire::present;
use super::automation::UUID_CHARS;
use super::{
    Begun, Outcome, Step, StubKind, USUAL_DELAY_SECONDS, end_of, read, reason, text, too_many,
    unfit,
};
use crate::limits::INSTANCES_PER_COMMAND;
use crate::time::after;

/// Commands that a site remembers.
const COMMANDS_KEPT: usize = 1_000;
/// Invocations on a page, at most and when the caller does not say how many.
const PAGE_SIZE: usize = 50;
/// Characters of a command's output.
const OUTPUT_CHARS: usize = 2_500;
/// How long Systems Manager tries to deliver a command when the caller does not say.
const DELIVERY: jiff::SignedDuration = jiff::SignedDuration::from_secs(3_600);
/// The version of a document that was asked for without one.
pub(super) const DEFAULT_VERSION: &str = "1";

/// Parameters of a document.
pub(super) type Parameters = BTreeMap<String, Vec<String>>;

/// A command, and what will become of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::sim::world) struct Command {
    id: String,
    document: String,
    version: String,
    parameters: Parameters,
    comment: String,
    sent_at: Timestamp,
    ends_at: Timestamp,
    output: Option<Value>,
    reason: String,
    /// By instance.
    outcomes: BTreeMap<String, Outcome>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    document_name: String,
    #[serde(default)]
    document_version: Option<String>,
    #[serde(default)]
    instance_ids: Vec<String>,
    #[serde(default)]
    targets: Vec<Value>,
    #[serde(default)]
    parameters: Parameters,
    #[serde(default)]
    comment: String,
}

/// Answers `SendCommand`. Nothing is sent when one of the instances cannot get it.
pub(super) fn send(stage: &mut Stage<'_>, input: &Value) -> Result<Begun, ApiError> {
    let input: Input = read(input)?;
    check(&input)?;
    let name = document_name(&input.document_name)?;
    let missing = {
        let message = format!("Document with name {name} does not exist.");
        ApiError::new("InvalidDocument", 400, message)
    };
    let throttled = too_many("ThrottlingException");
    let stubs = &mut stage.site.stubs;
    let step = stubs.answer(StubKind::Document, name, missing, throttled)?;
    let outcomes = outcomes(stage, &step, &input.instance_ids)?;
    let number = stage.site.stubs.next_number();
    let id = chance::uuid(stage.seed, &["command", &stage.site.key(), &number]);
    let version = input.document_version;
    let command = Command {
        id: id.clone(),
        version: version.unwrap_or_else(|| DEFAULT_VERSION.to_owned()),
        document: input.document_name,
        parameters: input.parameters,
        comment: input.comment,
        sent_at: stage.now,
        ends_at: end_of(&step, USUAL_DELAY_SECONDS, stage),
        output: step.output.clone(),
        reason: reason(&step, "failed to run commands: exit status 1"),
        outcomes,
    };
    let body = json!({"Command": command.view(stage.now)});
    let commands = &mut stage.site.stubs.commands;
    commands.push_back(command);
    while commands.len() > COMMANDS_KEPT {
        commands.pop_front();
    }
    Ok(Begun {
        id,
        status: 200,
        body,
    })
}

fn check(input: &Input) -> Result<(), ApiError> {
    let ids = &input.instance_ids;
    if !input.targets.is_empty() {
        let message = "The simulator sends commands to instance ids, not to targets";
        return Err(ApiError::new("UnsupportedOperation", 400, message));
    }
    if ids.is_empty() || ids.len() > INSTANCES_PER_COMMAND {
        let constraint = format!("have length from 1 to {INSTANCES_PER_COMMAND}");
        return Err(unfit(
            &format!("{} instances", ids.len()),
            "instanceIds",
            &constraint,
        ));
    }
    if let Some(bad) = ids.iter().find(|id| !is_instance(id)) {
        let pattern = "satisfy regular expression pattern: (^i-(\\w{8}|\\w{17})$)|(^mi-\\w{17}$)";
        return Err(unfit(bad, "instanceIds", pattern));
    }
    let distinct: BTreeSet<&String> = ids.iter().collect();
    if distinct.len() < ids.len() {
        let message = "You can't specify an instance ID in more than one association.";
        return Err(ApiError::new("DuplicateInstanceId", 400, message));
    }
    Ok(())
}

fn is_instance(id: &str) -> bool {
    let digits = id.strip_prefix("i-").filter(|digits| digits.len() == 8);
    let digits = digits.or_else(|| {
        let long = id.strip_prefix("mi-").or_else(|| id.strip_prefix("i-"));
        long.filter(|digits| digits.len() == 17)
    });
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    digits.is_some_and(|digits| digits.bytes().all(is_word))
}

/// What comes of a command on every instance.
fn outcomes(
    stage: &Stage<'_>,
    step: &Step,
    ids: &[String],
) -> Result<BTreeMap<String, Outcome>, ApiError> {
    let machine = |id: &String| stage.site.machines.get(id);
    let own = |machine: &Machine| {
        let scripted = &step.instances;
        let found = scripted.get(&machine.id);
        found.or_else(|| scripted.get(&machine.hostname)).copied()
    };
    let mut outcomes = BTreeMap::new();
    let mut unknown = Vec::new();
    for id in ids {
        let known = machine(id).filter(|machine| is_known(machine, stage.now));
        match known.map(|machine| own(machine).unwrap_or(step.outcome)) {
            None | Some(Outcome::Missing) => unknown.push(id.as_str()),
            Some(outcome) => {
                outcomes.insert(id.clone(), outcome);
            }
        }
    }
    if unknown.is_empty() {
        return Ok(outcomes);
    }
    let message = format!(
        "Instances [[{}]] not in a valid state for account {}",
        unknown.join(", "),
        stage.site.account_id
    );
    Err(ApiError::new("InvalidInstanceId", 400, message))
}

/// Whether Systems Manager knows an instance.
fn is_known(machine: &Machine, now: Timestamp) -> bool {
    let is_up = machine.checks_pass_at <= now && !machine.impaired;
    is_up && machine.state(now) == MachineState::Running
}

/// Answers `ListCommands`: one command by its id, or all of them, newest first.
pub(in crate::sim::world) fn list(scene: &Scene<'_>, input: &Value) -> Result<Value, ApiError> {
    let input: Looked = read(input)?;
    let all = commands(scene).rev();
    let listed: Vec<&Command> = match &input.command_id {
        Some(id) => vec![known(scene, id)?],
        None => all.collect(),
    };
    let page = input.page("ssm:ListCommands");
    // Ids say nothing about order, so that a command's place among those that are remembered makes the token.
    let keyed = listed.into_iter().enumerate();
    let after: Option<usize> = page.after_number().map_err(bad_token)?;
    let rest = keyed
        .filter(|(place, _)| after.is_none_or(|after| *place > after))
        .map(|(place, command)| (place.to_string(), command));
    let mut cut = page.cut(rest, |command| command.view(scene.now));
    Ok(present([
        ("Commands", cut["items"].take()),
        ("NextToken", cut["nextToken"].take()),
    ]))
}

/// Answers `ListCommandInvocations`.
pub(in crate::sim::world) fn invocations(
    scene: &Scene<'_>,
    input: &Value,
) -> Result<Value, ApiError> {
    let input: Looked = read(input)?;
    let listed: Vec<&Command> = match &input.command_id {
        Some(id) => vec![known(scene, id)?],
        None => commands(scene).collect(),
    };
    let page = input.page("ssm:ListCommandInvocations");
    let after = page.after().map_err(bad_token)?;
    let mut all: Vec<(String, (&Command, &String))> = listed
        .into_iter()
        .flat_map(|command| command.outcomes.keys().map(move |id| (command, id)))
        .filter(|(_, id)| {
            input
                .instance_id
                .as_ref()
                .is_none_or(|wanted| wanted == *id)
        })
        .map(|(command, id)| (format!("{}/{id}", command.id), (command, id)))
        .collect();
    all.sort_by(|one, other| one.0.cmp(&other.0));
    let rest = all
        .into_iter()
        .filter(|(key, _)| after.as_ref().is_none_or(|after| key > after));
    let mut cut = page.cut(rest, |(command, id)| {
        command.invocation(id, scene, input.details)
    });
    Ok(present([
        ("CommandInvocations", cut["items"].take()),
        ("NextToken", cut["nextToken"].take()),
    ]))
}

/// Answers `GetCommandInvocation`.
pub(in crate::sim::world) fn invocation(
    scene: &Scene<'_>,
    input: &Value,
) -> Result<Value, ApiError> {
    let input: Looked = read(input)?;
    let id = input.command_id.as_deref().unwrap_or_default();
    let command = known(scene, id)?;
    let instance = input.instance_id.as_deref().unwrap_or_default();
    let outcome = command.outcomes.get(instance).ok_or_else(|| {
        let message =
            "The command ID and managed node ID you specified didn't match any invocations.";
        ApiError::new("InvocationDoesNotExist", 400, message)
    })?;
    let Told {
        status,
        code,
        output,
        error,
        ..
    } = command.told(*outcome, scene.now);
    let has_ended = command.ends_at <= scene.now;
    let at = |at: Timestamp| json!(at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string());
    let end = if has_ended {
        at(command.ends_at)
    } else {
        json!("")
    };
    Ok(json!({
        "CommandId": command.id,
        "InstanceId": instance,
        "Comment": command.comment,
        "DocumentName": command.document,
        "DocumentVersion": command.version,
        "PluginName": "aws:runShellScript",
        "ResponseCode": code,
        "ExecutionStartDateTime": at(command.sent_at),
        "ExecutionElapsedTime": if has_ended { "PT1S" } else { "" },
        "ExecutionEndDateTime": end,
        "Status": status,
        "StatusDetails": status,
        "StandardOutputContent": output,
        "StandardOutputUrl": "",
        "StandardErrorContent": error,
        "StandardErrorUrl": "",
        "CloudWatchOutputConfig": {"CloudWatchLogGroupName": "", "CloudWatchOutputEnabled": false},
    }))
}

/// What the operations that look ask for.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Looked {
    #[serde(default)]
    command_id: Option<String>,
    #[serde(default)]
    instance_id: Option<String>,
    #[serde(default)]
    details: bool,
    #[serde(default)]
    max_results: Option<usize>,
    #[serde(default)]
    next_token: Option<String>,
}

impl Looked {
    fn page(&self, operation: &'static str) -> Page {
        let size = self.max_results.unwrap_or(PAGE_SIZE).min(PAGE_SIZE);
        Page::new(operation, size, self.next_token.clone())
    }
}

fn commands<'a>(scene: &Scene<'a>) -> impl DoubleEndedIterator<Item = &'a Command> {
    let known = scene.site.map(|site| site.stubs.commands.iter());
    known.into_iter().flatten()
}

fn known<'a>(scene: &Scene<'a>, id: &str) -> Result<&'a Command, ApiError> {
    if id.len() != UUID_CHARS {
        let constraint = format!("have length equal to {UUID_CHARS}");
        return Err(unfit(id, "commandId", &constraint));
    }
    let found = commands(scene).find(|command| command.id == id);
    found.ok_or_else(|| {
        let message = format!("The command ID {id} was not found.");
        ApiError::new("InvalidCommandId", 400, message)
    })
}

fn bad_token(_: ApiError) -> ApiError {
    ApiError::new("InvalidNextToken", 400, "The specified token isn't valid.")
}

/// What is told of a command on one instance.
struct Told {
    status: &'static str,
    /// What the plugin's own status is called, which differs where a command ran out of time.
    details: &'static str,
    code: i32,
    output: String,
    error: String,
}

impl Command {
    fn told(&self, outcome: Outcome, now: Timestamp) -> Told {
        let mut told = Told {
            status: "InProgress",
            details: "InProgress",
            code: -1,
            output: String::new(),
            error: String::new(),
        };
        if now < self.ends_at {
            return told;
        }
        let written = self.output.as_ref().map(text).unwrap_or_default();
        told.output = written.chars().take(OUTPUT_CHARS).collect();
        (told.status, told.details, told.code) = match outcome {
            Outcome::Fail => ("Failed", "Failed", 1),
            Outcome::TimeOut => ("TimedOut", "Execution Timed Out", 137),
            _ => ("Success", "Success", 0),
        };
        if told.code != 0 {
            told.error = self.reason.chars().take(OUTPUT_CHARS).collect();
        }
        told
    }

    fn view(&self, now: Timestamp) -> Value {
        let told: Vec<Told> = self
            .outcomes
            .values()
            .map(|outcome| self.told(*outcome, now))
            .collect();
        let has = |status: &str| told.iter().any(|told| told.status == status);
        let status = ["InProgress", "Failed", "TimedOut"]
            .into_iter()
            .find(|status| has(status));
        let status = status.unwrap_or("Success");
        let ended = told.iter().filter(|told| told.code >= 0).count();
        let failed = told.iter().filter(|told| told.code > 0).count();
        let ids: Vec<&String> = self.outcomes.keys().collect();
        json!({
            "CommandId": self.id,
            "DocumentName": self.document,
            "DocumentVersion": self.version,
            "Comment": self.comment,
            "ExpiresAfter": epoch(after(self.sent_at, DELIVERY)),
            "Parameters": self.parameters,
            "InstanceIds": ids,
            "Targets": [],
            "RequestedDateTime": epoch(self.sent_at),
            "Status": status,
            "StatusDetails": status,
            "MaxConcurrency": "50",
            "MaxErrors": "0",
            "TargetCount": ids.len(),
            "CompletedCount": ended,
            "ErrorCount": failed,
            "DeliveryTimedOutCount": 0,
        })
    }

    fn invocation(&self, id: &str, scene: &Scene<'_>, with_details: bool) -> Value {
        let outcome = self.outcomes.get(id).copied().unwrap_or_default();
        let Told {
            status,
            details,
            code,
            output,
            error,
        } = self.told(outcome, scene.now);
        let machine = scene.site.and_then(|site| site.machines.get(id));
        let plugins = json!([{
            "Name": "aws:runShellScript",
            "Status": status,
            "StatusDetails": status,
            "ResponseCode": code,
            "ResponseStartDateTime": epoch(self.sent_at),
            "Output": joined(&output, &error),
        }]);
        json!({
            "CommandId": self.id,
            "InstanceId": id,
            "InstanceName": machine.map_or("", |machine| machine.hostname.as_str()),
            "Comment": self.comment,
            "DocumentName": self.document,
            "DocumentVersion": self.version,
            "RequestedDateTime": epoch(self.sent_at),
            "Status": status,
            "StatusDetails": details,
            "CommandPlugins": if with_details { plugins } else { json!([]) },
        })
    }
}

/// What a command wrote, as one text.
fn joined(output: &str, error: &str) -> String {
    match (output.is_empty(), error.is_empty()) {
        (_, true) => output.to_owned(),
        (true, false) => error.to_owned(),
        (false, false) => format!("{output}\n----------ERROR-------\n{error}"),
    }
}

/// Answers `DescribeDocument`. A document that is there has every version.
pub(in crate::sim::world) fn document(scene: &Scene<'_>, input: &Value) -> Result<Value, ApiError> {
    let input: Asked = read(input)?;
    let name = document_name(&input.name)?;
    let is_there = |site: &Site| site.stubs.has(StubKind::Document, name);
    if !scene.site.is_some_and(is_there) {
        let message = format!("Document with name {name} does not exist.");
        return Err(ApiError::new("InvalidDocument", 400, message));
    }
    Ok(json!({"Document": {
        "Name": name,
        "DocumentVersion": input.document_version.as_deref().unwrap_or("1"),
        "Status": "Active",
    }}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Asked {
    name: String,
    #[serde(default)]
    document_version: Option<String>,
}

/// The name of a document, of its own or in an ARN.
pub(super) fn document_name(given: &str) -> Result<&str, ApiError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:/".contains(&byte);
    if !(3..=128).contains(&given.len()) || !given.bytes().all(is_plain) {
        let pattern = "satisfy regular expression pattern: ^[a-zA-Z0-9_\\-.:/]{3,128}$";
        return Err(unfit(given, "documentName", pattern));
    }
    let name = given.rsplit('/').next().unwrap_or(given);
    Ok(name.split(':').next().unwrap_or(name))
}

/// A time as the JSON protocol has it: seconds since the epoch.
pub(super) fn epoch(at: Timestamp) -> Value {
    json!(at.as_millisecond() as f64 / 1e3)
}
