//! Checks and hooks by chance: some that fail, some that take too long, some that do not exist; instances that never pass
//! their status checks, Windows, and instances that are left stopped.

use crate::plan::{ChecksSpec, HookSpec, WaveSpec};
use crate::sim::fleet::{LaunchDisposition, Os, Outcome, Region, Step, Stub};
use crate::sim::hub::Random;
use crate::sim::run::Scenario;
use crate::sim::world::{Span, Timings};

use super::STUCK;

/// Adds checks and hooks to a scenario, and what they meet.
pub(super) fn add(scenario: &mut Scenario, random: &mut Random) {
    for wave in &mut scenario.plan.waves {
        wave.checks = random.chance(600).then(|| checks(random));
        add_hooks(wave, random);
    }
    let regions = scenario.fleet.accounts.iter_mut();
    for region in regions.flat_map(|account| &mut account.regions) {
        add_stubs(region, random);
        for server in &mut region.servers {
            if random.chance(200) {
                server.os = Os::Windows;
            }
            if random.chance(80) {
                server.launch_disposition = LaunchDisposition::Stopped;
            }
            if random.chance(60) {
                let own = server.timings.unwrap_or_default();
                server.timings = Some(Timings {
                    status_checks: Span(STUCK, STUCK),
                    ..own
                });
            }
        }
    }
}

fn seconds(least: i64, span: u64, random: &mut Random) -> i64 {
    least + i64::try_from(random.below(span)).unwrap_or(0)
}

fn checks(random: &mut Random) -> ChecksSpec {
    ChecksSpec {
        instance_status_timeout_seconds: match random.below(4) {
            0 => Some(0),
            1 => Some(seconds(30, 900, random)),
            _ => None,
        },
        ssm_document: random.chance(400).then(|| name("smoke", random)),
        ssm_parameters: None,
        lambda_function: random.chance(400).then(|| name("accept", random)),
        timeout_seconds: random.chance(500).then(|| seconds(20, 400, random)),
        on_degraded: random.chance(400).then(|| "fail".to_owned()),
    }
}

fn add_hooks(wave: &mut WaveSpec, random: &mut Random) {
    for hooks in [&mut wave.before_hooks, &mut wave.after_hooks] {
        if random.chance(400) {
            let count = 1 + random.below(2);
            let list = (0..count).map(|number| hook(number, random));
            *hooks = Some(list.collect());
        }
    }
}

fn hook(number: u64, random: &mut Random) -> HookSpec {
    let is_function = random.chance(600);
    HookSpec {
        name: format!("hook {number}"),
        lambda_function: is_function.then(|| name("hook", random)),
        automation_document: (!is_function).then(|| name("automation", random)),
        timeout_seconds: random.chance(500).then(|| seconds(10, 400, random)),
        on_failure: random.chance(500).then(|| "continue".to_owned()),
        ..HookSpec::default()
    }
}

/// A name; of one in a hundred there is nothing, and one in twenty-five is gone when it is called.
fn name(what: &str, random: &mut Random) -> String {
    match random.below(100) {
        0 => format!("no-such-{what}"),
        1..5 => format!("gone-{what}"),
        _ => format!("{what}-{}", random.below(3)),
    }
}

fn add_stubs(region: &mut Region, random: &mut Random) {
    for number in 0..3 {
        let mut stub = |what: &str| Stub {
            name: format!("{what}-{number}"),
            script: script(random),
        };
        region.functions.extend([stub("hook"), stub("accept")]);
        region.documents.extend([stub("automation"), stub("smoke")]);
    }
    region.functions.extend([gone("hook"), gone("accept")]);
    region.documents.extend([gone("automation"), gone("smoke")]);
}

/// Something that is there when an execution starts, and is not when it is called.
fn gone(what: &str) -> Stub {
    Stub {
        name: format!("gone-{what}"),
        script: vec![Step {
            outcome: Outcome::Missing,
            ..Step::default()
        }],
    }
}

/// What happens when it is called: mostly it goes well, and mostly soon.
fn script(random: &mut Random) -> Vec<Step> {
    let count = random.below(3);
    let steps = (0..count).map(|_| Step {
        outcome: match random.below(8) {
            0 => Outcome::Fail,
            1 => Outcome::Throttle,
            2 => Outcome::TimeOut,
            _ => Outcome::Succeed,
        },
        delay_seconds: random.chance(400).then(|| random.below(500) as f64),
        times: Some(1 + random.below(2)),
        ..Step::default()
    });
    steps.collect()
}
