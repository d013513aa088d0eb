//! Recovery plans.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Output;

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
