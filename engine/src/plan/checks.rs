//! What is looked at after a server is launched, before its wave is finished: EC2's status checks, a command of Systems
//! Manager, a Lambda function.
//!
//! LAUNCHED is what DRS says; healthy is what these say. A server that fails one is *degraded*: it stays launched, and
//! only where the plan says so does it count as lost for its wave.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::hooks::{Consequence, check_parameters, check_word};
use super::{PathStep, PlanError, WaveSpec, parse_duration, wave_path};
use crate::ids::Target;
use crate::limits;
use crate::ports::Action;

/// The checks of a wave as they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChecksSpec {
    /// Seconds in which EC2's two status checks must pass, from LAUNCHED on; zero means that they are not looked at, none
    /// ten minutes, or 45 on Windows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_status_timeout_seconds: Option<i64>,
    /// A command document of Systems Manager that is run on the instances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssm_document: Option<String>,
    /// Its parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssm_parameters: Option<BTreeMap<String, Vec<String>>>,
    /// A Lambda function of the hub that is invoked with the instances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lambda_function: Option<String>,
    /// Seconds that the command and the function may take each; none means ten minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<i64>,
    /// What degraded servers mean for the wave: `continue` or `fail`; none means `continue`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_degraded: Option<String>,
}

/// The checks of a wave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checks {
    /// How long the status checks may take; zero means that they are not looked at, none goes by the operating system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_timeout: Option<SignedDuration>,
    /// What is run on the instances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<CommandCheck>,
    /// What is invoked with them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<FunctionCheck>,
    /// How long the command and the function may take each.
    pub timeout: SignedDuration,
    /// What degraded servers mean for the wave.
    pub on_degraded: Consequence,
}

/// A command that is run on instances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandCheck {
    /// The document's name or ARN.
    pub document: String,
    /// Its parameters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, Vec<String>>,
}

/// A function that is invoked with instances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionCheck {
    /// Its name or ARN.
    pub function: String,
    /// Where it is; none until the plan is frozen, and then the hub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
}

/// One of the checks; a server passes them in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// EC2's instance and system status.
    Status,
    /// The command on the instance.
    Command,
    /// The function.
    Function,
}

impl Default for Checks {
    fn default() -> Self {
        Self {
            status_timeout: None,
            command: None,
            function: None,
            timeout: limits::CHECK_TIMEOUT,
            on_degraded: Consequence::Continue,
        }
    }
}

impl Checks {
    /// Whether anything is looked at.
    pub fn is_any(&self) -> bool {
        self.next(None).is_some()
    }

    /// The check that comes after one; the first where there is none before it.
    pub fn next(&self, passed: Option<Check>) -> Option<Check> {
        let wanted = [
            (self.status_timeout != Some(SignedDuration::ZERO)).then_some(Check::Status),
            self.command.as_ref().map(|_| Check::Command),
            self.function.as_ref().map(|_| Check::Function),
        ];
        wanted
            .into_iter()
            .flatten()
            .find(|check| passed.is_none_or(|passed| *check > passed))
    }

    /// How long the status checks of a server may take.
    pub fn status_limit(&self, is_windows: bool) -> SignedDuration {
        self.status_timeout.unwrap_or(if is_windows {
            limits::STATUS_TIMEOUT_WINDOWS
        } else {
            limits::STATUS_TIMEOUT
        })
    }

    /// The longest that all of them can take.
    pub(super) fn longest(&self) -> SignedDuration {
        let of = |check: Check| match check {
            Check::Status => self.status_limit(true),
            Check::Command | Check::Function => self.timeout,
        };
        let mut sum = SignedDuration::ZERO;
        let mut passed = None;
        while let Some(check) = self.next(passed) {
            sum = sum.saturating_add(of(check));
            passed = Some(check);
        }
        sum
    }
}

impl Check {
    /// What it is called in lines for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Status => "EC2 status",
            Self::Command => "command",
            Self::Function => "function",
        }
    }
}

impl CommandCheck {
    /// The command on these instances.
    pub fn on(&self, instances: Vec<crate::ids::InstanceId>) -> Action {
        Action::Command {
            document: self.document.clone(),
            version: None,
            parameters: self.parameters.clone(),
            instances,
        }
    }
}

/// The checks of a wave as written; the defaults where nothing is.
pub(super) fn parse(index: usize, spec: &WaveSpec, errors: &mut Vec<PlanError>) -> Checks {
    let Some(spec) = &spec.checks else {
        return Checks::default();
    };
    let path = |attribute: &'static str| {
        let mut path = wave_path(index, "checks");
        path.push(PathStep::Attribute(attribute));
        path
    };
    let seconds = |written: Option<i64>, least, attribute, errors: &mut Vec<PlanError>| {
        written.map(|seconds| {
            let most = limits::LONGEST_ACTION;
            parse_duration(seconds, least..=most.as_secs(), path(attribute), errors)
        })
    };
    let status_timeout = seconds(
        spec.instance_status_timeout_seconds,
        0,
        "instance_status_timeout_seconds",
        errors,
    );
    let timeout = seconds(spec.timeout_seconds, 1, "timeout_seconds", errors);
    check_word(spec.ssm_document.as_deref(), path("ssm_document"), errors);
    check_word(
        spec.lambda_function.as_deref(),
        path("lambda_function"),
        errors,
    );
    let parameters = spec.ssm_parameters.clone().unwrap_or_default();
    check_parameters(&parameters, path("ssm_parameters"), errors);
    if spec.ssm_parameters.is_some() && spec.ssm_document.is_none() {
        errors.push(PlanError {
            path: path("ssm_parameters"),
            message: "parameters of what? Name the ssm_document that gets them, or leave them out"
                .to_owned(),
        });
    }
    let target = None;
    Checks {
        status_timeout,
        command: spec.ssm_document.clone().map(|document| CommandCheck {
            document,
            parameters,
        }),
        function: spec
            .lambda_function
            .clone()
            .map(|function| FunctionCheck { function, target }),
        timeout: timeout.unwrap_or(limits::CHECK_TIMEOUT),
        on_degraded: Consequence::parse(
            spec.on_degraded.as_deref(),
            Consequence::Continue,
            path("on_degraded"),
            errors,
        ),
    }
}

/// Takes out of a wave what equals its default, for the digest.
pub(super) fn without_defaults(wave: &mut WaveSpec) {
    let Some(checks) = &mut wave.checks else {
        return;
    };
    let standard = limits::CHECK_TIMEOUT.as_secs();
    let word = Consequence::Continue.as_str();
    checks.timeout_seconds = checks.timeout_seconds.filter(|found| *found != standard);
    checks.on_degraded = checks.on_degraded.take().filter(|found| found != word);
    checks.ssm_parameters = checks
        .ssm_parameters
        .take()
        .filter(|found| !found.is_empty());
    if *checks == ChecksSpec::default() {
        wave.checks = None;
    }
}

#[cfg(test)]
mod tests;
