//! What can be typed about target accounts.

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};
use drs_engine::store::targets::Instances;

use super::Output;

/// Says which other accounts may be worked in, and as which role
#[derive(Args, Debug)]
pub(crate) struct Target {
    #[command(subcommand)]
    pub(crate) action: TargetAction,
}

/// What to do with targets.
#[derive(Debug, Subcommand)]
pub(crate) enum TargetAction {
    Add(TargetAdd),
    List(TargetList),
    Show(TargetShow),
    Check(TargetCheck),
    Remove(TargetRemove),
}

/// Adds an account, and prints the external id and the trust policy that its role must have. The role need not exist yet
#[derive(Args, Debug)]
pub(crate) struct TargetAdd {
    /// The account, 12 digits
    #[arg(value_name = "ACCOUNT", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) account: String,
    /// Regions that may be worked in, with commas between or given several times
    #[arg(long, value_name = "REGION", required = true, value_delimiter = ',')]
    pub(crate) regions: Vec<String>,
    /// Role in that account that is assumed
    #[arg(long, value_name = "ARN")]
    pub(crate) role_arn: String,
    /// What people call the account
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// External id of a role that exists already; without it a new one is made
    #[arg(long, value_name = "TEXT", conflicts_with = "replace")]
    pub(crate) external_id: Option<String>,
    /// Name of the role's sessions, seen in CloudTrail [default: drs-orchestration]
    #[arg(long, value_name = "NAME")]
    pub(crate) session_name: Option<String>,
    /// How long a session lasts, 900 to 43200 seconds; it is renewed before it ends [default: as STS likes]
    #[arg(long, value_name = "SECONDS")]
    pub(crate) session_duration: Option<i64>,
    /// Change a target that is there: everything but its external id is as given now
    #[arg(long)]
    pub(crate) replace: bool,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Lists the targets by account
#[derive(Args, Debug)]
pub(crate) struct TargetList {
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Shows a target and the trust policy that its role must have
#[derive(Args, Debug)]
pub(crate) struct TargetShow {
    /// The account
    #[arg(value_name = "ACCOUNT", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) account: String,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Assumes the role and tries what a run needs to read, in each Region; exit code 2 when something is missing
#[derive(Args, Debug)]
pub(crate) struct TargetCheck {
    /// The account
    #[arg(value_name = "ACCOUNT", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) account: String,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Removes a target; its role, and everything else in that account, stays
#[derive(Args, Debug)]
pub(crate) struct TargetRemove {
    /// The account
    #[arg(value_name = "ACCOUNT", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) account: String,
    /// Also while drills may have recovery instances there, which nothing here can terminate afterwards
    #[arg(long)]
    pub(crate) leave_instances: bool,
    #[command(flatten)]
    pub(crate) output: Output,
}

impl TargetRemove {
    pub(crate) fn instances(&self) -> Instances {
        if self.leave_instances {
            Instances::Leave
        } else {
            Instances::Keep
        }
    }
}
