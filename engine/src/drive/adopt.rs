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
        if let Some((job, how)) = find_own(&run.state, id, &launch, &jobs, &self.settings) {
            return self
                .record_outcome(
                    run,
                    vec![Event::LaunchAccepted {
                        launch: id,
                        job,
                        how,
                    }],
                )
                .await;
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

/// The job of a launch without outcome, where it is among these.
fn find_own(
    state: &State,
    id: LaunchId,
    launch: &Launch,
    jobs: &[Job],
    settings: &Settings,
) -> Option<(JobId, Acceptance)> {
    let by_tag = jobs
        .iter()
        .find(|job| job.launches && tagged_as(job, state) == Some(id));
    if let Some(job) = by_tag {
        return Some((job.id.clone(), Acceptance::AdoptedByTag));
    }
    if launch.tagged {
        return None;
    }
    let window = settings
        .signature_age
        .saturating_add(limits::CLOCK_SKEW)
        .saturating_mul(i32::try_from(settings.speed).unwrap_or(i32::MAX));
    let latest = after(launch.intended_at.world, window);
    let wanted: BTreeSet<&ServerId> = launch.servers.iter().collect();
    let own: BTreeSet<&JobId> = state.own_jobs().collect();
    jobs.iter()
        .filter(|job| job.launches && job.is_drill == state.is_drill() && job.created_at <= latest)
        .filter(|job| !own.contains(&job.id) && job.tags.is_empty())
        .filter(|job| {
            job.servers
                .iter()
                .map(|server| &server.id)
                .collect::<BTreeSet<_>>()
                == wanted
        })
        // DRS takes one job for a server at a time, and ours was asked for at the beginning of the window: of several, a
        // later one was somebody else's.
        .min_by_key(|job| job.created_at)
        .map(|job| (job.id.clone(), Acceptance::AdoptedByServers))
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
