//! A preflight as a person reads it.

use crate::event::Mode;

use super::{Level, Preflight};

/// Host names of one job that are spelled out; the rest is counted.
const NAMED: usize = 8;

impl Preflight {
    /// Every finding, what would be launched, and the conclusion.
    pub fn told(&self, mode: Mode) -> String {
        let mut lines = Vec::new();
        for finding in &self.findings {
            let level = match finding.level {
                Level::Ready => "ok",
                Level::Warning => "WARNING",
                Level::Problem => "PROBLEM",
            };
            lines.push(format!("{level:<8} {}: {}", finding.check, finding.text));
        }
        if !self.jobs.is_empty() {
            lines.push("\nwould be launched, if nothing else runs:".to_owned());
        }
        for job in &self.jobs {
            let names: Vec<&str> = job
                .servers
                .iter()
                .take(NAMED)
                .map(|(name, _)| name.as_str())
                .collect();
            let more = match job.servers.len().saturating_sub(NAMED) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            lines.push(format!(
                "- wave {:?}, one job in {}: {}{more}",
                job.wave,
                job.target,
                names.join(", ")
            ));
        }
        let what = mode.as_str().to_lowercase();
        lines.push(match self.level() {
            Level::Ready => format!("\nReady for a {what}."),
            Level::Warning => format!("\nReady for a {what}, with warnings."),
            Level::Problem => {
                format!("\nNot ready for a {what}: mend every PROBLEM first. Nothing was started.")
            }
        });
        lines.join("\n")
    }
}
