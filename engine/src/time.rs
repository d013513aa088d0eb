//! Two clocks, kept apart.
//!
//! *World* time is the time that DRS lives in: jobs, waits and timeouts of waves. *Wall* time is the time of this
//! process and of AWS's front door: signatures, heartbeats, backoff. On AWS they are the same. On a simulator that runs
//! faster than life they are not, and mixing them up would make a two-hour timeout pass in seconds, or a signature seem
//! old when it is fresh.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// One instant on both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Now {
    /// The time of the simulated or real AWS world.
    pub world: Timestamp,
    /// The time of this process.
    pub wall: Timestamp,
}

/// When a driver must look again: at the earlier of the two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wake {
    /// An instant of world time.
    pub world: Option<Timestamp>,
    /// An instant of wall time.
    pub wall: Option<Timestamp>,
}

impl Wake {
    /// Also wake at this instant of world time.
    pub fn at_world(&mut self, at: Timestamp) {
        self.world = Some(self.world.map_or(at, |other| other.min(at)));
    }

    /// Also wake at this instant of wall time.
    pub fn at_wall(&mut self, at: Timestamp) {
        self.wall = Some(self.wall.map_or(at, |other| other.min(at)));
    }
}

/// A later instant; the end of time when there is none.
pub fn after(at: Timestamp, wait: SignedDuration) -> Timestamp {
    at.checked_add(wait).unwrap_or(Timestamp::MAX)
}

/// An earlier instant; the beginning of time when there is none.
pub fn before(at: Timestamp, span: SignedDuration) -> Timestamp {
    at.checked_sub(span).unwrap_or(Timestamp::MIN)
}

/// World time as something else keeps it, e.g. a simulator. On AWS there is none, and world time is wall time.
pub trait WorldTime: Send + Sync {
    /// The present instant of world time.
    fn now(&self) -> Timestamp;

    /// How long to wait on the wall clock until an instant of world time has come, zero when it has; none when only a
    /// person can move the world's clock.
    fn wall_until(&self, world: Timestamp) -> Option<std::time::Duration>;
}
