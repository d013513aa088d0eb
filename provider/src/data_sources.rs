//! The data sources, one file each.

mod execution;
mod preflight;
mod source_servers;
mod target_check;

pub(crate) use execution::Execution;
pub(crate) use preflight::Preflight;
pub(crate) use source_servers::SourceServers;
pub(crate) use target_check::TargetCheck;
