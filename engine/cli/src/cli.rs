//! What can be typed: commands, options, and their help.
//!
//! Options that say where to connect are read from the environment too, but not here: the provider reads the same
//! variables and the same file, so there is one place that knows them ([`drs_engine_aws`]'s settings). What is typed wins.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::{NonEmptyStringValueParser, PossibleValuesParser, TypedValueParser as _};
use clap::{Args, Parser, Subcommand, ValueEnum};
use drs_engine::ids::SnapshotId;
use drs_engine::only::Only;
use drs_engine::point::{RecoveryPoint, is_point_id};
use drs_engine::state::Status;
use jiff::SignedDuration;

use crate::failure::Failure;
use crate::shell::word;

pub(crate) mod sweep;
pub(crate) mod target;
#[cfg(test)]
mod told;

/// Starts, drives, shows and cancels executions of recovery plans, and serves the DRS simulator.
#[derive(Debug, Parser)]
#[command(
    name = "drsctl",
    version,
    disable_help_subcommand = true,
    max_term_width = 100,
    after_help = "Exit codes: 0 done (start, run, watch: the execution COMPLETED), 1 start, run, watch: it ended \
                  otherwise, terminate, sweep: something is left, plan show: it cannot be launched now, 2 it could not be done, \
                  130 interrupted, 141 the reader of the output went away.\n\
                  Colours are used on a terminal unless NO_COLOR is set. DRS_LOG=debug logs to the standard error."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Where to connect. Everything can also come from a file, and that from DRS_CONFIG or ./drs.yaml.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Where to connect")]
pub(crate) struct Place {
    /// Environment whose tables are read [env: DRS_ENVIRONMENT] [default: default]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) environment: Option<String>,
    /// AWS Region [env: DRS_REGION, AWS_REGION]
    #[arg(long, global = true, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// AWS Region of the tables, where it is another [env: DRS_HISTORY_REGION] [default: the Region]
    #[arg(long, global = true, value_name = "REGION")]
    pub(crate) history_region: Option<String>,
    /// Directory of a history on this machine, in place of the tables [env: DRS_HISTORY]
    #[arg(
        long,
        global = true,
        value_name = "DIRECTORY",
        env = "DRS_HISTORY",
        hide_env = true
    )]
    pub(crate) history: Option<PathBuf>,
    /// Profile of the AWS configuration [env: AWS_PROFILE]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Directory of a simulator's store to use in place of AWS [env: DRS_SIMULATOR]
    #[arg(long, global = true, value_name = "DIRECTORY")]
    pub(crate) simulator: Option<PathBuf>,
    /// URL of every AWS service, e.g. of a simulator that is served elsewhere [env: AWS_ENDPOINT_URL]
    #[arg(long, global = true, value_name = "URL", conflicts_with = "simulator")]
    pub(crate) endpoint_url: Option<String>,
    /// Configuration file, shared with the provider [env: DRS_CONFIG] [default: ./drs.yaml]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    Work(Work),
    #[command(flatten)]
    Look(Look),
}

/// What changes an execution.
#[derive(Debug, Subcommand)]
pub(crate) enum Work {
    Start(Start),
    Failover(Failover),
    Run(Run),
    Pause(Pause),
    Resume(Resume),
    Retry(Retry),
    Skip(Skip),
    Cancel(Cancel),
    Terminate(Terminate),
    Sweep(sweep::Sweep),
    Delete(Delete),
    History(History),
}

/// What changes no execution.
#[derive(Debug, Subcommand)]
pub(crate) enum Look {
    Preflight(Preflight),
    Watch(Watch),
    List(List),
    Show(Show),
    Export(Export),
    Logs(Logs),
    Plan(Plan),
    Points(Points),
    Quotas(Quotas),
    #[cfg(feature = "simulator")]
    Simulator(Simulator),
    Tables(Tables),
    Target(target::Target),
    Version(Version),
}

/// What is printed.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct Output {
    /// What to print: text for people, or one JSON document for a program
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub(crate) output: Format,
    /// The same as --output json
    #[arg(long, conflicts_with = "output")]
    pub(crate) json: bool,
}

/// A form of output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    #[default]
    Text,
    Json,
}

