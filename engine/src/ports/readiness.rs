//! What launches will meet: the launch settings of servers, and the EC2 that they name.
//!
//! Everything here only looks. Nothing is cached, so that what is said is true when it is said.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use super::{Action, CallError};
use crate::ids::{InstanceId, ServerId, Target};

/// Launch settings in DRS, launch templates, subnets and instance types in EC2, the EC2 quota, and points in time.
pub trait Readiness: Send + Sync {
    /// The launch settings of one server.
    fn launch_settings(
        &self,
        target: &Target,
        server: &ServerId,
    ) -> impl Future<Output = Result<LaunchSettings, CallError>> + Send;

    /// The default versions of these launch templates, which are those that DRS launches with. One that does not exist is
    /// missing in the answer.
    fn launch_templates(
        &self,
        target: &Target,
        ids: &BTreeSet<String>,
    ) -> impl Future<Output = Result<BTreeMap<String, LaunchTemplate>, CallError>> + Send;

    /// These subnets. One that does not exist is missing in the answer.
    fn subnets(
        &self,
        target: &Target,
        ids: &BTreeSet<String>,
    ) -> impl Future<Output = Result<BTreeMap<String, Subnet>, CallError>> + Send;

    /// The vCPUs of these instance types. One that the Region does not have is missing in the answer.
    fn vcpus_of(
        &self,
        target: &Target,
        types: &BTreeSet<String>,
    ) -> impl Future<Output = Result<BTreeMap<String, u32>, CallError>> + Send;

    /// The vCPUs that running On-Demand Standard instances may have together (quota L-1216C47A of EC2).
    fn vcpu_quota(&self, target: &Target) -> impl Future<Output = Result<u32, CallError>> + Send;

    /// The vCPUs that On-Demand Standard instances have now, those that are just starting included.
    fn vcpus_running(&self, target: &Target)
    -> impl Future<Output = Result<u32, CallError>> + Send;

    /// Whether what an action runs is there: its function, or its document in its version.
    fn is_there(
        &self,
        target: &Target,
        action: &Action,
    ) -> impl Future<Output = Result<bool, CallError>> + Send;
}

/// How DRS launches a server, as far as DRS says it itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaunchSettings {
    /// The EC2 launch template, which says the rest.
    pub template: Option<String>,
    /// Whether the instance is left stopped.
    pub stopped: bool,
    /// An existing instance that it is launched into, in place of a new one.
    pub into_instance: Option<InstanceId>,
}

/// What an EC2 launch template says about where an instance boots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaunchTemplate {
    /// The subnets of its network interfaces, or its own.
    pub subnets: BTreeSet<String>,
    /// Whether something that needs a subnet names none, so that EC2 takes one of the default VPC.
    pub leaves_subnet_open: bool,
    /// The instance type.
    pub instance_type: Option<String>,
}

/// A subnet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subnet {
    /// Its free addresses.
    pub free_addresses: u32,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// Whether instances of a type count against the quota of On-Demand Standard instances: families A, C, D, H, I, M, R, T and
/// Z. The others have quotas of their own.
pub fn is_standard(instance_type: &str) -> bool {
    let family = instance_type.split('.').next().unwrap_or_default();
    let letters: String = family
        .chars()
        .take_while(char::is_ascii_alphabetic)
        .collect();
    // These begin like a standard family and are another: HPC, Inferentia, high memory comes as `u-`, Mac as `mac`.
    let is_other = matches!(letters.as_str(), "hpc" | "inf" | "mac" | "dl" | "trn");
    !is_other && family.starts_with(['a', 'c', 'd', 'h', 'i', 'm', 'r', 't', 'z'])
}

#[cfg(test)]
mod tests {
    use super::is_standard;

    #[test]
    fn families_with_a_quota_of_their_own_are_not_standard() {
        for standard in [
            "m5.large",
            "c6i.xlarge",
            "t3.micro",
            "r6i.2xlarge",
            "im4gn.large",
            "z1d.large",
            "d3.xlarge",
        ] {
            assert!(is_standard(standard), "{standard}");
        }
        for other in [
            "p4d.24xlarge",
            "g5.xlarge",
            "inf2.xlarge",
            "x2idn.16xlarge",
            "u-6tb1.metal",
            "trn1.2xlarge",
            "dl1.24xlarge",
            "mac2.metal",
            "hpc7g.4xlarge",
            "f1.2xlarge",
            "vt1.3xlarge",
            "",
        ] {
            assert!(!is_standard(other), "{other}");
        }
    }
}
