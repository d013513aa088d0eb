//! Whether an event fits the history before it. What fits has its effect in [`super::apply`].

use std::collections::BTreeSet;

use crate::control::{self, Answer, Request};
use crate::event::{Author, Event, Intent, Judgement, LaunchId, Recorded, WaveOutcome, When};
use crate::guard::Guard;
use crate::ids::ServerId;
use crate::limits;

use super::{Phase, ServerStatus, State, actions, checks, policy};

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
    if let Some(request) = Request::of(&recorded.event)
        && let Answer::Refused(reason) = control::answer(state.status, request)
    {
        return Err(reason.to_owned());
    }
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
        Event::ResultDelivered | Event::PreemptedBy { .. }
    );
    match (&recorded.author, &recorded.event) {
        _ if is_wish || Request::of(&recorded.event).is_some() => Ok(()),
        (Author::Owner(author), Event::OwnerTaken { owner, .. }) if author == owner => Ok(()),
        (Author::Owner(author), _) if state.is_owned_by(author) => Ok(()),
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
        Event::ExecutionFinished { .. } => {
            ensure(state.open.is_empty(), || "launches are open".to_owned())?;
            ensure(
                state.waves.iter().all(|wave| wave.finished.is_some()),
                || "waves are not finished".to_owned(),
            )
        }
        Event::TerminationIntended { .. }
        | Event::TerminationAccepted { .. }
        | Event::InstancesGone { .. }
        | Event::TerminationFinished { .. } => check_termination(state),
        Event::PreemptedBy { .. } => ensure(state.is_drill(), || {
            "only a drill can be pre-empted".to_owned()
        }),
        Event::ExecutionTimedOut
        | Event::CancelRequested { .. }
        | Event::ResultDelivered
        | Event::TerminationRequested { .. }
        | Event::Halted { .. } => Ok(()),
        Event::GuardForced { wave, guard, .. } => check_forced(state, *wave, *guard),
        Event::PauseRequested { before: None, .. } | Event::ResumeRequested { .. } => Ok(()),
        event => check_wave_event(state, event)
            .or_else(|| actions::check(state, event))
            .or_else(|| checks::check(state, event))
            .unwrap_or_else(|| check_launch_event(state, event)),
    }
}

/// Whether an event about a wave fits; none for others.
fn check_wave_event(state: &State, event: &Event) -> Option<Result<(), String>> {
    Some(match event {
        Event::WaveReady { wave } => check_wave(
            state,
            *wave,
            |wave| wave.ready_at.is_none() && state.dependencies_completed(wave),
            "is ready already, or waits for others",
        ),
        Event::WaveStarted { wave } => check_wave(
            state,
            *wave,
            |wave| {
                let due = wave.ready_at.is_some() && wave.started_at.is_none();
                let failed = state.failed_hook(wave).is_some();
                due && state.hooks_ended(wave, When::Before) && !failed
            },
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
        )
        .and_then(|()| {
            ensure(!state.has_open_action(*wave), || {
                "a hook or a check of it has no end".to_owned()
            })
        })
        .and_then(|()| policy::check_outcome(state, *wave, *outcome)),
        Event::ServersRetried { wave, servers } => check_wave(
            state,
            *wave,
            |wave| wave.started_at.is_some() && wave.timed_out_at.is_none(),
            "has not started, or ran out of time",
        )
        .and_then(|()| policy::check_retry(state, *wave, servers)),
        Event::PauseRequested {
            before: Some(wave), ..
        } => check_wave(
            state,
            *wave,
            |wave| wave.started_at.is_none() && wave.skipped.is_none(),
            "has started already, or is left out",
        ),
        Event::WavePaused { wave, .. } => check_wave(
            state,
            *wave,
            |wave| wave.launching == 0 && !wave.is_held(),
            "cannot be held now",
        ),
        Event::SkipRequested { wave, .. } => check_wave(
            state,
            *wave,
            |wave| wave.started_at.is_none() || wave.is_held(),
            "has started: cancel the execution, or let it end",
        ),
        Event::RetryRequested { wave, servers, .. } => check_retry(state, *wave, servers),
        Event::GuardTripped { wave, .. } | Event::GuardUnreadable { wave, .. } => {
            check_wave(state, *wave, |_| true, "")
        }
        _ => return None,
    })
}

/// Only what was allowed at the start is launched without a look.
fn check_forced(state: &State, wave: usize, guard: Guard) -> Result<(), String> {
    ensure(state.started.forces(guard), || {
        format!("it was not started to go on without {guard}")
    })?;
    check_wave(state, wave, |_| true, "")
}

/// Failed servers of a wave that still runs may be launched again.
fn check_retry(state: &State, wave: usize, servers: &[ServerId]) -> Result<(), String> {
    check_wave(
        state,
        wave,
        |wave| wave.started_at.is_some() && wave.timed_out_at.is_none(),
        "has not started, or ran out of time",
    )?;
    ensure(!servers.is_empty(), || {
        "it names no failed server".to_owned()
    })?;
    ensure(servers.len() <= limits::SERVERS_PER_JUDGEMENT, || {
        format!(
            "it names more than {} servers",
            limits::SERVERS_PER_JUDGEMENT
        )
    })?;
    ensure(are_distinct(servers.iter()), || {
        "it names a server twice".to_owned()
    })?;
    for id in servers {
        let failed = state.servers.get(id).is_some_and(|server| {
            server.wave == wave && matches!(server.status, ServerStatus::Failed { .. })
        });
        ensure(failed, || {
            format!("server {id} has not failed in this wave")
        })?;
        ensure(state.is_over(&state.servers[id]), || {
            format!("the job of server {id} has not ended; ask again when it has")
        })?;
    }
    Ok(())
}

fn check_launch_event(state: &State, event: &Event) -> Result<(), String> {
    match event {
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
        Event::PointsFound { launch, points } => {
            ensure(state.points_open.contains(launch), || {
                format!("launch {} has no server to say that of", launch.0)
            })?;
            let launched: BTreeSet<&ServerId> = state.launched_by(*launch).collect();
            ensure(points.keys().all(|id| launched.contains(id)), || {
                "it names servers of another launch, or that were not launched".to_owned()
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
        _ => Ok(()),
    }
}

fn check_termination(state: &State) -> Result<(), String> {
    ensure(state.status.is_terminal(), || {
        "nothing is terminated before the execution has ended".to_owned()
    })?;
    let open = state
        .termination
        .as_ref()
        .is_some_and(|termination| termination.finished.is_none());
    ensure(open, || "no termination was asked for".to_owned())
}

pub(super) fn ensure(holds: bool, reason: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(reason()) }
}

pub(super) fn are_distinct<'a>(servers: impl Iterator<Item = &'a ServerId>) -> bool {
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
    ensure(state.pause.is_none(), || {
        "the execution is paused".to_owned()
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
        let server = state.servers.get(id);
        server.is_some_and(|server| server.waits_since(launch))
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
