//! Recovery points of a run: what is asked for, and whether the world was asked for the same and did what is recorded.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::event::Event;
use crate::ids::{JobId, ServerId, SnapshotId, Target};
use crate::point::{PointError, RecoveryPoint, Source};
use crate::sim::drs::lock;
use crate::sim::world::{AcceptedLaunch, Caller};
use crate::state::{ServerStatus, State};
use crate::time::before;

use super::judge::History;
use super::{Context, OURS, Run};

/// What servers are launched from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Their newest state.
    #[default]
    Latest,
    /// The newest point before a time that is so many minutes ago.
    Before(i64),
    /// The point with this number from the newest, of every second server: some are about to age out.
    Named(usize),
}

/// What is asked for now.
pub(super) fn of(context: &Context) -> RecoveryPoint {
    match context.scenario.points {
        Wanted::Latest => RecoveryPoint::Latest,
        Wanted::Before(minutes) => {
            let now = context.hub.both().world;
            RecoveryPoint::Before(before(now, SignedDuration::from_mins(minutes)))
        }
        Wanted::Named(number) => {
            let mut named = BTreeMap::new();
            for (_, group) in &context.scenario.groups {
                for id in group.selection.listed().iter().step_by(2) {
                    let input = json!({"sourceServerID": id, "order": "DESC"});
                    let asked = ask(context, &group.target, "DescribeRecoverySnapshots", &input);
                    let point = asked["items"][number]["snapshotID"].as_str();
                    let point = point.map(|point| (id.to_string(), SnapshotId::new(point)));
                    named.extend(point);
                }
            }
            RecoveryPoint::Named(named)
        }
    }
}

/// Whether a start would be refused for the same again.
pub(super) fn are_final(problems: &[PointError]) -> bool {
    let passes = |problem: &PointError| matches!(problem, PointError::Unreadable { .. });
    // A point that has aged out meanwhile is named no more by the next start.
    let aged = |problem: &PointError| matches!(problem, PointError::Missing { .. });
    !problems
        .iter()
        .any(|problem| passes(problem) || aged(problem))
}

/// The world was asked for the points that were frozen, each time.
pub(super) fn check_launch(history: &History, accepted: &AcceptedLaunch) {
    for server in &accepted.servers {
        let frozen = history.state.frozen_point(&ServerId::new(server));
        assert_eq!(
            accepted.snapshots.get(server).map(String::as_str),
            frozen.map(|point| point.id.as_str()),
            "{server} in {}",
            accepted.job_id
        );
    }
}

/// What is recorded is what the world did.
pub(super) fn check_records(run: &Run, histories: &[History]) {
    for history in histories {
        check_record(run, history);
        count_aged(run, &history.state);
    }
}

fn check_record(run: &Run, history: &History) {
    for recorded in &history.events {
        let Event::PointsFound { launch, points } = &recorded.event else {
            continue;
        };
        let launch = &history.state.launches[launch];
        let job = launch.phase.job().expect("it was launched");
        if !is_ours(run, job) {
            // Without tags, somebody else's launch can be taken for one of ours that was lost; see ADR 0004.
            run.hub.count("launches of others that were taken for ours");
            continue;
        }
        let did = log_of(run, &launch.target, job);
        for (server, from) in points {
            let named = history.state.frozen_point(server).is_some();
            let (wanted, counted) = match did.get(server.as_str()).map(String::as_str) {
                Some("USING_PREVIOUS_SNAPSHOT") => (Some(Source::Previous), "fallbacks"),
                Some(_) => (Some(Source::Latest), "newest states"),
                None if named => (Some(Source::Named), "named points"),
                None => (None, "points that nobody knows"),
            };
            assert_eq!(from.source, wanted, "{server} in {job}");
            run.hub.count(counted);
        }
    }
}

/// Whether we started a job.
fn is_ours(run: &Run, job: &JobId) -> bool {
    let world = lock(&run.context.world);
    let mut accepted = world.accepted_launches().iter();
    accepted.any(|launch| launch.job_id == job.as_str() && launch.caller == OURS)
}

fn count_aged(run: &Run, state: &State) {
    for server in state.servers.values() {
        if let ServerStatus::Failed { reason } = &server.status
            && reason.contains("which DRS may no longer keep")
        {
            run.hub.count("points that aged out");
        }
    }
}

/// What a job's log says about the snapshot of each server.
fn log_of(run: &Run, target: &Target, job: &JobId) -> BTreeMap<String, String> {
    let log = ask(
        &run.context,
        target,
        "DescribeJobLogItems",
        &json!({"jobID": job, "maxResults": 1000}),
    );
    let lines = log["items"].as_array().into_iter().flatten();
    let told = lines.filter_map(|line| {
        let event = line["event"].as_str()?;
        let server = line["eventData"]["sourceServerID"].as_str()?;
        let is_about = ["SNAPSHOT_END", "USING_PREVIOUS_SNAPSHOT"].contains(&event);
        is_about.then(|| (server.to_owned(), event.to_owned()))
    });
    told.collect()
}

fn ask(context: &Context, target: &Target, operation: &str, input: &Value) -> Value {
    let who = Caller {
        account_id: target.account_id.clone(),
        arn: OURS.to_owned(),
    };
    let at = context.hub.both().world;
    let reply = lock(&context.world).call(at, &who, &target.region, operation, input);
    reply.ok().and_then(|reply| reply.body).unwrap_or_default()
}
