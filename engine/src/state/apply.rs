//! One event onto the state: first whether it fits, then its effect.
//!
//! The two are apart so that a refused event leaves no trace. `take` may rely on everything that `check` has seen.

use std::collections::BTreeSet;

use crate::event::{
    Author, Event, Intent, Judgement, LaunchId, Outcome, Recorded, Remedy, ServerResult,
    WaveOutcome,
};
use crate::ids::ServerId;
use crate::time::Now;

use super::{Launch, Owner, Phase, ServerStatus, State, Status, Stop, Termination};

/// Why an event does not fit; `Ok` when it does.
pub(super) fn check(state: &State, recorded: &Recorded) -> Result<(), String> {
    if recorded.seq != state.seq + 1 {
        return Err(format!(
            "its position is {}, but {} was expected",
            recorded.seq,
            state.seq + 1
        ));
    }
    check_author(state, recorded)?;
    if state.status.is_terminal() && !fits_after_the_end(&recorded.event) {
        return Err(format!(
            "the execution has ended as {}",
            state.status.as_str()
        ));
    }
    check_event(state, &recorded.event)
}

/// Facts that follow from driving come from the owner only; wishes come from anybody.
fn check_author(state: &State, recorded: &Recorded) -> Result<(), String> {
    let is_wish = matches!(
        recorded.event,
        Event::CancelRequested { .. }
            | Event::TerminationRequested { .. }
            | Event::ResultDelivered
            | Event::LaunchNotCarriedOut { assumed: true, .. }
    );
    match (&recorded.author, &recorded.event) {
        _ if is_wish => Ok(()),
        (Author::Owner(author), Event::OwnerTaken { owner, .. }) if author == owner => Ok(()),
        (Author::Owner(author), _)
            if state
                .owner
                .as_ref()
                .is_some_and(|owner| owner.id == *author) =>
        {
            Ok(())
        }
        (Author::Owner(author), _) => Err(format!("{author} does not own the execution")),
        (Author::Operator(arn), _) => Err(format!("only the owner may record this, not {arn}")),
    }
}

fn fits_after_the_end(event: &Event) -> bool {
    matches!(
        event,
        Event::OwnerTaken { .. }
            | Event::ResultDelivered
            | Event::TerminationRequested { .. }
            | Event::TerminationIntended { .. }
            | Event::TerminationAccepted { .. }
            | Event::InstancesGone { .. }
            | Event::TerminationFinished { .. }
    )
}

fn check_event(state: &State, event: &Event) -> Result<(), String> {
    match event {
        Event::ExecutionStarted(_) => Err("an execution starts once".to_owned()),
        Event::OwnerTaken { previous, .. } => {
            let present = state.owner.as_ref().map(|owner| &owner.id);
            ensure(present == previous.as_ref(), || {
                "it names another previous owner than the present one".to_owned()
            })
        }
        Event::WaveReady { wave } => check_wave(
            state,
            *wave,
            |wave| wave.ready_at.is_none() && state.dependencies_completed(wave),
            "is ready already, or waits for others",
        ),
        Event::WaveStarted { wave } => check_wave(
            state,
            *wave,
            |wave| wave.ready_at.is_some() && wave.started_at.is_none(),
            "cannot start now",
        ),
        Event::WaveTimedOut { wave } => check_wave(
            state,
            *wave,
            |wave| wave.started_at.is_some() && wave.timed_out_at.is_none(),
            "cannot time out now",
        ),
        Event::WaveFinished { wave, outcome } => check_wave(
            state,
            *wave,
            |wave| wave.launching == 0 && (*outcome != WaveOutcome::Completed || wave.is_whole()),
            "has servers whose launch has no end or no success",
        ),
        Event::LaunchIntended(intent) => check_intent(state, intent),
        Event::LaunchAccepted { launch, job, .. } => {
            ensure(!state.own_jobs().any(|own| own == job), || {
                format!("{job} is the job of another launch")
            })?;
            check_still_ours(state, *launch)
        }
        Event::LaunchUnknown { launch, .. } => check_still_ours(state, *launch),
        Event::LaunchRefused { launch, .. } | Event::LaunchNotCarriedOut { launch, .. } => {
            check_phase(state, *launch, |phase| {
                matches!(phase, Phase::Intended | Phase::Unknown)
            })
        }
        Event::LaunchGivenUp { launch, .. } => ensure(state.open.contains(launch), || {
            format!("launch {} is not open", launch.0)
        }),
        Event::ServersJudged { launch, results } => check_judgements(state, *launch, results),
        Event::JobEnded { launch } => {
            check_phase(state, *launch, |phase| {
                matches!(phase, Phase::Accepted { .. })
            })?;
            ensure(state.launches[launch].unjudged == 0, || {
                format!("launch {} has servers without an end", launch.0)
            })
        }
        Event::InstancesFound { launch, instances } => {
            let is_of_launch = |id: &ServerId| {
                state
                    .servers
                    .get(id)
                    .is_some_and(|server| server.launch == Some(*launch))
            };
            ensure(instances.keys().all(is_of_launch), || {
                "it names servers of another launch".to_owned()
            })
        }
        Event::ExecutionFinished { .. } => {
            ensure(state.open.is_empty(), || "launches are open".to_owned())?;
            ensure(
                state.waves.iter().all(|wave| wave.finished.is_some()),
                || "waves are not finished".to_owned(),
            )
        }
        Event::GuardTripped { wave, .. } | Event::GuardUnreadable { wave, .. } => {
            check_wave(state, *wave, |_| true, "")
        }
        Event::TerminationIntended { .. }
        | Event::TerminationAccepted { .. }
        | Event::InstancesGone { .. }
        | Event::TerminationFinished { .. } => {
            ensure(state.status.is_terminal(), || {
                "nothing is terminated before the execution has ended".to_owned()
            })?;
            let open = state
                .termination
                .as_ref()
                .is_some_and(|termination| termination.finished.is_none());
            ensure(open, || "no termination was asked for".to_owned())
        }
        Event::ExecutionTimedOut
        | Event::CancelRequested { .. }
        | Event::ResultDelivered
        | Event::TerminationRequested { .. }
        | Event::Halted { .. } => Ok(()),
    }
}

