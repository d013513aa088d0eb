//! The model of a drill, and its way from an execution's state.

use std::collections::BTreeMap;
use std::time::Duration;

use drs_engine::event::Outcome;
use drs_engine::limits;
use drs_engine::state::{self, ServerStatus, State, Status, Verdict};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use tfplugin::{Attr, duration};

use super::points;
use crate::convert::{instant, optional_instant, span};
use crate::runner;

mod hook;

pub(crate) use hook::Hook;

/// A drill in configuration, plan and state.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Model {
    pub(crate) id: Attr<String>,
    pub(crate) recovery_plan_id: Attr<String>,
    pub(crate) triggers: Attr<BTreeMap<String, Attr<String>>>,
    pub(crate) recovery_point_before: Attr<String>,
    pub(crate) recovery_snapshots: Attr<BTreeMap<String, Attr<String>>>,
    pub(crate) cleanup: Attr<String>,
    pub(crate) fail_on_unsuccessful: Attr<bool>,
    pub(crate) max_lifetime: Attr<String>,
    pub(crate) on_pause: Attr<String>,
    pub(crate) runner: Attr<runner::Config>,
    pub(crate) timeouts: Attr<Timeouts>,
    pub(crate) plan_name: Attr<String>,
    pub(crate) status: Attr<String>,
    pub(crate) summary: Attr<String>,
    pub(crate) started_at: Attr<String>,
    pub(crate) finished_at: Attr<String>,
    pub(crate) duration_seconds: Attr<i64>,
    pub(crate) instances_terminated: Attr<bool>,
    pub(crate) waves: Attr<Vec<Wave>>,
    pub(crate) servers: Attr<Vec<Server>>,
}

/// How long the operations of the resource may take.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Timeouts {
    pub(crate) create: Attr<String>,
    pub(crate) update: Attr<String>,
    pub(crate) delete: Attr<String>,
}

/// A wave of an execution.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Wave {
    pub(crate) name: Attr<String>,
    pub(crate) status: Attr<String>,
    pub(crate) started_at: Attr<String>,
    pub(crate) ended_at: Attr<String>,
    pub(crate) servers: Attr<i64>,
    pub(crate) launched: Attr<i64>,
    pub(crate) failed: Attr<i64>,
    pub(crate) degraded: Attr<i64>,
    pub(crate) hooks: Attr<Vec<Hook>>,
}

/// A server of an execution.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Server {
    pub(crate) id: Attr<String>,
    pub(crate) hostname: Attr<String>,
    pub(crate) wave: Attr<String>,
    pub(crate) status: Attr<String>,
    pub(crate) reason: Attr<String>,
    pub(crate) job_id: Attr<String>,
    pub(crate) instance_id: Attr<String>,
    pub(crate) launched_at: Attr<String>,
    pub(crate) health: Attr<String>,
    pub(crate) health_reason: Attr<String>,
    pub(crate) health_at: Attr<String>,
    pub(crate) recovery_snapshot_id: Attr<String>,
    pub(crate) launched_from: Attr<String>,
    pub(crate) launched_from_at: Attr<String>,
    pub(crate) account_id: Attr<String>,
    pub(crate) region: Attr<String>,
}

/// The cleanup that is configured when none is.
pub(super) const DEFAULT_CLEANUP: &str = "on_destroy";
/// What apply does at a pause when nothing is configured.
pub(super) const DEFAULT_ON_PAUSE: &str = "wait";
/// The input that carries the lifetime as it was written.
const LIFETIME: &str = "_max_lifetime";
/// The input that carries who drives, as it was written.
const RUNNER: &str = "_runner";
/// World time that a destroy may take: running jobs are followed, then instances are terminated.
const DELETE_TIMEOUT: SignedDuration = SignedDuration::from_mins(6 * 60 + 30);
const _: () = assert!(
    DELETE_TIMEOUT.as_secs()
        >= limits::FOLLOW_AFTER_STOP.as_secs() + limits::TERMINATION_TIMEOUT.as_secs()
);

/// What an execution shows of itself, in the resource and in the data source.
pub(crate) struct Observed {
    pub(crate) plan_name: String,
    pub(crate) status: String,
    pub(crate) summary: Option<String>,
    pub(crate) started_at: String,
    pub(crate) finished_at: Attr<String>,
    pub(crate) duration_seconds: Option<i64>,
    pub(crate) instances_terminated: bool,
    pub(crate) waves: Vec<Wave>,
    pub(crate) servers: Vec<Server>,
}

