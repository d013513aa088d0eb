//! Stand-ins for Lambda, Systems Manager, SNS and Step Functions: what a script says comes of a call, and what was called.
//!
//! The scripts are those of a fleet or of an operator. What a call begins is given its end when it is made, as a job is,
//! and looking reads it off.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::call::Stage;
use super::error::ApiError;
use super::model::{Site, site_key};
use super::pace::shortened;
use super::{Caller, Reply, World};
use crate::sim::fleet::{self, Outcome, Step, Stub};
use crate::time::after;

pub(super) mod automation;
pub(super) mod command;
pub(super) mod lambda;
pub(super) mod sns;
pub(super) mod states;

/// Calls that a world remembers.
const CALLS_KEPT: usize = 1_000;
/// Bytes of all the inputs that a world remembers; one that is longer by itself is remembered by its length.
const INPUTS_KEPT_BYTES: usize = 4 * 1024 * 1024;
/// How long what was called takes when its script does not say.
const USUAL_DELAY_SECONDS: f64 = 1.0;

/// The stand-ins of a site and what they were asked to run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Stubs {
    functions: BTreeMap<String, Vec<Step>>,
    documents: BTreeMap<String, Vec<Step>>,
    topics: BTreeMap<String, Vec<Step>>,
    #[serde(default)]
    state_machines: BTreeMap<String, Vec<Step>>,
    commands: VecDeque<command::Command>,
    automations: VecDeque<automation::Automation>,
    #[serde(default)]
    runs: VecDeque<states::Run>,
    /// Tokens that were given back.
    #[serde(default)]
    tokens: VecDeque<String>,
    /// The number of the last call, which labels what chance gives it.
    last_call: u64,
}

/// Which stand-ins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StubKind {
    /// Lambda functions.
    Function,
    /// Systems Manager documents.
    Document,
    /// SNS topics.
    Topic,
    /// State machines of Step Functions.
    StateMachine,
}

/// A call of a stand-in that was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StubCall {
    /// When.
    pub at: Timestamp,
    /// The account that it was made in.
    pub account_id: String,
    /// The Region.
    pub region: String,
    /// Who called.
    pub caller: String,
    /// The operation, e.g. `lambda:Invoke`.
    pub operation: String,
    /// Its input; only its length in bytes where it is too long to be kept.
    pub input: Value,
    /// The code of the error that it was refused with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The id that was given to what it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    bytes: usize,
}

impl Stubs {
    /// Those of a fleet.
    pub(super) fn of_fleet(region: &fleet::Region) -> Self {
        let scripts = |stubs: &[Stub]| {
            let pairs = stubs.iter();
            pairs
                .map(|stub| (stub.name.clone(), stub.script.clone()))
                .collect()
        };
        Self {
            functions: scripts(&region.functions),
            documents: scripts(&region.documents),
            topics: scripts(&region.topics),
            state_machines: scripts(&region.state_machines),
            ..Self::default()
        }
    }

    /// Adds a stand-in, or gives one another script.
    pub(super) fn script(&mut self, kind: StubKind, stub: Stub) {
        self.scripts(kind).insert(stub.name, stub.script);
    }

    fn scripts(&mut self, kind: StubKind) -> &mut BTreeMap<String, Vec<Step>> {
        match kind {
            StubKind::Function => &mut self.functions,
            StubKind::Document => &mut self.documents,
            StubKind::Topic => &mut self.topics,
            StubKind::StateMachine => &mut self.state_machines,
        }
    }

    /// Whether something has the name, whatever its script says of calls.
    fn has(&self, kind: StubKind, name: &str) -> bool {
        let scripts = match kind {
            StubKind::Function => &self.functions,
            StubKind::Document => &self.documents,
            StubKind::Topic => &self.topics,
            StubKind::StateMachine => &self.state_machines,
        };
        let declared = scripts.contains_key(name) || scripts.contains_key("*");
        declared || (kind == StubKind::Document && belongs_to_aws(name))
    }

    /// What comes of the next call of a name; an error where nothing has the name, or its script refuses the call.
    fn answer(
        &mut self,
        kind: StubKind,
        name: &str,
        missing: ApiError,
        throttled: ApiError,
    ) -> Result<Step, ApiError> {
        match self.next_step(kind, name) {
            Some(step) if step.outcome == Outcome::Throttle => Err(throttled),
            Some(step) if step.outcome != Outcome::Missing => Ok(step),
            _ => Err(missing),
        }
    }

    /// What comes of the next call of a name, which is used up; none when nothing has the name.
    fn next_step(&mut self, kind: StubKind, name: &str) -> Option<Step> {
        let scripts = self.scripts(kind);
        let key = if scripts.contains_key(name) {
            name
        } else {
            "*"
        };
        let Some(script) = scripts.get_mut(key) else {
            return (kind == StubKind::Document && belongs_to_aws(name)).then(Step::default);
        };
        let Some(first) = script.first_mut() else {
            return Some(Step::default());
        };
        let step = first.clone();
        if let Some(times) = &mut first.times {
            *times = times.saturating_sub(1);
            if *times == 0 {
                script.remove(0);
            }
        }
        Some(step)
    }

