//! What a wave looks at and runs beside its launches: its checks and its hooks, and their way to and from the engine's.

use std::collections::BTreeMap;

use drs_engine::limits;
use drs_engine::plan::{ChecksSpec, Consequence, HookSpec};
use serde::{Deserialize, Serialize};
use tfplugin::Attr;

use super::Known;

/// Parameters of a document: a list of values by name.
pub(crate) type Parameters = BTreeMap<String, Attr<Vec<Attr<String>>>>;

/// The checks of a wave in configuration, plan and state.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub(crate) struct Checks {
    pub(crate) instance_status_timeout_seconds: Attr<i64>,
    pub(crate) ssm_document: Attr<String>,
    pub(crate) ssm_parameters: Attr<Parameters>,
    pub(crate) lambda_function: Attr<String>,
    pub(crate) timeout_seconds: Attr<i64>,
    pub(crate) on_degraded: Attr<String>,
}

/// A hook of a wave in configuration, plan and state.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub(crate) struct Hook {
    pub(crate) name: Attr<String>,
    pub(crate) lambda_function: Attr<String>,
    pub(crate) automation_document: Attr<String>,
    pub(crate) document_version: Attr<String>,
    pub(crate) parameters: Attr<Parameters>,
    pub(crate) account_id: Attr<String>,
    pub(crate) region: Attr<String>,
    pub(crate) timeout_seconds: Attr<i64>,
    pub(crate) on_failure: Attr<String>,
}

/// What stands for the name of a function or a document that is not known yet.
const STAND_IN: &str = "unknown";

impl Checks {
    pub(super) fn to_spec(&self, known: &mut Known) -> ChecksSpec {
        ChecksSpec {
            instance_status_timeout_seconds: known.optional(&self.instance_status_timeout_seconds),
            ssm_document: named(&self.ssm_document, known),
            ssm_parameters: parameters(&self.ssm_parameters, known),
            lambda_function: known.optional(&self.lambda_function),
            timeout_seconds: known.optional(&self.timeout_seconds),
            on_degraded: known.optional(&self.on_degraded),
        }
    }

    pub(super) fn of_spec(spec: &ChecksSpec) -> Self {
        Self {
            instance_status_timeout_seconds: spec.instance_status_timeout_seconds.into(),
            ssm_document: spec.ssm_document.clone().into(),
            ssm_parameters: stored(spec.ssm_parameters.as_ref()),
            lambda_function: spec.lambda_function.clone().into(),
            timeout_seconds: Attr::Known(
                spec.timeout_seconds
                    .unwrap_or(limits::CHECK_TIMEOUT.as_secs()),
            ),
            on_degraded: word(spec.on_degraded.as_ref(), Consequence::Continue),
        }
    }
}

impl Hook {
    pub(super) fn to_spec(&self, stand_in: impl FnOnce() -> String, known: &mut Known) -> HookSpec {
        // While one of the two is not known it may be none, so only one stand-in is needed to break no rule.
        let (lambda_function, automation_document) = match &self.automation_document {
            Attr::Null => (named(&self.lambda_function, known), None),
            document => (
                known.optional(&self.lambda_function),
                if self.lambda_function.known().is_some() {
                    known.optional(document)
                } else {
                    named(document, known)
                },
            ),
        };
        HookSpec {
            name: known.text(&self.name, stand_in),
            lambda_function,
            automation_document,
            document_version: known.optional(&self.document_version),
            parameters: parameters(&self.parameters, known),
            account_id: known.optional(&self.account_id),
            region: known.optional(&self.region),
            timeout_seconds: known.optional(&self.timeout_seconds),
            on_failure: known.optional(&self.on_failure),
        }
    }

    pub(super) fn of_spec(spec: &HookSpec) -> Self {
        Self {
            name: spec.name.clone().into(),
            lambda_function: spec.lambda_function.clone().into(),
            automation_document: spec.automation_document.clone().into(),
            document_version: spec.document_version.clone().into(),
            parameters: stored(spec.parameters.as_ref()),
            account_id: spec.account_id.clone().into(),
            region: spec.region.clone().into(),
            timeout_seconds: Attr::Known(
                spec.timeout_seconds
                    .unwrap_or(limits::HOOK_TIMEOUT.as_secs()),
            ),
            on_failure: word(spec.on_failure.as_ref(), Consequence::Fail),
        }
    }
}

/// The hooks of one list as far as they are known.
pub(super) fn hooks(
    list: &Attr<Vec<Hook>>,
    stand_in: impl Fn(usize) -> String,
    known: &mut Known,
) -> Option<Vec<HookSpec>> {
    known.missing |= list.is_unknown();
    let hooks = list.known()?.iter().enumerate();
    Some(
        hooks
            .map(|(position, hook)| hook.to_spec(|| stand_in(position), known))
            .collect(),
    )
}

/// A name that other attributes belong to, so something stands for it while it is not known.
fn named(name: &Attr<String>, known: &mut Known) -> Option<String> {
    match name {
        Attr::Null => None,
        name => Some(known.text(name, || STAND_IN.to_owned())),
    }
}

/// Parameters as far as they are known; what is not is left out.
fn parameters(
    written: &Attr<Parameters>,
    known: &mut Known,
) -> Option<BTreeMap<String, Vec<String>>> {
    known.missing |= written.is_unknown();
    let mut found = BTreeMap::new();
    for (name, values) in written.known()? {
        known.missing |= values.is_unknown();
        let values = values.known().into_iter().flatten();
        let values = values.filter_map(|value| known.optional(value)).collect();
        found.insert(name.clone(), values);
    }
    Some(found)
}

fn stored(parameters: Option<&BTreeMap<String, Vec<String>>>) -> Attr<Parameters> {
    let values = |values: &Vec<String>| values.iter().cloned().map(Attr::Known).collect();
    let pairs = parameters.map(|parameters| {
        let pairs = parameters.iter();
        pairs
            .map(|(name, list)| (name.clone(), Attr::Known(values(list))))
            .collect()
    });
    pairs.into()
}

fn word(written: Option<&String>, default: Consequence) -> Attr<String> {
    Attr::Known(written.map_or_else(|| default.as_str().to_owned(), Clone::clone))
}
