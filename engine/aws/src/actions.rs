//! The port to functions and documents, on AWS Lambda and AWS Systems Manager.
//!
//! Nothing that begins an action is tried twice by the SDK. An automation carries the action's token, so that beginning
//! it again is the same automation; a command carries it as its comment, for people.
//!
//! The SDK waits for a function's answer as long as the function runs, in a task of its own: see [`invocations`].

use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_ssm::types::{
    AutomationExecutionStatus, CommandInvocation, CommandInvocationStatus, CommandStatus,
};
use drs_engine::ids::{InstanceId, Target};
use drs_engine::ports::{
    Action, ActionRequest, ActionRun, ActionStatus, Actions, CallError, Kind, cut, filled,
};
use serde_json::Value;

use crate::classify::{Call, INVALID_REQUEST, UNREADABLE_ANSWER};
use crate::drs::{AwsDrs, all};
use crate::limits;
use invocations::Invocations;

mod invocations;

const INVOKE: Call = Call::changes("lambda:Invoke");
const START_AUTOMATION: Call = Call::changes("ssm:StartAutomationExecution");
const AUTOMATION: Call = Call::reads("ssm:GetAutomationExecution");
const SEND_COMMAND: Call = Call::changes("ssm:SendCommand");
const COMMAND: Call = Call::reads("ssm:ListCommands");
const CONFIGURATION: Call = Call::reads("lambda:GetFunctionConfiguration");
const DESCRIBE_DOCUMENT: Call = Call::reads("ssm:DescribeDocument");
const COMMAND_INVOCATIONS: Call = Call::reads("ssm:ListCommandInvocations");

/// Clients of one target, and the functions that this process has invoked there.
#[derive(Debug)]
pub(crate) struct ActionClients {
    lambda: aws_sdk_lambda::Client,
    reads: aws_sdk_ssm::Client,
    changes: aws_sdk_ssm::Client,
    invocations: Invocations,
}

impl ActionClients {
    /// Clients with the configuration of each service.
    pub(crate) fn new(lambda: &SdkConfig, ssm: &SdkConfig) -> Self {
        let patient = TimeoutConfig::builder()
            .connect_timeout(limits::CONNECT_TIMEOUT)
            .read_timeout(limits::INVOCATION_TIMEOUT)
            .operation_timeout(limits::INVOCATION_TIMEOUT)
            .build();
        // Nothing flows while a function runs, and that is no sign of a dead connection.
        let lambda = aws_sdk_lambda::config::Builder::from(lambda)
            .retry_config(RetryConfig::disabled())
            .timeout_config(patient)
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build();
        let changes = aws_sdk_ssm::config::Builder::from(ssm)
            .retry_config(RetryConfig::disabled())
            .build();
        Self {
            lambda: aws_sdk_lambda::Client::from_conf(lambda),
            reads: aws_sdk_ssm::Client::new(ssm),
            changes: aws_sdk_ssm::Client::from_conf(changes),
            invocations: Invocations::default(),
        }
    }

    /// Invokes a function in a task of its own.
    async fn invoke(
        &self,
        function: &str,
        request: &ActionRequest,
    ) -> Result<ActionRun, CallError> {
        let payload =
            serde_json::to_vec(&request.input).map_err(|error| invalid(INVOKE, &error))?;
        let call = self
            .lambda
            .invoke()
            .function_name(function)
            .payload(Blob::new(payload))
            .customize()
            .config_override(region_of(function));
        let ends = async move {
            let answer = call.send().await.map_err(|error| INVOKE.failed(&error))?;
            let payload = answer.payload.map(Blob::into_inner).unwrap_or_default();
            Ok(ActionStatus::of_function(
                answer.function_error.is_some(),
                &payload,
            ))
        };
        self.invocations.begin(INVOKE, &request.token, ends).await?;
        Ok(ActionRun::Lambda {
            id: request.token.clone(),
        })
    }

    async fn start_automation(
        &self,
        document: &Document<'_>,
        token: &str,
    ) -> Result<ActionRun, CallError> {
        let answer = self
            .changes
            .start_automation_execution()
            .document_name(document.name)
            .set_document_version(document.version.map(ToOwned::to_owned))
            .set_parameters(document.parameters())
            .client_token(token)
            .send()
            .await
            .map_err(|error| START_AUTOMATION.failed(&error))?;
        let id = answer.automation_execution_id;
        let id = id.ok_or_else(|| unnamed(START_AUTOMATION, "automation"))?;
        Ok(ActionRun::Automation { id })
    }

