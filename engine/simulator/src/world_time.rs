//! The world's clock, for an engine in the same process.
//!
//! Asking it is cheap and touches no file: it remembers how time passes. What another process or the admin API changes about
//! that, the ticker notices within a moment.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use drs_engine::time::WorldTime;
use jiff::Timestamp;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::sleep;

use crate::clock::Clock;
use crate::service::Service;
use crate::store::StoreError;

/// Pause between two looks at the store.
const TICK: Duration = Duration::from_millis(100);

/// The clock.
pub(crate) struct WorldClock {
    service: Arc<Service>,
    known: Mutex<Known>,
}

/// How time passes, as far as this process knows.
struct Known {
    clock: Clock,
    latest: Timestamp,
}

impl WorldClock {
    /// The clock of a service's store. Blocks on files.
    pub(crate) fn of(service: Arc<Service>) -> Result<Self, StoreError> {
        let (clock, latest) = service.clock()?;
        let known = Mutex::new(Known { clock, latest });
        Ok(Self { service, known })
    }

    /// Looks how time passes now. Blocks on files.
    fn look(&self) {
        match self.service.clock() {
            Ok((clock, latest)) => {
                let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
                known.clock = clock;
                known.latest = known.latest.max(latest);
            }
            // Whoever makes a call hears of it; the clock goes on as it was.
            Err(error) => tracing::debug!(%error, "the simulator's clock cannot be read"),
        }
    }
}

impl WorldTime for WorldClock {
    fn now(&self) -> Timestamp {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // Another process may just have slowed the world down; even so, what was the present once stays in the past.
        known.latest = known.latest.max(known.clock.now(Timestamp::now()));
        known.latest
    }

    fn wall_until(&self, world: Timestamp) -> Option<Duration> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.clock.wall_until(world, Timestamp::now())
    }
}

/// Looks at the store from time to time, until dropped.
pub(crate) struct Ticker {
    task: JoinHandle<()>,
}

impl Ticker {
    /// Starts.
    pub(crate) fn start(clock: Arc<WorldClock>) -> Self {
        let task = tokio::spawn(async move {
            loop {
                sleep(TICK).await;
                let clock = clock.clone();
                // It ends in a panic only when looking does, and then there is nothing to do but to look again.
                let _ = spawn_blocking(move || clock.look()).await;
            }
        });
        Self { task }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.task.abort();
    }
}
