//! Whether launched servers are healthy: EC2's status checks first, then the wave's command, then its function.
//!
//! The status is looked at from the moment that a server is launched and its instance known. The command and the function
//! wait until every server of the wave has ended, and are asked only about servers that have passed what came before. A
//! stop ends all checks; what it leaves unchecked is said to be so.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::event::{ActionResult, CheckResult, Checked, Event, Purpose};
use crate::ids::{InstanceId, ServerId, Target};
use crate::limits;
use crate::plan::Check;
use crate::ports::{CallError, InstanceHealth, Kind};
use crate::state::{Server, State};
use crate::time::{Now, Wake, after};

use super::actions::ActionPlan;
use super::{Command, Settings, View, jobs, waves};

/// What follows for servers from actions that have ended, and from instances that never became known.
pub(super) fn record(state: &State, now: Now, wake: &mut Wake) -> Option<Command> {
    if state.stop.is_some() {
        return None;
    }
    let mut results: Vec<(usize, Check, Checked)> = Vec::new();
    for (id, server, check) in state.checking() {
        let result = match ended(state, id, server) {
            Some(result) => result,
            None if server.instance.is_some() => continue,
            None => {
                let until = after(server.ended_at?, limits::INSTANCE_GRACE);
                if !waves::is_due(until, now, wake) {
                    continue;
                }
                let reason = "its instance did not become known".to_owned();
                CheckResult::NotChecked { reason }
            }
        };
        let server = id.clone();
        results.push((state.servers[id].wave, check, Checked { server, result }));
    }
    let events = events(results);
    (!events.is_empty()).then_some(Command::Record(events))
}

/// What an action that has ended says about a server that it checked.
fn ended(state: &State, id: &ServerId, server: &Server) -> Option<CheckResult> {
    let action = state.actions.all.get(&server.action?)?;
    let (result, _) = action.result()?;
    let what = match action.purpose {
        Purpose::Command { .. } => "the command",
        _ => "the function",
    };
    Some(match result {
        ActionResult::Succeeded { .. } => CheckResult::Passed,
        ActionResult::GivenUp { reason } => CheckResult::NotChecked {
            reason: format!("{what}: {reason}"),
        },
        failed => {
            let reason = failed.problem().unwrap_or_default();
            let named = named(state, action.purpose.servers(), reason);
            if named.is_empty() || named.contains(id) {
                let reason = format!("{what} failed: {reason}");
                CheckResult::Degraded { reason }
            } else {
                CheckResult::Passed
            }
        }
    })
}

/// The servers that a failure names, by id or instance. One that names none, or that was cut, is about all of them.
fn named<'a>(state: &State, servers: &'a [ServerId], reason: &str) -> BTreeSet<&'a ServerId> {
    if reason.ends_with("...") {
        return BTreeSet::new();
    }
    let is_named = |id: &&ServerId| {
        let instance = state
            .servers
            .get(*id)
            .and_then(|server| server.instance.as_ref());
        reason.contains(id.as_str())
            || instance.is_some_and(|instance| reason.contains(instance.as_str()))
    };
    servers.iter().filter(is_named).collect()
}

/// Every target with instances whose status is to be looked at now.
pub(super) fn looks(
    state: &State,
    view: &View,
    now: Now,
    settings: &Settings,
    wake: &mut Wake,
) -> Vec<(Target, Vec<InstanceId>)> {
    if state.stop.is_some() {
        return Vec::new();
    }
    let mut by_target: BTreeMap<&Target, (Vec<&InstanceId>, Option<Timestamp>)> = BTreeMap::new();
    for (_, server, check) in state.checking() {
        let Some(instance) = server.instance.as_ref().filter(|_| check == Check::Status) else {
            continue;
        };
        let (instances, youngest) = by_target.entry(&server.target).or_default();
        instances.push(instance);
        *youngest = server.ended_at.max(*youngest);
    }
    let mut due = Vec::new();
    for (target, (instances, youngest)) in by_target {
        let last = view.health_looked.get(target);
        let age = youngest.and_then(|from| Some(last?.duration_since(from)));
        let interval = interval(age.unwrap_or_default(), settings);
        if jobs::is_due(last, interval, view, &health_key(target), now, wake) {
            due.push((target.clone(), instances.into_iter().cloned().collect()));
        }
    }
    due
}

