//! Executions as JSON, for programs. Names and meanings stay; new fields may come.
//!
//! Times are RFC 3339. Those of an execution's course are of world time; `*_wall` are of the machine that wrote them.

use std::sync::Arc;

use drs_engine::decide::is_done;
use drs_engine::event::{Author, Recorded};
use drs_engine::frozen::{Frozen, FrozenServer};
use drs_engine::point::{LaunchedFrom, Source};
use drs_engine::report::{self, Driven};
use drs_engine::state::{IllegalEvent, Server, ServerStatus, State, Wave};
use drs_engine::store::projection::status_of;
use drs_engine::store::summary::Summary;
use serde_json::{Value, json};

/// What the reason of whoever started an execution is called among its inputs.
pub(crate) const REASON: &str = "_reason";

/// A list of executions.
pub(crate) fn listing(summaries: &[Summary]) -> Value {
    let executions: Vec<Value> = summaries.iter().map(summary).collect();
    json!({ "executions": executions })
}

/// An execution with its waves and servers.
pub(crate) fn execution(state: &State, driven: Driven) -> Value {
    let started = &state.started;
    let waves: Vec<Value> = state
        .waves
        .iter()
        .enumerate()
        .map(|(index, found)| wave(state, index, found))
        .collect();
    json!({
        "execution_id": started.execution_id,
        "plan_id": started.plan_id,
        "plan_name": started.plan_name,
        "plan_digest": started.plan_digest,
        "mode": started.mode,
        "status": state.status.as_str(),
        "is_terminal": state.status.is_terminal(),
        "summary": state.finished.as_ref().map(|(_, summary)| summary),
        "started_at": state.started_at.world,
        "started_at_wall": state.started_at.wall,
        "ended_at": state.finished.as_ref().map(|(now, _)| now.world),
        "ended_at_wall": state.finished.as_ref().map(|(now, _)| now.wall),
        "initiated_by": by(&state.started_by),
        "reason": started.inputs.get(REASON),
        "origin": started.origin,
        "recovery_point": started.points,
        "delivered": state.delivered,
        "owner": owner(state, driven),
        "waves": waves,
        "jobs": state.own_jobs().collect::<Vec<_>>(),
        "running_jobs": state
            .running()
            .filter_map(|(_, launch)| launch.phase.job())
            .collect::<Vec<_>>(),
        "unanswered_launches": state.unresolved().count(),
        "termination": termination(state),
        "next": report::next(state, driven),
    })
}

/// The state after a whole history, and every event of it with the lines that tell it.
pub(crate) fn fold(
    frozen: &Frozen,
    events: &[Recorded],
) -> Result<(State, Vec<Value>), IllegalEvent> {
    let nothing = IllegalEvent {
        seq: 0,
        reason: "the history is empty".to_owned(),
    };
    let (first, rest) = events.split_first().ok_or(nothing)?;
    let mut state = State::new(Arc::new(frozen.clone()), first)?;
    let mut told = vec![event(&state, first)];
    for recorded in rest {
        state.apply(recorded)?;
        told.push(event(&state, recorded));
    }
    Ok((state, told))
}

/// What happened: an event as it is stored, with the lines that tell it; the state is the one after it.
pub(crate) fn event(state: &State, event: &Recorded) -> Value {
    let mut document = recorded(event);
    document["text"] = json!(report::lines(state, event));
    document
}

/// An event as it is stored.
pub(crate) fn recorded(recorded: &Recorded) -> Value {
    json!({
        "sequence": recorded.seq,
        "at": recorded.now.world,
        "at_wall": recorded.now.wall,
        "author": by(&recorded.author),
        "event": recorded.event,
    })
}

/// Who it was: the ARN that STS gave, or the id of the process that drives the execution.
fn by(author: &Author) -> &str {
    match author {
        Author::Operator(arn) => arn,
        Author::Owner(owner) => owner.as_str(),
    }
}

