//! What is launched when, and what is done about a launch whose outcome nobody knows.

use jiff::Timestamp;

use crate::event::{Event, LaunchId, Remedy};
use crate::ids::{ServerId, Target};
use crate::limits;
use crate::plan::LaunchOrder;
use crate::ports::{CallError, Kind};
use crate::state::{Launch, Phase, Server, State, Wave};
use crate::time::{Now, Wake, after};

use super::view::{Survey, backoff};
use super::{Command, LaunchPlan, Settings, View, waves};

/// What a launch without outcome needs: a look for its job, and after the fence the conclusion that it was never
/// carried out. The servers stay reserved for it until then, so nothing can launch them twice.
pub(super) fn resolve(
    state: &State,
    view: &View,
    now: Now,
    settings: &Settings,
    wake: &mut Wake,
) -> Option<Command> {
    for (id, launch) in state.unresolved() {
        if let Some(reason) = given_up(state, launch, now, wake) {
            return Some(Command::Record(vec![Event::LaunchGivenUp {
                launch: id,
                reason,
            }]));
        }
        let fence = after(
            launch.signed_at,
            limits::launch_fence(settings.signature_age),
        );
        let search = view.searches.get(&id);
        if search.is_some_and(|search| search.empty_at >= fence) {
            return Some(Command::Record(vec![Event::LaunchNotCarriedOut {
                launch: id,
                assumed: false,
                reason: None,
            }]));
        }
        #[cfg(test)]
        if crate::sabotage::is_taken_out(crate::sabotage::Check::AdoptionLook) {
            return Some(Command::Record(vec![Event::LaunchNotCarriedOut {
                launch: id,
                assumed: false,
                reason: None,
            }]));
        }
        let key = search_key(id);
        let next_look = search
            .map(|search| after(search.empty_at, backoff(&key, search.looks, None)).min(fence));
        let held_back = view.held_back(&key, now);
        match next_look.into_iter().chain(held_back).max() {
            Some(at) if at > now.wall => wake.at_wall(at),
            _ => return Some(Command::FindJob(id)),
        }
    }
    None
}

/// The next launch that is due.
pub(super) fn next(state: &State, view: &View, now: Now, wake: &mut Wake) -> Option<Command> {
    if state.pause.is_some() {
        return None;
    }
    for (index, wave) in state.waves.iter().enumerate() {
        if wave.started_at.is_none()
            || wave.finished.is_some()
            || waves::stops_launching(state, index, wave)
        {
            continue;
        }
        for (target, servers) in due_servers(state, index, wave, now, wake) {
            let held_back = [guard_key(target), launch_key(target)]
                .iter()
                .filter_map(|key| view.held_back(key, now))
                .max();
            if let Some(until) = held_back {
                wake.at_wall(until);
                continue;
            }
            match fresh_survey(view, target, now, wake) {
                Fresh::Yes(survey) => {
                    if let Some(plan) = plan_launch(state, index, wave, target, &servers, survey) {
                        return Some(Command::Launch(plan));
                    }
                    // There is no room, or the servers are in jobs of others: look again when jobs may have ended.
                    wake.at_world(after(survey.at, limits::SURVEY_MAX_AGE));
                }
                Fresh::No => return Some(Command::Survey(target.clone())),
                Fresh::HeldBack => {}
            }
        }
    }
    None
}

