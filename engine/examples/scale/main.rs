//! How an execution scales: thousands of servers over ten accounts and four Regions, in virtual time.
//!
//! The real driver runs the real store rules on the simulated DRS, and every call takes as long as it does on AWS. What it
//! takes is put beside a lower bound that knows nothing of the engine ([`bound`]), and beside the same plan run wave after
//! wave with a fixed poll, as orchestrators do that have no graph. The tables are kept in `docs/guides/performance.md`, and that
//! of a state machine in `docs/guides/cost-and-limits.md`.
//!
//! It judges nothing but that the same seed gives the same run: how long this machine takes is printed, not asserted.

mod bound;
mod cost;
mod fold;
mod machine;
mod meter;
mod shape;
mod trial;

use jiff::SignedDuration;

use drs_engine::decide::Settings;

use meter::Latency;
use shape::Shape;
use trial::{How, Outcome, run};

/// Chance begins here.
const SEED: u64 = 1;
/// How often existing orchestrators look.
const FIXED_POLL: SignedDuration = SignedDuration::from_secs(30);

fn main() {
    let spread = |servers| Shape {
        servers,
        waves: 50,
        depth: 5,
        in_one: 0,
        windows: 200,
    };
    let crowded = |servers| Shape {
        servers,
        waves: 50,
        depth: 2,
        in_one: 80,
        windows: 0,
    };
    let rows = [
        ("1,000 spread", spread(1_000)),
        ("1,000, 80 % in one target", crowded(1_000)),
        ("4,000 spread", spread(4_000)),
        ("4,000, 80 % in one target", crowded(4_000)),
    ];
    same_twice(spread(1_000));
    println!("{}", HEADER.trim());
    let mut outcomes = Vec::new();
    for (name, shape) in rows {
        let fixed = Settings {
            poll_interval: FIXED_POLL,
            poll_shortest: FIXED_POLL,
            poll_longest: FIXED_POLL,
            ..Settings::default()
        };
        let instant = run(
            shape,
            How::Process,
            SEED,
            Settings::default(),
            Latency::NONE,
        );
        let graph = run(shape, How::Process, SEED, Settings::default(), Latency::AWS);
        let line = run(shape, How::InLine, SEED, fixed, Latency::AWS);
        row(name, "no latency", &instant);
        row("", "AWS's latency", &graph);
        row("", "wave after wave, 30 s", &line);
        outcomes.push((name, graph, line));
    }
    println!();
    println!("{}", CALLS.trim());
    for (name, graph, line) in &outcomes {
        calls(name, graph);
        calls("wave after wave, 30 s", line);
    }
    println!();
    println!("{}", FOLD.trim());
    for (name, graph, _) in &outcomes {
        println!("| {name} | {} |", fold::measure(graph));
    }
    println!();
    cost::print(SEED);
}

const HEADER: &str = "
| servers | driven | lower bound | takes | ratio | simulated in |
|---|---|---|---|---|---|";

const CALLS: &str = "
| servers | launches | events | looks at jobs | looks at status | surveys | other DRS calls | quota reads | read units | write units |
|---|---|---|---|---|---|---|---|---|---|";

const FOLD: &str = "
| servers | apply, per event | decide, median | decide, 99 of 100 | memory of the fold and its events |
|---|---|---|---|---|";

fn row(name: &str, how: &str, outcome: &Outcome) {
    let bound = outcome.bound.as_secs_f64();
    let took = outcome.took.as_secs_f64();
    println!(
        "| {name} | {how} | {bound:.0} s | {took:.0} s | {:.3} | {:.2} s |",
        took / bound,
        outcome.wall.as_secs_f64()
    );
}

fn calls(name: &str, outcome: &Outcome) {
    let count = |call: &str| outcome.meter.calls.get(call).copied().unwrap_or(0);
    let launches = count("StartRecovery");
    let others = count("DescribeRecoveryInstances") + count("DescribeSourceServers");
    println!(
        "| {name} | {launches} | {} | {} | {} | {} | {others} | {} | {:.0} | {:.0} |",
        outcome.events.len(),
        count("DescribeJobs by id"),
        count("DescribeInstanceStatus"),
        count("DescribeJobs by date"),
        count("ListServiceQuotas"),
        outcome.meter.read_units,
        outcome.meter.write_units,
    );
}

/// The same seed twice is the same run to the byte, with forty targets as with one.
fn same_twice(shape: Shape) {
    let again = || run(shape, How::Process, SEED, Settings::default(), Latency::AWS);
    let (first, second) = (again(), again());
    assert_eq!(first.trace, second.trace, "the same seed gave another run");
    assert!(
        first.items == second.items,
        "the same seed gave another history"
    );
}
