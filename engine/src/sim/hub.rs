//! What the tasks of one simulated run share: virtual time, chance, and the gates that a run is made of.
//!
//! A task is a future that stops at a gate before and after everything it does to the outside. The scheduler (`super::run`,
//! in the tests) decides which task goes on, so every interleaving, crash and pause is its choice and comes from the seed
//! alone.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use jiff::{SignedDuration, Timestamp};

use crate::ports::Clock;
use crate::time::{Now, Wake, after, before};

/// A task of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TaskId(pub usize);

/// What the tasks of a run share.
#[derive(Clone, Debug)]
pub struct Hub(Arc<Mutex<Shared>>);

#[derive(Debug)]
struct Shared {
    began: Timestamp,
    speed: u32,
    now: Timestamp,
    random: Random,
    faults: Faults,
    asleep: BTreeMap<TaskId, Timestamp>,
    /// Until when most calls are throttled.
    storm_until: Timestamp,
    /// Until when credentials are expired.
    expired_until: Timestamp,
    /// How wrong the clocks of tasks are.
    skews: BTreeMap<TaskId, SignedDuration>,
    is_traced: bool,
    counts: BTreeMap<&'static str, u64>,
    trace: Vec<String>,
}

/// How often things go wrong, in parts per thousand of the calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// The call is refused for now and has no effect.
    pub throttled: u64,
    /// The call has no effect, and there is no answer.
    pub lost_before: u64,
    /// The call has its effect, and there is no answer.
    pub lost_after: u64,
    /// A storm begins, in which most calls are throttled.
    pub storms: u64,
    /// The credentials of calls to DRS expire, and take a while to be renewed.
    pub expired: u64,
    /// DescribeJobs lists nothing yet.
    pub empty: u64,
    /// A server's launch has a status that nobody knows.
    pub unknown_words: u64,
    /// A task dies at a gate.
    pub crashes: u64,
    /// A task is not run for a while.
    pub pauses: u64,
}

/// What happens to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nothing special.
    Served,
    /// It is refused for now.
    Throttled,
    /// Its credentials have expired.
    Expired,
    /// It has no effect, and there is no answer.
    LostBefore,
    /// It has its effect, and there is no answer.
    LostAfter,
}

/// Longest time a storm of throttling takes.
const LONGEST_STORM: u64 = 120;
/// How many of a thousand calls are throttled in a storm.
const THROTTLED_IN_STORM: u64 = 700;
/// Longest time that expired credentials take to be renewed.
const LONGEST_EXPIRY: u64 = 300;

/// A small generator of chance (splitmix64): the same seed gives the same numbers for ever.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A generator for a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn next_number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below a bound; zero for a bound of zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 {
            0
        } else {
            self.next_number() % bound
        }
    }

    /// Whether something with so many chances in a thousand happens.
    pub fn chance(&mut self, per_thousand: u64) -> bool {
        self.below(1_000) < per_thousand
    }
}

impl Hub {
    /// A hub at an instant, with a seed and without faults.
    pub fn new(now: Timestamp, seed: u64) -> Self {
        Self::with_speed(now, seed, 1)
    }

    /// A hub whose world's clock runs so many times faster than the wall's.
    pub fn with_speed(now: Timestamp, seed: u64, speed: u32) -> Self {
        Self(Arc::new(Mutex::new(Shared {
            began: now,
            speed: speed.max(1),
            now,
            random: Random::new(seed),
            faults: Faults::default(),
            asleep: BTreeMap::new(),
            storm_until: now,
            expired_until: now,
            skews: BTreeMap::new(),
            is_traced: true,
            counts: BTreeMap::new(),
            trace: Vec::new(),
        })))
    }

    /// Virtual time on the wall.
    pub fn now(&self) -> Timestamp {
        self.shared().now
    }

    /// Virtual time on both clocks.
    pub fn both(&self) -> Now {
        let shared = self.shared();
        let passed = shared.now.duration_since(shared.began);
        let speed = i32::try_from(shared.speed).unwrap_or(i32::MAX);
        Now {
            world: crate::time::after(shared.began, passed.saturating_mul(speed)),
            wall: shared.now,
        }
    }

    /// When, on the wall, an instant of world time comes.
    pub fn wall_at(&self, world: Timestamp) -> Timestamp {
        let shared = self.shared();
        let passed = world.duration_since(shared.began).as_nanos();
        let wall = passed.div_euclid(i128::from(shared.speed)) + 1;
        let span = SignedDuration::from_nanos(i64::try_from(wall).unwrap_or(i64::MAX));
        crate::time::after(shared.began, span)
    }

    /// How many times faster the world's clock runs.
    pub fn speed(&self) -> u32 {
        self.shared().speed
    }

    /// Moves virtual time on; it never goes back.
    pub fn advance_to(&self, at: Timestamp) {
        let mut shared = self.shared();
        shared.now = shared.now.max(at);
    }

    /// Sets how often things go wrong from here on.
    pub fn set_faults(&self, faults: Faults) {
        self.shared().faults = faults;
    }

    /// How often things go wrong.
    pub fn faults(&self) -> Faults {
        self.shared().faults
    }

    /// Draws a number below a bound.
    pub fn draw(&self, bound: u64) -> u64 {
        self.shared().random.below(bound)
    }

    /// Draws whether something with so many chances in a thousand happens.
    pub fn chance(&self, per_thousand: u64) -> bool {
        self.shared().random.chance(per_thousand)
    }

