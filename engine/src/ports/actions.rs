//! What a plan may ask of other services: functions and documents for hooks and checks, topics for notifications.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::CallError;
use crate::ids::{InstanceId, Target};
use crate::limits::{ACTION_TEXT_CHARS, MESSAGE_BYTES, SUBJECT_CHARS};

/// Functions and documents: AWS Lambda and AWS Systems Manager.
///
/// An action is begun and then looked at, so that nothing waits in a call that takes minutes. Beginning is never retried
/// by the adapter: whether an action may run twice is for whoever wrote the plan.
///
/// The target says whose credentials are used and where; a function named by the ARN of another Region is called there.
pub trait Actions: Send + Sync {
    /// Begins an action.
    ///
    /// After `Ok`, it runs. After [`super::Kind::Refused`] or [`super::Kind::Busy`], it does not. After
    /// [`super::Kind::Unknown`], it may. A command to an instance that Systems Manager does not know yet is busy.
    ///
    /// Beginning again with the same token is the same action where AWS knows a token: an automation is then not run
    /// twice. A function finds the token in its input.
    fn begin(
        &self,
        target: &Target,
        request: &ActionRequest,
    ) -> impl Future<Output = Result<ActionRun, CallError>> + Send;

    /// How far an action is.
    fn look(
        &self,
        target: &Target,
        run: &ActionRun,
    ) -> impl Future<Output = Result<ActionStatus, CallError>> + Send;
}

/// Topics of the Simple Notification Service.
///
/// A topic is published to with the hub's credentials, in the Region of its ARN. What SNS would refuse for its form is
/// put right before: see [`subject_line`] and [`message_text`].
pub trait Topics: Send + Sync {
    /// Publishes a message. After `Ok`, SNS has it; whether anybody is subscribed is not known.
    fn publish(
        &self,
        topic_arn: &str,
        message: &Message,
    ) -> impl Future<Output = Result<(), CallError>> + Send;

    /// Whether a topic is there. Whether it lets the caller publish is not asked.
    fn topic_is_there(
        &self,
        topic_arn: &str,
    ) -> impl Future<Output = Result<bool, CallError>> + Send;
}

/// What is published to a topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// What is the same each time the same is published. A topic that keeps an order drops what it has already.
    pub id: String,
    /// The subject of a mail.
    pub subject: String,
    /// The text.
    pub text: String,
    /// By what subscriptions choose what they want; none has an empty value.
    pub attributes: BTreeMap<String, String>,
}

/// An action to be begun.
#[derive(Clone, Debug, PartialEq)]
pub struct ActionRequest {
    /// What to run.
    pub action: Action,
    /// A word of at most 36 characters that is the same each time the same action is begun: a UUID.
    pub token: String,
    /// What a function gets as its input. A document gets its parameters, which may name members of it: see
    /// [`filled`].
    pub input: Value,
}

/// What to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Action {
    /// A Lambda function, invoked for its answer. It failed when it says so, or when it ends with an error: see
    /// [`ActionStatus::of_function`].
    Lambda {
        /// Its name, its ARN, or either with a version or an alias.
        function: String,
    },
    /// An automation of Systems Manager.
    Automation {
        /// The document's name or ARN.
        document: String,
        /// Its version; none means its default.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<String>,
        /// Its parameters.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        parameters: BTreeMap<String, Vec<String>>,
    },
    /// A command of Systems Manager on instances. It succeeded when it did on every one.
    Command {
        /// The document's name or ARN.
        document: String,
        /// Its version; none means its default.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<String>,
        /// Its parameters.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        parameters: BTreeMap<String, Vec<String>>,
        /// The instances, at most fifty.
        instances: Vec<InstanceId>,
    },
}

/// An action that was begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ActionRun {
    /// A function, known only to the process that invoked it.
    Lambda {
        /// The token that it was begun with.
        id: String,
    },
    /// An automation.
    Automation {
        /// The id that Systems Manager gave it.
        id: String,
    },
    /// A command.
    Command {
        /// The id that Systems Manager gave it.
        id: String,
    },
}

impl fmt::Display for ActionRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lambda { id } => write!(f, "invocation {id}"),
            Self::Automation { id } => write!(f, "automation {id}"),
            Self::Command { id } => write!(f, "command {id}"),
        }
    }
}

/// How far an action is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActionStatus {
    /// It runs.
    Running,
    /// It did what it was asked to.
    Succeeded {
        /// What it said, cut to a length that a history can hold.
        output: Option<String>,
    },
    /// It did not.
    Failed {
        /// Why, in the service's or the function's words; by instance where they differ.
        reason: String,
    },
    /// Nobody can say any more: a function that was invoked by a process that is gone, or whose answer was lost.
    Lost,
}

impl ActionStatus {
    /// What became of a function that ended: with an error, or with an answer. An answer that is an object with
    /// `"success": false` says that it failed, and says why as `"reason"`.
    pub fn of_function(is_error: bool, payload: &[u8]) -> Self {
        let text = String::from_utf8_lossy(payload);
        let answer: Value = serde_json::from_slice(payload).unwrap_or(Value::Null);
        let said = |member: &str| answer[member].as_str().map(cut);
        if is_error {
            let message = said("errorMessage").unwrap_or_else(|| cut(&text));
            let reason = match said("errorType") {
                Some(kind) => format!("{kind}: {message}"),
                None => message,
            };
            return Self::Failed { reason };
        }
        if answer["success"] == Value::Bool(false) {
            let reason = said("reason").unwrap_or_else(|| cut(&text));
            return Self::Failed { reason };
        }
        let is_silent = text.is_empty() || answer.is_null() && text.trim() == "null";
        Self::Succeeded {
            output: (!is_silent).then(|| cut(&text)),
        }
    }
}

