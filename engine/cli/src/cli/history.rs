//! What reads an execution, keeps it, merges it or deletes it.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{Args, Subcommand};
use drs_engine::state::Status;

use super::{Output, Wish};

/// Follows an execution until it has ended; watching changes nothing
#[derive(Args, Debug)]
pub(crate) struct Watch {
    /// Execution to follow; none means the newest that runs, or else the newest
    #[arg(value_name = "EXECUTION")]
    pub(crate) execution: Option<String>,
    /// Seconds to wait for an execution to begin, where none runs
    #[arg(long, value_name = "SECONDS", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=86_400))]
    pub(crate) wait: u32,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Lists executions, newest first
#[derive(Args, Debug)]
pub(crate) struct List {
    /// Only executions of this recovery plan, by name or by id
    #[arg(long, value_name = "PLAN")]
    pub(crate) plan: Option<String>,
    /// Only executions in this status
    #[arg(
        long,
        value_name = "STATUS",
        ignore_case = true,
        value_parser = PossibleValuesParser::new(Status::WORDS).map(|word| word.to_uppercase())
    )]
    pub(crate) status: Option<String>,
    /// Most executions to list
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub(crate) limit: u16,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Shows one execution: its waves and servers, and what can be done next
#[derive(Args, Debug)]
pub(crate) struct Show {
    /// Execution to show; none means the newest that runs, or else the newest
    #[arg(value_name = "EXECUTION")]
    pub(crate) execution: Option<String>,
    /// Also tell what happened, event by event
    #[arg(long)]
    pub(crate) timeline: bool,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Prints everything that the history has about an execution, as one JSON document
#[derive(Args, Debug)]
pub(crate) struct Export {
    /// Execution to export
    #[arg(value_name = "EXECUTION")]
    pub(crate) execution: String,
    /// File to write in place of the standard output; only you can read it, and an older one is replaced
    #[arg(long, value_name = "FILE")]
    pub(crate) output_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Shows the logs that DRS keeps of an execution's jobs
#[derive(Args, Debug)]
pub(crate) struct Logs {
    /// Execution whose jobs are meant
    #[arg(value_name = "EXECUTION")]
    pub(crate) execution: String,
    /// Only the jobs of this wave
    #[arg(long, value_name = "NAME")]
    pub(crate) wave: Option<String>,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Deletes the history of an execution that has ended; a tombstone says who did it, when and why
///
/// Nothing is called at DRS: what the execution launched stays. Deleting again goes on with a deletion that was cut short.
#[derive(Args, Debug)]
pub(crate) struct Delete {
    #[command(flatten)]
    pub(crate) wish: Wish,
    /// The execution's id once more
    #[arg(long, value_name = "EXECUTION")]
    pub(crate) confirm: Option<String>,
    /// Delete it although instances that it launched are not known to be gone
    #[arg(long)]
    pub(crate) keep_instances: bool,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Merges executions that were run without tables
#[derive(Args, Debug)]
pub(crate) struct History {
    #[command(subcommand)]
    pub(crate) action: HistoryAction,
}

/// What to do with histories.
#[derive(Debug, Subcommand)]
pub(crate) enum HistoryAction {
    Import(HistoryImport),
}

/// Copies the executions of a directory into the tables; nothing there is written over, and importing again does no harm
#[derive(Args, Debug)]
pub(crate) struct HistoryImport {
    /// Directory that was named with --history
    #[arg(value_name = "DIRECTORY")]
    pub(crate) directory: PathBuf,
    #[command(flatten)]
    pub(crate) output: Output,
}
