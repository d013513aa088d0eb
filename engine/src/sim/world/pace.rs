//! How long things take: spans of time, what is drawn from them, and what divides them.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::chance::Chance;
use crate::sim::fleet::{Os, Settings};

/// Longest time that any phase can take: 30 days.
const LONGEST_MICROS: f64 = 30.0 * 86_400.0 * 1e6;

/// The pace of one job, or of one server in it: spans, and the chance that chooses within them.
pub(super) struct Pace {
    timings: Timings,
    shorten: f64,
    factor: f64,
    chance: Chance,
}

impl Pace {
    /// The pace of a whole job, or with a server's own timings and system that of the server.
    pub(super) fn of(settings: &Settings, own: Option<Timings>, os: Os, chance: Chance) -> Self {
        let timings = own.unwrap_or(settings.timings);
        Self {
            timings,
            shorten: settings.shorten,
            factor: if os == Os::Windows {
                timings.windows_factor
            } else {
                1.0
            },
            chance,
        }
    }

    /// How long a phase takes this time.
    pub(super) fn draw(&mut self, span: impl Fn(&Timings) -> Span) -> SignedDuration {
        let (least, most) = span(&self.timings).micros();
        shortened(self.chance.between(least, most), self.shorten)
    }

    /// The same for a phase that takes longer on Windows.
    pub(super) fn draw_by_os(&mut self, span: impl Fn(&Timings) -> Span) -> SignedDuration {
        let factor = self.factor;
        self.draw(|timings| span(timings).times(factor))
    }

    /// An identifier.
    pub(super) fn id(&mut self, prefix: &str) -> String {
        self.chance.id(prefix)
    }
}

/// A time divided by what shortens all of them.
pub(super) fn shortened(micros: u64, shorten: f64) -> SignedDuration {
    let divisor = if shorten.is_finite() && shorten > 0.0 {
        shorten
    } else {
        1.0
    };
    // Rounded, so that the division gives the same on every machine that follows IEEE 754; that is all of them.
    let micros = (micros as f64 / divisor).round();
    SignedDuration::from_micros(micros.min(LONGEST_MICROS) as i64)
}

/// How long the phases of jobs take. The defaults of launches are those of jobs that AWS recorded and published; the
/// times of clean-ups and terminations are guesses, for nobody has published any.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Timings {
    /// From the call to `JOB_START`.
    pub start: Span,
    /// Termination of the previous recovery instance.
    pub cleanup: Span,
    /// From `JOB_START`, or the end of the clean-up, to `SNAPSHOT_START`.
    pub snapshot_start: Span,
    /// From `SNAPSHOT_START` to `SNAPSHOT_END`.
    pub snapshot: Span,
    /// How long a fresh snapshot is waited for when the source does not answer.
    pub snapshot_wait: Span,
    /// From `SNAPSHOT_END` to `CONVERSION_START`: the snapshot is copied.
    pub copy: Span,
    /// The conversion; left out in recovery mode `FAST`.
    pub conversion: Span,
    /// From the end of the conversion to `LAUNCH_START`.
    pub launch_start: Span,
    /// From `LAUNCH_START` to `LAUNCH_END`.
    pub launch: Span,
    /// From the last server's end to `JOB_END`.
    pub end: Span,
    /// A termination.
    pub terminate: Span,
    /// How long a launched instance is `PENDING`.
    pub pending: Span,
    /// From the instance's launch to its EC2 status checks being passed.
    pub status_checks: Span,
    /// How many times as long a Windows server converts and launches.
    pub windows_factor: f64,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            start: Span(0.3, 0.4),
            cleanup: Span(20.0, 40.0),
            snapshot_start: Span(0.40, 0.44),
            snapshot: Span(0.15, 0.20),
            snapshot_wait: Span(600.0, 600.0),
            copy: Span(51.0, 52.0),
            conversion: Span(175.0, 198.0),
            launch_start: Span(0.4, 0.7),
            launch: Span(278.0, 310.0),
            end: Span(2.0, 3.0),
            terminate: Span(60.0, 120.0),
            pending: Span(5.0, 10.0),
            status_checks: Span(60.0, 180.0),
            windows_factor: 2.0,
        }
    }
}

impl Timings {
    /// Every span with its name, to be checked.
    pub(crate) fn spans(&self) -> [(&'static str, Span); 13] {
        [
            ("start", self.start),
            ("cleanup", self.cleanup),
            ("snapshot_start", self.snapshot_start),
            ("snapshot", self.snapshot),
            ("snapshot_wait", self.snapshot_wait),
            ("copy", self.copy),
            ("conversion", self.conversion),
            ("launch_start", self.launch_start),
            ("launch", self.launch),
            ("end", self.end),
            ("terminate", self.terminate),
            ("pending", self.pending),
            ("status_checks", self.status_checks),
        ]
    }
}

/// A shortest and a longest time, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Span(pub f64, pub f64);

impl Span {
    /// Whether both ends are times and the right way round.
    pub(crate) fn is_valid(self) -> bool {
        let Self(least, most) = self;
        least.is_finite() && most.is_finite() && 0.0 <= least && least <= most && most <= 86_400.0
    }

    /// Both ends in microseconds.
    fn micros(self) -> (u64, u64) {
        let micros = |seconds: f64| (seconds.max(0.0) * 1e6).round() as u64;
        (micros(self.0), micros(self.1).max(micros(self.0)))
    }

    /// The span, so many times as long.
    fn times(self, factor: f64) -> Self {
        Self(self.0 * factor, self.1 * factor)
    }
}
