//! What is run before and after a wave: Lambda functions and automations of Systems Manager.
//!
//! Before-hooks run one after the other when the wave is due, before its first launch; after-hooks when its servers have
//! ended and been checked.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::{PathStep, PlanError, WaveSpec, name_problem, parse_duration, wave_path};
use crate::ids::Target;
use crate::limits;
use crate::ports::Action;

/// A hook as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookSpec {
    /// Name, unique in its list.
    pub name: String,
    /// A Lambda function, by name or ARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lambda_function: Option<String>,
    /// An automation document of Systems Manager, by name or ARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub automation_document: Option<String>,
    /// The document's version; none means its default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_version: Option<String>,
    /// The document's parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<BTreeMap<String, Vec<String>>>,
    /// The account it runs in; none means the hub's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// The Region it runs in; none means the hub's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Seconds it may take; none means five minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<i64>,
    /// What its failure means: `fail` or `continue`; none means `fail`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<String>,
}

/// A hook of a wave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// Name, unique in its list.
    pub name: String,
    /// What is run.
    pub action: Action,
    /// The account; none until the plan is frozen, where it is the hub's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// The Region; none until the plan is frozen, where it is the hub's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// How long it may take.
    pub timeout: SignedDuration,
    /// What its failure means.
    pub on_failure: Consequence,
}

/// Whether something that went wrong fails the wave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consequence {
    /// The wave has failed.
    Fail,
    /// It is recorded, and the wave goes on.
    Continue,
}

impl Hook {
    /// Where it runs, as seen from a hub.
    pub fn target(&self, hub: &Target) -> Target {
        Target {
            account_id: self.account_id.as_ref().unwrap_or(&hub.account_id).clone(),
            region: self.region.as_ref().unwrap_or(&hub.region).clone(),
        }
    }
}

impl Consequence {
    /// The word that configuration and history use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Continue => "continue",
        }
    }

    pub(super) fn parse(
        word: Option<&str>,
        default: Self,
        path: Vec<PathStep>,
        errors: &mut Vec<PlanError>,
    ) -> Self {
        match word {
            None => default,
            Some("fail") => Self::Fail,
            Some("continue") => Self::Continue,
            Some(other) => {
                let message = format!(
                    "{other:?} does not say what follows; use \"fail\" or \"continue\", or leave it out for \"{}\"",
                    default.as_str()
                );
                errors.push(PlanError { path, message });
                default
            }
        }
    }
}

/// The hooks of a wave as written: those before it, and those after it.
pub(super) fn parse(
    index: usize,
    spec: &WaveSpec,
    errors: &mut Vec<PlanError>,
) -> (Vec<Hook>, Vec<Hook>) {
    let before = spec.before_hooks.as_deref().unwrap_or_default();
    let after = spec.after_hooks.as_deref().unwrap_or_default();
    (
        parse_list(index, "before_hooks", before, errors),
        parse_list(index, "after_hooks", after, errors),
    )
}

/// Hooks are frozen in the first event of an execution, so a plan can have only so many.
pub(super) fn check_count(waves: &[WaveSpec], errors: &mut Vec<PlanError>) {
    let of_wave = |wave: &WaveSpec| {
        let lists = [&wave.before_hooks, &wave.after_hooks];
        lists.into_iter().flatten().map(Vec::len).sum::<usize>()
    };
    let count: usize = waves.iter().map(of_wave).sum();
    if count > limits::HOOKS_PER_PLAN {
        errors.push(PlanError {
            path: vec![PathStep::Attribute("waves")],
            message: format!(
                "{count} hooks; at most {} are allowed in one plan",
                limits::HOOKS_PER_PLAN
            ),
        });
    }
}

fn parse_list(
    index: usize,
    list: &'static str,
    written: &[HookSpec],
    errors: &mut Vec<PlanError>,
) -> Vec<Hook> {
    let mut names = BTreeSet::new();
    let mut hooks = Vec::new();
    for (position, spec) in written.iter().enumerate() {
        let path = |attribute: &'static str| {
            let mut path = wave_path(index, list);
            path.extend([PathStep::Index(position), PathStep::Attribute(attribute)]);
            path
        };
        let problem = name_problem(&spec.name).or_else(|| {
            (!names.insert(&spec.name))
                .then(|| format!("the hook name {:?} is used twice in this list", spec.name))
        });
        errors.extend(problem.map(|message| PlanError {
            path: path("name"),
            message,
        }));
        check_place(spec, path, errors);
        let timeout = spec.timeout_seconds.map(|seconds| {
            let most = limits::LONGEST_ACTION.as_secs();
            parse_duration(seconds, 1..=most, path("timeout_seconds"), errors)
        });
        let on_failure = Consequence::parse(
            spec.on_failure.as_deref(),
            Consequence::Fail,
            path("on_failure"),
            errors,
        );
        hooks.extend(parse_action(spec, path, errors).map(|action| Hook {
            name: spec.name.clone(),
            action,
            account_id: spec.account_id.clone(),
            region: spec.region.clone(),
            timeout: timeout.unwrap_or(limits::HOOK_TIMEOUT),
            on_failure,
        }));
    }
    hooks
}

