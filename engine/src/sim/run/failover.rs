//! Somebody who recovers servers for real while a drill may have them, and parts of plans; and the judge of both.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::begin::{Begin, BeginError, Whose};
use crate::decide::is_done;
use crate::drive::DriveError;
use crate::event::{Event, Mode};
use crate::ids::{ExecutionId, GroupId, PlanId, ServerId};
use crate::only::Only;
use crate::point::RecoveryPoint;
use crate::sim::world::AcceptedLaunch;
use crate::store::summary::Summary;

use super::judge::{History, job_of, launches_of};
use super::{Process, Run, Scenario, TRIES};

/// How often it is looked whether a recovery needs somebody.
const LOOK_EVERY: SignedDuration = SignedDuration::from_secs(60);

/// A recovery that somebody starts while a drill may run.
#[derive(Clone, Debug)]
pub(super) struct Failover {
    /// When, in seconds of wall time.
    pub(super) after: i64,
    /// The plan: the drill's own, or another over the same servers.
    pub(super) plan: PlanId,
    /// The part of it.
    pub(super) only: Only,
}

/// Starts the recovery once it is time, and drives it to its end.
pub(super) async fn fail_over(process: Process, wanted: Failover) {
    process.rest(SignedDuration::from_secs(wanted.after)).await;
    for tried in 0..TRIES {
        // A start whose answer was lost may have been one.
        if !matches!(open(&process).await, Ok(Begun { any: false, .. })) {
            break;
        }
        let id = ExecutionId::new(format!("r-{}-{tried}", process.number));
        process.context.recoveries().push(id.clone());
        let begin = Begin {
            plan: wanted.plan.clone(),
            mode: Mode::Recovery,
            origin: "drsctl".to_owned(),
            max_lifetime: None,
            only: wanted.only.clone(),
            points: RecoveryPoint::Latest,
            ..process.wanted(id, BTreeMap::new())
        };
        match process.driver.begin_execution(&begin).await {
            Ok(_) => break,
            Err(BeginError::LiveInstances { .. }) => return,
            Err(BeginError::Resolve(errors))
                if !errors.iter().any(|error| error.is_retryable()) =>
            {
                return;
            }
            Err(error) => process
                .context
                .hub
                .trace(|| format!("no recovery can begin: {error}")),
        }
        process.rest(SignedDuration::from_secs(30)).await;
    }
    bring_to_end(process).await;
}

/// Drives every recovery that was begun and that nobody drives, until all of them are over.
pub(super) async fn bring_to_end(process: Process) {
    for _ in 0..TRIES {
        let drives = match open(&process).await {
            Ok(Begun { open: None, .. }) => return,
            Ok(Begun { open: Some(id), .. }) => drive(&process, &id).await,
            Err(error) => Err(error),
        };
        if let Err(error) = drives {
            process
                .context
                .hub
                .trace(|| format!("a recovery trips: {error}"));
        }
        process.rest(LOOK_EVERY).await;
    }
    panic!("a recovery never ends");
}

async fn drive(process: &Process, id: &ExecutionId) -> Result<(), DriveError> {
    match process.driver.ownership(id).await? {
        Whose::OwnedBy(sign) if sign.owner != process.driver.owner => Ok(()),
        _ => process.bring_to_end(id).await,
    }
}

/// What there is of recoveries.
struct Begun {
    /// Whether one was begun.
    any: bool,
    /// One that is not over, or whose result nobody has.
    open: Option<ExecutionId>,
}

async fn open(process: &Process) -> Result<Begun, DriveError> {
    let ids = process.context.recoveries().clone();
    let mut begun = Begun {
        any: false,
        open: None,
    };
    for id in ids {
        let summary = process.driver.executions.summary(&id).await;
        let summary = summary.map_err(|error| DriveError::History(error.into()))?;
        if !summary.is_some_and(|summary| Summary::has_begun(&summary)) {
            continue;
        }
        begun.any = true;
        let state = process.driver.load(&id).await?;
        if !is_done(&state) || !state.delivered {
            begun.open = Some(id);
        }
    }
    Ok(begun)
}

