//! Finding the job of a launch whose call has no outcome, and taking it.

use std::collections::BTreeSet;

use crate::decide::Settings;
use crate::decide::launches;
use crate::decide::view::Search;
use crate::event::{Acceptance, Event, LaunchId};
use crate::ids::{JobId, ServerId};
use crate::limits;
use crate::ports::{Clock, Job, Outside, WhichJobs};
use crate::state::{Launch, Phase, State};
use crate::store::items::Items;
use crate::time::{after, before};

use super::perform::{EXECUTION_TAG, LAUNCH_TAG, trouble};
use super::{DriveError, Driver, Run, Turn, Watch};

impl<D: Outside, I: Items, C: Clock> Driver<D, I, C> {
    /// Looks for the job of a launch whose call has no outcome.
    pub(super) async fn find_job<W: Watch>(
        &self,
        run: &mut Run<'_, W>,
        id: LaunchId,
    ) -> Result<Turn, DriveError> {
        let Some(launch) = run.state.launches.get(&id).cloned() else {
            return Ok(Turn::Next);
        };
        // The time is taken before the look: only a look that began after the fence proves anything.
        let began = self.clock.now();
        let since = before(launch.intended_at.world, limits::CLOCK_SKEW);
        let key = launches::search_key(id);
        let jobs = match self
            .drs
            .jobs(&launch.target, &WhichJobs::Since(since))
            .await
        {
            Ok(jobs) => jobs,
            Err(error) => return Ok(trouble(run, &key, error, self.clock.now())),
        };
        run.view.clear(&key);
        let fence = limits::launch_fence(self.settings.signature_age);
        let is_over = after(launch.signed_at, fence) <= began.wall;
        let found = find_own(&run.state, id, &launch, &jobs, &self.settings, is_over);
        if let Some(event) = found {
            return self.record_outcome(run, vec![event]).await;
        }
        let looks = run.view.searches.get(&id).map_or(0, |search| search.looks);
        run.view.searches.insert(
            id,
            Search {
                empty_at: began.wall,
                looks: looks.saturating_add(1),
            },
        );
        Ok(Turn::Next)
    }
}

/// What is known of a launch without outcome when these are the jobs there are; nothing where its job may still show.
fn find_own(
    state: &State,
    id: LaunchId,
    launch: &Launch,
    jobs: &[Job],
    settings: &Settings,
    is_over: bool,
) -> Option<Event> {
    let accepted = |job: &Job, how| {
        Some(Event::LaunchAccepted {
            launch: id,
            job: job.id.clone(),
            how,
        })
    };
    let by_tag = jobs
        .iter()
        .find(|job| job.launches && tagged_as(job, state) == Some(id));
    if let Some(job) = by_tag {
        return accepted(job, Acceptance::AdoptedByTag);
    }
    if launch.tagged {
        return None;
    }
    match like_ours(state, launch, jobs, settings).as_slice() {
        [] => None,
        // DRS takes one job for a server at a time: while this one runs, ours cannot be another that is yet to show.
        [job] if is_over || !job.completed => accepted(job, Acceptance::AdoptedByServers),
        several if is_over => Some(Event::LaunchGivenUp {
            launch: id,
            reason: which(several),
        }),
        _ => None,
    }
}

/// The jobs without tags that may be a launch: of the same kind, for the same servers, from the time in which it was sent.
fn like_ours<'a>(
    state: &State,
    launch: &Launch,
    jobs: &'a [Job],
    settings: &Settings,
) -> Vec<&'a Job> {
    let window = settings
        .signature_age
        .saturating_add(limits::CLOCK_SKEW)
        .saturating_mul(i32::try_from(settings.speed).unwrap_or(i32::MAX));
    let latest = after(launch.intended_at.world, window);
    let wanted: BTreeSet<&ServerId> = launch.servers.iter().collect();
    let own: BTreeSet<&JobId> = state.own_jobs().collect();
    let fits = |job: &&Job| {
        let servers: BTreeSet<&ServerId> = job.servers.iter().map(|server| &server.id).collect();
        job.launches
            && job.is_drill == state.is_drill()
            && job.created_at <= latest
            && !own.contains(&job.id)
            && job.tags.is_empty()
            && servers == wanted
    };
    jobs.iter().filter(fits).collect()
}

/// Why a launch is given up when more than one job may be it.
fn which(jobs: &[&Job]) -> String {
    let ids: Vec<&str> = jobs.iter().map(|job| job.id.as_str()).collect();
    format!(
        "its answer was lost, and {} jobs without tags may be it, some of which somebody else started: {}",
        ids.len(),
        ids.join(", ")
    )
}

/// A job that carries our tag, but whose launch the history holds for refused or never carried out.
pub(super) fn late_adoption(state: &State, jobs: &[Job]) -> Option<Event> {
    jobs.iter().filter(|job| job.launches).find_map(|job| {
        let launch = tagged_as(job, state)?;
        let found = state.launches.get(&launch)?;
        let given_back = matches!(found.phase, Phase::Refused { .. } | Phase::NotCarriedOut);
        let wait = |id: &ServerId| {
            let server = state.servers.get(id);
            server.is_some_and(|server| server.waits_since(launch))
        };
        (given_back && found.servers.iter().all(wait)).then(|| Event::LaunchAccepted {
            launch,
            job: job.id.clone(),
            how: Acceptance::AdoptedByTag,
        })
    })
}

/// The launch of this execution that a job says it is.
fn tagged_as(job: &Job, state: &State) -> Option<LaunchId> {
    let execution = job.tags.get(EXECUTION_TAG)?;
    let launch = job.tags.get(LAUNCH_TAG)?.parse().ok()?;
    (execution == state.started.execution_id.as_str()).then_some(LaunchId(launch))
}