    async fn send_command(
        &self,
        document: &Document<'_>,
        instances: &[InstanceId],
        token: &str,
    ) -> Result<ActionRun, CallError> {
        if instances.is_empty() || instances.len() > drs_engine::limits::INSTANCES_PER_COMMAND {
            let message = format!("{} instances in one command", instances.len());
            return Err(SEND_COMMAND.error(Kind::Refused, INVALID_REQUEST, message));
        }
        let answer = self
            .changes
            .send_command()
            .document_name(document.name)
            .set_document_version(document.version.map(ToOwned::to_owned))
            .set_parameters(document.parameters())
            .set_instance_ids(Some(instances.iter().map(ToString::to_string).collect()))
            .comment(token)
            .send()
            .await
            .map_err(|error| not_registered(SEND_COMMAND.failed(&error)))?;
        let id = answer.command.and_then(|command| command.command_id);
        let id = id.ok_or_else(|| unnamed(SEND_COMMAND, "command"))?;
        Ok(ActionRun::Command { id })
    }

    /// Whether a function, or a document in its version, is there.
    async fn is_there(&self, action: &Action) -> Result<bool, CallError> {
        let asked = match action {
            Action::Lambda { function } => {
                let call = self.lambda.get_function_configuration();
                let call = call.function_name(function).customize();
                let answer = call.config_override(region_of(function)).send().await;
                answer
                    .map(drop)
                    .map_err(|error| CONFIGURATION.failed(&error))
            }
            Action::Automation {
                document, version, ..
            }
            | Action::Command {
                document, version, ..
            } => {
                let call = self.reads.describe_document().name(document);
                let call = call.set_document_version(version.clone());
                let answer = call.send().await;
                answer
                    .map(drop)
                    .map_err(|error| DESCRIBE_DOCUMENT.failed(&error))
            }
        };
        match asked {
            Ok(()) => Ok(true),
            Err(error) if error.is_missing() => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn automation(&self, id: &str) -> Result<ActionStatus, CallError> {
        use AutomationExecutionStatus as Is;
        let answer = self
            .reads
            .get_automation_execution()
            .automation_execution_id(id)
            .send()
            .await
            .map_err(|error| AUTOMATION.failed(&error))?;
        let unreadable = || unreadable(AUTOMATION, "the status of the automation");
        let automation = answer.automation_execution.ok_or_else(unreadable)?;
        let status = automation.automation_execution_status();
        let status = status.ok_or_else(unreadable)?;
        Ok(match status {
            Is::Success | Is::CompletedWithSuccess => ActionStatus::Succeeded {
                output: automation.outputs().and_then(outputs),
            },
            Is::Failed
            | Is::Timedout
            | Is::Cancelled
            | Is::Rejected
            | Is::Exited
            | Is::CompletedWithFailure
            | Is::ChangeCalendarOverrideRejected => {
                let reason = automation.failure_message();
                let reason = reason.map_or_else(
                    || status.as_str().to_owned(),
                    |reason| format!("{}: {reason}", status.as_str()),
                );
                ActionStatus::Failed {
                    reason: cut(&reason),
                }
            }
            // It runs, waits for an approval, or does what this version has no word for.
            _ => ActionStatus::Running,
        })
    }

    async fn command(&self, id: &str) -> Result<ActionStatus, CallError> {
        use CommandStatus as Is;
        let answer = self
            .reads
            .list_commands()
            .command_id(id)
            .send()
            .await
            .map_err(|error| COMMAND.failed(&error))?;
        // A command that was only just sent may not be listed yet.
        let Some(command) = answer.commands().first() else {
            return Ok(ActionStatus::Running);
        };
        let status = command.status();
        match status.ok_or_else(|| unreadable(COMMAND, "the status of the command"))? {
            Is::Success => Ok(ActionStatus::Succeeded { output: None }),
            status @ (Is::Failed | Is::TimedOut | Is::Cancelled) => {
                let reasons = self.command_reasons(id).await?;
                let reason = if reasons.is_empty() {
                    status.as_str()
                } else {
                    &reasons
                };
                Ok(ActionStatus::Failed {
                    reason: cut(reason),
                })
            }
            _ => Ok(ActionStatus::Running),
        }
    }

    /// Why a command failed, instance by instance.
    async fn command_reasons(&self, id: &str) -> Result<String, CallError> {
        let call = self
            .reads
            .list_command_invocations()
            .command_id(id)
            .details(true);
        let invocations = all(COMMAND_INVOCATIONS, |token| {
            let call = call.clone().set_next_token(token);
            async move {
                let page = call
                    .send()
                    .await
                    .map_err(|error| COMMAND_INVOCATIONS.failed(&error))?;
                let invocations = page.command_invocations.unwrap_or_default();
                Ok((invocations, page.next_token))
            }
        })
        .await?;
        let reasons: Vec<String> = invocations.iter().filter_map(why).collect();
        Ok(reasons.join("; "))
    }
}

/// A function that is named by its ARN is called in its own Region.
fn region_of(function: &str) -> aws_sdk_lambda::config::Builder {
    let there = aws_sdk_lambda::config::Builder::new();
    match Target::of_arn(function) {
        Some(own) => there.region(aws_config::Region::new(own.region)),
        None => there,
    }
}

impl AwsDrs {
    /// Whether what an action runs is there.
    pub(crate) async fn action_is_there(
        &self,
        target: &Target,
        action: &Action,
    ) -> Result<bool, CallError> {
        let call = match action {
            Action::Lambda { .. } => CONFIGURATION,
            _ => DESCRIBE_DOCUMENT,
        };
        self.clients(call, target)
            .await?
            .actions
            .is_there(action)
            .await
    }
}

impl Actions for AwsDrs {
    async fn begin(
        &self,
        target: &Target,
        request: &ActionRequest,
    ) -> Result<ActionRun, CallError> {
        let token = &request.token;
        match &request.action {
            Action::Lambda { function } => {
                let clients = self.clients(INVOKE, target).await?;
                let clients = &clients.actions;
                clients.invoke(function, request).await
            }
            Action::Automation {
                document,
                version,
                parameters,
            } => {
                let clients = &self.clients(START_AUTOMATION, target).await?.actions;
                let document = Document::new(document, version.as_deref(), parameters, request);
                clients.start_automation(&document, token).await
            }
            Action::Command {
                document,
                version,
                parameters,
                instances,
            } => {
                let clients = &self.clients(SEND_COMMAND, target).await?.actions;
                let document = Document::new(document, version.as_deref(), parameters, request);
                clients.send_command(&document, instances, token).await
            }
        }
    }

    async fn look(&self, target: &Target, run: &ActionRun) -> Result<ActionStatus, CallError> {
        match run {
            ActionRun::Lambda { id } => Ok(self
                .clients(INVOKE, target)
                .await?
                .actions
                .invocations
                .status(id)),
            ActionRun::Automation { id } => {
                self.clients(AUTOMATION, target)
                    .await?
                    .actions
                    .automation(id)
                    .await
            }
            ActionRun::Command { id } => {
                self.clients(COMMAND, target)
                    .await?
                    .actions
                    .command(id)
                    .await
            }
        }
    }
}

/// A document to be run.
struct Document<'a> {
    name: &'a str,
    version: Option<&'a str>,
    parameters: BTreeMap<String, Vec<String>>,
}

impl<'a> Document<'a> {
    fn new(
        name: &'a str,
        version: Option<&'a str>,
        parameters: &BTreeMap<String, Vec<String>>,
        request: &ActionRequest,
    ) -> Self {
        Self {
            name,
            version,
            parameters: filled(parameters, &request.input),
        }
    }

