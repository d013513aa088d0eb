//! The time that no orchestrator can undercut, from the plan, the servers' own spans and the quotas alone.
//!
//! It does not use the engine's decisions. A wave takes at least as long as its slowest server, from its launch until EC2's
//! status checks have passed, so a chain of waves takes at least the sum; and what a target has to do, in server-seconds and
//! job-seconds, is done at most so many at a time.

use std::collections::BTreeMap;

use drs_engine::ids::Target;
use drs_engine::limits::Quotas;
use drs_engine::sim::world::{Span, Timings};

use crate::shape::Drawn;

/// The lower bound in seconds.
pub(crate) fn lower_bound(drawn: &Drawn) -> f64 {
    let Span(least_start, _) = Timings::default().start;
    let chain = longest_chain(drawn, least_start);
    let by_quota = work(drawn, least_start);
    by_quota.into_values().fold(chain, f64::max)
}

fn longest_chain(drawn: &Drawn, start: f64) -> f64 {
    let waves = drawn.spans.iter().zip(&drawn.checks);
    let slowest = waves.map(|(servers, checks)| {
        let launches = servers.iter().map(|(_, seconds)| *seconds);
        let slowest = launches.zip(checks).map(|(launch, check)| launch + check);
        start + slowest.fold(0.0, f64::max)
    });
    let slowest: Vec<f64> = slowest.collect();
    // A wave may wait for one that comes later in the list, so every wave is asked until nothing changes.
    let mut ends = slowest.clone();
    for _ in 0..ends.len() {
        for (wave, others) in drawn.depends_on.iter().enumerate() {
            let ready = others.iter().map(|other| ends[*other]).fold(0.0, f64::max);
            ends[wave] = ready + slowest[wave];
        }
    }
    ends.into_iter().fold(0.0, f64::max)
}

/// What the busiest quota of each target needs.
fn work(drawn: &Drawn, start: f64) -> BTreeMap<&Target, f64> {
    let quotas = Quotas::default();
    let mut servers: BTreeMap<&Target, f64> = BTreeMap::new();
    let mut jobs: BTreeMap<&Target, f64> = BTreeMap::new();
    for wave in &drawn.spans {
        let mut here: BTreeMap<&Target, Vec<f64>> = BTreeMap::new();
        for (target, seconds) in wave {
            here.entry(target).or_default().push(start + seconds);
        }
        for (target, spans) in here {
            *servers.entry(target).or_default() += spans.iter().sum::<f64>();
            let more = spans.len().div_ceil(quotas.servers_per_job as usize) - 1;
            let shortest = spans.iter().copied().fold(f64::MAX, f64::min);
            let longest = spans.iter().copied().fold(0.0, f64::max);
            *jobs.entry(target).or_default() += longest + shortest * more as f64;
        }
    }
    let at_once = f64::from(quotas.servers_in_jobs);
    let mut needed: BTreeMap<&Target, f64> = BTreeMap::new();
    for (target, seconds) in servers {
        let by_jobs = jobs[target] / f64::from(quotas.jobs);
        needed.insert(target, (seconds / at_once).max(by_jobs));
    }
    needed
}
