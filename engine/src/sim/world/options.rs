//! Settings of a world: its seed, its pace, its quotas, and the few things about DRS that nobody knows for certain.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::super::fleet::Fleet;

/// Settings of a world. They are made from a fleet, whose file may set some of them, and can be changed before
/// [`super::World::new`] takes them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Everything random in the world comes from it.
    pub seed: u64,
    /// When the world begins.
    pub started_at: Timestamp,
    /// The quotas of every account and Region.
    pub quotas: Quotas,
    /// How long the phases of jobs take.
    pub timings: Timings,
    /// Divides every phase of a job; 10 makes a job of nine minutes last less than one.
    pub shorten: f64,
    /// Whether a job's log has `LAUNCH_END`, which DRS sends although its model does not list it.
    pub launch_end_events: bool,
    /// Whether a job names the recovery instance of a launched server; recorded jobs do not.
    pub recovery_instance_id_in_job: bool,
    /// Age in seconds from which a signed request is refused; none accepts any.
    pub signature_age_seconds: Option<i64>,
    /// Items on a page when the caller does not say how many.
    pub page_size: usize,
}

impl Options {
    /// The settings of a fleet's world.
    pub fn of(fleet: &Fleet, seed: u64, started_at: Timestamp) -> Self {
        let settings = &fleet.settings;
        Self {
            seed,
            started_at,
            quotas: settings.quotas,
            timings: settings.timings,
            shorten: settings.shorten,
            launch_end_events: settings.launch_end_events,
            recovery_instance_id_in_job: settings.recovery_instance_id_in_job,
            signature_age_seconds: settings.signature_age_seconds,
            page_size: settings.page_size,
        }
    }

    /// A part of a job's time, made shorter as the settings say.
    pub(super) fn shortened(&self, micros: u64) -> SignedDuration {
        let divisor = if self.shorten.is_finite() && self.shorten > 0.0 {
            self.shorten
        } else {
            1.0
        };
        // Rounded, so that the division gives the same on every machine that follows IEEE 754; that is all of them.
        let micros = (micros as f64 / divisor).round();
        SignedDuration::from_micros(micros.min(LONGEST_MICROS) as i64)
    }
}

/// Longest time that any phase can take: 30 days.
const LONGEST_MICROS: f64 = 30.0 * 86_400.0 * 1e6;

/// The quotas of one account and Region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quotas {
    /// Jobs in progress at the same time (L-D88FAC3A).
    pub jobs: u32,
    /// Source servers in one job (L-B827C881).
    pub servers_per_job: u32,
    /// Source servers in all jobs (L-05AFA8C6).
    pub servers_in_jobs: u32,
    /// Source servers that replicate (L-C1D14A2B).
    pub replicating_servers: u32,
}

impl Quotas {
    /// Every quota with its code and its name.
    pub fn listed(&self) -> [(&'static str, &'static str, u32); 5] {
        [
            (JOBS, "Concurrent jobs in progress", self.jobs),
            (
                SERVERS_PER_JOB,
                "Max source servers in a single Job",
                self.servers_per_job,
            ),
            (
                SERVERS_IN_JOBS,
                "Max source servers in all Jobs",
                self.servers_in_jobs,
            ),
            (JOBS_PER_SERVER, "Max concurrent Jobs per source server", 1),
            (
                REPLICATING_SERVERS,
                "Max Total replicating source servers Per AWS Account",
                self.replicating_servers,
            ),
        ]
    }
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            jobs: 20,
            servers_per_job: 100,
            servers_in_jobs: 500,
            replicating_servers: 300,
        }
    }
}

pub(super) const JOBS: &str = "L-D88FAC3A";
pub(super) const SERVERS_PER_JOB: &str = "L-B827C881";
pub(super) const SERVERS_IN_JOBS: &str = "L-05AFA8C6";
pub(super) const JOBS_PER_SERVER: &str = "L-DD6D028C";
pub(super) const REPLICATING_SERVERS: &str = "L-C1D14A2B";

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
            status_checks: Span(60.0, 180.0),
            windows_factor: 2.0,
        }
    }
}

impl Timings {
    /// Every span with its name, to be checked.
    pub(crate) fn spans(&self) -> [(&'static str, Span); 12] {
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
    pub(super) fn micros(self) -> (u64, u64) {
        let micros = |seconds: f64| (seconds.max(0.0) * 1e6).round() as u64;
        (micros(self.0), micros(self.1).max(micros(self.0)))
    }

    /// The span, so many times as long.
    #[must_use]
    pub(super) fn times(self, factor: f64) -> Self {
        Self(self.0 * factor, self.1 * factor)
    }
}
