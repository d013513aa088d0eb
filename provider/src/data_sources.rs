//! The data sources, one file each.

mod execution;
mod source_servers;

pub(crate) use execution::Execution;
pub(crate) use source_servers::SourceServers;
