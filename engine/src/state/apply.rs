//! The effect of one event on the state. Whether it fits was seen before, in [`super::check`], and everything here may
//! rely on that; so a refused event leaves no trace.

use crate::event::{
    Acceptance, Author, Event, Intent, Judgement, LaunchId, Outcome, Recorded, Remedy,
    ServerResult, WaveOutcome,
};
use crate::ids::ServerId;
use crate::time::Now;

use super::{
    Launch, Owner, Phase, ServerStatus, State, Status, Stop, Stopper, Termination, actions, checks,
    notices, pause, policy,
};

/// The effect of an event that fits, and what is told of it.
pub(super) fn take(state: &mut State, recorded: &Recorded) {
    let told = notices::before(state, &recorded.event);
    take_event(state, recorded);
    notices::take(state, recorded, told);
}

fn take_event(state: &mut State, recorded: &Recorded) {
    let now = recorded.now;
    match &recorded.event {
        Event::ExecutionStarted(_)
        | Event::TerminationIntended { .. }
        | Event::NoticeSent { .. }
        | Event::NoticeFailed { .. } => {}
        Event::OwnerTaken {
            owner,
            host,
            previous,
        } => {
            state.takeovers += u32::from(previous.is_some());
            state.owner = Some(Owner {
                id: owner.clone(),
                host: host.clone(),
                since: now,
            });
        }
        Event::WaveReady { wave } => state.waves[*wave].ready_at = Some(now.world),
        Event::WaveStarted { wave } => state.waves[*wave].started_at = Some(now.world),
        Event::WaveTimedOut { wave } => state.waves[*wave].timed_out_at = Some(now.world),
        Event::WaveFinished { wave, outcome } => finish_wave(state, *wave, *outcome, now),
        Event::GuardTripped { .. }
        | Event::GuardUnreadable { .. }
        | Event::DrillGuardTripped { .. }
        | Event::ExecutionTimedOut
        | Event::PreemptedBy { .. }
        | Event::CancelRequested { .. } => take_stop(state, recorded),
        Event::PauseRequested { .. }
        | Event::WavePaused { .. }
        | Event::ResumeRequested { .. }
        | Event::RetryRequested { .. }
        | Event::SkipRequested { .. } => pause::take(state, recorded),
        Event::ExecutionFinished { outcome, summary } => end(state, *outcome, summary, now),
        Event::ResultDelivered => state.delivered = true,
        Event::TerminationRequested { .. } => request_termination(state, recorded),
        Event::TerminationAccepted { .. }
        | Event::InstancesGone { .. }
        | Event::TerminationFinished { .. } => take_termination(state, recorded),
        Event::ServersChecked { check, results, .. } => {
            checks::take(state, *check, results, now.world);
        }
        Event::ActionIntended(_)
        | Event::ActionBegun { .. }
        | Event::ActionPostponed { .. }
        | Event::ActionUnknown { .. }
        | Event::ActionEnded { .. } => actions::take(state, recorded),
        Event::Halted { reason } => {
            state.status = Status::Halted;
            state.finished = Some((now, reason.clone()));
        }
        _ => take_launch(state, recorded),
    }
}

