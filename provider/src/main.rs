//! The Terraform and OpenTofu provider `drs`: disaster-recovery plans and drills on AWS Elastic Disaster Recovery.
//!
//! This binary only serves. What the provider block means is in [`provider`]; every resource and every data source has a
//! file of its own. What an execution does is decided in the engine, never here.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod actions;
mod client;
mod convert;
mod data_sources;
mod diagnose;
mod functions;
mod held;
mod identity;
#[cfg(test)]
mod odd;
mod progress;
mod provider;
mod resources;
mod run;
mod runner;
mod tags;
mod targets;
#[cfg(test)]
mod testing;

use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("schema") => {
            println!("{:#}", tfplugin::schema_json(&provider::Drs));
            ExitCode::SUCCESS
        }
        Some("--version" | "-version" | "version") => {
            println!("terraform-provider-drs {}", drs_engine_aws::VERSION);
            ExitCode::SUCCESS
        }
        Some("--help" | "-help" | "help") => {
            println!("{HELP}");
            ExitCode::SUCCESS
        }
        _ => tfplugin::serve(provider::Drs),
    }
}

const HELP: &str = "\
The Terraform and OpenTofu provider drs-orchestration/drs. Terraform and OpenTofu start this binary by themselves when a
configuration requires the provider.

  terraform-provider-drs schema    prints the schemas, as `terraform providers schema -json` does
  terraform-provider-drs version   prints the version
  terraform-provider-drs -debug    serves until it is interrupted, for a host or a debugger to attach

What people run is drsctl: it lists, shows and watches executions.";
