//! Runs with everything going wrong: the same seed twice first, then many seeds, then every gate of one scenario.

use std::fmt::Write as _;

use super::ask::{Ask, ask_later};
use super::chance::scenario;
use super::judge::{Verdict, judge};
use super::*;

/// Seeds of the long test.
const SEEDS: u64 = 500;
/// Steps with faults.
const STORM: u64 = 2_500;
/// Steps in which an undisturbed process must bring an execution to its end.
const CALM: u64 = 60_000;

const FAULTS: Faults = Faults {
    throttled: 10,
    lost_before: 8,
    lost_after: 12,
    crashes: 2,
    pauses: 2,
};

/// One run of a seed to its end.
fn run_seed(seed: u64) -> (Run, Verdict) {
    let scenario = scenario(seed);
    let mut run = Run::new(scenario.clone(), seed);
    run.spawn();
    run.spawn();
    if let Some(seconds) = scenario.cancelled_after {
        let task = run.scheduler.next_task();
        let process = Process::new(run.context.clone(), task, 1_000);
        run.scheduler
            .spawn(Box::pin(ask_later(process, seconds, Ask::Cancel)));
    }
    for (number, (seconds, ask)) in (1_001..).zip(scenario.asks.clone()) {
        let task = run.scheduler.next_task();
        let process = Process::new(run.context.clone(), task, number);
        run.scheduler
            .spawn(Box::pin(ask_later(process, seconds, ask)));
    }
    run.spawn_approver();
    if let Some(stranger) = scenario.stranger {
        let clock = SimClock {
            hub: run.hub.clone(),
            task: run.scheduler.next_task(),
        };
        let context = run.context.clone();
        run.scheduler
            .spawn(Box::pin(launch_past_us(context, clock, stranger)));
    }
    run.storm(STORM, FAULTS);
    run.calm(CALM);
    if std::env::var_os("SEED").is_some() {
        println!("{}", run.hub.traced().join("\n"));
    }
    let verdict = judge(&run);
    (run, verdict)
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let mut longest = 0;
    for seed in [1, 2, 3, 20, 77] {
        let first = run_seed(seed).0.hub.traced();
        let again = run_seed(seed).0.hub.traced();
        longest = longest.max(first.len());
        assert_eq!(first, again, "seed {seed}");
    }
    assert!(longest > 100, "these seeds do too little: {longest}");
}

/// Every seed, or the one that is named for a closer look: `SEED=252 cargo test -p drs-engine whatever -- --nocapture`
/// prints its whole trace.
fn seeds() -> std::ops::Range<u64> {
    let named = std::env::var("SEED").ok();
    let seed = named.map(|text| text.parse().expect("SEED is a number"));
    seed.map_or(0..SEEDS, |seed: u64| seed..seed + 1)
}

#[test]
fn whatever_goes_wrong_no_server_is_launched_twice_and_every_execution_ends() {
    let mut sum: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in seeds() {
        let caught = std::panic::catch_unwind(|| run_seed(seed));
        let Ok((run, verdict)) = caught else {
            panic!("seed {seed} breaks a rule; see above");
        };
        *sum.entry("runs").or_default() += 1;
        *sum.entry("executions").or_default() += verdict.executions;
        *sum.entry("launches").or_default() += verdict.launches;
        *sum.entry("adoptions").or_default() += verdict.adoptions;
        *sum.entry("takeovers").or_default() += verdict.takeovers;
        for (what, count) in run.counts() {
            *sum.entry(what).or_default() += count;
        }
    }
    let mut line = String::new();
    for (what, count) in &sum {
        let _ = write!(line, "{what} {count}, ");
    }
    println!("{}", line.trim_end_matches(", "));
    if std::env::var_os("SEED").is_some() {
        return;
    }
    for what in [
        "runs",
        "launches",
        "adoptions",
        "takeovers",
        "lost answers",
        "throttles",
        "crashes",
        "pauses",
        "requests",
        "approvals",
        "launches again",
        "partial waves",
        "PARTIAL",
    ] {
        assert!(sum.get(what).copied().unwrap_or(0) > 0, "no {what}: {line}");
    }
}
