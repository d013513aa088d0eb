//! The judge of a run: what the world says was launched and terminated, against what the histories say.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::PoisonError;

use jiff::Timestamp;

use crate::decide::is_done;
use crate::drive::{EXECUTION_TAG, LAUNCH_TAG};
use crate::event::{Acceptance, Author, Event, LaunchId, Recorded, WaveOutcome};
use crate::ids::{ExecutionId, JobId, ServerId};
use crate::limits;
use crate::sim::drs::lock;
use crate::sim::world::{AcceptedLaunch, Caller};
use crate::state::{Launch, Phase, State, Status};
use crate::store::executions::Executions;
use crate::store::summary::Summary;

use super::failover::judge_failovers;
use super::told::judge_told;
use super::verify::verify;
use super::{MISFITS, OURS, Run, points};
use crate::testing::at_once;

/// What a run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) executions: u64,
    pub(super) launches: u64,
    pub(super) adoptions: u64,
    pub(super) takeovers: u64,
}

/// A history with its fold.
pub(super) struct History {
    pub(super) state: State,
    pub(super) events: Vec<Recorded>,
}

/// Every execution of a run.
pub(super) fn histories(run: &Run) -> Vec<History> {
    let executions = Executions::new(run.context.memory.clone());
    let summaries = run.context.memory.all().into_iter().filter(|item| {
        item.key.sort.as_deref() == Some("summary")
            && Summary::decode(item).is_ok_and(|summary| summary.has_begun())
    });
    summaries
        .map(|item| {
            let id = ExecutionId::new(&item.key.partition);
            let loaded = at_once(executions.load(&id)).expect("the history can be read");
            let state = State::replay(Arc::new(loaded.frozen), &loaded.events)
                .expect("the history makes sense");
            let summary = Summary::decode(&item).expect("the summary can be read");
            assert_eq!(summary.status, state.status.as_str(), "the summary of {id}");
            assert_eq!(u64::try_from(summary.version), Ok(state.seq), "of {id}");
            History {
                state,
                events: loaded.events,
            }
        })
        .collect()
}

/// Judges a run, and panics with the reason when a rule was broken.
pub(super) fn judge(run: &Run) -> Verdict {
    let histories = histories(run);
    let world = lock(&run.context.world).clone();
    let ours: Vec<_> = world
        .accepted_launches()
        .iter()
        .filter(|launch| launch.caller == OURS)
        .collect();
    let mut launched: BTreeMap<(ExecutionId, ServerId, u32), &str> = BTreeMap::new();
    for accepted in &ours {
        let (history, launch) = whose(&histories, accepted);
        points::check_launch(history, accepted);
        for server in &accepted.servers {
            let server = ServerId::new(server);
            let round = round(history, launch, &server);
            let execution = history.state.started.execution_id.clone();
            let key = (execution, server.clone(), round);
            let first = launched.insert(key, &accepted.job_id);
            assert_eq!(
                first,
                None,
                "{server} was launched by {} and again by {}",
                first.unwrap_or_default(),
                accepted.job_id
            );
        }
    }
    check_rounds(run, &launched);
    check_deeds(run, &histories);
    verify(run, &histories);
    judge_told(run, &histories);
    judge_failovers(run, &histories);
    // What does not fit is not written, so only the driver that gave up over it knows.
    assert_eq!(run.counts().get(MISFITS), None, "{MISFITS}");
    let mut verdict = Verdict {
        executions: histories.len() as u64,
        launches: ours.len() as u64,
        ..Verdict::default()
    };
    points::check_records(run, &histories);
    for History { state, events } in &histories {
        assert!(is_done(state), "{} is not done", state.started.execution_id);
        assert_ne!(state.status, Status::Halted, "{:?}", state.finished);
        check_authors(events);
        check_wishes(events);
        verdict.takeovers += u64::from(state.takeovers);
        run.hub.count(state.status.as_str());
        for wave in &state.waves {
            if matches!(wave.finished, Some((_, WaveOutcome::Partial))) {
                run.hub.count("partial waves");
            }
        }
        for launch in state.launches.values() {
            match &launch.phase {
                Phase::NotCarriedOut => run.hub.count("launches never carried out"),
                Phase::GivenUp { .. } => run.hub.count("launches given up"),
                _ => {}
            }
        }
        verdict.adoptions += events.iter().filter(is_adoption).count() as u64;
    }
    verdict
}

fn is_adoption(recorded: &&Recorded) -> bool {
    matches!(
        recorded.event,
        Event::LaunchAccepted {
            how: Acceptance::AdoptedByTag | Acceptance::AdoptedByServers,
            ..
        }
    )
}

/// How often a server was to be launched again before a launch of it was intended.
fn round(history: &History, launch: LaunchId, server: &ServerId) -> u32 {
    let is_intent = |recorded: &&Recorded| matches!(&recorded.event, Event::LaunchIntended(intent) if intent.launch == launch);
    let before = history
        .events
        .iter()
        .take_while(|recorded| !is_intent(recorded));
    let again = before.filter(|recorded| {
        matches!(
            &recorded.event,
            Event::ServersRetried { servers, .. } | Event::RetryRequested { servers, .. }
                if servers.contains(server)
        )
    });
    u32::try_from(again.count()).unwrap_or(u32::MAX)
}

/// Most requests of operators in one run.
const REQUESTS: u32 = 3;

