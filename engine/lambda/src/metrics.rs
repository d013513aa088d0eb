//! What a call of the function did, in numbers: one line in CloudWatch's embedded metric format, from which CloudWatch
//! makes metrics without being called.
//!
//! Only what this owner recorded is counted, so that two functions that see the same history count nothing twice.

use std::collections::BTreeMap;

use drs_engine::event::{Acceptance, Event, Outcome, Recorded, ServerResult};
use drs_engine::state::State;
use jiff::Timestamp;
use serde_json::{Value, json};

/// Where the metrics are found in CloudWatch.
pub(crate) const NAMESPACE: &str = "DRSOrchestration";

/// Every metric, with its unit. Dimensions: `Environment`, `Mode`.
pub(crate) const METRICS: [(&str, &str); 13] = [
    ("ExecutionsEnded", "Count"),
    ("ExecutionsFailed", "Count"),
    ("ExecutionsHalted", "Count"),
    ("WavesFinished", "Count"),
    ("WaveSeconds", "Seconds"),
    ("ServersLaunched", "Count"),
    ("ServersFailed", "Count"),
    ("PollCalls", "Count"),
    ("Adoptions", "Count"),
    ("Takeovers", "Count"),
    ("RunnersGone", "Count"),
    ("RunnersRestarted", "Count"),
    ("LifetimesEnded", "Count"),
];

/// Numbers that a call has come to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Metrics(BTreeMap<&'static str, Vec<f64>>);

impl Metrics {
    /// Counts so many of something more.
    pub(crate) fn count(&mut self, name: &'static str, many: usize) {
        debug_assert!(METRICS.iter().any(|(known, _)| *known == name), "{name}");
        let many = f64::from(u32::try_from(many).unwrap_or(u32::MAX));
        let counted = self.0.entry(name).or_default();
        match counted.first_mut() {
            Some(count) => *count += many,
            None => counted.push(many),
        }
    }

    /// Takes what an event says; the state is the one after it.
    pub(crate) fn take(&mut self, state: &State, recorded: &Recorded) {
        match &recorded.event {
            Event::OwnerTaken { .. } => self.count("Takeovers", 1),
            Event::LaunchAccepted { how, .. } if *how != Acceptance::Answered => {
                self.count("Adoptions", 1);
            }
            Event::ServersJudged { results, .. } => {
                let launched = results
                    .iter()
                    .filter(|judged| judged.result == ServerResult::Launched);
                let launched = launched.count();
                self.count_some("ServersLaunched", launched);
                self.count_some("ServersFailed", results.len() - launched);
            }
            Event::WaveFinished { wave, .. } => {
                self.count("WavesFinished", 1);
                let began = state.waves.get(*wave).and_then(|wave| wave.started_at);
                if let Some(began) = began {
                    let seconds = recorded.now.world.duration_since(began).as_secs_f64();
                    self.0.entry("WaveSeconds").or_default().push(seconds);
                }
            }
            Event::ExecutionFinished { outcome, .. } => {
                self.count("ExecutionsEnded", 1);
                let failed = matches!(
                    outcome,
                    Outcome::Failed | Outcome::TimedOut | Outcome::Partial
                );
                self.count_some("ExecutionsFailed", usize::from(failed));
            }
            Event::Halted { .. } => self.count("ExecutionsHalted", 1),
            _ => {}
        }
    }

    fn count_some(&mut self, name: &'static str, many: usize) {
        if many > 0 {
            self.count(name, many);
        }
    }

    /// The line; none when there is nothing to tell.
    pub(crate) fn line(&self, at: Timestamp, environment: &str, mode: &str) -> Option<Value> {
        if self.0.is_empty() {
            return None;
        }
        let told = METRICS.iter().filter(|(name, _)| self.0.contains_key(name));
        let metrics: Vec<Value> = told
            .map(|(name, unit)| json!({"Name": name, "Unit": unit}))
            .collect();
        let mut line = json!({
            "_aws": {
                "Timestamp": at.as_millisecond(),
                "CloudWatchMetrics": [{
                    "Namespace": NAMESPACE,
                    "Dimensions": [["Environment", "Mode"]],
                    "Metrics": metrics,
                }],
            },
            "Environment": environment,
            "Mode": mode,
        });
        for (name, values) in &self.0 {
            line[*name] = match values.as_slice() {
                [one] => json!(one),
                several => json!(several),
            };
        }
        Some(line)
    }

    /// Writes the line, where there is one.
    pub(crate) fn tell(&self, environment: &str, mode: &str) {
        if let Some(line) = self.line(Timestamp::now(), environment, mode) {
            println!("{line}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_in_the_embedded_metric_format() {
        let at = "2026-03-01T10:00:00Z".parse().expect("it is a time");
        assert_eq!(Metrics::default().line(at, "default", "DRILL"), None);
        let mut metrics = Metrics::default();
        metrics.count("ServersLaunched", 2);
        metrics.count("ServersLaunched", 1);
        metrics.count("PollCalls", 4);
        metrics.0.insert("WaveSeconds", vec![61.5, 300.0]);
        let line = metrics.line(at, "default", "DRILL").expect("there is one");
        insta::assert_snapshot!(serde_json::to_string_pretty(&line).expect("it is JSON"));
    }
}
