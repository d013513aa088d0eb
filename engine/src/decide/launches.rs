//! What is launched when, and what is done about a launch whose outcome nobody knows.

use std::collections::BTreeMap;

use crate::event::{Event, LaunchId, Remedy};
use crate::ids::{ServerId, Target};
use crate::limits;
use crate::plan::LaunchOrder;
use crate::ports::{CallError, Kind};
use crate::state::{Launch, Phase, State, Wave};
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
    let mut surveyed: BTreeMap<Target, bool> = BTreeMap::new();
    for (index, wave) in state.waves.iter().enumerate() {
        if wave.started_at.is_none()
            || wave.finished.is_some()
            || waves::stops_launching(state, wave)
        {
            continue;
        }
        let Some(target) = next_target(state, index, wave) else {
            continue;
        };
        let held_back = view.held_back(&guard_key(&target), now);
        if let Some(at) = retry_at(state, index)
            .into_iter()
            .chain(held_back)
            .max()
            .filter(|at| *at > now.wall)
        {
            wake.at_wall(at);
            continue;
        }
        match fresh_survey(view, &target, now, wake) {
            Fresh::Yes(survey) => {
                if let Some(plan) = plan_launch(state, index, wave, &target, survey) {
                    return Some(Command::Launch(plan));
                }
                // There is no room, or the servers are in jobs of others: look again when jobs may have ended.
                wake.at_world(after(survey.at, limits::SURVEY_MAX_AGE));
            }
            Fresh::No if *surveyed.entry(target.clone()).or_insert(true) => {
                return Some(Command::Survey(target));
            }
            Fresh::No | Fresh::HeldBack => {}
        }
    }
    None
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

/// The target of the first server that waits. Servers launch in order, so the others of the same target go with it.
fn next_target(state: &State, index: usize, wave: &Wave) -> Option<Target> {
    let first = *wave.waiting.first()?;
    if wave.frozen.order == LaunchOrder::Sequential && wave.launching > 0 {
        return None;
    }
    state
        .frozen_server(index, first)
        .map(|server| server.target.clone())
}

/// When a wave whose last launch was refused may be tried again. It comes from the history, so a new owner keeps to it.
fn retry_at(state: &State, index: usize) -> Option<jiff::Timestamp> {
    let refused = |launch: &&Launch| {
        launch.wave == index
            && matches!(
                launch.phase,
                Phase::Refused {
                    must_wait: true,
                    ..
                }
            )
    };
    let last = state
        .launches
        .values()
        .rev()
        .find(|launch| launch.wave == index)?;
    let Phase::Refused {
        at,
        retry_after,
        must_wait: true,
    } = &last.phase
    else {
        return None;
    };
    let in_a_row = state.launches.values().rev().take_while(refused).count();
    let failures = u32::try_from(in_a_row.saturating_sub(1)).unwrap_or(u32::MAX);
    Some(after(
        at.wall,
        backoff(&format!("launch#{index}"), failures, *retry_after),
    ))
}

/// Cuts the next launch of a wave: as many servers as the wave's order, its limit and the quotas allow.
fn plan_launch(
    state: &State,
    index: usize,
    wave: &Wave,
    target: &Target,
    survey: &Survey,
) -> Option<LaunchPlan> {
    let room = room(state, wave, target, survey);
    if room == 0 {
        return None;
    }
    let mut servers: Vec<ServerId> = Vec::new();
    let mut attempt = 1;
    let mut most = room;
    for &position in &wave.waiting {
        let Some(frozen) = state.frozen_server(index, position) else {
            continue;
        };
        let server = state.servers.get(&frozen.id)?;
        // A server that was part of a refused launch goes with fewer others, until the one that spoils it is alone.
        let most_with_it = most.min(server.launch_at_most.unwrap_or(usize::MAX));
        if servers.len() >= most_with_it {
            break;
        }
        if frozen.target != *target {
            continue;
        }
        if survey.busy.contains(&frozen.id) {
            // In order means in order: a busy server is waited for. In parallel the others need not wait for it.
            if wave.frozen.order == LaunchOrder::Sequential {
                break;
            }
            continue;
        }
        most = most_with_it;
        attempt = attempt.max(server.attempts + 1);
        servers.push(frozen.id.clone());
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
/// nothing.
pub fn remedy(error: &CallError, servers: usize, tagged: bool) -> Remedy {
    if error.kind == Kind::Busy {
        return Remedy::RetryLater {
            after: error.retry_after,
        };
    }
    let about_tags = match error.code.as_str() {
        "ValidationException" => error.message.to_ascii_lowercase().contains("tags"),
        "AccessDeniedException" => error.message.contains("TagResource"),
        _ => false,
    };
    let about_servers = matches!(
        error.code.as_str(),
        "ValidationException" | "ResourceNotFoundException"
    );
    if tagged && about_tags {
        Remedy::RetryWithoutTags
    } else if about_servers && servers > 1 {
        Remedy::RetryInHalves
    } else {
        Remedy::GiveUp
    }
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