/// One line of a list.
pub(crate) fn summary(summary: &Summary) -> Value {
    json!({
        "execution_id": summary.execution_id,
        "plan_id": summary.plan_id,
        "plan_name": summary.plan_name,
        "mode": summary.mode,
        "status": summary.status,
        "is_terminal": summary.is_terminal,
        "started_at_wall": summary.started_at,
        "ended_at_wall": summary.ended_at,
        "account_id": summary.account_id,
        "region": summary.region,
        "initiated_by": summary.initiated_by,
        "origin": summary.origin,
        "delivered": summary.delivered,
        "wave_status": summary.wave_status,
        "errors": summary.errors,
    })
}

fn owner(state: &State, driven: Driven) -> Value {
    let (driven, silent_seconds) = match driven {
        Driven::Yes => (!is_done(state), None),
        Driven::Silent(silence) => (false, Some(silence.as_secs())),
    };
    match &state.owner {
        None => Value::Null,
        Some(owner) => json!({
            "host": owner.host,
            "since": owner.since.world,
            "drives": driven,
            "silent_seconds": silent_seconds,
            "takeovers": state.takeovers,
        }),
    }
}

fn wave(state: &State, index: usize, wave: &Wave) -> Value {
    let frozen = state.frozen_waves().get(index).into_iter().flatten();
    let servers: Vec<Value> = frozen
        .filter_map(|frozen| {
            let found = state.servers.get(&frozen.id)?;
            Some(server(state, frozen, found))
        })
        .collect();
    let names = |index: &usize| state.waves.get(*index).map(|wave| &wave.frozen.name);
    json!({
        "name": wave.frozen.name,
        "status": status_of(wave),
        "depends_on_waves": wave.frozen.depends_on.iter().filter_map(names).collect::<Vec<_>>(),
        "started_at": wave.started_at,
        "ended_at": wave.finished.map(|(at, _)| at),
        "launched": wave.launched,
        "failed": wave.failed,
        "degraded": wave.degraded,
        "hooks": hooks(state, wave),
        "servers": servers,
    })
}

/// The hooks of a wave that were begun, in their order.
fn hooks(state: &State, wave: &Wave) -> Vec<Value> {
    let begun = wave.hooks.iter().filter_map(|((when, _), id)| {
        let action = state.actions.all.get(id)?;
        let (result, ended_at) = action.result().unzip();
        Some(json!({
            "name": state.hook_of(action)?.name,
            "when": when.as_str(),
            "account_id": action.target.account_id,
            "region": action.target.region,
            "begins": action.begins,
            "intended_at": action.intended_at,
            "ended_at": ended_at,
            "result": result,
        }))
    });
    begun.collect()
}

fn server(state: &State, frozen: &FrozenServer, server: &Server) -> Value {
    let launch = server.launch.and_then(|launch| state.launches.get(&launch));
    let reason = match &server.status {
        ServerStatus::Failed { reason } => Some(reason),
        _ => None,
    };
    json!({
        "source_server_id": frozen.id,
        "hostname": server.hostname,
        "account_id": server.target.account_id,
        "region": server.target.region,
        "status": server.status.as_str(),
        "reason": reason,
        "attempts": server.attempts,
        "job_id": launch.and_then(|launch| launch.phase.job()),
        "recovery_instance_id": server.instance,
        "recovery_snapshot_id": frozen.snapshot.as_ref().map(|point| &point.id),
        "launched_from": server.launched_from.as_ref().map(launched_from),
        "ended_at": server.ended_at,
        "health": server.health.as_ref().map(|health| health.verdict.as_str()),
        "health_reason": server.health.as_ref().and_then(|health| health.verdict.reason()),
        "health_at": server.health.as_ref().map(|health| health.at),
    })
}

/// What a server was launched from, as far as DRS tells.
fn launched_from(from: &LaunchedFrom) -> Value {
    json!({
        "source": from.source.map(Source::as_str),
        "recovery_snapshot_id": from.snapshot,
        "at": from.at,
    })
}

fn termination(state: &State) -> Value {
    let Some(termination) = &state.termination else {
        return Value::Null;
    };
    let (ended_at, left, reason) = match &termination.finished {
        Some((at, left, reason)) => (Some(at), Some(left), reason.as_ref()),
        None => (None, None, None),
    };
    json!({
        "requested_at": termination.requested_at,
        "requested_by": by(&termination.by),
        "ended_at": ended_at,
        "gone": termination.gone,
        "left": left,
        "reason": reason,
    })
}
