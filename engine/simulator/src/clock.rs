//! World time: how it follows from wall time, and how long to wait for it.
//!
//! Simulated time = anchor + speed x wall time since the anchor. The anchor is kept in the store, so time runs on while no
//! process lives, and every process computes the same. A manual clock stands still until it is told to move.

use std::time::Duration;

use drs_engine::time::after;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The slowest and the fastest clock, in thousandths: a wait must neither last for ever nor be lost in rounding.
const SPEED_RANGE_THOUSANDTHS: std::ops::RangeInclusive<u64> = 1..=1_000_000_000;

/// How many times faster than the wall clock the simulated world runs. Exact to a thousandth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Speed {
    thousandths: u64,
}

impl Speed {
    /// As fast as the wall clock.
    pub const REAL: Self = Self { thousandths: 1000 };

    /// A speed from a factor such as `60.0`; none when it is not a number between 0.001 and 1,000,000.
    pub fn from_factor(factor: f64) -> Option<Self> {
        if !factor.is_finite() || factor < 0.0 {
            return None;
        }
        // The cast saturates, and the range check refuses what was out of bounds.
        let thousandths = (factor * 1000.0).round() as u64;
        SPEED_RANGE_THOUSANDTHS
            .contains(&thousandths)
            .then_some(Self { thousandths })
    }

    /// The factor, for display.
    pub fn factor(self) -> f64 {
        self.thousandths as f64 / 1000.0
    }
}

/// The clock of a simulated world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// Follows the wall clock.
    Running {
        /// World time at the anchor.
        world: Timestamp,
        /// Wall time at the anchor.
        wall: Timestamp,
        /// World seconds per wall second.
        speed: Speed,
    },
    /// Stands still until told.
    Manual {
        /// The present world time.
        world: Timestamp,
    },
}

impl Clock {
    /// World time at an instant of wall time. Before the anchor, the anchor: the world's time never goes back.
    pub fn now(&self, wall_now: Timestamp) -> Timestamp {
        match *self {
            Self::Manual { world } => world,
            Self::Running { world, wall, speed } => {
                let elapsed = wall_now.duration_since(wall).max(SignedDuration::ZERO);
                after(world, stretch(elapsed, speed))
            }
        }
    }

    /// How long, on the wall clock, until the world reaches `target`. None when only a person can make it so.
    pub fn wall_until(&self, target: Timestamp, wall_now: Timestamp) -> Option<Duration> {
        let missing = target.duration_since(self.now(wall_now));
        if missing <= SignedDuration::ZERO {
            return Some(Duration::ZERO);
        }
        match *self {
            Self::Manual { .. } => None,
            Self::Running { speed, .. } => Some(shrink(missing, speed)),
        }
    }
}

fn stretch(wall: SignedDuration, speed: Speed) -> SignedDuration {
    let nanos = wall
        .as_nanos()
        .saturating_mul(i128::from(speed.thousandths))
        / 1000;
    saturated(nanos)
}

fn shrink(world: SignedDuration, speed: Speed) -> Duration {
    // Rounded up, so that who waits that long does not wake a moment too early.
    let nanos = (world.as_nanos().saturating_mul(1000)) / i128::from(speed.thousandths) + 1;
    Duration::try_from(saturated(nanos)).unwrap_or(Duration::MAX)
}

fn saturated(nanos: i128) -> SignedDuration {
    SignedDuration::try_from_nanos_i128(nanos).unwrap_or(SignedDuration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_running_clock_is_the_anchor_plus_speed_times_wall_time() {
        let clock = Clock::Running {
            world: at("2026-01-01T00:00:00Z"),
            wall: at("2026-11-24T10:00:00Z"),
            speed: Speed::from_factor(60.0).unwrap(),
        };
        assert_eq!(
            clock.now(at("2026-11-24T10:00:01Z")),
            at("2026-01-01T00:01:00Z")
        );
        assert_eq!(
            clock.now(at("2026-11-24T09:00:00Z")),
            at("2026-01-01T00:00:00Z")
        );
        let wait = clock
            .wall_until(at("2026-01-01T01:00:00Z"), at("2026-11-24T10:00:00Z"))
            .unwrap();
        assert_eq!(wait.as_secs(), 60);
    }

    #[test]
    fn a_wait_reaches_its_target() {
        let wall = at("2026-11-24T10:00:00Z");
        for factor in [0.001, 0.333, 1.0, 7.0, 60.0, 3600.0, 1_000_000.0] {
            let clock = Clock::Running {
                world: at("2026-01-01T00:00:00Z"),
                wall,
                speed: Speed::from_factor(factor).unwrap(),
            };
            let target = at("2026-01-01T00:00:07.123456789Z");
            let wait = clock.wall_until(target, wall).unwrap();
            assert!(clock.now(wall + wait) >= target, "factor {factor}");
        }
    }

    #[test]
    fn a_manual_clock_stands_still() {
        let clock = Clock::Manual {
            world: at("2026-01-01T00:00:00Z"),
        };
        assert_eq!(
            clock.now(at("2030-01-01T00:00:00Z")),
            at("2026-01-01T00:00:00Z")
        );
        assert_eq!(
            clock.wall_until(at("2026-01-01T00:00:01Z"), Timestamp::UNIX_EPOCH),
            None
        );
    }

    #[test]
    fn absurd_speeds_are_refused() {
        for factor in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e9, 0.0001] {
            assert_eq!(Speed::from_factor(factor), None, "{factor}");
        }
    }
}