fn parse_action(
    spec: &HookSpec,
    path: impl Fn(&'static str) -> Vec<PathStep>,
    errors: &mut Vec<PlanError>,
) -> Option<Action> {
    check_word(
        spec.lambda_function.as_deref(),
        path("lambda_function"),
        errors,
    );
    check_word(
        spec.automation_document.as_deref(),
        path("automation_document"),
        errors,
    );
    check_word(
        spec.document_version.as_deref(),
        path("document_version"),
        errors,
    );
    let parameters = spec.parameters.clone().unwrap_or_default();
    check_parameters(&parameters, path("parameters"), errors);
    let mut wrong = |attribute: &'static str, message: &str| {
        errors.push(PlanError {
            path: path(attribute),
            message: message.to_owned(),
        });
    };
    match (&spec.lambda_function, &spec.automation_document) {
        (Some(function), None) => {
            let only =
                "only an automation_document has it; a function finds what it needs in its input";
            if spec.document_version.is_some() {
                wrong("document_version", only);
            }
            if spec.parameters.is_some() {
                wrong("parameters", only);
            }
            Some(Action::Lambda {
                function: function.clone(),
            })
        }
        (None, Some(document)) => Some(Action::Automation {
            document: document.clone(),
            version: spec.document_version.clone(),
            parameters,
        }),
        (Some(_), Some(_)) => {
            let message = "a hook runs one thing: name either lambda_function or automation_document; for both, write two \
                           hooks";
            wrong("automation_document", message);
            None
        }
        (None, None) => {
            let message = "the hook runs nothing; name a lambda_function or an automation_document";
            wrong("lambda_function", message);
            None
        }
    }
}

fn check_place(
    spec: &HookSpec,
    path: impl Fn(&'static str) -> Vec<PathStep>,
    errors: &mut Vec<PlanError>,
) {
    if let Some(id) = &spec.account_id
        && (id.len() != 12 || !id.bytes().all(|byte| byte.is_ascii_digit()))
    {
        errors.push(PlanError {
            path: path("account_id"),
            message: format!("{id:?} is not an account id; it has 12 digits"),
        });
    }
    check_word(spec.region.as_deref(), path("region"), errors);
}

/// Names of functions, documents, versions and Regions: they are AWS's, so only what can never be one is refused.
pub(super) fn check_word(word: Option<&str>, path: Vec<PathStep>, errors: &mut Vec<PlanError>) {
    let Some(word) = word else {
        return;
    };
    let message = if word.trim().is_empty() {
        "it is empty; name one, or leave it out".to_owned()
    } else if word.chars().count() > limits::ACTION_NAME_CHARS {
        format!("at most {} characters", limits::ACTION_NAME_CHARS)
    } else if word
        .chars()
        .any(|char| char.is_whitespace() || char.is_control())
    {
        format!("{word:?} contains white space or a control character")
    } else {
        return;
    };
    errors.push(PlanError { path, message });
}

/// Parameters are frozen in the first event of an execution, so they may not be long.
pub(super) fn check_parameters(
    parameters: &BTreeMap<String, Vec<String>>,
    path: Vec<PathStep>,
    errors: &mut Vec<PlanError>,
) {
    let of_one = |(name, values): (&String, &Vec<String>)| {
        name.len() + values.iter().map(String::len).sum::<usize>()
    };
    let size: usize = parameters.iter().map(of_one).sum();
    let count = parameters.values().map(|values| values.len().max(1));
    let message = if size > limits::PARAMETERS_BYTES {
        format!(
            "{size} bytes; parameters may have {} in all",
            limits::PARAMETERS_BYTES
        )
    } else if count.sum::<usize>() > limits::PARAMETER_VALUES {
        format!("more than {} values", limits::PARAMETER_VALUES)
    } else {
        return;
    };
    errors.push(PlanError { path, message });
}

/// Takes out of a wave what equals its default, for the digest.
pub(super) fn without_defaults(wave: &mut WaveSpec) {
    for list in [&mut wave.before_hooks, &mut wave.after_hooks] {
        *list = list.take().filter(|hooks| !hooks.is_empty());
        for hook in list.iter_mut().flatten() {
            let standard = limits::HOOK_TIMEOUT.as_secs();
            let word = Consequence::Fail.as_str();
            hook.timeout_seconds = hook.timeout_seconds.filter(|found| *found != standard);
            hook.on_failure = hook.on_failure.take().filter(|found| found != word);
            hook.parameters = hook.parameters.take().filter(|found| !found.is_empty());
        }
    }
}

#[cfg(test)]
mod tests;
