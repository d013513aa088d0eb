//! Systems Manager: automations.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::call::{Scene, Stage};
use super::super::error::ApiError;
use super::super::wire::present;
use super::super::{Caller, chance};
use super::command::{DEFAULT_VERSION, Parameters, document_name, epoch};
use super::{
    Begun, Outcome, StubKind, USUAL_DELAY_SECONDS, end_of, read, reason, text, too_many, unfit,
};

/// Automations that a site remembers.
const AUTOMATIONS_KEPT: usize = 1_000;
/// Values of one parameter, and characters of one value.
const VALUES_PER_PARAMETER: usize = 50;
const CHARS_PER_VALUE: usize = 512;
/// Characters of an id and of a token.
pub(super) const UUID_CHARS: usize = 36;

/// An automation, and what will become of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::sim::world) struct Automation {
    id: String,
    document: String,
    version: String,
    parameters: Parameters,
    token: Option<String>,
    executed_by: String,
    started_at: Timestamp,
    ends_at: Timestamp,
    outcome: Outcome,
    output: Option<Value>,
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    document_name: String,
    #[serde(default)]
    document_version: Option<String>,
    #[serde(default)]
    parameters: Parameters,
    #[serde(default)]
    client_token: Option<String>,
}

/// Answers `StartAutomationExecution`. The same token again is the same automation.
pub(super) fn start(
    stage: &mut Stage<'_>,
    caller: &Caller,
    input: &Value,
) -> Result<Begun, ApiError> {
    let input: Input = read(input)?;
    check(&input)?;
    let version = input.document_version.as_deref().unwrap_or(DEFAULT_VERSION);
    let tokened = |automation: &&Automation| {
        input.client_token.is_some() && automation.token == input.client_token
    };
    if let Some(known) = stage.site.stubs.automations.iter().find(tokened) {
        let is_same = known.document == input.document_name
            && known.version == version
            && known.parameters == input.parameters;
        return if is_same {
            Ok(begun(known.id.clone()))
        } else {
            let message =
                "Parameters don't match those of the automation that was started with this token.";
            Err(ApiError::new("IdempotentParameterMismatch", 400, message))
        };
    }
    let name = document_name(&input.document_name)?;
    let missing = {
        let message = format!("Automation definition {name} cannot be found.");
        ApiError::new("AutomationDefinitionNotFoundException", 400, message)
    };
    let throttled = too_many("ThrottlingException");
    let stubs = &mut stage.site.stubs;
    let step = stubs.answer(StubKind::Document, name, missing, throttled)?;
    let number = stage.site.stubs.next_number();
    let id = chance::uuid(stage.seed, &["automation", &stage.site.key(), &number]);
    let ends_at = end_of(&step, USUAL_DELAY_SECONDS, stage);
    let automations = &mut stage.site.stubs.automations;
    automations.push_back(Automation {
        id: id.clone(),
        version: version.to_owned(),
        document: input.document_name,
        parameters: input.parameters,
        token: input.client_token,
        executed_by: caller.arn.clone(),
        started_at: stage.now,
        ends_at,
        outcome: step.outcome,
        output: step.output.clone(),
        reason: (step.outcome != Outcome::Succeed)
            .then(|| reason(&step, "the step failed, as its script says")),
    });
    while automations.len() > AUTOMATIONS_KEPT {
        automations.pop_front();
    }
    Ok(begun(id))
}

fn begun(id: String) -> Begun {
    Begun {
        body: json!({"AutomationExecutionId": id}),
        status: 200,
        id,
    }
}

fn check(input: &Input) -> Result<(), ApiError> {
    if let Some(token) = &input.client_token
        && !is_uuid(token)
    {
        let constraint = "satisfy regular expression pattern: [a-fA-F0-9]{8}-[a-fA-F0-9]{4}-[a-fA-F0-9]{4}-[a-fA-F0-9]\
                          {4}-[a-fA-F0-9]{12}";
        return Err(unfit(token, "clientToken", constraint));
    }
    for (name, values) in &input.parameters {
        if values.len() > VALUES_PER_PARAMETER {
            let constraint = format!("have length less than or equal to {VALUES_PER_PARAMETER}");
            return Err(unfit(name, "parameters", &constraint));
        }
        let is_long = |value: &String| !(1..=CHARS_PER_VALUE).contains(&value.chars().count());
        if values.iter().any(is_long) {
            let constraint = format!(
                "have length less than or equal to {CHARS_PER_VALUE} and greater than or equal to 1"
            );
            return Err(unfit(name, "parameters", &constraint));
        }
    }
    Ok(())
}

fn is_uuid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    let is_hex = |part: &&str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    lengths == [8, 4, 4, 4, 12] && parts.iter().all(is_hex)
}

/// Answers `GetAutomationExecution`.
pub(in crate::sim::world) fn show(scene: &Scene<'_>, input: &Value) -> Result<Value, ApiError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Input {
        automation_execution_id: String,
    }
    let Input {
        automation_execution_id: id,
    } = read(input)?;
    if id.len() != UUID_CHARS {
        let constraint = format!("have length equal to {UUID_CHARS}");
        return Err(unfit(&id, "automationExecutionId", &constraint));
    }
    let known = scene.site.map(|site| &site.stubs.automations);
    let found = known.into_iter().flatten().find(|known| known.id == id);
    let automation = found.ok_or_else(|| {
        let message = format!("There is no automation execution with ID {id}.");
        ApiError::new("AutomationExecutionNotFoundException", 400, message)
    })?;
    Ok(json!({"AutomationExecution": automation.view(scene.now)}))
}

impl Automation {
    fn view(&self, now: Timestamp) -> Value {
        let has_ended = self.ends_at <= now;
        let status = match self.outcome {
            _ if !has_ended => "InProgress",
            Outcome::Fail => "Failed",
            Outcome::TimeOut => "TimedOut",
            _ => "Success",
        };
        let reason = self
            .reason
            .as_ref()
            .filter(|_| has_ended)
            .map(|reason| format!("Step fails when it is Execute/Cancelling action. {reason}"));
        let is_success = status == "Success";
        present([
            ("AutomationExecutionId", json!(self.id)),
            ("DocumentName", json!(self.document)),
            ("DocumentVersion", json!(self.version)),
            ("ExecutionStartTime", epoch(self.started_at)),
            (
                "ExecutionEndTime",
                if has_ended {
                    epoch(self.ends_at)
                } else {
                    Value::Null
                },
            ),
            ("AutomationExecutionStatus", json!(status)),
            ("StepExecutions", json!([])),
            ("StepExecutionsTruncated", json!(false)),
            ("Parameters", json!(self.parameters)),
            (
                "Outputs",
                json!(
                    self.output
                        .iter()
                        .filter(|_| is_success)
                        .flat_map(outputs)
                        .collect::<BTreeMap<_, _>>()
                ),
            ),
            ("FailureMessage", json!(reason)),
            ("Mode", json!("Auto")),
            ("ExecutedBy", json!(self.executed_by)),
        ])
    }
}

/// A script's output as an automation has it: every output is a list of texts.
fn outputs(output: &Value) -> Vec<(String, Vec<String>)> {
    let texts = |value: &Value| match value {
        Value::Array(items) => items.iter().map(text).collect(),
        value => vec![text(value)],
    };
    match output {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), texts(value)))
            .collect(),
        value => vec![("Output".to_owned(), texts(value))],
    }
}