fn ensure(holds: bool, reason: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(reason()) }
}

fn are_distinct<'a>(servers: impl Iterator<Item = &'a ServerId>) -> bool {
    let mut seen = BTreeSet::new();
    servers.into_iter().all(|id| seen.insert(id))
}

fn check_wave(
    state: &State,
    wave: usize,
    holds: impl FnOnce(&super::Wave) -> bool,
    reason: &str,
) -> Result<(), String> {
    let Some(found) = state.waves.get(wave) else {
        return Err(format!("there is no wave {wave}"));
    };
    ensure(found.finished.is_none(), || {
        format!("wave {:?} is finished", found.frozen.name)
    })?;
    ensure(holds(found), || {
        format!("wave {:?} {reason}", found.frozen.name)
    })
}

fn check_phase(
    state: &State,
    launch: LaunchId,
    holds: impl FnOnce(&Phase) -> bool,
) -> Result<(), String> {
    let Some(found) = state.launches.get(&launch) else {
        return Err(format!("there is no launch {}", launch.0));
    };
    ensure(holds(&found.phase), || {
        format!("launch {} is {:?}", launch.0, found.phase)
    })
}

/// The rules behind "launch at most once": a server is launched only while it waits, in a wave that runs, and never
/// after launches were stopped.
fn check_intent(state: &State, intent: &Intent) -> Result<(), String> {
    check_wave(
        state,
        intent.wave,
        |wave| wave.started_at.is_some() && wave.timed_out_at.is_none(),
        "may not launch now",
    )?;
    ensure(state.stop.is_none(), || {
        "nothing more may be launched".to_owned()
    })?;
    ensure(intent.launch == state.next_launch(), || {
        format!("launch {} is not the next one", intent.launch.0)
    })?;
    ensure(!intent.servers.is_empty(), || {
        "it names no server".to_owned()
    })?;
    ensure(are_distinct(intent.servers.iter()), || {
        "it names a server twice".to_owned()
    })?;
    for id in &intent.servers {
        let Some(server) = state.servers.get(id) else {
            return Err(format!("server {id} does not take part"));
        };
        ensure(server.status == ServerStatus::Waiting, || {
            format!("server {id} is {}", server.status.as_str())
        })?;
        ensure(server.wave == intent.wave, || {
            format!("server {id} belongs to another wave")
        })?;
        ensure(server.target == intent.target, || {
            format!("server {id} lives elsewhere")
        })?;
    }
    Ok(())
}

/// A job may turn up for a launch that was thought to be refused or never carried out, or a call may still be under way
/// that an operator took for not sent. It is ours all the same, and is taken as long as none of its servers went on.
fn check_still_ours(state: &State, launch: LaunchId) -> Result<(), String> {
    let given_back = |phase: &Phase| matches!(phase, Phase::Refused { .. } | Phase::NotCarriedOut);
    check_phase(state, launch, |phase| {
        matches!(phase, Phase::Intended | Phase::Unknown) || given_back(phase)
    })?;
    let found = &state.launches[&launch];
    let wait = |id: &ServerId| {
        state
            .servers
            .get(id)
            .is_some_and(|server| server.status == ServerStatus::Waiting)
    };
    ensure(
        !given_back(&found.phase) || found.servers.iter().all(wait),
        || {
            format!(
                "servers of launch {} were launched again or have ended",
                launch.0
            )
        },
    )
}