fn take_launch(state: &mut State, recorded: &Recorded) {
    let now = recorded.now;
    match &recorded.event {
        Event::LaunchIntended(intent) => intend(state, intent, recorded),
        Event::LaunchAccepted { launch, job, how } => {
            take_back(state, *launch);
            let accepted = Phase::Accepted {
                job: job.clone(),
                at: now,
                adopted: *how != Acceptance::Answered,
            };
            set_phase(state, *launch, accepted);
        }
        Event::LaunchUnknown { launch, .. } => {
            take_back(state, *launch);
            set_phase(state, *launch, Phase::Unknown);
        }
        Event::LaunchRefused {
            launch,
            code,
            message,
            remedy,
        } => refuse(state, *launch, (code, message), remedy, now),
        Event::LaunchNotCarriedOut { launch, .. } => {
            close(state, *launch, Phase::NotCarriedOut);
            release(state, *launch);
        }
        Event::LaunchGivenUp { launch, reason } => {
            let job = state.launches[launch].phase.job().cloned();
            fail_rest(state, *launch, reason, now);
            close(state, *launch, Phase::GivenUp { job });
        }
        Event::ServersJudged { launch, results } => judge(state, *launch, results, now),
        Event::ServersRetried { servers, .. } => policy::retry(state, servers),
        Event::InstancesFound { instances, .. } => {
            for (id, instance) in instances {
                if let Some(server) = state.servers.get_mut(id) {
                    server.instance = Some(instance.clone());
                    state.nameless.remove(id);
                }
            }
        }
        Event::JobEnded { launch } => {
            if let Some(job) = state.launches[launch].phase.job().cloned() {
                close(state, *launch, Phase::Ended { job, at: now });
            }
            if state.launched_by(*launch).next().is_some() {
                state.points_open.insert(*launch);
            }
        }
        Event::PointsFound { launch, points } => {
            state.points_open.remove(launch);
            for (id, from) in points {
                if let Some(server) = state.servers.get_mut(id) {
                    server.launched_from = Some(from.clone());
                }
            }
        }
        _ => {}
    }
}

/// Events after which nothing more is launched.
fn take_stop(state: &mut State, recorded: &Recorded) {
    let at = recorded.now.world;
    pause::end(state, at);
    let (by, reason) = match &recorded.event {
        Event::GuardTripped { instances, .. } => {
            let named: Vec<String> = instances
                .iter()
                .map(|live| format!("{} (of {})", live.instance, live.server))
                .collect();
            let named = named.join(", ");
            let reason = format!("a launch would delete live recovery instances: {named}");
            (Stopper::LiveInstances, reason)
        }
        Event::GuardUnreadable { message, .. } => (
            Stopper::Unreadable,
            format!("live recovery instances could not be looked for: {message}"),
        ),
        Event::DrillGuardTripped { message, .. } => (
            Stopper::DrillGuard,
            format!("the drill guard stopped it: {message}"),
        ),
        Event::PreemptedBy { execution } => {
            if state.status == Status::Running {
                state.status = Status::Cancelling;
            }
            state.preempted_by = Some(execution.clone());
            let by = execution.clone();
            return stop(state, Stop::Preempted { at, by });
        }
        Event::CancelRequested { reason } => {
            if state.status == Status::Running {
                state.status = Status::Cancelling;
            }
            let by = recorded.author.clone();
            let reason = reason.clone();
            return stop(state, Stop::Cancelled { at, by, reason });
        }
        _ => return stop(state, Stop::TimedOut { at }),
    };
    stop(state, Stop::Guard { at, by, reason });
}

fn take_termination(state: &mut State, recorded: &Recorded) {
    let at = recorded.now.world;
    let Some(termination) = &mut state.termination else {
        return;
    };
    match &recorded.event {
        Event::TerminationAccepted { instances, .. } => {
            let accepted = instances.iter().map(|id| (id.clone(), at));
            termination.accepted.extend(accepted);
        }
        Event::InstancesGone { instances } => termination.gone.extend(instances.iter().cloned()),
        Event::TerminationFinished { left, reason } => {
            termination.finished = Some((at, left.clone(), reason.clone()));
        }
        _ => {}
    }
}

fn intend(state: &mut State, intent: &Intent, recorded: &Recorded) {
    for id in &intent.servers {
        if let Some(server) = state.servers.get_mut(id) {
            server.status = ServerStatus::Launching;
            server.launch = Some(intent.launch);
            server.attempts += 1;
            state.waves[server.wave].waiting.remove(&server.position);
        }
    }
    state.waves[intent.wave].launching += intent.servers.len();
    let owner = match &recorded.author {
        Author::Owner(owner) => Some(owner.clone()),
        Author::Operator(_) => None,
    };
    let launch = Launch {
        wave: intent.wave,
        attempt: intent.attempt,
        target: intent.target.clone(),
        servers: intent.servers.clone(),
        owner,
        signed_at: intent.signed_at,
        intended_at: recorded.now,
        tagged: intent.tagged,
        phase: Phase::Intended,
        unjudged: intent.servers.len(),
    };
    state.launches.insert(intent.launch, launch);
    state.open.insert(intent.launch);
}

