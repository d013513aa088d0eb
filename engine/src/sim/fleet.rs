//! Fleets: the accounts, Regions and source servers that a simulated world begins with, as a file describes them.
//!
//! The file is YAML in the simulator; here is only its shape. Unknown fields are refused, so that a misspelt fault does
//! not pass as no fault, and [`Fleet::problems`] names everything else that is wrong, each with its path.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::iam::Iam;
use super::world::{Quotas, Timings};

mod built_in;
mod check;
mod network;
mod stub;

pub use check::Problem;
pub(crate) use check::{server_problems, settings_problems, stub_problems, subnet_problems};
pub use network::{NO_SUBNET, Subnet};
pub use stub::{Outcome, Step, Stub};

/// What a world begins with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fleet {
    /// The accounts; the first is the one that credentials without an account mean.
    pub accounts: Vec<Account>,
    /// Settings of the whole world.
    #[serde(default)]
    pub settings: Settings,
    /// Who may do what; everybody everything when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iam: Option<Iam>,
}

impl Fleet {
    /// The fleet of a world that was given none: a three-tier application, and servers that are not so well.
    pub fn built_in() -> Self {
        built_in::fleet()
    }

    /// Everything that is wrong with the fleet; nothing when it can be used.
    pub fn problems(&self) -> Vec<Problem> {
        check::problems(self)
    }
}

/// An account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Its id, 12 digits.
    pub id: String,
    /// The ExternalId that AssumeRole into this account must carry; none means any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Its Regions.
    #[serde(default)]
    pub regions: Vec<Region>,
}

/// A Region of an account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// Its name, e.g. `us-east-1`.
    pub name: String,
    /// Whether DRS is initialised there.
    #[serde(default = "yes")]
    pub initialized: bool,
    /// Its subnets; the first is the one of launch templates that were given none, and of those that name none. A Region
    /// that was given no subnet has one that is called `default`.
    #[serde(default)]
    pub subnets: Vec<Subnet>,
    /// The source servers that recover into it.
    #[serde(default)]
    pub servers: Vec<Server>,
    /// Its Lambda functions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub functions: Vec<Stub>,
    /// Its Systems Manager documents, beside those that belong to AWS.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<Stub>,
    /// Its SNS topics.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<Stub>,
    /// Its state machines of Step Functions. Their runs are kept, and drive nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub state_machines: Vec<Stub>,
}

impl Region {
    /// A Region where DRS is initialised and nothing is but servers.
    pub fn with(name: &str, servers: Vec<Server>) -> Self {
        Self {
            name: name.to_owned(),
            initialized: true,
            subnets: Vec::new(),
            servers,
            functions: Vec::new(),
            documents: Vec::new(),
            topics: Vec::new(),
            state_machines: Vec::new(),
        }
    }
}

/// A source server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Its host name.
    pub hostname: String,
    /// Its id; made from the seed, the account, the Region and the host name when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Its operating system.
    #[serde(default)]
    pub os: Os,
    /// Its disks; one of 30 GiB when left out.
    #[serde(default)]
    pub disks: Vec<Disk>,
    /// Where it runs; on premises when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// Its replication state in DRS's words.
    #[serde(default = "continuous")]
    pub replication_state: String,
    /// Why replication stalled, in DRS's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stall_reason: Option<String>,
    /// Its lag in seconds.
    #[serde(default)]
    pub lag_seconds: u32,
    /// `OPTIMAL`, or `FAST`, which skips the conversion.
    #[serde(default)]
    pub recovery_mode: RecoveryMode,
    /// Whether a recovery instance is started or left stopped.
    #[serde(default)]
    pub launch_disposition: LaunchDisposition,
    /// The subnet in its launch template, by name or id; `none` for a template that names none. The Region's first when left
    /// out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnet: Option<String>,
    /// The instance type in its launch template.
    #[serde(default = "network::instance_type")]
    pub instance_type: String,
    /// A recovery instance that is there from the beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_instance: Option<ExistingInstance>,
    /// What goes wrong when it is launched, launch by launch; after the list nothing does.
    #[serde(default)]
    pub faults: Vec<LaunchFault>,
    /// How long its launches take, when not as long as those of the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timings: Option<Timings>,
}

