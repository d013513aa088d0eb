//! Following running jobs, and judging their servers.
//!
//! Servers are judged, not jobs: a job only ever completes. A server counts as launched on `LAUNCHED`. One that is still
//! pending when its job completed, or missing from it, has failed after a short grace. Words that are not known are
//! carried and waited out, never fatal.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::event::{Event, Judgement, LaunchId, ServerResult};
use crate::ids::{ServerId, Target};
use crate::limits;
use crate::ports::{Job, JobServer, LaunchStatus};
use crate::state::{Launch, Phase, ServerStatus, State};
use crate::time::{Now, Wake, after};

use super::{Command, Settings, View, waves};

/// Looks that are due: at jobs, and for the instances of launched servers.
pub(super) fn follow(
    state: &State,
    view: &View,
    now: Now,
    settings: &Settings,
    wake: &mut Wake,
) -> Option<Command> {
    for (id, launch) in state.running() {
        if let Some(reason) = given_up(state, launch, now, wake) {
            return Some(Command::Record(vec![Event::LaunchGivenUp {
                launch: id,
                reason,
            }]));
        }
    }
    if let Some((target, launches)) = looks(state, view, now, settings, wake).into_iter().next() {
        return Some(Command::Observe { target, launches });
    }
    let found = instance_looks(state, view, now, settings, wake);
    let (target, servers) = found.into_iter().next()?;
    Some(Command::FindInstances { target, servers })
}

/// Every target whose running jobs are to be looked at now, with their launches.
pub(super) fn looks(
    state: &State,
    view: &View,
    now: Now,
    settings: &Settings,
    wake: &mut Wake,
) -> Vec<(Target, Vec<LaunchId>)> {
    let mut by_target: BTreeMap<&Target, Vec<LaunchId>> = BTreeMap::new();
    for (id, launch) in state.running() {
        by_target.entry(&launch.target).or_default().push(id);
    }
    let mut due = Vec::new();
    for (target, launches) in by_target {
        let last = view.observed.get(target);
        let interval = last.map_or(settings.poll_shortest, |last| {
            interval(state, &launches, *last, settings)
        });
        if is_due(last, interval, view, &observe_key(target), now, wake) {
            due.push((target.clone(), launches));
        }
    }
    due
}

/// Every target where the instances of launched servers are to be looked for now, with the servers.
pub(super) fn instance_looks(
    state: &State,
    view: &View,
    now: Now,
    settings: &Settings,
    wake: &mut Wake,
) -> Vec<(Target, Vec<ServerId>)> {
    let mut by_target: BTreeMap<&Target, Vec<ServerId>> = BTreeMap::new();
    for (id, server) in state.without_instance() {
        let searched = server
            .ended_at
            .is_some_and(|at| after(at, limits::INSTANCE_GRACE) > now.world);
        if searched {
            by_target
                .entry(&server.target)
                .or_default()
                .push(id.clone());
        }
    }
    let due = by_target.into_iter().filter(|(target, _)| {
        let last = view.instances_looked.get(target);
        look_is_due(last, view, &instances_key(target), now, settings, wake)
    });
    due.map(|(target, servers)| (target.clone(), servers))
        .collect()
}

/// How long after a look at running jobs the next one is due. It follows the job that is to be looked at soonest: often
/// while it has just begun and once its servers are due, seldom in between, and never so seldom that looking adds more
/// than a small share to how long a launch takes.
fn interval(
    state: &State,
    launches: &[LaunchId],
    last: Timestamp,
    settings: &Settings,
) -> SignedDuration {
    let of_launch = |id: &LaunchId| {
        let Phase::Accepted { at, .. } = &state.launches.get(id)?.phase else {
            return None;
        };
        let age = last.duration_since(at.world);
        let share = if age < limits::LAUNCH_DUE {
            limits::POLL_SHARE_YOUNG
        } else {
            limits::POLL_SHARE_DUE
        };
        Some(age / share)
    };
    let soonest = launches.iter().filter_map(of_launch).min();
    soonest
        .unwrap_or_default()
        .min(settings.poll_longest)
        .max(settings.poll_shortest)
}

/// Whether a look that is made at a fixed interval is due.
pub(super) fn look_is_due(
    last: Option<&Timestamp>,
    view: &View,
    key: &str,
    now: Now,
    settings: &Settings,
    wake: &mut Wake,
) -> bool {
    is_due(last, settings.poll_interval, view, key, now, wake)
}

