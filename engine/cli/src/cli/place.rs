//! Where to connect.

use std::path::PathBuf;

use clap::Args;

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