/// Servers of a wave that may be launched now, by target, in launch order; targets in the order of their first server.
/// A server whose launch was refused for now waits, and the others go on without it, except where the wave is
/// sequential: in order means in order.
fn due_servers<'a>(
    state: &'a State,
    index: usize,
    wave: &Wave,
    now: Now,
    wake: &mut Wake,
) -> Vec<(&'a Target, Vec<(&'a ServerId, &'a Server)>)> {
    let sequential = wave.frozen.order == LaunchOrder::Sequential;
    let mut due: Vec<(&Target, Vec<(&ServerId, &Server)>)> = Vec::new();
    if sequential && wave.launching > 0 {
        return due;
    }
    for &position in &wave.waiting {
        let Some(frozen) = state.frozen_server(index, position) else {
            continue;
        };
        let Some(server) = state.servers.get(&frozen.id) else {
            continue;
        };
        match retry_at(state, &frozen.id, server).filter(|at| *at > now.wall) {
            Some(at) => wake.at_wall(at),
            None => match due.iter_mut().find(|(target, _)| **target == frozen.target) {
                Some((_, servers)) => servers.push((&frozen.id, server)),
                None => due.push((&frozen.target, vec![(&frozen.id, server)])),
            },
        }
        if sequential {
            break;
        }
    }
    due
}

enum Fresh<'a> {
    Yes(&'a Survey),
    No,
    HeldBack,
}

fn fresh_survey<'a>(view: &'a View, target: &Target, now: Now, wake: &mut Wake) -> Fresh<'a> {
    if let Some(survey) = view
        .surveys
        .get(target)
        .filter(|survey| after(survey.at, limits::SURVEY_MAX_AGE) > now.world)
    {
        return Fresh::Yes(survey);
    }
    match view.held_back(&survey_key(target), now) {
        Some(until) => {
            wake.at_wall(until);
            Fresh::HeldBack
        }
        None => Fresh::No,
    }
}

/// When a server whose launch was refused for now may be tried again. It comes from the history, so a new owner keeps
/// to it.
fn retry_at(state: &State, id: &ServerId, server: &Server) -> Option<Timestamp> {
    let last = state.launches.get(&server.launch?)?;
    let Phase::Refused {
        at,
        retry_after,
        must_wait: true,
    } = &last.phase
    else {
        return None;
    };
    // Every server of a launch waits as long as its first, so that they are tried together again.
    let key = format!("launch#{}", last.servers.first().unwrap_or(id));
    let failures = last.attempt.saturating_sub(1);
    Some(after(at.wall, backoff(&key, failures, *retry_after)))
}

/// Cuts the next launch of a wave: as many servers as the wave's order, its limit and the quotas allow.
fn plan_launch(
    state: &State,
    index: usize,
    wave: &Wave,
    target: &Target,
    due: &[(&ServerId, &Server)],
    survey: &Survey,
) -> Option<LaunchPlan> {
    let room = room(state, wave, target, survey);
    if room == 0 {
        return None;
    }
    let mut servers: Vec<ServerId> = Vec::new();
    let mut attempt = 1;
    let mut most = room;
    for (id, server) in due {
        // A server that was part of a refused launch goes with fewer others, until the one that spoils it is alone.
        let most_with_it = most.min(server.launch_at_most.unwrap_or(usize::MAX));
        if servers.len() >= most_with_it {
            break;
        }
        if survey.busy.contains(*id) {
            // In order means in order: a busy server is waited for. In parallel the others need not wait for it.
            if wave.frozen.order == LaunchOrder::Sequential {
                break;
            }
            continue;
        }
        most = most_with_it;
        attempt = attempt.max(server.attempts + 1);
        servers.push((*id).clone());
    }
    (!servers.is_empty()).then(|| LaunchPlan {
        launch: state.next_launch(),
        wave: index,
        attempt,
        target: target.clone(),
        servers,
        tagged: !state.tags_refused,
    })
}

