//! The data sources, one file each.

mod execution;
mod preflight;
mod source_servers;

pub(crate) use execution::Execution;
pub(crate) use preflight::Preflight;
pub(crate) use source_servers::SourceServers;
