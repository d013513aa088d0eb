//! What one process has seen since it began to drive: when it last looked, and what it may not try again yet.
//!
//! A view is not history. It is lost with the process, and a new process begins with an empty one: it then looks sooner
//! than needed, and that is all.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::checks::Disposition;
use crate::digest;
use crate::event::{ActionId, LaunchId, NoticeId};
use crate::ids::{InstanceId, ServerId, Target};
use crate::limits::{self, Quotas};
use crate::time::{Now, after};

/// The view of one process.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// World time of the last look at the jobs of a target.
    pub observed: BTreeMap<Target, Timestamp>,
    /// World time of the last look for instances of launched servers.
    pub instances_looked: BTreeMap<Target, Timestamp>,
    /// World time of the last look at the status of a target's instances.
    pub health_looked: BTreeMap<Target, Timestamp>,
    /// How instances that are stopped were to be launched; read once for each.
    pub dispositions: BTreeMap<InstanceId, Disposition>,
    /// World time of the last look at a hook or a check that runs.
    pub actions_looked: BTreeMap<ActionId, Timestamp>,
    /// The last look at everything that runs in a target.
    pub surveys: BTreeMap<Target, Survey>,
    /// Looks for jobs of launches without outcome.
    pub searches: BTreeMap<LaunchId, Search>,
    /// Looks for instances that are to be terminated.
    pub own_instances: BTreeMap<Target, OwnInstances>,
    /// Notices that are on their way to a topic.
    pub publishing: BTreeSet<NoticeId>,
    /// Most instances of one termination, after terminations with more were refused.
    terminate_at_most: BTreeMap<Target, usize>,
    backoffs: BTreeMap<String, Backoff>,
}

/// What runs in a target beside this execution, and how much room there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    /// World time of the look.
    pub at: Timestamp,
    /// The quotas.
    pub quotas: Quotas,
    /// Jobs of others that run.
    pub foreign_jobs: u32,
    /// Servers in jobs of others.
    pub foreign_servers: u32,
    /// Servers that cannot be launched now because a job of others has them.
    pub busy: BTreeSet<ServerId>,
}

/// Looks for the job of a launch without outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Search {
    /// Wall time of the last look that got an answer without the job.
    pub empty_at: Timestamp,
    /// How many such looks there were.
    pub looks: u32,
}

/// What a look for this execution's instances found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnInstances {
    /// World time of the look.
    pub at: Timestamp,
    /// Instances that DRS lists and whose job is this execution's.
    pub listed: Vec<InstanceId>,
    /// Known instances that EC2 still has.
    pub alive: Vec<InstanceId>,
}

#[derive(Clone, Copy, Debug)]
struct Backoff {
    until: Timestamp,
    failures: u32,
}

impl View {
    /// When a call that failed may be tried again; none when it may be tried now.
    pub fn held_back(&self, key: &str, now: Now) -> Option<Timestamp> {
        self.backoffs
            .get(key)
            .map(|backoff| backoff.until)
            .filter(|until| *until > now.wall)
    }

    /// Notes that a call failed and may not be tried again at once.
    pub fn hold_back(&mut self, key: &str, asked: Option<SignedDuration>, now: Now) {
        let failures = self.backoffs.get(key).map_or(0, |backoff| backoff.failures);
        let wait = backoff(key, failures, asked);
        self.backoffs.insert(
            key.to_owned(),
            Backoff {
                until: after(now.wall, wait),
                failures: failures.saturating_add(1),
            },
        );
    }

    /// Most instances that one termination may name.
    pub fn terminate_at_most(&self, target: &Target) -> usize {
        let most = self.terminate_at_most.get(target).copied();
        most.unwrap_or(limits::SERVERS_PER_EVENT)
    }

    /// Notes that a termination of so many instances was refused as a whole, or was not: one that DRS cannot terminate now
    /// makes it refuse all, and so does a quota.
    pub fn note_termination(&mut self, target: &Target, instances: usize, refused: bool) {
        let most = if refused {
            instances.div_ceil(2)
        } else {
            self.terminate_at_most(target).saturating_mul(2)
        };
        let most = most.clamp(1, limits::SERVERS_PER_EVENT);
        self.terminate_at_most.insert(target.clone(), most);
    }

    /// Notes that a call succeeded.
    pub fn clear(&mut self, key: &str) {
        self.backoffs.remove(key);
    }
}

/// How long to wait before a call is tried again after so many failures: doubled each time up to a bound, never less
/// than AWS asked for, and spread by up to a quarter so that many processes do not come back together. The spread comes
/// from the key, not from chance, so that a run can be repeated.
pub fn backoff(key: &str, failures: u32, asked: Option<SignedDuration>) -> SignedDuration {
    let doubled = limits::BACKOFF_FIRST.saturating_mul(1 << failures.min(10));
    let wait = doubled
        .min(limits::BACKOFF_LONGEST)
        .max(asked.unwrap_or_default());
    let spread = digest::of(&(key, failures))
        .bytes()
        .map(i64::from)
        .sum::<i64>()
        % 250;
    let extra = i64::try_from(wait.as_millis())
        .unwrap_or(i64::MAX / 1_000)
        .saturating_mul(spread)
        / 1_000;
    wait.saturating_add(SignedDuration::from_millis(extra))
}