    /// The parameters as the SDK takes them: none where there are none, for an empty map is refused.
    fn parameters(&self) -> Option<HashMap<String, Vec<String>>> {
        let parameters = self.parameters.clone();
        (!parameters.is_empty()).then(|| parameters.into_iter().collect())
    }
}

/// Why a command failed on one instance; none where it did not.
fn why(invocation: &CommandInvocation) -> Option<String> {
    let status = invocation.status()?;
    if *status == CommandInvocationStatus::Success {
        return None;
    }
    let details = invocation.status_details().unwrap_or(status.as_str());
    let said: Vec<&str> = invocation
        .command_plugins()
        .iter()
        .filter_map(|plugin| plugin.output())
        .map(str::trim)
        .filter(|output| !output.is_empty())
        .collect();
    let instance = invocation.instance_id().unwrap_or("an instance");
    Some(if said.is_empty() {
        format!("{instance}: {details}")
    } else {
        format!("{instance}: {details}: {}", said.join(" "))
    })
}

/// The outputs of an automation as JSON, in the order of their names.
fn outputs(outputs: &HashMap<String, Vec<String>>) -> Option<String> {
    let sorted: BTreeMap<&String, &Vec<String>> = outputs.iter().collect();
    let json = serde_json::to_value(sorted).ok()?;
    (!outputs.is_empty()).then(|| cut(&Value::to_string(&json)))
}

/// An instance that Systems Manager does not know may be one whose agent has not yet registered.
fn not_registered(failed: CallError) -> CallError {
    if failed.code == "InvalidInstanceId" {
        return CallError {
            kind: Kind::Busy,
            ..failed
        };
    }
    failed
}

fn invalid(call: Call, error: &dyn Display) -> CallError {
    call.error(Kind::Refused, INVALID_REQUEST, error.to_string())
}

fn unreadable(call: Call, what: &str) -> CallError {
    call.error(
        Kind::Busy,
        UNREADABLE_ANSWER,
        format!("the answer lacks {what}"),
    )
}

/// Systems Manager took the call but does not say what it began.
fn unnamed(call: Call, what: &str) -> CallError {
    let message = format!("the call was accepted, but its answer names no {what}");
    call.error(Kind::Unknown, UNREADABLE_ANSWER, message)
}