impl Server {
    /// A healthy Linux server.
    pub fn named(hostname: &str) -> Self {
        Self {
            hostname: hostname.to_owned(),
            id: None,
            tags: BTreeMap::new(),
            os: Os::Linux,
            disks: Vec::new(),
            origin: None,
            replication_state: continuous(),
            stall_reason: None,
            lag_seconds: 0,
            recovery_mode: RecoveryMode::Optimal,
            launch_disposition: LaunchDisposition::Started,
            subnet: None,
            instance_type: network::instance_type(),
            recovery_instance: None,
            faults: Vec::new(),
            timings: None,
        }
    }
}

/// Where a source server runs, in AWS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The account; the one it recovers into when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The Region.
    pub region: String,
    /// The Availability Zone; the Region's first when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability_zone: Option<String>,
}

/// An operating system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Os {
    /// Linux.
    #[default]
    Linux,
    /// Windows; it converts and boots more slowly.
    Windows,
}

/// How a server is recovered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RecoveryMode {
    /// With conversion.
    #[default]
    Optimal,
    /// Without.
    Fast,
}

/// Whether a recovery instance is started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum LaunchDisposition {
    /// It is started.
    #[default]
    Started,
    /// It is left stopped.
    Stopped,
}

/// A disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disk {
    /// Its device name.
    pub device: String,
    /// Its size.
    pub gib: u32,
}

/// A recovery instance that is there from the beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExistingInstance {
    /// Whether it is a drill's.
    #[serde(default)]
    pub is_drill: bool,
    /// Whether EC2 refuses to terminate it.
    #[serde(default)]
    pub termination_protected: bool,
}

/// What goes wrong when a server is launched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LaunchFault {
    /// Where.
    pub phase: FaultPhase,
    /// The raw error in the job's log; a typical one when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw_error: Option<String>,
}

/// Where a launch goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultPhase {
    /// It goes well; a place holder in a list of launches.
    None,
    /// The snapshot fails.
    Snapshot,
    /// No fresh snapshot can be taken, nor an older one used.
    PreviousSnapshot,
    /// The conversion fails.
    Conversion,
    /// The launch fails.
    Launch,
    /// The caller lacks EC2 rights: the call is accepted, and the launch fails.
    Iam,
    /// There is no capacity.
    Capacity,
    /// The job completes while the server is still pending.
    Pending,
    /// It is launched, and the instance's EC2 status checks fail.
    StatusChecks,
}

/// Settings of the whole world.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The quotas of every account and Region.
    pub quotas: Quotas,
    /// How long the phases of jobs take.
    pub timings: Timings,
    /// Divides the phases of jobs.
    pub shorten: f64,
    /// Whether the log has `LAUNCH_END`, which DRS sends although its model does not list it.
    pub launch_end_events: bool,
    /// Whether a job names the recovery instance of a launched server.
    pub recovery_instance_id_in_job: bool,
    /// Age in seconds from which a signed request is refused; null accepts any.
    pub signature_age_seconds: Option<i64>,
    /// How many seconds a session of a role lasts, whatever AssumeRole asked for; null leaves it to AssumeRole.
    pub session_seconds: Option<u32>,
    /// Items on a page when the caller does not say how many.
    pub page_size: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            quotas: Quotas::default(),
            timings: Timings::default(),
            shorten: 1.0,
            launch_end_events: true,
            recovery_instance_id_in_job: false,
            signature_age_seconds: Some(300),
            session_seconds: None,
            page_size: 100,
        }
    }
}

fn yes() -> bool {
    true
}

fn continuous() -> String {
    "CONTINUOUS".to_owned()
}
