//! What an execution costs that a state machine drives, in what AWS counts: state transitions, time of the function, units
//! of DynamoDB, and what is kept.

use jiff::SignedDuration;

use drs_engine::decide::Settings;

use crate::meter::Latency;
use crate::shape::Shape;
use crate::trial::{How, Outcome, run};

const SIZES: [(&str, Shape); 3] = [
    (
        "10 servers, 3 waves, one target",
        Shape {
            servers: 10,
            waves: 3,
            depth: 3,
            in_one: 100,
            windows: 200,
        },
    ),
    (
        "100 servers, 10 waves, one target",
        Shape {
            servers: 100,
            waves: 10,
            depth: 5,
            in_one: 100,
            windows: 200,
        },
    ),
    (
        "1,000 servers, 50 waves, 40 targets",
        Shape {
            servers: 1_000,
            waves: 50,
            depth: 5,
            in_one: 0,
            windows: 200,
        },
    ),
];

const HEADER: &str = "
| execution | takes | turns | state transitions | runs | events of the longest run | function, all turns | longest turn | read units | write units | events kept | bytes kept |
|---|---|---|---|---|---|---|---|---|---|---|---|";

/// Prints the table, with what a process takes beside what the machine takes.
pub(crate) fn print(seed: u64) {
    println!("{}", HEADER.trim());
    for (name, shape) in SIZES {
        let by = |how| run(shape, how, seed, Settings::default(), Latency::AWS);
        let (own, hosted) = (by(How::Process), by(How::Machine));
        row(name, &hosted);
        let (took, units) = (own.took.as_secs(), &own.meter);
        println!(
            "| in process | {took} s | | | | | | | {:.0} | {:.0} | {} | {} |",
            units.read_units,
            units.write_units,
            own.events.len(),
            own.kept(),
        );
    }
}

fn row(name: &str, outcome: &Outcome) {
    let turns = &outcome.turns;
    let seconds = |span: SignedDuration| format!("{:.1} s", span.as_secs_f64());
    println!(
        "| {name} | {} s | {} | {} | {} | {} | {} | {} | {:.0} | {:.0} | {} | {} |",
        outcome.took.as_secs(),
        turns.count(),
        turns.transitions(),
        turns.runs(),
        turns.events_of_longest(),
        seconds(turns.total()),
        seconds(turns.longest()),
        outcome.meter.read_units,
        outcome.meter.write_units,
        outcome.events.len(),
        outcome.kept(),
    );
}