fn check_judgements(state: &State, launch: LaunchId, results: &[Judgement]) -> Result<(), String> {
    check_phase(state, launch, |phase| {
        matches!(phase, Phase::Accepted { .. })
    })?;
    ensure(
        are_distinct(results.iter().map(|result| &result.server)),
        || "it judges a server twice".to_owned(),
    )?;
    for result in results {
        let fits = state.servers.get(&result.server).is_some_and(|server| {
            server.launch == Some(launch) && server.status == ServerStatus::Launching
        });
        ensure(fits, || {
            format!(
                "server {} is not launching in launch {}",
                result.server, launch.0
            )
        })?;
    }
    Ok(())
}

/// The effect of an event that fits.
pub(super) fn take(state: &mut State, recorded: &Recorded) {
    let now = recorded.now;
    match &recorded.event {
        Event::ExecutionStarted(_) => {}
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
        Event::LaunchIntended(intent) => intend(state, intent, recorded),
        Event::LaunchAccepted { launch, job, how } => {
            let adopted = *how != crate::event::Acceptance::Answered;
            take_back(state, *launch);
            set_phase(
                state,
                *launch,
                Phase::Accepted {
                    job: job.clone(),
                    at: now,
                    adopted,
                },
            );
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
        } => refuse(state, *launch, &format!("{code}: {message}"), remedy, now),
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
        Event::InstancesFound { instances, .. } => {
            for (id, instance) in instances {
                if let Some(server) = state.servers.get_mut(id) {
                    server.instance = Some(instance.clone());
                }
            }
        }
        Event::JobEnded { launch } => {
            if let Some(job) = state.launches[launch].phase.job().cloned() {
                close(state, *launch, Phase::Ended { job, at: now });
            }
        }
        Event::GuardTripped { instances, .. } => {
            let named: Vec<String> = instances
                .iter()
                .map(|live| format!("{} (of {})", live.instance, live.server))
                .collect();
            let reason = format!(
                "a launch would delete live recovery instances: {}",
                named.join(", ")
            );
            stop(
                state,
                Stop::Guard {
                    at: now.world,
                    reason,
                },
            );
        }
        Event::GuardUnreadable { message, .. } => {
            let reason = format!("live recovery instances could not be looked for: {message}");
            stop(
                state,
                Stop::Guard {
                    at: now.world,
                    reason,
                },
            );
        }
        Event::ExecutionTimedOut => stop(state, Stop::TimedOut { at: now.world }),
        Event::CancelRequested { reason } => {
            if state.status == Status::Running {
                state.status = Status::Cancelling;
            }
            stop(
                state,
                Stop::Cancelled {
                    at: now.world,
                    by: recorded.author.clone(),
                    reason: reason.clone(),
                },
            );
        }
        Event::ExecutionFinished { outcome, summary } => end(state, *outcome, summary, now),
        Event::ResultDelivered => state.delivered = true,
        Event::TerminationRequested { .. } => request_termination(state, recorded),
        Event::TerminationIntended { .. } => {}
        Event::TerminationAccepted { instances, .. } => {
            if let Some(termination) = &mut state.termination {
                termination
                    .accepted
                    .extend(instances.iter().map(|id| (id.clone(), now.world)));
            }
        }
        Event::InstancesGone { instances } => {
            if let Some(termination) = &mut state.termination {
                termination.gone.extend(instances.iter().cloned());
            }
        }
        Event::TerminationFinished { left, reason } => {
            if let Some(termination) = &mut state.termination {
                termination.finished = Some((now.world, left.clone(), reason.clone()));
            }
        }
        Event::Halted { reason } => {
            state.status = Status::Halted;
            state.finished = Some((now, reason.clone()));
        }
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

fn refuse(state: &mut State, launch: LaunchId, why: &str, remedy: &Remedy, now: Now) {
    match remedy {
        Remedy::GiveUp => fail_rest(state, launch, why, now),
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
    let results: Vec<Judgement> = launching_servers(state, launch)
        .into_iter()
        .map(|server| Judgement {
            server,
            result: ServerResult::Failed {
                reason: reason.to_owned(),
            },
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
    let waiting = std::mem::take(&mut state.waves[wave].waiting);
    let ids: Vec<ServerId> = waiting
        .iter()
        .filter_map(|&position| state.frozen_server(wave, position))
        .map(|server| server.id.clone())
        .collect();
    for id in ids {
        if let Some(server) = state.servers.get_mut(&id) {
            server.status = ServerStatus::NotLaunched;
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