/// How long after a look at the status the next one is due: often once the youngest instance's checks are, less often the
/// longer that was ago, so that looking adds only a small share to how long they take.
fn interval(age: SignedDuration, settings: &Settings) -> SignedDuration {
    if age < limits::STATUS_DUE {
        settings.poll_interval
    } else {
        (age / limits::POLL_SHARE_STATUS)
            .min(settings.poll_longest)
            .max(settings.poll_shortest)
    }
}

/// How an instance that is stopped was to be launched, as far as the launch configuration of its server says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// It was to be started.
    Started,
    /// It was to be left stopped.
    Stopped,
    /// The configuration cannot be read, and why.
    Unreadable(String),
}

/// Servers of a target whose instances are stopped, where it is not known yet whether they were to be.
pub fn stopped<'a>(
    state: &'a State,
    view: &View,
    target: &Target,
    seen: &BTreeMap<InstanceId, InstanceHealth>,
) -> Vec<(&'a ServerId, &'a Server, InstanceId)> {
    let stopped = state.checking().filter_map(|(id, server, check)| {
        let instance = server.instance.clone()?;
        let is_asked = check == Check::Status
            && server.target == *target
            && seen.get(&instance).is_some_and(is_stopped)
            && !view.dispositions.contains_key(&instance);
        is_asked.then_some((id, server, instance))
    });
    stopped.collect()
}

fn is_stopped(health: &InstanceHealth) -> bool {
    matches!(health.state.as_str(), "stopped" | "stopping")
}

/// What a look at the status of a target's instances tells about its servers, or that it could not be made.
pub fn judge(
    state: &State,
    view: &View,
    target: &Target,
    looked: Result<&BTreeMap<InstanceId, InstanceHealth>, &CallError>,
    now: Now,
) -> Vec<Event> {
    if state.stop.is_some() {
        return Vec::new();
    }
    let mut results = Vec::new();
    for (id, server, check) in state.checking() {
        if check != Check::Status || server.target != *target {
            continue;
        }
        let result = match (looked, &server.instance) {
            (Ok(seen), Some(instance)) => match seen.get(instance) {
                Some(health) if is_stopped(health) => {
                    at_rest(state, server, view.dispositions.get(instance), now)
                }
                health => status(state, server, health, now),
            },
            (Err(error), Some(_)) => unreadable(state, server, error, now),
            (_, None) => None,
        };
        let checked = |result| Checked {
            server: id.clone(),
            result,
        };
        results.extend(result.map(|result| (server.wave, check, checked(result))));
    }
    events(results)
}

/// What the status of one instance comes to; none while it may still pass.
fn status(
    state: &State,
    server: &Server,
    health: Option<&InstanceHealth>,
    now: Now,
) -> Option<CheckResult> {
    let limit = limit(state, server)?;
    let is_late = limit <= now.world;
    let degraded = |reason: String| Some(CheckResult::Degraded { reason });
    match health.map(|health| (health.state.as_str(), health)) {
        Some((_, health)) if health.is_ok() => Some(CheckResult::Passed),
        Some((gone @ ("terminated" | "shutting-down"), _)) => {
            degraded(format!("its instance is {gone}"))
        }
        _ if !is_late => None,
        Some((state, health)) => degraded(format!(
            "its instance is {state}; instance status {}, system status {} after {}",
            health.instance_status,
            health.system_status,
            crate::report::duration(limit.duration_since(server.ended_at?))
        )),
        None => degraded("EC2 does not know its instance".to_owned()),
    }
}

/// What a stopped instance comes to, which EC2 does not check. One that was to be left so is not checked; one that was to
/// be started has not stayed up, and may still be started again until its time is up.
fn at_rest(
    state: &State,
    server: &Server,
    disposition: Option<&Disposition>,
    now: Now,
) -> Option<CheckResult> {
    let limit = limit(state, server)?;
    let unseen = |why: &str| {
        Some(CheckResult::NotChecked {
            reason: format!(
                "its instance is stopped, which EC2 does not check; whether its launch disposition is STOPPED cannot be \
                 seen: {why}"
            ),
        })
    };
    match disposition {
        Some(Disposition::Stopped) => Some(CheckResult::NotChecked {
            reason:
                "its instance is stopped, which EC2 does not check; its launch disposition is STOPPED"
                    .to_owned(),
        }),
        Some(Disposition::Unreadable(why)) => unseen(why),
        Some(Disposition::Started) if limit <= now.world => Some(CheckResult::Degraded {
            reason: format!(
                "its instance is stopped after {}, and its launch disposition is STARTED",
                crate::report::duration(limit.duration_since(server.ended_at?))
            ),
        }),
        None if after(limit, limits::STATUS_GRACE) <= now.world => {
            unseen("its launch configuration could not be read in time")
        }
        _ => None,
    }
}