fn refuse(
    state: &mut State,
    launch: LaunchId,
    (code, message): (&str, &str),
    remedy: &Remedy,
    now: Now,
) {
    match remedy {
        Remedy::GiveUp => {
            let reason = |state: &State, id: &ServerId| refusal(state, id, code, message);
            fail(state, launch, reason, now);
        }
        Remedy::RetryLater { .. } => release(state, launch),
        Remedy::RetryWithoutTags => {
            state.tags_refused = true;
            release(state, launch);
        }
        Remedy::RetryInHalves => {
            halve(state, launch);
            release(state, launch);
        }
    }
    let (must_wait, retry_after) = match remedy {
        Remedy::RetryLater { after } => (true, *after),
        Remedy::GiveUp | Remedy::RetryWithoutTags | Remedy::RetryInHalves => (false, None),
    };
    close(
        state,
        launch,
        Phase::Refused {
            at: now,
            must_wait,
            retry_after,
        },
    );
}

/// Servers of a launch that was closed, and turns out to be under way, are launching after all.
fn take_back(state: &mut State, launch: LaunchId) {
    if state.open.contains(&launch) {
        return;
    }
    let servers = state
        .launches
        .get(&launch)
        .map_or_else(Vec::new, |launch| launch.servers.clone());
    for id in &servers {
        if let Some(server) = state.servers.get_mut(id) {
            server.status = ServerStatus::Launching;
            server.launch = Some(launch);
            state.waves[server.wave].waiting.remove(&server.position);
            state.waves[server.wave].launching += 1;
        }
    }
    if let Some(launch) = state.launches.get_mut(&launch) {
        launch.unjudged = servers.len();
    }
    state.open.insert(launch);
}

fn halve(state: &mut State, launch: LaunchId) {
    let servers = launching_servers(state, launch);
    let half = servers.len().div_ceil(2).max(1);
    for id in &servers {
        if let Some(server) = state.servers.get_mut(id) {
            server.launch_at_most = Some(half);
        }
    }
}

/// Puts the servers of a launch that never happened back to where they wait.
fn release(state: &mut State, launch: LaunchId) {
    for id in launching_servers(state, launch) {
        if let Some(server) = state.servers.get_mut(&id) {
            server.status = ServerStatus::Waiting;
            state.waves[server.wave].waiting.insert(server.position);
            state.waves[server.wave].launching -= 1;
        }
    }
}

fn fail_rest(state: &mut State, launch: LaunchId, reason: &str, now: Now) {
    fail(state, launch, |_, _| reason.to_owned(), now);
}

/// Codes with which DRS may refuse a launch for the point that it asks for.
const MAY_BE_THE_POINT: [&str; 3] = [
    "ConflictException",
    "ResourceNotFoundException",
    "ValidationException",
];

/// Why a server that DRS refused was not launched. A point may have aged out since it was frozen.
fn refusal(state: &State, server: &ServerId, code: &str, message: &str) -> String {
    let point = state.frozen_point(server);
    match point.filter(|_| MAY_BE_THE_POINT.contains(&code)) {
        Some(point) => format!(
            "{code}: {message}; it was to be launched from recovery point {point}, which DRS may no longer keep: start again \
             with another"
        ),
        None => format!("{code}: {message}"),
    }
}

fn fail(
    state: &mut State,
    launch: LaunchId,
    reason: impl Fn(&State, &ServerId) -> String,
    now: Now,
) {
    let results: Vec<Judgement> = launching_servers(state, launch)
        .into_iter()
        .map(|server| Judgement {
            result: ServerResult::Failed {
                reason: reason(state, &server),
            },
            server,
            instance: None,
        })
        .collect();
    judge(state, launch, &results, now);
}

