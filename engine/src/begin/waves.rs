//! What of a plan's waves is frozen when an execution begins.

use jiff::SignedDuration;

use crate::event::FrozenWave;
use crate::frozen::FrozenServer;
use crate::ids::Target;
use crate::plan::{Hook, Success, Wave};
use crate::resolve::Resolution;

/// The waves of a plan as they would run.
pub(crate) fn frozen_waves(resolution: &Resolution) -> Vec<FrozenWave> {
    let Resolution { parsed, frozen, .. } = resolution;
    let waves = parsed.waves().iter().zip(&frozen.waves);
    waves
        .map(|(wave, servers)| frozen_wave(wave, servers))
        .collect()
}

/// A wave that does not take part stays, so that positions and dependencies do, and is passed at once.
fn frozen_wave(wave: &Wave, servers: &[FrozenServer]) -> FrozenWave {
    let mut policy = wave.policy;
    // A wave that goes by its critical servers goes by all of them when none of those takes part.
    if policy.success == Success::Critical && !servers.iter().any(|server| server.critical) {
        policy.success = Success::Every;
    }
    let passed = servers.is_empty();
    let hooks = |hooks: &[Hook]| if passed { Vec::new() } else { hooks.to_vec() };
    FrozenWave {
        name: wave.name.clone(),
        depends_on: wave.depends_on.clone(),
        order: wave.order,
        max_in_flight: wave.max_in_flight,
        wait: if passed {
            SignedDuration::ZERO
        } else {
            wave.wait
        },
        timeout: wave.timeout,
        pause_before: wave.pause_before && !passed,
        policy,
        servers: servers.len(),
        checks: (wave.checks.is_any() && !passed).then(|| wave.checks.clone()),
        before_hooks: hooks(&wave.before_hooks),
        after_hooks: hooks(&wave.after_hooks),
    }
}

/// Settles where hooks and functions run that do not say it: in the hub.
pub(crate) fn place(waves: &mut [FrozenWave], hub: &Target) {
    for wave in waves {
        let hooks = wave.before_hooks.iter_mut().chain(&mut wave.after_hooks);
        for hook in hooks {
            let target = hook.target(hub);
            hook.account_id = Some(target.account_id);
            hook.region = Some(target.region);
        }
        let checks = wave.checks.as_mut();
        if let Some(function) = checks.and_then(|checks| checks.function.as_mut()) {
            function.target.get_or_insert_with(|| hub.clone());
        }
    }
}
