//! Runs with everything going wrong: the same seed twice first, then many seeds, then every gate of one scenario.

use std::ops::Range;
use std::time::{Duration, Instant};

use super::ask::{Ask, ask_later};
use super::chance::{SLOW, STUCK, scenario};
use super::judge::{Verdict, judge};
use super::*;
use crate::sabotage::{self, Check};

/// Seeds of the long test.
const SEEDS: u64 = 2_000;
/// Steps with faults.
const STORM: u64 = 2_500;
/// Steps in which an undisturbed process must bring an execution to its end.
const CALM: u64 = 200_000;
/// How often a soak says how far it is.
const SAY_EVERY: Duration = Duration::from_secs(60);

const FAULTS: Faults = Faults {
    throttled: 10,
    lost_before: 8,
    lost_after: 12,
    storms: 1,
    expired: 1,
    empty: 20,
    unknown_words: 20,
    crashes: 2,
    pauses: 2,
};

/// What must happen at least once in the long test, or it shows less than it says.
const EXPECTED: [&str; 60] = [
    "runs",
    "launches",
    "adoptions",
    "takeovers",
    "lost requests",
    "lost answers",
    "server errors",
    "throttles",
    "storms",
    "empty answers",
    "unknown words",
    "slow servers",
    "stuck servers",
    "launches given up",
    "foreign jobs",
    "launches of strangers",
    "expired credentials",
    "write conflicts",
    "crashes",
    "pauses",
    "skewed clocks",
    "signatures too old",
    "requests",
    "approvals",
    "launches again",
    "partial waves",
    "healthy servers",
    "degraded servers",
    "servers not checked",
    "hooks",
    "actions that check",
    "actions begun again",
    "actions postponed",
    "failed actions",
    "actions out of time",
    "functions invoked again",
    "PARTIAL",
    "drills without what their hooks run",
    "launches of servers that a drill had",
    "jobs of drills that were waited for",
    "notices sent",
    "notices given up",
    "notices that came twice",
    "drills with a lifetime",
    "drills swept",
    "newest states",
    "fallbacks",
    "named points",
    "points that aged out",
    "parts of a plan",
    "drills that gave way",
    "recoveries that took servers from a drill",
    "machines",
    "turns of machines",
    "turns cut off",
    "turns that waited for another",
    "pauses of machines",
    "machines that need not pause",
    "machines woken",
    "pauses that ended by themselves",
];

