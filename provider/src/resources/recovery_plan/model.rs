//! The model of a recovery plan, and its way to and from the engine's plan.

use std::collections::BTreeSet;
use std::time::Duration;

use drs_engine::ids::{GroupId, ServerId};
use drs_engine::plan::{AfterFailure, HookSpec, LaunchOrder, PlanSpec, WaveSpec};
use drs_engine::store::plan::StoredPlan;
use serde::{Deserialize, Serialize};
use tfplugin::{Attr, Diagnostic, duration};

use crate::convert;
use crate::tags::{self, Tags};

mod actions;
mod guard;
mod notifications;

pub(crate) use actions::{Checks, Hook, Parameters};
use guard::Guard;
use notifications::Notifications;

/// A recovery plan in configuration, plan and state.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub(crate) struct Model {
    pub(crate) id: Attr<String>,
    pub(crate) name: Attr<String>,
    pub(crate) description: Attr<String>,
    pub(crate) tags: Attr<Tags>,
    pub(crate) tags_all: Attr<Tags>,
    pub(crate) waves: Attr<Vec<Wave>>,
    pub(crate) execution_timeout_seconds: Attr<i64>,
    pub(crate) rto_objective: Attr<String>,
    pub(crate) rpo_objective: Attr<String>,
    pub(crate) drill_guard: Attr<Guard>,
    pub(crate) notifications: Attr<Notifications>,
    pub(crate) digest: Attr<String>,
}

/// A wave in configuration, plan and state.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub(crate) struct Wave {
    pub(crate) name: Attr<String>,
    pub(crate) protection_group_ids: Attr<Vec<Attr<String>>>,
    pub(crate) depends_on_waves: Attr<Vec<Attr<String>>>,
    pub(crate) launch_order: Attr<String>,
    pub(crate) source_server_ids: Attr<Vec<Attr<String>>>,
    pub(crate) max_in_flight: Attr<i64>,
    pub(crate) wait_time_seconds: Attr<i64>,
    pub(crate) timeout_seconds: Attr<i64>,
    pub(crate) pause_before: Attr<bool>,
    pub(crate) on_failure: Attr<String>,
    pub(crate) critical_server_ids: Attr<Vec<Attr<String>>>,
    pub(crate) min_success_percent: Attr<i64>,
    pub(crate) retries: Attr<i64>,
    pub(crate) checks: Attr<Checks>,
    pub(crate) before_hooks: Attr<Vec<Hook>>,
    pub(crate) after_hooks: Attr<Vec<Hook>>,
}

impl Model {
    /// The plan as far as it is known. Values that are not known yet are replaced by stand-ins that break no rule, so
    /// that everything else can be checked at plan time; the flag says whether there were any.
    pub(crate) fn to_spec(&self) -> (PlanSpec, bool) {
        let mut known = Known {
            only_waves: self.known_waves(),
            ..Known::default()
        };
        let waves = match &self.waves {
            Attr::Known(waves) => waves
                .iter()
                .enumerate()
                .map(|(index, wave)| wave.to_spec(index, &mut known))
                .collect(),
            Attr::Null => Vec::new(),
            Attr::Unknown => {
                known.missing = true;
                vec![stand_in_wave(0)]
            }
        };
        let spec = PlanSpec {
            name: known.text(&self.name, || "unknown".to_owned()),
            description: known.optional(&self.description),
            waves,
            execution_timeout_seconds: known.optional(&self.execution_timeout_seconds),
            rto_objective_seconds: known.seconds(&self.rto_objective),
            rpo_objective_seconds: known.seconds(&self.rpo_objective),
            drill_guard: known.nested(&self.drill_guard, Guard::to_spec),
            notifications: known.nested(&self.notifications, Notifications::to_spec),
        };
        (spec, known.missing)
    }

    /// The names of the waves that are known, where there are others; none when every one is known.
    fn known_waves(&self) -> Option<BTreeSet<String>> {
        let names = || {
            self.waves
                .known()
                .into_iter()
                .flatten()
                .map(|wave| &wave.name)
        };
        names()
            .any(Attr::is_unknown)
            .then(|| names().filter_map(|name| name.known().cloned()).collect())
    }

    /// What is stored, once everything is known.
    pub(crate) fn written(&self, defaults: &Attr<Tags>) -> Result<Written, Diagnostic> {
        let (spec, incomplete) = self.to_spec();
        if incomplete {
            let detail = "Part of the plan is still not known at apply. This is a mistake in the provider: please \
                          report it.";
            return Err(Diagnostic::error("Unknown Value", detail).at("waves"));
        }
        let tags = tags::all(defaults, &self.tags).require("tags")?.clone();
        Ok(Written { spec, tags })
    }

