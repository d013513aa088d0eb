//! When it is looked what servers were launched from, and what that says.
//!
//! Nothing is decided by it, so it waits until there is nothing else to do, and costs two calls for each job that ended,
//! never one for each look at a job. What cannot be read in time stays unknown; no launch waits for it.

use std::collections::BTreeMap;

use crate::event::LaunchId;
use crate::ids::{ServerId, Target};
use crate::limits;
use crate::point::{LaunchedFrom, Source};
use crate::ports::{RecoveryInstance, Taken};
use crate::state::State;
use crate::time::{Now, Wake, after};

use super::{Command, View};

/// The launches that can be asked about now.
pub(super) fn next(state: &State, view: &View, now: Now, wake: &mut Wake) -> Option<Command> {
    let mut due = Vec::new();
    for (id, launch, ended_at) in state.without_points() {
        if after(ended_at, limits::POINTS_GRACE) <= now.world {
            continue;
        }
        match view.held_back(&points_key(&launch.target), now) {
            Some(until) => wake.at_wall(until),
            None => due.push(id),
        }
        if due.len() == limits::CALLS_TOGETHER {
            break;
        }
    }
    (!due.is_empty()).then_some(Command::FindPoints(due))
}

/// What the launched servers of a launch were launched from: the log says of which kind it was, the recovery instance which
/// time the data has. Of servers that neither says anything of, and for which no point is frozen, nothing is known.
pub fn launched_from(
    state: &State,
    id: LaunchId,
    taken: &BTreeMap<ServerId, Taken>,
    instances: &[RecoveryInstance],
) -> BTreeMap<ServerId, LaunchedFrom> {
    let Some(job) = state
        .launches
        .get(&id)
        .and_then(|launch| launch.phase.job())
    else {
        return BTreeMap::new();
    };
    let time_of: BTreeMap<&ServerId, _> = instances
        .iter()
        .filter(|instance| instance.job.as_ref() == Some(job))
        .map(|instance| (&instance.server, instance.point_in_time))
        .collect();
    let of_server = |server: &ServerId| {
        let at = time_of.get(server).copied().flatten();
        let point = state.frozen_point(server);
        let from = match (taken.get(server), point) {
            // The log has the last word: it tells what was done, the frozen point what was asked for.
            (Some(Taken::Previous), _) => LaunchedFrom {
                source: Some(Source::Previous),
                snapshot: None,
                at,
            },
            (_, Some(point)) => LaunchedFrom {
                source: Some(Source::Named),
                snapshot: Some(point.id.clone()),
                at: at.or(Some(point.at)),
            },
            (taken, None) => LaunchedFrom {
                source: taken.map(|_| Source::Latest),
                snapshot: None,
                at,
            },
        };
        (from != LaunchedFrom::default()).then(|| (server.clone(), from))
    };
    state.launched_by(id).filter_map(of_server).collect()
}

/// Names the backoff of looks at what servers were launched from.
pub fn points_key(target: &Target) -> String {
    format!("points#{target}")
}