impl Output {
    /// Whether one JSON document is asked for.
    pub(crate) fn is_json(self) -> bool {
        self.json || self.output == Format::Json
    }
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

/// What servers are launched from; it is resolved when the execution starts, and recorded.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Recovery points")]
pub(crate) struct FromPoints {
    /// What to launch from: latest, or the newest point before a time, e.g. 2026-03-01T09:00:00Z [default: latest]
    #[arg(
        long,
        value_name = "latest|TIME",
        value_parser = recovery_point,
        conflicts_with = "snapshot"
    )]
    pub(crate) recovery_point: Option<RecoveryPoint>,
    /// The recovery point of one server, by its id or its host name; may be given several times
    #[arg(long, value_name = "SERVER=pit-...", value_parser = named_point)]
    pub(crate) snapshot: Vec<(String, SnapshotId)>,
}

impl FromPoints {
    /// The same for the engine.
    pub(crate) fn wanted(&self) -> Result<RecoveryPoint, Failure> {
        let mut named = BTreeMap::new();
        for (server, snapshot) in &self.snapshot {
            if named.insert(server.clone(), snapshot.clone()).is_some() {
                return Err(Failure::new(format!(
                    "two recovery points are named for server {server:?}"
                ))
                .safe("Nothing was started and nothing was launched.")
                .help("Give --snapshot once for each server."));
            }
        }
        Ok(match &self.recovery_point {
            Some(points) => points.clone(),
            None if named.is_empty() => RecoveryPoint::Latest,
            None => RecoveryPoint::Named(named),
        })
    }

    /// The options as they would be typed again.
    pub(crate) fn typed(&self) -> Vec<String> {
        let time = match &self.recovery_point {
            Some(RecoveryPoint::Before(at)) => Some(format!("--recovery-point {at}")),
            _ => None,
        };
        let named = self.snapshot.iter();
        let named = named.map(|(server, id)| format!("--snapshot {}={id}", word(server)));
        time.into_iter().chain(named).collect()
    }
}

fn recovery_point(text: &str) -> Result<RecoveryPoint, String> {
    if text.eq_ignore_ascii_case("latest") {
        return Ok(RecoveryPoint::Latest);
    }
    text.parse().map(RecoveryPoint::Before).map_err(|_| {
        "it is neither \"latest\" nor a time with its zone, e.g. 2026-03-01T09:00:00Z".to_owned()
    })
}

