//! Replication of a source server: its state at a time, and the points in time that it has kept.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::chance;
use crate::time::{after, before};

/// The replication states that DRS knows.
pub(crate) const STATES: [&str; 10] = [
    "STOPPED",
    "INITIATING",
    "INITIAL_SYNC",
    "BACKLOG",
    "CREATING_SNAPSHOT",
    "CONTINUOUS",
    "PAUSED",
    "RESCAN",
    "STALLED",
    "DISCONNECTED",
];

/// The reasons to stall that DRS knows.
pub(crate) const STALL_REASONS: [&str; 14] = [
    "AGENT_NOT_SEEN",
    "SNAPSHOTS_FAILURE",
    "NOT_CONVERGING",
    "UNSTABLE_NETWORK",
    "FAILED_TO_CREATE_SECURITY_GROUP",
    "FAILED_TO_LAUNCH_REPLICATION_SERVER",
    "FAILED_TO_BOOT_REPLICATION_SERVER",
    "FAILED_TO_AUTHENTICATE_WITH_SERVICE",
    "FAILED_TO_DOWNLOAD_REPLICATION_SOFTWARE",
    "FAILED_TO_CREATE_STAGING_DISKS",
    "FAILED_TO_ATTACH_STAGING_DISKS",
    "FAILED_TO_PAIR_REPLICATION_SERVER_WITH_AGENT",
    "FAILED_TO_CONNECT_AGENT_TO_REPLICATION_SERVER",
    "FAILED_TO_START_DATA_TRANSFER",
];

/// The steps that begin a replication, in order.
pub(super) const INITIATION_STEPS: [&str; 11] = [
    "WAIT",
    "CREATE_SECURITY_GROUP",
    "LAUNCH_REPLICATION_SERVER",
    "BOOT_REPLICATION_SERVER",
    "AUTHENTICATE_WITH_SERVICE",
    "DOWNLOAD_REPLICATION_SOFTWARE",
    "CREATE_STAGING_DISKS",
    "ATTACH_STAGING_DISKS",
    "PAIR_REPLICATION_SERVER_WITH_AGENT",
    "CONNECT_AGENT_TO_REPLICATION_SERVER",
    "START_DATA_TRANSFER",
];

/// How a server replicates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Replication {
    pub(super) state: String,
    pub(super) since: Timestamp,
    pub(super) stall_reason: Option<String>,
    pub(super) lag_seconds: u32,
    /// Whether it goes on by itself, from INITIATING to CONTINUOUS.
    advancing: bool,
    /// From when on it has consistent points; none when the initial sync has not ended.
    points_from: Option<Timestamp>,
    /// Until when it has taken points; none while it takes them.
    points_until: Option<Timestamp>,
}

/// A point in time that can be launched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) id: String,
    pub(super) at: Timestamp,
    pub(super) number: i64,
}

/// How old the oldest point of a server of a fleet is: past the schedule's longest memory.
const HISTORY: SignedDuration = SignedDuration::from_hours(24 * 30);

/// The stages that a started replication goes through by itself, and when each begins.
const STAGES: [(&str, SignedDuration); 4] = [
    ("INITIATING", SignedDuration::ZERO),
    ("INITIAL_SYNC", SignedDuration::from_mins(5)),
    ("CREATING_SNAPSHOT", SignedDuration::from_mins(20)),
    ("CONTINUOUS", SignedDuration::from_mins(22)),
];

impl Replication {
    /// A server that has long been in a state.
    pub(super) fn standing(
        state: &str,
        stall_reason: Option<String>,
        lag_seconds: u32,
        now: Timestamp,
    ) -> Self {
        let points_from = has_points(state).then(|| before(now, HISTORY));
        let lag = SignedDuration::from_secs(i64::from(lag_seconds));
        Self {
            state: state.to_owned(),
            since: now,
            stall_reason: stall_reason.or_else(|| default_reason(state)),
            lag_seconds,
            advancing: false,
            points_from,
            points_until: (!takes_points(state)).then(|| before(now, lag)),
        }
    }

    /// The replication after it was put into another state.
    pub(super) fn changed(
        &self,
        state: &str,
        stall_reason: Option<String>,
        lag_seconds: u32,
        now: Timestamp,
    ) -> Self {
        let had_points = self.points_from(now);
        let points_from = match state {
            "STOPPED" | "INITIATING" | "INITIAL_SYNC" | "CREATING_SNAPSHOT" => None,
            _ if takes_points(state) => had_points.or(Some(now)),
            _ => had_points,
        };
        let points_until = if takes_points(state) {
            None
        } else {
            self.points_until.or(Some(now))
        };
        Self {
            state: state.to_owned(),
            since: now,
            stall_reason: stall_reason.or_else(|| default_reason(state)),
            lag_seconds,
            advancing: false,
            points_from,
            points_until,
        }
    }

    /// A replication that begins now and reaches CONTINUOUS by itself.
    pub(super) fn started(now: Timestamp) -> Self {
        Self {
            state: "INITIATING".to_owned(),
            since: now,
            stall_reason: None,
            lag_seconds: 0,
            advancing: true,
            points_from: None,
            points_until: None,
        }
    }

    /// The state at a time.
    pub(super) fn state(&self, now: Timestamp) -> &str {
        if !self.advancing {
            return &self.state;
        }
        let stages = STAGES.iter().rev();
        let reached = stages
            .filter(|(_, wait)| after(self.since, *wait) <= now)
            .map(|(state, _)| *state)
            .next();
        reached.unwrap_or("INITIATING")
    }