    /// The plan with what is known after writing.
    pub(crate) fn with(mut self, plan: &StoredPlan) -> Self {
        self.id = plan.id.to_string().into();
        self.tags_all = plan.tags.clone().into();
        self.digest = digest(&plan.spec);
        self
    }

    /// The state as the store has it.
    pub(crate) fn read(&self, plan: &StoredPlan, defaults: &Attr<Tags>) -> Self {
        let spec = &plan.spec;
        Self {
            id: plan.id.to_string().into(),
            name: spec.name.clone().into(),
            description: spec.description.clone().into(),
            tags: tags::own(defaults, &self.tags, &plan.tags),
            tags_all: plan.tags.clone().into(),
            waves: Attr::Known(spec.waves.iter().map(Wave::of_spec).collect()),
            execution_timeout_seconds: spec.execution_timeout_seconds.into(),
            rto_objective: objective(&self.rto_objective, spec.rto_objective_seconds),
            rpo_objective: objective(&self.rpo_objective, spec.rpo_objective_seconds),
            drill_guard: spec.drill_guard.as_ref().map(Guard::of_spec).into(),
            notifications: spec
                .notifications
                .as_ref()
                .map(Notifications::of_spec)
                .into(),
            digest: digest(spec),
        }
    }
}

impl Model {
    /// Objectives that are written in another way, and mean what they did, are no change: an import has them as the store
    /// tells them.
    pub(crate) fn keep_objectives(&mut self, prior: &Self) {
        keep(&mut self.rto_objective, &prior.rto_objective);
        keep(&mut self.rpo_objective, &prior.rpo_objective);
    }
}

fn keep(planned: &mut Attr<String>, prior: &Attr<String>) {
    let means = seconds(planned);
    if means.is_some() && means == seconds(prior) {
        planned.clone_from(prior);
    }
}

/// What is stored of a plan.
pub(crate) struct Written {
    pub(crate) spec: PlanSpec,
    pub(crate) tags: Tags,
}

/// An objective in whole seconds.
fn seconds(text: &Attr<String>) -> Option<i64> {
    Some(convert::span(text)?.as_secs())
}

/// An objective as it was written, where it still says what is stored.
fn objective(written: &Attr<String>, stored: Option<i64>) -> Attr<String> {
    if seconds(written) == stored {
        return written.clone();
    }
    let stored = stored.and_then(|seconds| u64::try_from(seconds).ok());
    stored
        .map(|seconds| duration::text(Duration::from_secs(seconds)))
        .into()
}

/// The digest of a stored plan. One that a newer version would refuse has none, and shows as changed.
fn digest(spec: &PlanSpec) -> Attr<String> {
    drs_engine::plan::Plan::parse(spec)
        .ok()
        .map(|plan| plan.digest().to_owned())
        .into()
}

impl Wave {
    fn to_spec(&self, index: usize, known: &mut Known) -> WaveSpec {
        let ids = |list: &Attr<Vec<Attr<String>>>, known: &mut Known, what: &str| match list {
            Attr::Known(list) => Some(
                list.iter()
                    .enumerate()
                    .map(|(position, id)| {
                        known.text(id, || format!("unknown-{what}-{index}-{position}"))
                    })
                    .collect::<Vec<String>>(),
            ),
            Attr::Null => None,
            Attr::Unknown => {
                known.missing = true;
                Some(vec![format!("unknown-{what}-{index}")])
            }
        };
        let critical_server_ids = match &self.critical_server_ids {
            // A list that is not known may turn out to be none, so it excludes nothing yet.
            Attr::Unknown => {
                known.missing = true;
                None
            }
            list => ids(list, known, "critical"),
        };
        let checks = known.nested(&self.checks, |checks, known| Some(checks.to_spec(known)));
        let hooks = |list: &Attr<Vec<Hook>>, known: &mut Known, when: &str| {
            let stand_in = |position| format!("unknown-{when}-{index}-{position}");
            actions::hooks(list, stand_in, known)
        };
        WaveSpec {
            name: known.text(&self.name, || format!("unknown-{index}")),
            protection_group_ids: ids(&self.protection_group_ids, known, "group")
                .unwrap_or_default()
                .into_iter()
                .map(GroupId::new)
                .collect(),
            depends_on_waves: self.dependencies(known),
            launch_order: known.optional(&self.launch_order),
            source_server_ids: ids(&self.source_server_ids, known, "server")
                .map(|list| list.into_iter().map(ServerId::new).collect()),
            max_in_flight: known.optional(&self.max_in_flight),
            wait_time_seconds: known.optional(&self.wait_time_seconds),
            timeout_seconds: known.optional(&self.timeout_seconds),
            pause_before: known.optional(&self.pause_before),
            on_failure: known.optional(&self.on_failure),
            critical_server_ids: critical_server_ids
                .map(|list| list.into_iter().map(ServerId::new).collect()),
            min_success_percent: known.optional(&self.min_success_percent),
            retries: known.optional(&self.retries),
            checks,
            before_hooks: hooks(&self.before_hooks, known, "before"),
            after_hooks: hooks(&self.after_hooks, known, "after"),
        }
    }