impl Observed {
    /// An execution as its history tells it.
    pub(crate) fn of(state: &State) -> Self {
        let began = state.started_at.world;
        let ended = state.finished.as_ref().map(|(now, _)| now.world);
        Self {
            plan_name: state.started.plan_name.clone(),
            status: state.status.as_str().to_owned(),
            summary: state.finished.as_ref().map(|(_, summary)| summary.clone()),
            started_at: instant(began),
            finished_at: optional_instant(ended),
            duration_seconds: ended.map(|ended| ended.duration_since(began).as_secs()),
            instances_terminated: state.is_clean(),
            waves: state
                .waves
                .iter()
                .map(|wave| Wave::of(state, wave))
                .collect(),
            servers: servers(state),
        }
    }
}

impl Model {
    /// The values that are stored with the execution. `triggers` and recovery points say which run this is; the others, whose
    /// names begin with an underscore, are only carried, so that an import has them.
    pub(super) fn inputs(&self) -> BTreeMap<String, Json> {
        let timeouts = self.timeouts.known().map(|timeouts| {
            let text = |value: &Attr<String>| value.known().cloned();
            serde_json::json!({
                "create": text(&timeouts.create),
                "update": text(&timeouts.update),
                "delete": text(&timeouts.delete),
            })
        });
        let triggers = self
            .triggers
            .known()
            .map(|triggers| Json::Object(triggers.iter().map(input).collect()));
        let mut inputs = BTreeMap::from([
            ("triggers".to_owned(), triggers.unwrap_or_default()),
            ("_cleanup".to_owned(), self.cleanup.known().cloned().into()),
            (
                "_fail_on_unsuccessful".to_owned(),
                self.fail_on_unsuccessful.known().copied().into(),
            ),
            (
                LIFETIME.to_owned(),
                self.max_lifetime.known().cloned().into(),
            ),
            (
                "_on_pause".to_owned(),
                self.on_pause.known().cloned().into(),
            ),
            (RUNNER.to_owned(), self.runner_input()),
            ("_timeouts".to_owned(), timeouts.unwrap_or_default()),
        ]);
        inputs.extend(points::inputs(self));
        inputs
    }

    /// Who drives, as the history keeps it.
    fn runner_input(&self) -> Json {
        let text = |value: &Attr<String>| value.known().cloned();
        let runner = self.runner.known().map(|runner| {
            serde_json::json!({
                "type": text(&runner.kind),
                "state_machine_arn": text(&runner.state_machine_arn),
            })
        });
        runner.unwrap_or_default()
    }

    /// The whole resource from the history alone.
    pub(super) fn of_history(state: &State) -> Self {
        let input = |name: &str| state.started.inputs.get(name).cloned().unwrap_or_default();
        let read =
            |value: Json| serde_json::from_value::<Option<BTreeMap<String, Option<String>>>>(value);
        let timeouts = read(input("_timeouts")).ok().flatten().map(|mut timeouts| {
            let mut take = |name: &str| timeouts.remove(name).flatten().into();
            Timeouts {
                create: take("create"),
                update: take("update"),
                delete: take("delete"),
            }
        });
        let triggers = read(input("triggers")).ok().flatten();
        let triggers = triggers.map(|triggers| {
            let values = triggers.into_iter();
            values.map(|(name, value)| (name, value.into())).collect()
        });
        let (recovery_point_before, recovery_snapshots) =
            points::of_history(&state.started.inputs, &state.started.points);
        let blank = Self {
            recovery_point_before,
            recovery_snapshots,
            recovery_plan_id: state.started.plan_id.to_string().into(),
            triggers: triggers.into(),
            cleanup: input("_cleanup").as_str().unwrap_or(DEFAULT_CLEANUP).into(),
            fail_on_unsuccessful: input("_fail_on_unsuccessful")
                .as_bool()
                .unwrap_or(true)
                .into(),
            max_lifetime: max_lifetime(state),
            on_pause: input("_on_pause")
                .as_str()
                .unwrap_or(DEFAULT_ON_PAUSE)
                .into(),
            runner: runner_of(&input(RUNNER)),
            timeouts: timeouts.into(),
            ..Self::default()
        };
        blank.read(state)
    }

    /// The same resource with what its history says now.
    pub(super) fn read(self, state: &State) -> Self {
        let observed = Observed::of(state);
        Self {
            id: state.started.execution_id.to_string().into(),
            plan_name: observed.plan_name.into(),
            status: observed.status.into(),
            summary: observed.summary.into(),
            started_at: observed.started_at.into(),
            finished_at: observed.finished_at,
            duration_seconds: observed.duration_seconds.into(),
            instances_terminated: observed.instances_terminated.into(),
            waves: observed.waves.into(),
            servers: observed.servers.into(),
            ..self
        }
    }

    /// The plan with what is known after apply. What was planned as known stays: Terraform holds the provider to it.
    pub(super) fn filled(self, state: &State) -> Self {
        let observed = self.clone().read(state);
        self.keeping(observed)
    }