    /// The lag at a time; none while nothing is replicated.
    pub(super) fn lag(&self, now: Timestamp) -> Option<SignedDuration> {
        match self.state(now) {
            "CONTINUOUS" => Some(SignedDuration::ZERO),
            "STALLED" | "PAUSED" => {
                let more = now.duration_since(self.since).max(SignedDuration::ZERO);
                Some(SignedDuration::from_secs(i64::from(self.lag_seconds)).saturating_add(more))
            }
            "BACKLOG" | "RESCAN" => Some(SignedDuration::from_secs(i64::from(self.lag_seconds))),
            _ => None,
        }
    }

    /// Whether the source answers, so that a fresh snapshot can be taken.
    pub(super) fn is_reachable(&self, now: Timestamp) -> bool {
        takes_points(self.state(now))
    }

    /// From when on there are points that can be launched; none when there are not.
    pub(super) fn points_from(&self, now: Timestamp) -> Option<Timestamp> {
        if self.advancing {
            let (_, wait) = STAGES[STAGES.len() - 1];
            let first = after(self.since, wait);
            return (first <= now).then_some(first);
        }
        self.points_from
    }

    /// The points that the schedule keeps at a time, oldest first: one every 10 minutes for an hour, one an hour for a
    /// day, one a day for the days of the policy.
    pub(super) fn points(
        &self,
        seed: u64,
        server_id: &str,
        days: u32,
        now: Timestamp,
    ) -> Vec<Point> {
        let Some(from) = self.points_from(now) else {
            return Vec::new();
        };
        let until = self.points_until.unwrap_or(now).min(now);
        let last = until.as_second().div_euclid(POINT_SECONDS);
        let mut numbers: Vec<i64> = (0..6).map(|step| last - step).collect();
        numbers.extend((0..24).map(|step| (last - last.rem_euclid(6)) - 6 * step));
        numbers.extend(
            (0..i64::from(days.min(MOST_DAYS)))
                .map(|step| (last - last.rem_euclid(144)) - 144 * step),
        );
        numbers.sort_unstable();
        numbers.dedup();
        let points = numbers.into_iter().filter_map(|number| {
            let at = Timestamp::from_second(number * POINT_SECONDS).ok()?;
            (at >= from).then(|| Point {
                id: chance::id(seed, "pit-", &["point", server_id, &number.to_string()]),
                at,
                number,
            })
        });
        points.collect()
    }

    /// The newest state that can be launched.
    pub(super) fn latest(&self, now: Timestamp) -> Timestamp {
        self.points_until.unwrap_or(now).min(now)
    }
}

/// Time between two points of the schedule.
const POINT_SECONDS: i64 = 600;
/// Longest memory that a policy can ask for.
const MOST_DAYS: u32 = 365;

/// Whether a server in this state takes new points.
fn takes_points(state: &str) -> bool {
    matches!(state, "CONTINUOUS" | "BACKLOG" | "RESCAN")
}

/// Whether a server that a fleet puts in this state has ended its initial sync.
fn has_points(state: &str) -> bool {
    takes_points(state) || matches!(state, "STALLED" | "PAUSED")
}

fn default_reason(state: &str) -> Option<String> {
    (state == "STALLED").then(|| STALL_REASONS[0].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-24T15:07:00Z".parse().unwrap()
    }

    #[test]
    fn the_schedule_keeps_about_37_points_and_none_newer_than_now() {
        let healthy = Replication::standing("CONTINUOUS", None, 0, now());
        let points = healthy.points(1, "s-1", 7, now());
        assert!((34..=37).contains(&points.len()), "{}", points.len());
        assert!(points.is_sorted_by(|one, next| one.at < next.at));
        assert!(points.iter().all(|point| point.at <= now()));
        assert!(points[0].at >= before(now(), SignedDuration::from_hours(24 * 7)));
    }

    #[test]
    fn points_age_out_and_keep_their_ids_meanwhile() {
        let healthy = Replication::standing("CONTINUOUS", None, 0, now());
        let later = after(now(), SignedDuration::from_mins(60));
        let before = healthy.points(1, "s-1", 7, now());
        let ids: Vec<String> = healthy
            .points(1, "s-1", 7, later)
            .into_iter()
            .map(|point| point.id)
            .collect();
        assert!(before.iter().any(|point| ids.contains(&point.id)));
        assert!(before.iter().any(|point| !ids.contains(&point.id)));
    }

    #[test]
    fn a_stalled_server_keeps_its_points_and_takes_no_more() {
        let healthy = Replication::standing("CONTINUOUS", None, 0, now());
        let stalled = healthy.changed("STALLED", None, 0, now());
        let later = after(now(), SignedDuration::from_hours(2));
        assert_eq!(stalled.stall_reason.as_deref(), Some("AGENT_NOT_SEEN"));
        assert!(
            stalled
                .points(1, "s-1", 7, later)
                .iter()
                .all(|point| point.at <= now())
        );
        assert!(!stalled.points(1, "s-1", 7, later).is_empty());
        assert_eq!(stalled.lag(later), Some(SignedDuration::from_hours(2)));
    }

    #[test]
    fn stopping_wipes_the_points_and_starting_begins_anew() {
        let stopped =
            Replication::standing("CONTINUOUS", None, 0, now()).changed("STOPPED", None, 0, now());
        assert_eq!(stopped.points(1, "s-1", 7, now()), []);
        let started = Replication::started(now());
        assert_eq!(started.state(now()), "INITIATING");
        assert_eq!(
            started.state(after(now(), SignedDuration::from_mins(6))),
            "INITIAL_SYNC"
        );
        let done = after(now(), SignedDuration::from_mins(30));
        assert_eq!(started.state(done), "CONTINUOUS");
        assert!(started.points_from(done).is_some());
    }
}
