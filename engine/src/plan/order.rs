//! The order of waves: cycles, and the longest chain.

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

/// Waits, hooks, timeouts and checks summed along the longest chain. The waves have no cycle, so relaxing once per wave
/// is enough.
pub(super) fn longest_chain(waves: &[Wave]) -> SignedDuration {
    let own = |index: usize| {
        let wave = &waves[index];
        let hooks = wave.before_hooks.iter().chain(&wave.after_hooks);
        let spans = hooks.map(|hook| hook.timeout);
        [wave.wait, wave.timeout, wave.checks.longest()]
            .into_iter()
            .chain(spans)
            .fold(SignedDuration::ZERO, SignedDuration::saturating_add)
    };
    let mut longest: Vec<SignedDuration> = (0..waves.len()).map(own).collect();
    for _ in 0..waves.len() {
        for index in 0..waves.len() {
            let before = waves[index]
                .depends_on
                .iter()
                .map(|&other| longest[other])
                .max()
                .unwrap_or_default();
            longest[index] = before.saturating_add(own(index));
        }
    }
    longest.into_iter().max().unwrap_or_default()
}
