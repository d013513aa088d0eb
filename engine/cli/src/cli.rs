//! What can be typed: commands, options, and their help.
//!
//! Options that say where to connect are read from the environment too, but not here: the provider reads the same
//! variables and the same file, so there is one place that knows them ([`drs_engine_aws`]'s settings). What is typed wins.

use clap::{Args, Parser, Subcommand, ValueEnum};

#[cfg(test)]
mod guides;
mod history;
mod place;
mod plan;
mod points;
mod policy;
mod runner;
mod start;
mod surroundings;
mod sweep;
pub(crate) mod target;
#[cfg(test)]
mod told;
mod wish;

pub(crate) use history::{
    Delete, Export, History, HistoryAction, HistoryImport, List, Logs, Show, Watch,
};
pub(crate) use place::Place;
pub(crate) use plan::{Plan, PlanAction, PlanExport, PlanList, PlanShow};
pub(crate) use points::{FromPoints, Points};
pub(crate) use policy::Policy;
pub(crate) use runner::{Driving, Runner, StateMachine};
pub(crate) use start::{Failover, ForcedGuard, Preflight, RunMode, Start};
pub(crate) use surroundings::{Quotas, Simulator, Tables, TablesAction, Version};
pub(crate) use sweep::Sweep;
pub(crate) use target::Target;
pub(crate) use wish::{Cancel, Pause, Resume, Retry, Run, Skip, Terminate, Wish};

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
    Sweep(Sweep),
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
    Policy(Policy),
    Quotas(Quotas),
    #[cfg(feature = "simulator")]
    Simulator(Simulator),
    StateMachine(StateMachine),
    Tables(Tables),
    Target(Target),
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

impl Output {
    /// Whether one JSON document is asked for.
    pub(crate) fn is_json(self) -> bool {
        self.json || self.output == Format::Json
    }
}

/// A form of output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    #[default]
    Text,
    Json,
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
            vec!["drsctl", "policy", "-h"],
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
