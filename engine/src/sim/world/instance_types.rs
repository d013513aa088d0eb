//! The EC2 instance types of this world: a few families, with the sizes that AWS lists for them.

use serde_json::{Value, json};

/// An instance type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct InstanceType {
    pub(crate) name: String,
    pub(crate) vcpus: u32,
    pub(crate) mebibytes: u64,
}

/// Families whose sizes have the same vCPUs, with the GiB for each vCPU.
const FAMILIES: [(&str, u64); 5] = [("c6i", 2), ("m5", 4), ("m6i", 4), ("r5", 8), ("r6i", 8)];
const SIZES: [(&str, u32); 8] = [
    ("large", 2),
    ("xlarge", 4),
    ("2xlarge", 8),
    ("4xlarge", 16),
    ("8xlarge", 32),
    ("12xlarge", 48),
    ("16xlarge", 64),
    ("24xlarge", 96),
];
/// Burstable types, which have their own sizes.
const BURSTABLE: [(&str, u32, u64); 7] = [
    ("t3.nano", 2, 512),
    ("t3.micro", 2, 1_024),
    ("t3.small", 2, 2_048),
    ("t3.medium", 2, 4_096),
    ("t3.large", 2, 8_192),
    ("t3.xlarge", 4, 16_384),
    ("t3.2xlarge", 8, 32_768),
];

/// Every type, by name.
pub(crate) fn all() -> Vec<InstanceType> {
    let mut types: Vec<InstanceType> = BURSTABLE
        .map(|(name, vcpus, mebibytes)| InstanceType {
            name: name.to_owned(),
            vcpus,
            mebibytes,
        })
        .into();
    for (family, gibibytes) in FAMILIES {
        types.extend(SIZES.map(|(size, vcpus)| InstanceType {
            name: format!("{family}.{size}"),
            vcpus,
            mebibytes: u64::from(vcpus) * gibibytes * 1_024,
        }));
    }
    types.sort_by(|one, other| one.name.cmp(&other.name));
    types
}

/// The vCPUs of a type; none for one that this world does not have.
pub(crate) fn vcpus(name: &str) -> Option<u32> {
    let burstable = BURSTABLE.iter().find(|(own, ..)| *own == name);
    if let Some((_, vcpus, _)) = burstable {
        return Some(*vcpus);
    }
    let (family, size) = name.split_once('.')?;
    FAMILIES.iter().find(|(own, _)| *own == family)?;
    SIZES
        .iter()
        .find(|(own, _)| *own == size)
        .map(|(_, vcpus)| *vcpus)
}

/// A type as `DescribeInstanceTypes` tells it. Every type here has two threads a core.
pub(super) fn view(one: &InstanceType) -> Value {
    json!({
        "instanceType": one.name,
        "currentGeneration": true,
        "bareMetal": false,
        "hypervisor": "nitro",
        "burstablePerformanceSupported": one.name.starts_with('t'),
        "vCpuInfo": {
            "defaultVCpus": one.vcpus,
            "defaultCores": one.vcpus / 2,
            "defaultThreadsPerCore": 2,
        },
        "memoryInfo": {"sizeInMiB": one.mebibytes},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_has_the_vcpus_that_the_list_says() {
        for one in all() {
            assert_eq!(vcpus(&one.name), Some(one.vcpus), "{}", one.name);
        }
        for unknown in ["m5", "m5.huge", "x9.large", ""] {
            assert_eq!(vcpus(unknown), None);
        }
    }
}