    /// The waves that this one waits for, as far as they are known.
    fn dependencies(&self, known: &mut Known) -> Option<Vec<String>> {
        match &self.depends_on_waves {
            // A dependency that is not known cannot be checked; without it the rest can.
            Attr::Unknown => {
                known.missing = true;
                Some(Vec::new())
            }
            Attr::Null => None,
            Attr::Known(names) => {
                known.missing |= names.iter().any(Attr::is_unknown);
                let names = names.iter().filter_map(|name| name.known());
                // A name that no wave has may be that of a wave whose name is not known yet.
                let names = names.filter(|name| {
                    let only = known.only_waves.as_ref();
                    only.is_none_or(|waves| waves.contains(*name))
                });
                Some(names.cloned().collect())
            }
        }
    }

    fn of_spec(spec: &WaveSpec) -> Self {
        let texts = |list: Vec<String>| Attr::Known(list.into_iter().map(Attr::Known).collect());
        let hooks = |list: &Option<Vec<HookSpec>>| {
            let list = list.as_deref();
            Attr::from(list.map(|list| list.iter().map(Hook::of_spec).collect()))
        };
        Self {
            name: Attr::Known(spec.name.clone()),
            protection_group_ids: texts(
                spec.protection_group_ids
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
            ),
            depends_on_waves: spec.depends_on_waves.clone().map_or(Attr::Null, texts),
            launch_order: Attr::Known(
                spec.launch_order
                    .clone()
                    .unwrap_or_else(|| LaunchOrder::Parallel.as_str().to_owned()),
            ),
            source_server_ids: spec.source_server_ids.as_ref().map_or(Attr::Null, |ids| {
                texts(ids.iter().map(ToString::to_string).collect())
            }),
            max_in_flight: spec.max_in_flight.into(),
            wait_time_seconds: Attr::Known(spec.wait_time_seconds.unwrap_or(0)),
            timeout_seconds: Attr::Known(
                spec.timeout_seconds
                    .unwrap_or(drs_engine::limits::WAVE_TIMEOUT.as_secs()),
            ),
            pause_before: Attr::Known(spec.pause_before.unwrap_or(false)),
            on_failure: Attr::Known(
                spec.on_failure
                    .clone()
                    .unwrap_or_else(|| AfterFailure::Halt.as_str().to_owned()),
            ),
            critical_server_ids: spec.critical_server_ids.as_ref().map_or(Attr::Null, |ids| {
                texts(ids.iter().map(ToString::to_string).collect())
            }),
            min_success_percent: spec.min_success_percent.into(),
            retries: Attr::Known(spec.retries.unwrap_or(0)),
            checks: spec.checks.as_ref().map(Checks::of_spec).into(),
            before_hooks: hooks(&spec.before_hooks),
            after_hooks: hooks(&spec.after_hooks),
        }
    }
}

/// Collects whether something was not known.
#[derive(Default)]
struct Known {
    missing: bool,
    /// See [`Model::known_waves`].
    only_waves: Option<BTreeSet<String>>,
}

impl Known {
    fn text(&mut self, value: &Attr<String>, stand_in: impl FnOnce() -> String) -> String {
        match value {
            Attr::Known(text) => text.clone(),
            Attr::Null => String::new(),
            Attr::Unknown => {
                self.missing = true;
                stand_in()
            }
        }
    }

    /// A nested value as far as it is known.
    fn nested<T, S>(
        &mut self,
        value: &Attr<T>,
        to_spec: impl FnOnce(&T, &mut Self) -> Option<S>,
    ) -> Option<S> {
        self.missing |= value.is_unknown();
        to_spec(value.known()?, self)
    }

    fn optional<T: Clone>(&mut self, value: &Attr<T>) -> Option<T> {
        self.missing |= value.is_unknown();
        value.known().cloned()
    }

    fn seconds(&mut self, span: &Attr<String>) -> Option<i64> {
        self.missing |= span.is_unknown();
        seconds(span)
    }
}

fn stand_in_wave(index: usize) -> WaveSpec {
    WaveSpec {
        name: format!("unknown-{index}"),
        protection_group_ids: vec![GroupId::new(format!("unknown-group-{index}"))],
        ..WaveSpec::default()
    }
}
