//! What can be typed about rights.

use clap::Args;
use clap::builder::PossibleValuesParser;
use drs_engine::iam::Principal;

/// Prints the least-privilege IAM policy of a runner, a role or an operator
#[derive(Args, Debug)]
pub(crate) struct Policy {
    /// Whose policy
    #[arg(value_name = "PRINCIPAL", value_parser = PossibleValuesParser::new(Principal::ALL.map(Principal::as_str)))]
    pub(crate) principal: String,
    /// Account whose role it is; with it AWS is not asked [default: that of the credentials]
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) account: Option<String>,
    /// Partition of the ARNs [default: that of the credentials, else aws]
    #[arg(long, value_name = "NAME")]
    pub(crate) partition: Option<String>,
    /// Regions that servers recover into, with commas between or given several times [default: --region]
    #[arg(long, value_name = "REGION", value_delimiter = ',')]
    pub(crate) regions: Vec<String>,
    /// Function that hooks and checks run, by name or ARN; may be given several times, as the next five may
    #[arg(long = "function", value_name = "NAME")]
    pub(crate) functions: Vec<String>,
    /// Document that hooks and checks run on servers
    #[arg(long = "command-document", value_name = "NAME")]
    pub(crate) commands: Vec<String>,
    /// Document that hooks and checks run as an automation
    #[arg(long = "automation-document", value_name = "NAME")]
    pub(crate) automations: Vec<String>,
    /// Topic of notices
    #[arg(long = "topic", value_name = "ARN")]
    pub(crate) topics: Vec<String>,
    /// Role of a target that is worked in
    #[arg(long = "target-role", value_name = "ARN")]
    pub(crate) target_roles: Vec<String>,
    /// Role of an instance profile that launch templates name, beside those of DRS
    #[arg(long = "instance-role", value_name = "ARN")]
    pub(crate) instance_roles: Vec<String>,
    /// Function that drives executions for a state machine
    #[arg(long, value_name = "ARN")]
    pub(crate) runner_function: Option<String>,
    /// Function of the sweeper
    #[arg(long, value_name = "ARN")]
    pub(crate) sweeper_function: Option<String>,
    /// State machine that runs drills
    #[arg(long, value_name = "ARN")]
    pub(crate) drill_machine: Option<String>,
    /// State machine that runs recoveries
    #[arg(long, value_name = "ARN")]
    pub(crate) recovery_machine: Option<String>,
}