/// A server is launched again only when the world itself says that its launch before had failed and was over, and never
/// more often than a plan may ask.
fn check_rounds(run: &Run, launched: &BTreeMap<(ExecutionId, ServerId, u32), &str>) {
    for ((execution, server, round), job) in launched {
        let most = limits::RETRIES_PER_SERVER + REQUESTS;
        assert!(*round <= most, "{server}: {round}");
        let first = (execution.clone(), server.clone(), 0);
        let this = (execution.clone(), server.clone(), *round);
        // A round whose launch DRS refused is no launch; an operator may ask for another after it.
        let Some((_, first)) = launched.range(first..this).next_back() else {
            continue;
        };
        run.hub.count("launches again");
        let found = job_of(run, first);
        let participants = found["participatingServers"].as_array();
        let status = participants.into_iter().flatten().find_map(|found| {
            (found["sourceServerID"] == server.as_str()).then(|| found["launchStatus"].clone())
        });
        assert_eq!(found["status"], "COMPLETED", "{first}");
        assert!(
            status.is_some_and(|status| status != "LAUNCHED"),
            "{server} was launched by {first}, and again by {job}"
        );
        let ended: Option<Timestamp> = found["endDateTime"].as_str().and_then(|at| at.parse().ok());
        let world = lock(&run.context.world);
        let again = world
            .accepted_launches()
            .iter()
            .find(|accepted| accepted.job_id == **job);
        assert!(ended <= again.map(|again| again.at), "{first} and {job}");
    }
}

/// A job as the world shows it.
pub(super) fn job_of(run: &Run, job: &str) -> serde_json::Value {
    let input = serde_json::json!({"filters": {"jobIDs": [job]}});
    let at = run.hub.both().world;
    let places = run.context.scenario.fleet.accounts.iter();
    let places = places.flat_map(|account| {
        let regions = account.regions.iter();
        regions.map(|region| (account.id.clone(), region.name.clone()))
    });
    for (account_id, region) in places {
        let who = Caller {
            account_id,
            arn: OURS.to_owned(),
        };
        let reply = lock(&run.context.world).call(at, &who, &region, "DescribeJobs", &input);
        let body = reply.expect("jobs can be looked at").body;
        let found = body.map(|body| body["items"][0].clone());
        if let Some(found) = found.filter(|found| !found.is_null()) {
            return found;
        }
    }
    serde_json::Value::Null
}

/// The calls of an execution that the world accepted.
pub(super) fn launches_of(
    run: &Run,
    histories: &[History],
    history: &History,
) -> Vec<AcceptedLaunch> {
    let id = &history.state.started.execution_id;
    let world = lock(&run.context.world);
    let accepted = world.accepted_launches().iter();
    let ours = accepted.filter(|accepted| accepted.caller == OURS);
    ours.filter(|accepted| whose(histories, accepted).0.state.started.execution_id == *id)
        .cloned()
        .collect()
}

/// The launch that an accepted call belongs to. Its history must know the job, unless it gave up looking for it.
fn whose<'a>(histories: &'a [History], accepted: &AcceptedLaunch) -> (&'a History, LaunchId) {
    let job = JobId::new(&accepted.job_id);
    let servers: BTreeSet<&str> = accepted.servers.iter().map(String::as_str).collect();
    let launches = || {
        let of = |history: &'a History| history.state.launches.iter().map(move |it| (history, it));
        histories.iter().flat_map(of)
    };
    let same = |launch: &Launch| {
        let own: BTreeSet<&str> = launch.servers.iter().map(ServerId::as_str).collect();
        own == servers
    };
    // A launch that was given up knows no job: it is asked only where no other knows this one.
    if let Some((history, (id, launch))) =
        launches().find(|(_, (_, launch))| launch.phase.job() == Some(&job))
    {
        assert!(same(launch), "{job} has other servers than launch {}", id.0);
        if let Some(tag) = accepted.tags.get(LAUNCH_TAG) {
            assert_eq!(*tag, id.0.to_string(), "{job} is another launch");
            assert_eq!(
                accepted.tags.get(EXECUTION_TAG).map(String::as_str),
                Some(history.state.started.execution_id.as_str())
            );
        }
        return (history, *id);
    }
    let given_up =
        launches().find(|(_, (_, it))| same(it) && it.phase == (Phase::GivenUp { job: None }));
    match given_up {
        Some((history, (id, _))) => (history, *id),
        None => panic!("no history knows {job} of {:?}", accepted.servers),
    }
}

/// Every event of a driver is by the owner of its time. The fold says so, too; this does not ask it.
fn check_authors(events: &[Recorded]) {
    let mut owner = None;
    for Recorded {
        seq, author, event, ..
    } in events
    {
        if let Event::OwnerTaken { owner: taker, .. } = event {
            owner = Some(taker);
        }
        if let Author::Owner(author) = author {
            assert_eq!(Some(author), owner, "event {seq} is not by the owner");
        }
    }
}

/// Nothing is intended after a cancel, or while the whole is paused. The fold says so, too; this does not ask it.
fn check_wishes(events: &[Recorded]) {
    let (mut cancelled, mut paused) = (false, false);
    for Recorded { seq, event, .. } in events {
        match event {
            Event::CancelRequested { .. } => cancelled = true,
            Event::PauseRequested { before: None, .. } => paused = true,
            Event::ResumeRequested { .. } => paused = false,
            Event::LaunchIntended(_) => {
                assert!(!cancelled, "event {seq} launches after a cancel");
                assert!(!paused, "event {seq} launches during a pause");
            }
            _ => {}
        }
    }
}

/// No live recovery was deleted, and nothing was terminated that the executions had not launched.
fn check_deeds(run: &Run, histories: &[History]) {
    let ledger = run
        .context
        .ledger
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    assert_eq!(ledger.replaced, [], "live recovery instances were deleted");
    let own: BTreeSet<&JobId> = histories
        .iter()
        .flat_map(|history| history.state.own_jobs())
        .collect();
    for (instance, job) in &ledger.terminated {
        let is_own = job.as_ref().is_some_and(|job| own.contains(job));
        assert!(is_own, "{instance} of {job:?} was terminated");
    }
}