/// Whether a look is due so long after the last one.
pub(super) fn is_due(
    last: Option<&Timestamp>,
    interval: SignedDuration,
    view: &View,
    key: &str,
    now: Now,
    wake: &mut Wake,
) -> bool {
    if let Some(until) = view.held_back(key, now) {
        wake.at_wall(until);
        return false;
    }
    last.is_none_or(|last| waves::is_due(after(*last, interval), now, wake))
}

fn given_up(state: &State, launch: &Launch, now: Now, wake: &mut Wake) -> Option<String> {
    let wave = state.waves.get(launch.wave)?;
    let until = waves::follow_until(state, wave)?;
    let job = launch.phase.job()?;
    waves::is_due(until, now, wake)
        .then(|| format!("DRS job {job} did not end in time; it was followed until now"))
}

/// What a look at the jobs of a target tells that the history does not know yet.
///
/// `reasons` holds what the job logs say about servers that failed.
pub fn judge(
    state: &State,
    launches: &[LaunchId],
    jobs: &[Job],
    reasons: &BTreeMap<ServerId, String>,
    now: Now,
) -> Vec<Event> {
    let mut events = Vec::new();
    for &id in launches {
        let Some(launch) = state.launches.get(&id) else {
            continue;
        };
        let Phase::Accepted { job: job_id, .. } = &launch.phase else {
            continue;
        };
        let Some(job) = jobs.iter().find(|job| job.id == *job_id) else {
            continue;
        };
        let results = judge_servers(state, id, launch, job, reasons, now);
        let unjudged = launch.unjudged.saturating_sub(results.len());
        for part in results.chunks(limits::SERVERS_PER_JUDGEMENT) {
            events.push(Event::ServersJudged {
                launch: id,
                results: part.to_vec(),
            });
        }
        if job.completed && unjudged == 0 {
            events.push(Event::JobEnded { launch: id });
        }
    }
    events
}

fn judge_servers(
    state: &State,
    id: LaunchId,
    launch: &Launch,
    job: &Job,
    reasons: &BTreeMap<ServerId, String>,
    now: Now,
) -> Vec<Judgement> {
    // A job that does not say when it ended is judged by when it began: better soon than never.
    let ended_at = job.ended_at.unwrap_or(job.created_at);
    let grace_is_over = job.completed && after(ended_at, limits::JUDGE_GRACE) <= now.world;
    let seen: BTreeMap<&ServerId, &JobServer> = job
        .servers
        .iter()
        .map(|server| (&server.id, server))
        .collect();
    let open = |server: &&ServerId| {
        state.servers.get(*server).is_some_and(|found| {
            found.launch == Some(id) && found.status == ServerStatus::Launching
        })
    };
    launch
        .servers
        .iter()
        .filter(open)
        .filter_map(|server| {
            judge_server(
                server,
                seen.get(server).copied(),
                job,
                reasons,
                grace_is_over,
            )
        })
        .collect()
}

fn judge_server(
    server: &ServerId,
    seen: Option<&JobServer>,
    job: &Job,
    reasons: &BTreeMap<ServerId, String>,
    grace_is_over: bool,
) -> Option<Judgement> {
    let result = match seen.map(|seen| &seen.status) {
        Some(LaunchStatus::Launched) => ServerResult::Launched,
        Some(LaunchStatus::Failed) => ServerResult::Failed {
            reason: reason_of(server, reasons, "DRS reported FAILED"),
        },
        Some(LaunchStatus::Terminated) => ServerResult::Failed {
            reason: reason_of(
                server,
                reasons,
                "its instance was terminated while it launched",
            ),
        },
        _ if !grace_is_over => return None,
        Some(other) => {
            let text = format!(
                "DRS job {} completed while the server was still {other}",
                job.id
            );
            ServerResult::Failed {
                reason: reason_of(server, reasons, &text),
            }
        }
        None => {
            let text = format!("DRS job {} completed and does not list the server", job.id);
            ServerResult::Failed {
                reason: reason_of(server, reasons, &text),
            }
        }
    };
    Some(Judgement {
        server: server.clone(),
        result,
        instance: seen.and_then(|seen| seen.instance.clone()),
    })
}

fn reason_of(server: &ServerId, reasons: &BTreeMap<ServerId, String>, otherwise: &str) -> String {
    reasons
        .get(server)
        .cloned()
        .unwrap_or_else(|| otherwise.to_owned())
}

/// Names the backoff of looks at jobs.
pub fn observe_key(target: &Target) -> String {
    format!("observe#{target}")
}

/// Names the backoff of looks for instances.
pub fn instances_key(target: &Target) -> String {
    format!("instances#{target}")
}
