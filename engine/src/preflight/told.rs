//! A preflight as a person reads it.

use crate::event::Mode;

use super::{Level, Preflight};

/// Host names of one job that are spelled out; the rest is counted.
const NAMED: usize = 8;

/// What stands before a command that helps, under the text of its finding.
const INDENT: &str = "           ";

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
            if let Some(command) = &finding.command {
                lines.push(format!("{INDENT}{command}"));
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::Finding;

    #[test]
    fn a_command_that_helps_is_on_a_line_of_its_own() {
        let finding = |level, text| Finding::new("quotas", level, text);
        let found = Preflight {
            findings: vec![
                finding(Level::Ready, "none is in use"),
                finding(Level::Warning, "all are in use").help("drsctl quotas".to_owned()),
            ],
            ..Preflight::default()
        };
        assert_eq!(
            found.told(Mode::Drill),
            "ok       quotas: none is in use\nWARNING  quotas: all are in use\n           drsctl quotas\n\nReady for a drill, \
             with warnings."
        );
    }
}