/// A status that cannot be read is no sign of ill health: a refusal is said at once, anything else once time is up.
fn unreadable(state: &State, server: &Server, error: &CallError, now: Now) -> Option<CheckResult> {
    let until = after(limit(state, server)?, limits::STATUS_GRACE);
    let is_final = error.kind == Kind::Refused || until <= now.world;
    is_final.then(|| CheckResult::NotChecked {
        reason: error.to_string(),
    })
}

/// When the status of a server must have passed.
fn limit(state: &State, server: &Server) -> Option<Timestamp> {
    let checks = state.waves.get(server.wave)?.frozen.checks.as_ref()?;
    Some(after(
        server.ended_at?,
        checks.status_limit(server.is_windows),
    ))
}

/// Commands and functions that are due: of waves whose servers have all ended, and passed what comes before.
pub(super) fn due(state: &State) -> Vec<ActionPlan> {
    let mut due = Vec::new();
    if state.stop.is_some() {
        return due;
    }
    for (index, wave) in state.waves.iter().enumerate() {
        let Some(checks) = wave.frozen.checks.as_ref().filter(|_| wave.checking > 0) else {
            continue;
        };
        let runs_something = checks.next(Some(Check::Status)).is_some();
        if !runs_something || !waves::have_ended(state, index, wave) {
            continue;
        }
        let open = || {
            let servers = state.servers_of(index);
            servers.filter_map(|(id, server)| Some((id, server, state.next_check(server)?)))
        };
        let first = open().map(|(_, _, check)| check).min();
        let Some(first) = first.filter(|first| *first != Check::Status) else {
            continue;
        };
        let mut by_target: BTreeMap<Target, Vec<ServerId>> = BTreeMap::new();
        for (id, server, _) in open().filter(|(_, _, check)| *check == first) {
            if server.action.is_none() && server.instance.is_some() {
                let home = match (first, &checks.function) {
                    (Check::Function, Some(function)) => function.target.as_ref(),
                    _ => None,
                };
                let target = home.unwrap_or(&server.target);
                by_target
                    .entry(target.clone())
                    .or_default()
                    .push(id.clone());
            }
        }
        for (target, servers) in by_target {
            due.extend(plans(index, first, &target, &servers));
        }
    }
    due
}

/// Cuts servers into as few actions as there may be.
fn plans(wave: usize, check: Check, target: &Target, servers: &[ServerId]) -> Vec<ActionPlan> {
    let most = match check {
        Check::Command => limits::INSTANCES_PER_COMMAND,
        Check::Function => limits::SERVERS_PER_JUDGEMENT,
        Check::Status => return Vec::new(),
    };
    let plan = |servers: &[ServerId]| ActionPlan {
        known: None,
        wave,
        purpose: if check == Check::Command {
            Purpose::Command {
                servers: servers.to_vec(),
            }
        } else {
            Purpose::Function {
                servers: servers.to_vec(),
            }
        },
        target: target.clone(),
        begin: 1,
    };
    servers.chunks(most).map(plan).collect()
}

/// Results as events, by wave and check, each small enough.
fn events(results: Vec<(usize, Check, Checked)>) -> Vec<Event> {
    let mut sorted: BTreeMap<(usize, Check), Vec<Checked>> = BTreeMap::new();
    for (wave, check, checked) in results {
        sorted.entry((wave, check)).or_default().push(checked);
    }
    let mut events = Vec::new();
    for ((wave, check), results) in sorted {
        for part in results.chunks(limits::SERVERS_PER_JUDGEMENT) {
            events.push(Event::ServersChecked {
                wave,
                check,
                results: part.to_vec(),
            });
        }
    }
    events
}

/// Names the backoff of looks at the status of instances.
pub fn health_key(target: &Target) -> String {
    format!("health#{target}")
}