fn named_point(text: &str) -> Result<(String, SnapshotId), String> {
    match text.split_once('=') {
        Some((server, id)) if !server.is_empty() && is_point_id(id) => {
            Ok((server.to_owned(), SnapshotId::new(id)))
        }
        Some((server, _)) if !server.is_empty() => {
            Err("the id of a recovery point is \"pit-\" and 17 letters or digits".to_owned())
        }
        _ => Err(
            "it must be the id or the host name of a server, \"=\" and the id of a point"
                .to_owned(),
        ),
    }
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
    /// Why, for whoever reads the history
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

/// Launches nothing more until it is resumed; jobs that run are followed
///
/// With --before, only the named wave is held, once it is due. No limit counts the time.
#[derive(Args, Debug)]
pub(crate) struct Pause {
    /// Execution to pause
    #[arg(value_name = "EXECUTION")]
    pub(crate) execution: String,
    /// Only hold this wave, once it is due
    #[arg(long, value_name = "WAVE")]
    pub(crate) before: Option<String>,
    /// Why, for whoever reads the history
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Lets everything that is held go on, and drives it unless somebody does
#[derive(Args, Debug)]
pub(crate) struct Resume {
    /// Execution to resume
    #[arg(value_name = "EXECUTION")]
    pub(crate) execution: String,
    /// Why, for whoever reads the history; with --assume-not-sent, also how you know that
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) reason: String,
    /// Launches whose outcome nobody knows were not sent, on your word: make them again at once
    #[arg(long)]
    pub(crate) assume_not_sent: bool,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Launches failed servers of a wave again, while the wave runs or is held
#[derive(Args, Debug)]
pub(crate) struct Retry {
    /// Execution
    #[arg(value_name = "EXECUTION")]
    pub(crate) execution: String,
    /// Wave, by name
    #[arg(long, value_name = "WAVE")]
    pub(crate) wave: String,
    /// Only this server, by id or by host name; may be given several times; none means every failed server of the wave
    #[arg(long, value_name = "SERVER")]
    pub(crate) server: Vec<String>,
    /// Why, for whoever reads the history
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Leaves a wave out that has not started, or as it is when it is held after failures; what depends on it goes on
#[derive(Args, Debug)]
pub(crate) struct Skip {
    /// Execution
    #[arg(value_name = "EXECUTION")]
    pub(crate) execution: String,
    /// Wave, by name
    #[arg(long, value_name = "WAVE")]
    pub(crate) wave: String,
    /// Why, for whoever reads the history
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Starts a drill of a recovery plan and drives it to its end
///
/// The drill runs in this process. Ctrl-C stops driving at the next safe point: the call in flight ends and its outcome is
/// recorded; `drsctl run` takes the execution up again, here or on another machine. What was launched runs until
/// `drsctl terminate` removes it.
#[derive(Args, Debug)]
pub(crate) struct Start {
    /// Recovery plan, by name or by id
    #[arg(value_name = "PLAN")]
    pub(crate) plan: String,
    /// Why, for whoever reads the history
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
    pub(crate) output: Output,
}

/// Drives an execution that nobody drives; while somebody does, follows it
///
/// It takes up an execution whose process was interrupted, killed or cut off, and launches nothing twice. While another
/// process drives the execution, it only follows it, and takes over when that one falls silent.
#[derive(Args, Debug)]
pub(crate) struct Run {
    /// Execution to drive; none means the newest that runs, or else the newest
    #[arg(value_name = "EXECUTION")]
    pub(crate) execution: Option<String>,
    /// Take it over although its owner looks alive
    #[arg(long)]
    pub(crate) take_over: bool,
    /// Launches whose outcome nobody knows were not sent, on your word: make them again at once
    #[arg(long, requires = "reason")]
    pub(crate) assume_not_sent: bool,
    /// How you know that they were not sent, for whoever reads the history
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new(), requires = "assume_not_sent")]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Asks that an execution launch nothing more; jobs that run are followed to their end
///
/// The wish is written to the history and nothing is called at DRS, which cannot stop its jobs. Whoever drives the
/// execution heeds it at the next look. What was launched runs until `drsctl terminate` removes it.
#[derive(Args, Debug)]
pub(crate) struct Cancel {
    /// Execution to cancel
    #[arg(value_name = "EXECUTION")]
    pub(crate) execution: String,
    /// Why, for whoever reads the history
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Removes what an ended drill launched, and checks that it is gone
///
/// Only instances that jobs of this execution launched are terminated, through DRS, and looked for in DRS and EC2 until
/// they are gone.
#[derive(Args, Debug)]
pub(crate) struct Terminate {
    /// Execution whose instances to terminate
    #[arg(value_name = "EXECUTION")]
    pub(crate) execution: String,
    /// Why, for whoever reads the history
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Deletes the history of an execution that has ended; a tombstone says who did it, when and why
///
/// Nothing is called at DRS: what the execution launched stays. Deleting again goes on with a deletion that was cut short.
#[derive(Args, Debug)]
pub(crate) struct Delete {
    /// Execution whose history to delete
    #[arg(value_name = "EXECUTION")]
    pub(crate) execution: String,
    /// Why, for whoever looks for it
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) reason: String,
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

/// Lists recovery plans, or shows what one would launch now
#[derive(Args, Debug)]
pub(crate) struct Plan {
    #[command(subcommand)]
    pub(crate) action: PlanAction,
}

/// What to do with plans.
#[derive(Debug, Subcommand)]
pub(crate) enum PlanAction {
    List(PlanList),
    Show(PlanShow),
    Export(PlanExport),
}

/// Lists the recovery plans by name
#[derive(Args, Debug)]
pub(crate) struct PlanList {
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Shows a plan, the servers that it would launch now, and why it cannot be launched where it cannot
#[derive(Args, Debug)]
pub(crate) struct PlanShow {
    /// Recovery plan, by name or by id
    #[arg(value_name = "PLAN")]
    pub(crate) plan: String,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Writes a plan to a file that can be run without the tables; only you can read it, and an older one is replaced
#[derive(Args, Debug)]
pub(crate) struct PlanExport {
    /// Recovery plan, by name or by id
    #[arg(value_name = "PLAN")]
    pub(crate) plan: String,
    /// File to write
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Lists the recovery points that DRS keeps of a plan's servers
#[derive(Args, Debug)]
pub(crate) struct Points {
    /// Recovery plan, by name or by id
    #[arg(value_name = "PLAN")]
    pub(crate) plan: String,
    /// Every point of this server, by id or by host name; may be given several times
    #[arg(long, value_name = "SERVER")]
    pub(crate) server: Vec<String>,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Shows the DRS quotas of the account and Region, and how much of them is in use
#[derive(Args, Debug)]
pub(crate) struct Quotas {
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Serves the DRS simulator until it is interrupted; needs no AWS account
#[derive(Args, Debug)]
pub(crate) struct Simulator {
    /// Directory of its store, made when missing [default: the value of --simulator]
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) directory: Option<PathBuf>,
    /// Fleet file (YAML) of a new store [default: the built-in fleet]
    #[arg(long, value_name = "FILE")]
    pub(crate) fleet: Option<PathBuf>,
    /// How many times faster than life its time runs
    #[arg(long, value_name = "FACTOR")]
    pub(crate) speed: Option<f64>,
    /// Seed of everything random in a new store
    #[arg(long, value_name = "NUMBER")]
    pub(crate) seed: Option<u64>,
    /// Address to listen on; port 0 takes any free port
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
    /// Also serve the admin API on this loopback port
    #[arg(long, value_name = "PORT")]
    pub(crate) admin_port: Option<u16>,
    /// Let time stand still; only the admin API moves it
    #[arg(long, conflicts_with = "speed")]
    pub(crate) manual_clock: bool,
    /// Allow an address that other machines can reach
    #[arg(long)]
    pub(crate) allow_remote: bool,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Makes or checks the three DynamoDB tables of an environment
#[derive(Args, Debug)]
pub(crate) struct Tables {
    #[command(subcommand)]
    pub(crate) action: TablesAction,
}

/// What to do with the tables.
#[derive(Debug, Subcommand)]
pub(crate) enum TablesAction {
    /// Makes the tables that are missing, encrypted and protected; what is there is only checked
    Create(TablesAsked),
    /// Checks that the tables are there and fit; changes nothing
    Check(TablesAsked),
}

/// What is printed about tables.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct TablesAsked {
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Prints the version and what is built in
#[derive(Args, Debug)]
pub(crate) struct Version {
    #[command(flatten)]
    pub(crate) output: Output,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn told(arguments: &[&str]) -> String {
        let answer = Cli::try_parse_from(arguments).expect_err("help or an error");
        format!("exit code {}\n{}", answer.exit_code(), answer.render())
    }

    #[test]
    fn the_commands_fit_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help() {
        let commands = [
            vec!["drsctl", "--help"],
            vec!["drsctl", "start", "--help"],
            vec!["drsctl", "run", "--help"],
            vec!["drsctl", "cancel", "--help"],
            vec!["drsctl", "terminate", "--help"],
            vec!["drsctl", "sweep", "--help"],
            vec!["drsctl", "failover", "--help"],
            vec!["drsctl", "delete", "--help"],
            vec!["drsctl", "history", "import", "--help"],
            vec!["drsctl", "plan", "export", "-h"],
            vec!["drsctl", "watch", "--help"],
            vec!["drsctl", "list", "-h"],
            vec!["drsctl", "show", "-h"],
            vec!["drsctl", "export", "-h"],
            vec!["drsctl", "logs", "-h"],
            vec!["drsctl", "plan", "-h"],
            vec!["drsctl", "plan", "show", "-h"],
            vec!["drsctl", "quotas", "-h"],
            vec!["drsctl", "simulator", "-h"],
            vec!["drsctl", "tables", "-h"],
        ];
        let parts: Vec<String> = commands
            .iter()
            .map(|command| format!("$ {}\n{}", command.join(" "), told(command)))
            .collect();
        insta::assert_snapshot!(parts.join("\n"));
    }

    #[test]
    fn mistakes_are_explained() {
        let commands = [
            vec!["drsctl", "wach"],
            vec!["drsctl", "list", "--status", "done"],
            vec!["drsctl", "list", "--limit", "0"],
            vec!["drsctl", "list", "--json", "--output", "text"],
            vec!["drsctl", "start"],
            vec!["drsctl", "start", "shop", "--max-lifetime", "soon"],
            vec!["drsctl", "cancel", "exec-1"],
            vec!["drsctl", "export", "exec-1", "--output", "f"],
            vec!["drsctl", "failover", "--reason", "r"],
            vec!["drsctl", "failover", "--plan-file", "f", "--reason", "r"],
            vec!["drsctl", "run", "exec-1", "--assume-not-sent"],
            vec!["drsctl", "terminate", "exec-1", "--reason", ""],
            vec![
                "drsctl",
                "list",
                "--simulator",
                "d",
                "--endpoint-url",
                "http://localhost",
            ],
            vec!["drsctl", "simulator", "--manual-clock", "--speed", "2"],
        ];
        let parts: Vec<String> = commands
            .iter()
            .map(|command| format!("$ {}\n{}", command.join(" "), told(command)))
            .collect();
        insta::assert_snapshot!(parts.join("\n"));
    }

    #[test]
    fn a_status_may_be_typed_in_any_case() {
        let cli = Cli::try_parse_from(["drsctl", "list", "--status", "timed_out"]).expect("a list");
        let Command::Look(Look::List(list)) = cli.command else {
            panic!("a list was asked for");
        };
        assert_eq!(list.status.as_deref(), Some("TIMED_OUT"));
    }
}