/// Parameters with what they name: a value that is `{name}` and nothing else becomes the member of the input with that
/// name, which may be a list and then becomes as many values. A name that the input does not have stays as it is.
pub fn filled(
    parameters: &BTreeMap<String, Vec<String>>,
    input: &Value,
) -> BTreeMap<String, Vec<String>> {
    let fill = |value: &String| -> Vec<String> {
        let name = value
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        match name.and_then(|name| input.get(name)) {
            None => vec![value.clone()],
            Some(Value::Array(items)) => items.iter().map(plain).collect(),
            Some(member) => vec![plain(member)],
        }
    };
    let filled = |(name, values): (&String, &Vec<String>)| {
        (name.clone(), values.iter().flat_map(fill).collect())
    };
    parameters.iter().map(filled).collect()
}

/// A value as a parameter has it: a text without its quotes, anything else as JSON.
fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// A text from outside, cut to a length that a history can hold.
pub fn cut(text: &str) -> String {
    match text.char_indices().nth(ACTION_TEXT_CHARS) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}...", &text[..end]),
    }
}

/// A subject that SNS accepts: printable ASCII, and no more than a hundred characters of it.
pub fn subject_line(text: &str) -> String {
    let is_plain = |c: char| (' '..='~').contains(&c);
    let line: String = text
        .chars()
        .map(|c| if is_plain(c) { c } else { '?' })
        .take(SUBJECT_CHARS)
        .collect();
    if line.trim().is_empty() {
        "AWS Elastic Disaster Recovery".to_owned()
    } else {
        line
    }
}

/// A message that SNS accepts: not empty, and no longer than SNS takes.
pub fn message_text(text: &str) -> &str {
    if text.is_empty() {
        return "(empty)";
    }
    let mut end = text.len().min(MESSAGE_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_function_fails_by_an_error_or_by_saying_so() {
        let failed = |reason: &str| ActionStatus::Failed {
            reason: reason.to_owned(),
        };
        let succeeded = |output: Option<&str>| ActionStatus::Succeeded {
            output: output.map(ToOwned::to_owned),
        };
        for (is_error, payload, expected) in [
            (false, "", succeeded(None)),
            (false, "null", succeeded(None)),
            (false, "{\"ok\":1}", succeeded(Some("{\"ok\":1}"))),
            (
                false,
                "{\"success\":true}",
                succeeded(Some("{\"success\":true}")),
            ),
            (false, "not json", succeeded(Some("not json"))),
            (
                false,
                "{\"success\":false,\"reason\":\"503\"}",
                failed("503"),
            ),
            (false, "{\"success\":false}", failed("{\"success\":false}")),
            (
                true,
                "{\"errorType\":\"KeyError\",\"errorMessage\":\"'x'\"}",
                failed("KeyError: 'x'"),
            ),
            (true, "\u{fffd}oops", failed("\u{fffd}oops")),
        ] {
            let status = ActionStatus::of_function(is_error, payload.as_bytes());
            assert_eq!(status, expected, "{payload}");
        }
        let long = "é".repeat(ACTION_TEXT_CHARS + 1);
        assert_eq!(cut(&long).chars().count(), ACTION_TEXT_CHARS + 3);
    }

    #[test]
    fn a_message_is_made_to_fit() {
        assert_eq!(subject_line("Drill läuft\n"), "Drill l?uft?");
        assert_eq!(subject_line(&"x".repeat(200)).len(), SUBJECT_CHARS);
        assert_eq!(subject_line(""), "AWS Elastic Disaster Recovery");
        assert_eq!(message_text(""), "(empty)");
        assert_eq!(message_text("hello"), "hello");
        let long = "é".repeat(MESSAGE_BYTES);
        assert_eq!(message_text(&format!("x{long}")).len(), MESSAGE_BYTES - 1);
    }

    #[test]
    fn parameters_name_members_of_the_input() {
        let input = json!({"wave": "web", "instance_ids": ["i-1", "i-2"], "number": 3});
        let given = [
            ("Instances", vec!["{instance_ids}", "i-3"]),
            ("Wave", vec!["{wave}"]),
            ("Number", vec!["{number}"]),
            ("Other", vec!["{nobody}", "a {wave}", "{"]),
        ];
        let parameters = given.map(|(name, values)| {
            let values: Vec<String> = values.into_iter().map(ToOwned::to_owned).collect();
            (name.to_owned(), values)
        });
        let filled = filled(&parameters.into(), &input);
        assert_eq!(filled["Instances"], ["i-1", "i-2", "i-3"]);
        assert_eq!(filled["Wave"], ["web"]);
        assert_eq!(filled["Number"], ["3"]);
        assert_eq!(filled["Other"], ["{nobody}", "a {wave}", "{"]);
    }
}
