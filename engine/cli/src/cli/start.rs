//! What starts an execution, and what only looks whether one could be started.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum};
use drs_engine::only::Only;
use jiff::SignedDuration;

use super::{Driving, FromPoints, Output, sweep};
use crate::shell::word;

/// Starts a drill of a recovery plan and drives it to its end
///
/// The drill runs in this process. Ctrl-C stops driving at the next safe point: the call in flight ends and its outcome is
/// recorded; `drsctl run` takes the execution up again, here or on another machine. With --runner step-functions a state
/// machine drives it, this process follows, and Ctrl-C stops nothing. What was launched runs until `drsctl terminate` removes
/// it.
#[derive(Args, Debug)]
pub(crate) struct Start {
    /// Recovery plan, by name or by id
    #[arg(value_name = "PLAN")]
    pub(crate) plan: String,
    /// Why, for the record
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) reason: Option<String>,
    /// Remove what was launched after the end, whatever the end was
    #[arg(long)]
    pub(crate) cleanup: bool,
    /// How long what it launches may stay, from now on, e.g. 8h; then it is cancelled and removed, also by `drsctl sweep`
    #[arg(long, value_name = "DURATION", value_parser = sweep::duration)]
    pub(crate) max_lifetime: Option<SignedDuration>,
    #[command(flatten)]
    pub(crate) part: Part,
    #[command(flatten)]
    pub(crate) points: FromPoints,
    #[command(flatten)]
    pub(crate) driving: Driving,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Recovers the servers of a plan: the real thing, not a drill
///
/// It pre-empts drills that have the plan or its servers. The confirmation names the plan and the number of its next run,
/// and is good for that one run; `--dry-run` says which it is. What is launched is in production and is never removed by
/// this tool.
#[derive(Args, Debug)]
pub(crate) struct Failover {
    /// Recovery plan, by name or by id
    #[arg(
        value_name = "PLAN",
        required_unless_present = "plan_file",
        conflicts_with = "plan_file"
    )]
    pub(crate) plan: Option<String>,
    /// Run the plan of this file, without the tables, on a history in the directory of --history
    #[arg(long, value_name = "FILE", requires = "history")]
    pub(crate) plan_file: Option<PathBuf>,
    /// Why, for the record
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new(), required_unless_present = "dry_run")]
    pub(crate) reason: Option<String>,
    /// The plan and its next run, e.g. "shop/3"
    #[arg(long, value_name = "PLAN/RUN")]
    pub(crate) confirm: Option<String>,
    /// Only say what would be launched, in which jobs, and what each guard says
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Launch although live recovery instances exist, which DRS then deletes
    #[arg(long)]
    pub(crate) replace_live_instances: bool,
    /// Go on without this guard where it cannot be read; recorded
    #[arg(long, value_enum, value_name = "GUARD")]
    pub(crate) force_unknown: Vec<ForcedGuard>,
    #[command(flatten)]
    pub(crate) part: Part,
    #[command(flatten)]
    pub(crate) points: FromPoints,
    #[command(flatten)]
    pub(crate) driving: Driving,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// A guard that a recovery may go on without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ForcedGuard {
    /// Whether live recovery instances exist, which a launch would delete
    LiveInstances,
}

/// Looks whether a plan could be run now; starts nothing
///
/// Exit codes: 0 ready, 1 ready with warnings, 2 not ready.
#[derive(Args, Debug)]
pub(crate) struct Preflight {
    /// Recovery plan, by name or by id
    #[arg(value_name = "PLAN")]
    pub(crate) plan: String,
    /// What it would be run for
    #[arg(
        long,
        value_enum,
        value_name = "MODE",
        default_value_t,
        ignore_case = true
    )]
    pub(crate) mode: RunMode,
    #[command(flatten)]
    pub(crate) part: Part,
    #[command(flatten)]
    pub(crate) points: FromPoints,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// What a plan is run for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum RunMode {
    #[default]
    Drill,
    Recovery,
}

/// A part of a plan; it is recorded, and the rest can be run later.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "A part of the plan")]
pub(crate) struct Part {
    /// Only this wave, by name; may be given several times
    #[arg(long, value_name = "WAVE")]
    pub(crate) only_wave: Vec<String>,
    /// Only this protection group, by name or by id; may be given several times
    #[arg(long, value_name = "GROUP")]
    pub(crate) only_group: Vec<String>,
    /// Without this server, by id or by host name; may be given several times
    #[arg(long, value_name = "SERVER")]
    pub(crate) exclude_server: Vec<String>,
}

impl Part {
    /// The same for the engine.
    pub(crate) fn only(&self) -> Only {
        Only {
            waves: self.only_wave.clone(),
            groups: self.only_group.clone(),
            without: self.exclude_server.clone(),
        }
    }

    /// The options as they would be typed again.
    pub(crate) fn typed(&self) -> Vec<String> {
        let every = |option: &str, values: &[String]| -> Vec<String> {
            let typed = values
                .iter()
                .map(|value| format!("{option} {}", word(value)));
            typed.collect()
        };
        [
            every("--only-wave", &self.only_wave),
            every("--only-group", &self.only_group),
            every("--exclude-server", &self.exclude_server),
        ]
        .concat()
    }
}
