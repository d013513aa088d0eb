//! What is not about an execution: quotas, tables, the simulator, the version.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Output;

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
    /// Enforce IAM with the users, roles and policies of this file (YAML) [default: as the store did, else not at all]
    #[arg(long, value_name = "FILE")]
    pub(crate) iam: Option<PathBuf>,
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