fn launching_servers(state: &State, launch: LaunchId) -> Vec<ServerId> {
    let is_open = |id: &&ServerId| {
        state.servers.get(*id).is_some_and(|server| {
            server.launch == Some(launch) && server.status == ServerStatus::Launching
        })
    };
    state.launches.get(&launch).map_or_else(Vec::new, |launch| {
        launch.servers.iter().filter(is_open).cloned().collect()
    })
}

fn judge(state: &mut State, launch: LaunchId, results: &[Judgement], now: Now) {
    for result in results {
        let Some(server) = state.servers.get_mut(&result.server) else {
            continue;
        };
        let wave = &mut state.waves[server.wave];
        wave.launching -= 1;
        server.ended_at = Some(now.world);
        server.instance = result.instance.clone().or(server.instance.take());
        match &result.result {
            ServerResult::Launched => {
                wave.launched += 1;
                server.status = ServerStatus::Launched;
                if server.instance.is_none() {
                    state.nameless.insert(result.server.clone());
                }
                checks::begin(state, &result.server);
            }
            ServerResult::Failed { reason } => {
                wave.failed += 1;
                server.status = ServerStatus::Failed {
                    reason: reason.clone(),
                };
            }
        }
    }
    if let Some(launch) = state.launches.get_mut(&launch) {
        launch.unjudged = launch.unjudged.saturating_sub(results.len());
    }
}

fn set_phase(state: &mut State, launch: LaunchId, phase: Phase) {
    if let Some(launch) = state.launches.get_mut(&launch) {
        launch.phase = phase;
    }
}

fn close(state: &mut State, launch: LaunchId, phase: Phase) {
    set_phase(state, launch, phase);
    state.open.remove(&launch);
}

/// The first reason stays, except that a person's cancel is shown over a limit.
fn stop(state: &mut State, stop: Stop) {
    if state.stop.is_none()
        || matches!(
            (&state.stop, &stop),
            (Some(Stop::TimedOut { .. }), Stop::Cancelled { .. })
        )
    {
        state.stop = Some(stop);
    }
}

fn finish_wave(state: &mut State, wave: usize, outcome: WaveOutcome, now: Now) {
    state.waves[wave].finished = Some((now.world, outcome));
    pause::settle(state, now.world);
    checks::end(state, wave, now.world);
    let waiting = std::mem::take(&mut state.waves[wave].waiting);
    let ids: Vec<ServerId> = waiting
        .iter()
        .filter_map(|&position| state.frozen_server(wave, position))
        .map(|server| server.id.clone())
        .collect();
    for id in ids {
        if let Some(server) = state.servers.get_mut(&id) {
            // One whose next try did not come to pass has failed, and keeps DRS's own words for it.
            server.status = match &server.failed_before {
                Some(failure) => ServerStatus::Failed {
                    reason: failure.reason.clone(),
                },
                None => ServerStatus::NotLaunched,
            };
            if server.failed_before.is_some() {
                server.retries = server.retries.saturating_sub(1);
                state.waves[wave].failed += 1;
            }
        }
    }
}

fn end(state: &mut State, outcome: Outcome, summary: &str, now: Now) {
    state.status = Status::Ended(outcome);
    state.finished = Some((now, summary.to_owned()));
}

fn request_termination(state: &mut State, recorded: &Recorded) {
    let unfinished = state
        .termination
        .as_ref()
        .is_some_and(|termination| termination.finished.is_none());
    if unfinished {
        return;
    }
    let gone = state
        .termination
        .take()
        .map(|termination| termination.gone)
        .unwrap_or_default();
    state.termination = Some(Termination {
        requested_at: recorded.now.world,
        by: recorded.author.clone(),
        accepted: std::collections::BTreeMap::new(),
        gone,
        finished: None,
    });
}