    fn next_number(&mut self) -> String {
        self.last_call += 1;
        self.last_call.to_string()
    }
}

/// Whether a document is one that AWS has put into every account: nobody else may give one such a name.
fn belongs_to_aws(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["aws", "amazon", "amzn"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

/// The operations that call a stand-in.
pub(super) const CALLS: [&str; 6] = [
    "lambda:Invoke",
    "sns:Publish",
    "ssm:SendCommand",
    "ssm:StartAutomationExecution",
    "states:SendTaskSuccess",
    "states:StartExecution",
];

impl World {
    /// Every call of a stand-in that is remembered, oldest first.
    pub fn stub_calls(&self) -> impl Iterator<Item = &StubCall> {
        self.stub_calls.iter()
    }

    /// Calls a stand-in, and writes it down whether it was accepted or not.
    pub(super) fn call_stub(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        region: &str,
        operation: &str,
        input: &Value,
    ) -> Result<Reply, ApiError> {
        let account_id = &caller.account_id;
        let seed = self.seed;
        let site = self.sites.entry(site_key(account_id, region));
        let site = site.or_insert_with(|| Site::empty(account_id, region, seed));
        let mut stage = Stage {
            site,
            settings: &self.settings,
            seed: self.seed,
            now,
        };
        let begun = match operation {
            "lambda:Invoke" => lambda::invoke(&mut stage, caller, input),
            "sns:Publish" => sns::publish(&mut stage, caller, input),
            "ssm:SendCommand" => command::send(&mut stage, input),
            "states:SendTaskSuccess" => states::wake(&mut stage, input),
            "states:StartExecution" => states::start(&mut stage, caller, input),
            _ => automation::start(&mut stage, caller, input),
        };
        let (error, id) = match &begun {
            Ok(begun) => (None, Some(begun.id.clone())),
            Err(error) => (Some(error.code.clone()), None),
        };
        let bytes = input.to_string().len();
        let is_kept = bytes <= INPUTS_KEPT_BYTES;
        self.remember(StubCall {
            at: now,
            account_id: account_id.clone(),
            region: region.to_owned(),
            caller: caller.arn.clone(),
            operation: operation.to_owned(),
            input: if is_kept {
                input.clone()
            } else {
                json!({"bytes": bytes})
            },
            error,
            id,
            bytes: if is_kept { bytes } else { 0 },
        });
        begun.map(|begun| Reply {
            status: begun.status,
            body: Some(begun.body),
        })
    }

    fn remember(&mut self, call: StubCall) {
        self.stub_calls.push_back(call);
        let mut bytes: usize = self.stub_calls.iter().map(|call| call.bytes).sum();
        while (self.stub_calls.len() > CALLS_KEPT || bytes > INPUTS_KEPT_BYTES)
            && let Some(oldest) = self.stub_calls.pop_front()
        {
            bytes -= oldest.bytes;
        }
    }
}

/// What a call has begun.
struct Begun {
    /// Its id.
    id: String,
    /// The answer.
    status: u16,
    body: Value,
}

/// When what a step is about has ended.
fn end_of(step: &Step, usual_seconds: f64, stage: &Stage<'_>) -> Timestamp {
    let seconds = step.delay_seconds.unwrap_or(usual_seconds).max(0.0);
    after(stage.now, span(seconds, stage))
}

fn span(seconds: f64, stage: &Stage<'_>) -> SignedDuration {
    // Rounded to what the wire has; the cast saturates.
    shortened((seconds * 1e6).round() as u64, stage.settings.shorten)
}

/// Why what a step is about failed.
fn reason(step: &Step, usual: &str) -> String {
    step.reason.clone().unwrap_or_else(|| usual.to_owned())
}

/// What a step's run says as text.
fn text(output: &Value) -> String {
    output
        .as_str()
        .map_or_else(|| output.to_string(), ToOwned::to_owned)
}

/// An input, refused in the words of a service's front door.
fn read<T: DeserializeOwned>(input: &Value) -> Result<T, ApiError> {
    T::deserialize(input).map_err(|error| {
        let message = error.to_string();
        match message.strip_prefix("missing field `") {
            Some(rest) => unfit_null(rest.split('`').next().unwrap_or_default()),
            None => ApiError::new("SerializationException", 400, message),
        }
    })
}

fn unfit_null(member: &str) -> ApiError {
    let (first, rest) = member.split_at_checked(1).unwrap_or_default();
    let first = first.to_ascii_lowercase();
    let message = format!(
        "1 validation error detected: Value null at '{first}{rest}' failed to satisfy constraint: Member must not be null"
    );
    ApiError::new("ValidationException", 400, message)
}

/// Input that does not have the shape of a service's model, in the words that its front door uses.
fn unfit(value: &str, member: &str, constraint: &str) -> ApiError {
    let message = format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: Member must {constraint}"
    );
    ApiError::new("ValidationException", 400, message)
}

/// Too many requests, as Systems Manager and SNS say it.
fn too_many(code: &str) -> ApiError {
    ApiError::new(code, 400, "Rate exceeded")
}
