//! The clock: the wall clock of this machine, and the world's where something else keeps it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use drs_engine::ports::Clock;
use drs_engine::time::{Now, Wake, WorldTime};
use jiff::Timestamp;
use tokio::sync::Notify;

use crate::limits;

/// The clock of this process. Clones share their alarm.
#[derive(Clone, Default)]
pub struct SystemClock {
    world: Option<Arc<dyn WorldTime>>,
    alarm: Arc<Notify>,
}

impl SystemClock {
    /// A clock whose world time is wall time, as on AWS.
    pub fn new() -> Self {
        Self::default()
    }

    /// A clock whose world time is a simulator's.
    pub fn with_world(world: Arc<dyn WorldTime>) -> Self {
        Self {
            world: Some(world),
            alarm: Arc::default(),
        }
    }

    /// Wakes whoever sleeps on this clock or a clone of it. When nobody does, the next sleep returns at once, so a wish
    /// to stop cannot fall between a driver's look at it and its sleep.
    pub fn notify(&self) {
        self.alarm.notify_waiters();
        self.alarm.notify_one();
    }

    fn world_now(&self) -> Timestamp {
        match &self.world {
            Some(world) => world.now(),
            None => Timestamp::now(),
        }
    }

    /// How long to sleep; never longer than [`limits::LONGEST_SLEEP`], because a machine may be suspended meanwhile.
    fn wait(&self, until: Wake) -> Duration {
        let wall = until.wall.map(|at| span(Timestamp::now(), at));
        let world = until.world.map(|at| match &self.world {
            Some(world) if world.now() >= at => Duration::ZERO,
            Some(world) => world.wall_until(at).unwrap_or(limits::STANDING_CLOCK_POLL),
            None => span(Timestamp::now(), at),
        });
        wall.into_iter()
            .chain(world)
            .min()
            .unwrap_or(limits::LONGEST_SLEEP)
            .min(limits::LONGEST_SLEEP)
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        Now {
            world: self.world_now(),
            wall: Timestamp::now(),
        }
    }

    async fn sleep(&self, until: Wake) {
        let wait = self.wait(until);
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = self.alarm.notified() => {}
        }
    }
}

impl fmt::Debug for SystemClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SystemClock")
            .field("simulated", &self.world.is_some())
            .finish()
    }
}

/// The time from one instant to another; none when it has passed.
fn span(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use jiff::SignedDuration;

    use super::*;

    /// A world that runs a thousand times faster than life, or stands still.
    struct World {
        began: (Instant, Timestamp),
        speed: u32,
    }

    impl WorldTime for World {
        fn now(&self) -> Timestamp {
            let elapsed = self.began.0.elapsed() * self.speed;
            self.began.1 + SignedDuration::try_from(elapsed).expect("a short test")
        }

        fn wall_until(&self, world: Timestamp) -> Option<Duration> {
            (self.speed > 0).then(|| span(self.now(), world) / self.speed)
        }
    }

    fn clock(speed: u32) -> SystemClock {
        let began = (
            Instant::now(),
            "2026-01-01T00:00:00Z".parse().expect("a timestamp"),
        );
        SystemClock::with_world(Arc::new(World { began, speed }))
    }

    #[tokio::test]
    async fn a_sleep_ends_at_the_earlier_of_world_and_wall() {
        let clock = clock(1_000);
        let began = Instant::now();
        let mut wake = Wake::default();
        wake.at_wall(clock.now().wall + SignedDuration::from_hours(1));
        wake.at_world(clock.now().world + SignedDuration::from_secs(50));
        clock.sleep(wake).await;
        assert!(began.elapsed() >= Duration::from_millis(45));
        assert!(began.elapsed() < Duration::from_secs(10));
    }

    #[tokio::test]
    async fn a_notice_ends_a_sleep_and_is_not_lost_before_it() {
        let clock = SystemClock::new();
        let began = Instant::now();
        let mut wake = Wake::default();
        wake.at_wall(clock.now().wall + SignedDuration::from_hours(1));
        clock.notify();
        clock.sleep(wake).await;
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep(wake).await }
        });
        tokio::task::yield_now().await;
        clock.notify();
        sleeper.await.expect("the sleeper ends well");
        assert!(began.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn no_sleep_is_longer_than_the_bound_and_a_standing_world_is_looked_at() {
        let mut wake = Wake::default();
        assert_eq!(SystemClock::new().wait(wake), limits::LONGEST_SLEEP);
        wake.at_world(Timestamp::MAX);
        assert_eq!(SystemClock::new().wait(wake), limits::LONGEST_SLEEP);
        assert_eq!(clock(0).wait(wake), limits::STANDING_CLOCK_POLL);
        assert_eq!(clock(1_000).wait(wake), limits::LONGEST_SLEEP);
        wake.at_world(Timestamp::UNIX_EPOCH);
        assert_eq!(clock(0).wait(wake), Duration::ZERO);
    }
}