    /// This plan, with the values of another where they are not known.
    pub(super) fn keeping(self, other: Self) -> Self {
        fn pick<T>(planned: Attr<T>, other: Attr<T>) -> Attr<T> {
            if planned.is_unknown() { other } else { planned }
        }
        /// A list of which parts are expected to change is taken over as a whole.
        fn pick_each<T>(
            planned: Attr<Vec<T>>,
            other: Attr<Vec<T>>,
            is_expected: impl Fn(&T) -> bool,
        ) -> Attr<Vec<T>> {
            match &planned {
                Attr::Known(items) if !items.iter().any(is_expected) => planned,
                Attr::Null => planned,
                _ => other,
            }
        }
        Self {
            id: pick(self.id, other.id),
            plan_name: pick(self.plan_name, other.plan_name),
            status: pick(self.status, other.status),
            summary: pick(self.summary, other.summary),
            started_at: pick(self.started_at, other.started_at),
            finished_at: pick(self.finished_at, other.finished_at),
            duration_seconds: pick(self.duration_seconds, other.duration_seconds),
            instances_terminated: pick(self.instances_terminated, other.instances_terminated),
            waves: pick_each(self.waves, other.waves, |wave| wave.status.is_unknown()),
            servers: pick_each(self.servers, other.servers, |server| {
                server.status.is_unknown()
            }),
            ..self
        }
    }

    /// Marks everything that following an execution may change as known only after apply.
    pub(super) fn expect_progress(&mut self) {
        self.status = Attr::Unknown;
        self.summary = Attr::Unknown;
        self.finished_at = Attr::Unknown;
        self.duration_seconds = Attr::Unknown;
        self.instances_terminated = Attr::Unknown;
        // Which waves and servers there are was frozen when the execution started; only how they stand may change.
        for wave in self.waves.known_mut().into_iter().flatten() {
            wave.expect_progress();
        }
        for server in self.servers.known_mut().into_iter().flatten() {
            server.expect_progress();
        }
    }

    /// Whether apply returns while the drill is paused.
    pub(super) fn returns_on_pause(&self) -> bool {
        self.on_pause.known().is_some_and(|word| word == "return")
    }

    pub(super) fn is_cleanup(&self, word: &str) -> bool {
        self.cleanup
            .known()
            .map_or(word == DEFAULT_CLEANUP, |cleanup| cleanup == word)
    }

    /// Whether what this execution launched is to be terminated now and is still there.
    pub(super) fn cleans_up(&self, state: &State) -> bool {
        self.cleans_up_after(state.status.as_str(), state.status.is_terminal()) && !state.is_clean()
    }

    /// Whether an execution that ended like this is cleaned up without being asked to.
    pub(super) fn cleans_up_after(&self, status: &str, is_terminal: bool) -> bool {
        is_terminal
            && (self.is_cleanup("always")
                || (self.is_cleanup("on_success") && status == Outcome::Completed.as_str()))
    }

    /// Whether an execution that ended like this is a failure of the apply.
    pub(super) fn is_failure(&self, state: &State) -> bool {
        self.minds_failure() && state.status != Status::Ended(Outcome::Completed)
    }

    pub(super) fn minds_failure(&self) -> bool {
        self.fail_on_unsuccessful.known().copied().unwrap_or(true)
    }

    /// World time at which a create gives up: as configured, else half an hour after the execution's own limit.
    pub(super) fn create_timeout(&self, state: &State) -> Option<SignedDuration> {
        self.timeout(|timeouts| &timeouts.create).or_else(|| {
            let own = state.started.timeout?;
            Some(own.saturating_add(limits::CREATE_TIMEOUT_MARGIN))
        })
    }

    /// World time that an update may take; as long as a create when it is not configured.
    pub(super) fn update_timeout(&self, state: &State) -> Option<SignedDuration> {
        self.timeout(|timeouts| &timeouts.update)
            .or_else(|| self.create_timeout(state))
    }

    /// World time that a destroy may take.
    pub(super) fn delete_timeout(&self) -> SignedDuration {
        self.timeout(|timeouts| &timeouts.delete)
            .unwrap_or(DELETE_TIMEOUT)
    }

    /// World time that what the drill launches may stay.
    pub(super) fn lifetime(&self) -> Option<SignedDuration> {
        span(&self.max_lifetime)
    }

    fn timeout(&self, which: impl Fn(&Timeouts) -> &Attr<String>) -> Option<SignedDuration> {
        span(which(self.timeouts.known()?))
    }
}

/// A trigger as the history keeps it.
fn input((name, value): (&String, &Attr<String>)) -> (String, Json) {
    (name.clone(), value.known().cloned().into())
}

