//! What a plan may ask of other services: functions and documents for hooks and checks, topics for notifications.

use std::collections::BTreeMap;
use std::future::Future;

use serde::{Deserialize, Serialize};

use super::CallError;
use crate::ids::{InstanceId, Target};

/// Functions and documents: AWS Lambda and AWS Systems Manager.
///
/// An action is begun and then looked at, so that nothing waits in a call that takes minutes. Beginning is never retried
/// by the adapter: whether an action may run twice is for whoever wrote the plan.
pub trait Actions: Send + Sync {
    /// Begins an action.
    ///
    /// After `Ok`, it runs. After [`super::Kind::Refused`] or [`super::Kind::Busy`], it does not. After
    /// [`super::Kind::Unknown`], it may. Beginning again with the same token is the same action where AWS knows a token:
    /// an automation is then not run twice. A function finds the token in its input.
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
pub trait Topics: Send + Sync {
    /// Publishes a message. After `Ok`, SNS has it; whether anybody is subscribed is not known.
    fn publish(
        &self,
        topic_arn: &str,
        subject: &str,
        message: &str,
    ) -> impl Future<Output = Result<(), CallError>> + Send;
}

/// An action to be begun.
#[derive(Clone, Debug, PartialEq)]
pub struct ActionRequest {
    /// What to run.
    pub action: Action,
    /// A word of at most 36 characters that is the same each time the same action is begun: a UUID.
    pub token: String,
    /// What a function gets as its input; a document gets it as the parameter `Input` where it has one.
    pub input: serde_json::Value,
}

/// What to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Action {
    /// A Lambda function, invoked for its answer. It failed when it says so, or when it ends with an error.
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

/// An action that was begun: the id that Systems Manager gave it, or the adapter's own for a function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ActionRun(pub String);

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
    /// Nobody can say any more: a function that was invoked by a process that is gone.
    Lost,
}