/// Judges parts of plans, and who gave way to whom; panics with the reason when a rule was broken.
pub(super) fn judge_failovers(run: &Run, histories: &[History]) {
    for history in histories {
        check_part(run, history);
        check_preemption(run, history, histories);
    }
}

/// Exactly the servers of the part take part. It is told from the scenario, not from what was resolved.
fn check_part(run: &Run, history: &History) {
    let started = &history.state.started;
    let expected = servers_of(&run.context.scenario, &started.only);
    let found: BTreeSet<ServerId> = history.state.servers.keys().cloned().collect();
    assert_eq!(found, expected, "of {}", started.execution_id);
    if !started.only.is_all() {
        run.hub.count("parts of a plan");
    }
}

/// The servers of a part.
fn servers_of(scenario: &Scenario, only: &Only) -> BTreeSet<ServerId> {
    let takes_part =
        |names: &[String], name: &str| names.is_empty() || names.iter().any(|named| named == name);
    let waves = scenario.plan.waves.iter();
    let chosen = waves.filter(|wave| takes_part(&only.waves, &wave.name));
    let named: Vec<&GroupId> = chosen.flat_map(|wave| &wave.protection_group_ids).collect();
    let groups = scenario
        .groups
        .iter()
        .filter(|(group, _)| named.contains(&group) && takes_part(&only.groups, group.as_str()));
    let servers = groups.flat_map(|(_, config)| config.selection.listed());
    let stays = |server: &&ServerId| !only.without.iter().any(|named| named == server.as_str());
    servers.filter(stays).cloned().collect()
}

/// Only a drill gives way, only to a recovery, and it launches nothing from then on. The fold says so, too; this does not
/// ask it.
fn check_preemption(run: &Run, history: &History, histories: &[History]) {
    let started = &history.state.started;
    let id = &started.execution_id;
    let of = |id: &ExecutionId| {
        histories
            .iter()
            .find(|other| other.state.started.execution_id == *id)
    };
    let mut gave_way = false;
    for recorded in &history.events {
        match &recorded.event {
            Event::PreemptedBy { execution } => {
                gave_way = true;
                run.hub.count("drills that gave way");
                assert_eq!(started.mode, Mode::Drill, "{id} gave way");
                // A recovery that told it may have been refused after all.
                if let Some(other) = of(execution) {
                    assert_eq!(other.state.started.mode, Mode::Recovery);
                    assert!(other.state.started.preempted.contains(id), "{execution}");
                }
            }
            Event::LaunchIntended(_) => {
                assert!(!gave_way, "event {} of {id} launches", recorded.seq);
            }
            _ => {}
        }
    }
    for drill in &started.preempted {
        run.hub.count("recoveries that took servers from a drill");
        assert_eq!(started.mode, Mode::Recovery);
        let drill = of(drill).expect("it exists");
        assert_eq!(drill.state.started.mode, Mode::Drill);
        check_taken(run, histories, history, drill);
    }
}

/// No call of the drill came after the recovery had launched, and no server was taken from a job of the drill that had it.
fn check_taken(run: &Run, histories: &[History], recovery: &History, drill: &History) {
    let drilled = launches_of(run, histories, drill);
    for taken in launches_of(run, histories, recovery) {
        for before in &drilled {
            let (job, late) = (&taken.job_id, &before.job_id);
            assert!(
                before.at <= taken.at,
                "{late} of the drill came after {job} of the recovery"
            );
            if before.servers.iter().any(|id| taken.servers.contains(id)) {
                run.hub.count("launches of servers that a drill had");
                check_ended(run, recovery, before, &taken);
            }
        }
    }
}

/// A job of the drill had ended before the recovery launched a server of it.
fn check_ended(run: &Run, recovery: &History, before: &AcceptedLaunch, taken: &AcceptedLaunch) {
    let found = job_of(run, &before.job_id);
    let ended: Option<Timestamp> = found["endDateTime"].as_str().and_then(|at| at.parse().ok());
    assert!(
        ended.is_some_and(|ended| ended <= taken.at),
        "{} ended at {ended:?}, and {} took a server of it at {}",
        before.job_id,
        taken.job_id,
        taken.at
    );
    if ended > Some(recovery.state.started_at.world) {
        run.hub.count("jobs of drills that were waited for");
    }
}