/// Who drives, as it was written; left out where it was, and where the drill was started elsewhere.
fn runner_of(input: &Json) -> Attr<runner::Config> {
    let text = |name: &str| input.get(name).and_then(Json::as_str).map(str::to_owned);
    let kind = text("type");
    let config = kind.map(|kind| runner::Config {
        kind: kind.into(),
        state_machine_arn: text("state_machine_arn").into(),
    });
    config.into()
}

/// How long what an execution launched may stay: as it was written where it was started by this resource.
fn max_lifetime(state: &State) -> Attr<String> {
    let written = state.started.inputs.get(LIFETIME).and_then(Json::as_str);
    let lifetime = state.started.max_lifetime;
    let text = || Some(duration::text(Duration::try_from(lifetime?).ok()?));
    written.map(str::to_owned).or_else(text).into()
}

/// Whether a status is an end.
pub(super) fn is_terminal(status: &str) -> bool {
    !Status::LIVE.contains(&status)
}

impl Wave {
    fn expect_progress(&mut self) {
        self.status = Attr::Unknown;
        self.started_at = Attr::Unknown;
        self.ended_at = Attr::Unknown;
        self.launched = Attr::Unknown;
        self.failed = Attr::Unknown;
        self.degraded = Attr::Unknown;
        self.hooks = Attr::Unknown;
    }

    fn of(state: &State, wave: &state::Wave) -> Self {
        let count = |number: usize| Attr::Known(i64::try_from(number).unwrap_or(i64::MAX));
        let status = match (wave.finished, wave.started_at) {
            (Some((_, outcome)), _) => outcome.as_str(),
            (None, Some(_)) => "RUNNING",
            (None, None) => "WAITING",
        };
        let ended = wave.finished.map(|(at, _)| at);
        Self {
            name: wave.frozen.name.clone().into(),
            status: status.into(),
            started_at: optional_instant(wave.started_at),
            ended_at: optional_instant(ended.filter(|_| wave.started_at.is_some())),
            servers: count(wave.frozen.servers),
            launched: count(wave.launched),
            failed: count(wave.failed),
            degraded: count(wave.degraded),
            hooks: Hook::of_wave(state, wave).into(),
        }
    }
}

impl Server {
    fn expect_progress(&mut self) {
        self.status = Attr::Unknown;
        self.reason = Attr::Unknown;
        self.job_id = Attr::Unknown;
        self.instance_id = Attr::Unknown;
        self.launched_at = Attr::Unknown;
        self.health = Attr::Unknown;
        self.health_reason = Attr::Unknown;
        self.health_at = Attr::Unknown;
        self.launched_from = Attr::Unknown;
        self.launched_from_at = Attr::Unknown;
    }
}

/// Every server in the order of the waves.
fn servers(state: &State) -> Vec<Server> {
    let frozen = state.frozen_waves().iter().flatten();
    frozen
        .filter_map(|frozen| {
            let server = state.servers.get(&frozen.id)?;
            let launch = server.launch.and_then(|launch| state.launches.get(&launch));
            let reason = match &server.status {
                ServerStatus::Failed { reason } => Some(reason.clone()),
                _ => None,
            };
            let is_launched = server.status == ServerStatus::Launched;
            let health = server.health.as_ref();
            let verdict = health.map(|health| &health.verdict);
            let from = server.launched_from.as_ref();
            let snapshot = frozen.snapshot.as_ref();
            Some(Server {
                id: frozen.id.to_string().into(),
                hostname: frozen.hostname.clone().into(),
                wave: state
                    .waves
                    .get(server.wave)
                    .map(|wave| wave.frozen.name.clone())
                    .into(),
                status: server.status.as_str().into(),
                reason: reason.into(),
                job_id: launch
                    .and_then(|launch| launch.phase.job())
                    .map(ToString::to_string)
                    .into(),
                instance_id: server.instance.as_ref().map(ToString::to_string).into(),
                launched_at: optional_instant(server.ended_at.filter(|_| is_launched)),
                health: verdict.map(|verdict| verdict.as_str().to_owned()).into(),
                health_reason: verdict.and_then(Verdict::reason).map(str::to_owned).into(),
                health_at: optional_instant(health.map(|health| health.at)),
                recovery_snapshot_id: snapshot.map(|point| point.id.to_string()).into(),
                launched_from: from
                    .and_then(|from| from.source)
                    .map(|source| source.as_str().to_owned())
                    .into(),
                launched_from_at: optional_instant(from.and_then(|from| from.at)),
                account_id: frozen.target.account_id.clone().into(),
                region: frozen.target.region.clone().into(),
            })
        })
        .collect()
}