/// One run of a seed to its end.
fn run_seed(seed: u64, is_traced: bool) -> (Run, Verdict) {
    let scenario = scenario(seed);
    let mut run = Run::new(scenario.clone(), seed);
    run.hub.set_traced(is_traced);
    count_dragging(&run);
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
    run.spawn_sweeper();
    run.spawn_failover();
    for stranger in scenario.strangers {
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
    if is_named() {
        println!("{}", run.hub.traced().join("\n"));
    }
    let verdict = judge(&run);
    (run, verdict)
}

/// Counts the servers whose launches take long, and those that outlast every limit.
fn count_dragging(run: &Run) {
    let accounts = &run.context.scenario.fleet.accounts;
    let regions = accounts.iter().flat_map(|account| &account.regions);
    for server in regions.flat_map(|region| &region.servers) {
        match server.timings.map(|timings| timings.launch.0) {
            Some(SLOW) => run.hub.count("slow servers"),
            Some(STUCK) => run.hub.count("stuck servers"),
            _ => {}
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let mut longest = 0;
    for seed in [1, 2, 3, 20, 77] {
        let first = run_seed(seed, true).0.hub.traced();
        let again = run_seed(seed, true).0.hub.traced();
        longest = longest.max(first.len());
        assert_eq!(first, again, "seed {seed}");
    }
    assert!(longest > 100, "these seeds do too little: {longest}");
}

/// Whether one seed is named for a closer look: `SEED=252 cargo test -p drs-engine whatever -- --nocapture` prints its
/// whole trace. With `SOAK` it is the first of many.
fn is_named() -> bool {
    std::env::var_os("SEED").is_some() && !is_soak()
}

/// Whether seeds are tried until somebody stops it, as `make soak` does.
fn is_soak() -> bool {
    std::env::var_os("SOAK").is_some()
}

fn seeds() -> Range<u64> {
    let named = std::env::var("SEED").ok();
    let seed: Option<u64> = named.map(|text| text.parse().expect("SEED is a number"));
    match seed {
        Some(seed) if is_soak() => seed..u64::MAX,
        Some(seed) => seed..seed + 1,
        None => 0..SEEDS,
    }
}

/// What many runs came to.
#[derive(Default)]
struct Sum {
    counts: BTreeMap<&'static str, u64>,
    broken: Option<u64>,
}

impl Sum {
    fn add(&mut self, run: &Run, verdict: Verdict) {
        for (what, count) in [
            ("runs", 1),
            ("executions", verdict.executions),
            ("launches", verdict.launches),
            ("adoptions", verdict.adoptions),
            ("takeovers", verdict.takeovers),
        ]
        .into_iter()
        .chain(run.counts())
        {
            *self.counts.entry(what).or_default() += count;
        }
    }

    fn line(&self) -> String {
        let counts = self.counts.iter();
        let texts: Vec<String> = counts
            .map(|(what, count)| format!("{what} {count}"))
            .collect();
        texts.join(", ")
    }
}

/// Takes seeds until there are none, or one has broken a rule.
fn try_seeds(next: &AtomicU64, end: u64, sum: &Mutex<Sum>) {
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= end || sum.lock().unwrap().broken.is_some() {
            return;
        }
        let caught = std::panic::catch_unwind(|| run_seed(seed, is_named()));
        let mut sum = sum.lock().unwrap();
        match caught {
            Ok((run, verdict)) => sum.add(&run, verdict),
            Err(_) => sum.broken = Some(sum.broken.map_or(seed, |other| other.min(seed))),
        }
    }
}

#[test]
fn whatever_goes_wrong_no_server_is_launched_twice_and_every_execution_ends() {
    let seeds = seeds();
    let (next, sum) = (AtomicU64::new(seeds.start), Mutex::new(Sum::default()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| scope.spawn(|| try_seeds(&next, seeds.end, &sum)))
            .collect();
        let mut said = Instant::now();
        while is_soak() && workers.iter().any(|worker| !worker.is_finished()) {
            std::thread::sleep(Duration::from_millis(200));
            if said.elapsed() >= SAY_EVERY {
                println!("{}", sum.lock().unwrap().line());
                said = Instant::now();
            }
        }
    });
    let sum = sum.into_inner().unwrap();
    let line = sum.line();
    println!("{line}");
    if let Some(seed) = sum.broken {
        panic!(
            "seed {seed} breaks a rule, see above; SEED={seed} cargo test -p drs-engine whatever -- --nocapture \
             prints all that it did"
        );
    }
    if is_named() {
        return;
    }
    for what in EXPECTED {
        let count = sum.counts.get(what).copied().unwrap_or(0);
        assert!(count > 0, "no {what}: {line}");
    }
}

/// Seeds that are tried without a check before it is said that nobody misses it.
const TRIED: u64 = 50;

#[test]
fn every_check_behind_launching_at_most_once_is_missed_when_it_is_gone() {
    let is_broken = |check: Check, run: &dyn Fn()| {
        let run = std::panic::AssertUnwindSafe(|| sabotage::without(check, run));
        std::panic::catch_unwind(run).is_err()
    };
    for check in [Check::Owner, Check::Sequence, Check::AdoptionLook] {
        let is_missed = |seed: &u64| is_broken(check, &|| drop(run_seed(*seed, false)));
        assert!(
            (0..TRIED).any(|seed| is_missed(&seed)),
            "without {check:?}, none of {TRIED} seeds breaks a rule"
        );
    }
    // An owner that sleeps between its intent and its call is rare in the seeds, and nothing but the age stops it.
    assert!(
        is_broken(Check::SignatureAge, &gates::sleep_at_every_gate),
        "a request of any age is served, and nothing is launched twice"
    );
    assert!(
        is_broken(
            Check::PreemptedCalls,
            &gates::preempted::preempt_at_every_gate
        ),
        "a recovery waits for no call of the drill that it takes servers from, and none comes late"
    );
}
