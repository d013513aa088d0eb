//! The order of waves: cycles, and the longest chain.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::{PlanError, Wave};

/// Reports every cycle once, at the wave where it closes, with the whole circle spelled out.
pub(super) fn check_cycles(waves: &[Wave], errors: &mut Vec<PlanError>) {
    let mut settled = BTreeSet::new();
    for start in 0..waves.len() {
        if let Some(circle) = find_cycle(waves, start, &mut settled) {
            let names: Vec<&str> = circle
                .iter()
                .map(|&index| waves[index].name.as_str())
                .collect();
            errors.push(PlanError {
                path: super::wave_path(circle[0], "depends_on_waves"),
                message: format!(
                    "the waves wait for each other in a circle: {}; remove one of these dependencies",
                    names.join(" -> ")
                ),
            });
        }
    }
}

/// Walks from one wave along its dependencies. A stack of (wave, next dependency) instead of recursion keeps the depth
/// off the call stack.
fn find_cycle(waves: &[Wave], start: usize, settled: &mut BTreeSet<usize>) -> Option<Vec<usize>> {
    if settled.contains(&start) {
        return None;
    }
    let mut path = vec![(start, 0)];
    while let Some((wave, next)) = path.last_mut() {
        let Some(&dependency) = waves[*wave].depends_on.get(*next) else {
            settled.insert(*wave);
            path.pop();
            continue;
        };
        *next += 1;
        if let Some(position) = path.iter().position(|&(other, _)| other == dependency) {
            let mut circle: Vec<usize> = path[position..].iter().map(|&(other, _)| other).collect();
            circle.push(dependency);
            settled.extend(path.iter().map(|&(other, _)| other));
            return Some(circle);
        }
        if !settled.contains(&dependency) {
            path.push((dependency, 0));
        }
    }
    None
}

/// The longest a wave may take: its wait, its hooks, its timeout and its checks.
fn longest(wave: &Wave) -> SignedDuration {
    let hooks = wave.before_hooks.iter().chain(&wave.after_hooks);
    let spans = hooks.map(|hook| hook.timeout);
    [wave.wait, wave.timeout, wave.checks.longest()]
        .into_iter()
        .chain(spans)
        .fold(SignedDuration::ZERO, SignedDuration::saturating_add)
}

/// What the waves of the longest chain may take together.
pub(super) fn longest_chain(waves: &[Wave]) -> SignedDuration {
    let chain = critical_path(waves).into_iter();
    chain.fold(SignedDuration::ZERO, |sum, index| {
        sum.saturating_add(longest(&waves[index]))
    })
}

/// The waves of the longest chain, first to last; of chains that are equally long, the first in the plan's order. The waves
/// have no cycle, so relaxing once per wave is enough.
pub(super) fn critical_path(waves: &[Wave]) -> Vec<usize> {
    let mut until: Vec<(SignedDuration, Option<usize>)> =
        waves.iter().map(|wave| (longest(wave), None)).collect();
    for _ in waves {
        for (index, wave) in waves.iter().enumerate() {
            let before = wave.depends_on.iter();
            let before = before
                .max_by_key(|&&at| (until[at].0, Reverse(at)))
                .copied();
            let since = before.map_or(SignedDuration::ZERO, |at| until[at].0);
            until[index] = (since.saturating_add(longest(wave)), before);
        }
    }
    let last = (0..waves.len()).max_by_key(|&index| (until[index].0, Reverse(index)));
    let mut chain: Vec<usize> = std::iter::successors(last, |&index| until[index].1)
        .take(waves.len())
        .collect();
    chain.reverse();
    chain
}

/// The stage of each wave: one after the last of those that it waits for.
pub(super) fn stages(waves: &[Wave]) -> Vec<usize> {
    let mut stages = vec![0; waves.len()];
    for _ in waves {
        for (index, wave) in waves.iter().enumerate() {
            let before = wave.depends_on.iter().map(|&at| stages[at] + 1);
            stages[index] = before.max().unwrap_or(0);
        }
    }
    stages
}