/// How many servers one more launch may have. Launches without outcome count as jobs: they may be.
fn room(state: &State, wave: &Wave, target: &Target, survey: &Survey) -> usize {
    let own: Vec<&Launch> = state
        .open
        .iter()
        .filter_map(|id| state.launches.get(id))
        .filter(|launch| launch.target == *target)
        .collect();
    let own_servers: usize = own.iter().map(|launch| launch.servers.len()).sum();
    let quotas = &survey.quotas;
    if own.len() + survey.foreign_jobs as usize >= quotas.jobs as usize {
        return 0;
    }
    let in_jobs = own_servers + survey.foreign_servers as usize;
    let in_flight = wave.frozen.max_in_flight.map_or(usize::MAX, |most| {
        (most as usize).saturating_sub(wave.launching)
    });
    let by_order = if wave.frozen.order == LaunchOrder::Sequential {
        1
    } else {
        usize::MAX
    };
    (quotas.servers_per_job as usize)
        .min((quotas.servers_in_jobs as usize).saturating_sub(in_jobs))
        .min(limits::SERVERS_PER_EVENT)
        .min(in_flight)
        .min(by_order)
}

/// Why a launch without outcome is not followed any further, where its time has come.
fn given_up(state: &State, launch: &Launch, now: Now, wake: &mut Wake) -> Option<String> {
    let wave = state.waves.get(launch.wave)?;
    let until = waves::follow_until(state, wave)?;
    waves::is_due(until, now, wake).then(|| {
        "it is not known whether DRS started this launch, and its job could not be looked for in time".to_owned()
    })
}

/// What follows when DRS did not start a launch.
///
/// One bad server makes DRS refuse a whole call, so a refused launch of several servers is cut in two and tried again
/// until the bad ones are alone. Where the refusal is about the caller and not about the servers, that would change
/// nothing. `from_point` says whether servers of the launch are launched from points that were named.
pub fn remedy(error: &CallError, plan: &LaunchPlan, from_point: bool) -> Remedy {
    let code = error.code.as_str();
    let about_tags = match code {
        "ValidationException" => error.message.to_ascii_lowercase().contains("tags"),
        "AccessDeniedException" => error.message.contains("TagResource"),
        _ => false,
    };
    // A job of others holds a server, or a server has no recovery point yet; DRS says the same of both.
    let in_conflict = code == "ConflictException";
    let about_servers = matches!(code, "ValidationException" | "ResourceNotFoundException");
    // The process slept between the intent and the call, so AWS found the request too old: nothing has happened.
    let too_old = matches!(code, "InvalidSignatureException" | "RequestExpired")
        && error.message.to_ascii_lowercase().contains("expired");
    // A server in a job of others is not even tried, so one that is refused so often has another reason.
    // A point that DRS no longer keeps does not come back.
    let hopeless = in_conflict
        && (plan.attempt >= limits::CONFLICTS_PER_SERVER || from_point && is_about_point(error));
    if plan.tagged && about_tags {
        Remedy::RetryWithoutTags
    } else if (about_servers || in_conflict) && plan.servers.len() > 1 {
        Remedy::RetryInHalves
    } else if hopeless {
        Remedy::GiveUp
    } else if error.kind == Kind::Busy || in_conflict || too_old {
        Remedy::RetryLater {
            after: error.retry_after,
        }
    } else {
        Remedy::GiveUp
    }
}

/// Whether DRS speaks of the point that was named. Its words for that are not documented, so any mention counts.
fn is_about_point(error: &CallError) -> bool {
    let message = error.message.to_ascii_lowercase();
    let words = ["snapshot", "point in time", "point-in-time", "pit-"];
    words.iter().any(|word| message.contains(word))
}

/// Whether DRS takes no launch at all for now, whichever servers it has: throttling, or a quota that is used up.
pub fn is_about_target(error: &CallError) -> bool {
    error.kind == Kind::Busy && error.code != "ConflictException"
}

/// Names the backoff of launches, where DRS takes none at all for now.
pub fn launch_key(target: &Target) -> String {
    format!("launch#{target}")
}

/// Names the backoff of looks for live recovery instances.
pub fn guard_key(target: &Target) -> String {
    format!("guard#{target}")
}

/// Names the backoff of looks for a job.
pub fn search_key(launch: LaunchId) -> String {
    format!("find#{}", launch.0)
}

/// Names the backoff of surveys.
pub fn survey_key(target: &Target) -> String {
    format!("survey#{target}")
}