    /// Draws what happens to a call.
    pub fn fate(&self) -> Fate {
        self.fate_of(1)
    }

    /// Draws what happens to a call that is so many times as likely to go wrong as others.
    pub fn fate_of(&self, weight: u64) -> Fate {
        let mut shared = self.shared();
        let Faults {
            throttled,
            lost_before,
            lost_after,
            ..
        } = shared.faults;
        let throttled = throttled * weight;
        let (lost_before, lost_after) = (lost_before * weight, lost_after * weight);
        let drawn = shared.random.below(1_000);
        if shared.is_stormy() || drawn < throttled {
            Fate::Throttled
        } else if drawn < throttled + lost_before {
            Fate::LostBefore
        } else if drawn < throttled + lost_before + lost_after {
            Fate::LostAfter
        } else {
            Fate::Served
        }
    }

    /// Draws whether the credentials of a call have expired.
    pub fn is_expired(&self) -> bool {
        let mut shared = self.shared();
        let chance = shared.faults.expired;
        if shared.random.chance(chance) {
            shared.expired_until = shared.soon(LONGEST_EXPIRY);
        }
        shared.now < shared.expired_until
    }

    /// Makes the clock of a task wrong.
    pub fn set_skew(&self, task: TaskId, skew: SignedDuration) {
        self.shared().skews.insert(task, skew);
    }

    /// How wrong the clock of a task is.
    pub fn skew(&self, task: TaskId) -> SignedDuration {
        self.shared().skews.get(&task).copied().unwrap_or_default()
    }

    /// Sets whether a trace is kept; writing it is half of the work of a run.
    pub fn set_traced(&self, is_traced: bool) {
        self.shared().is_traced = is_traced;
    }

    /// Counts something for the report.
    pub fn count(&self, what: &'static str) {
        self.count_many(what, 1);
    }

    /// Counts several things for the report.
    pub fn count_many(&self, what: &'static str, many: u64) {
        *self.shared().counts.entry(what).or_default() += many;
    }

    /// Everything that was counted.
    pub fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.shared().counts.clone()
    }

    /// Writes a line of the run's trace; two runs of one seed have the same trace.
    pub fn trace(&self, line: impl FnOnce() -> String) {
        let mut shared = self.shared();
        if shared.is_traced {
            let line = format!("{} {}", shared.now, line());
            shared.trace.push(line);
        }
    }

    /// The trace.
    pub fn traced(&self) -> Vec<String> {
        self.shared().trace.clone()
    }

    /// Until when a task sleeps; none when it may run.
    pub fn asleep_until(&self, task: TaskId) -> Option<Timestamp> {
        let shared = self.shared();
        shared
            .asleep
            .get(&task)
            .copied()
            .filter(|until| *until > shared.now)
    }

    /// Puts a task to sleep, or wakes it.
    pub fn set_asleep(&self, task: TaskId, until: Option<Timestamp>) {
        let mut shared = self.shared();
        match until {
            Some(until) => shared.asleep.insert(task, until),
            None => shared.asleep.remove(&task),
        };
    }

    /// A task panicked while it held the lock only if a test has failed; what it left is still good to report.
    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// Whether a call meets a storm; one may begin with it.
    fn is_stormy(&mut self) -> bool {
        let chance = self.faults.storms;
        if self.random.chance(chance) {
            self.storm_until = self.soon(LONGEST_STORM);
            *self.counts.entry("storms").or_default() += 1;
        }
        self.now < self.storm_until && self.random.chance(THROTTLED_IN_STORM)
    }

    /// An instant at most so many seconds away.
    fn soon(&mut self, most: u64) -> Timestamp {
        let seconds = i64::try_from(self.random.below(most)).unwrap_or(0);
        crate::time::after(self.now, SignedDuration::from_secs(seconds))
    }
}

/// Stops a task once, so that the scheduler can choose who goes on.
#[derive(Debug, Default)]
pub struct Gate {
    passed: bool,
}

/// A gate.
pub fn gate() -> Gate {
    Gate::default()
}

impl Future for Gate {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.passed {
            return Poll::Ready(());
        }
        self.passed = true;
        Poll::Pending
    }
}

/// The clock of one task.
#[derive(Clone, Debug)]
pub struct SimClock {
    /// What the run shares.
    pub hub: Hub,
    /// The task.
    pub task: TaskId,
}

impl Clock for SimClock {
    fn now(&self) -> Now {
        let skew = self.hub.skew(self.task);
        let Now { world, wall } = self.hub.both();
        // Where the world's clock runs faster than the wall's, it is the simulator's and the same for everybody.
        let is_own = self.hub.speed() == 1;
        Now {
            world: if is_own { after(world, skew) } else { world },
            wall: after(wall, skew),
        }
    }

    async fn sleep(&self, until: Wake) {
        let skew = self.hub.skew(self.task);
        let own_world = if self.hub.speed() == 1 {
            skew
        } else {
            SignedDuration::ZERO
        };
        let world = until
            .world
            .map(|at| self.hub.wall_at(before(at, own_world)));
        let wall = until.wall.map(|at| before(at, skew));
        let earliest = [world, wall].into_iter().flatten().min();
        // A driver that waits for nothing would wait for ever; a day is longer than anything in a run.
        let until = earliest
            .unwrap_or_else(|| crate::time::after(self.hub.now(), SignedDuration::from_hours(24)));
        self.hub.set_asleep(self.task, Some(until));
        gate().await;
        self.hub.set_asleep(self.task, None);
    }
}
