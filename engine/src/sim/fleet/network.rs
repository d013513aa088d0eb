//! Where the instances of a fleet boot: subnets and instance types.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The word for a launch template that names no subnet.
pub const NO_SUBNET: &str = "none";
/// Free addresses of a subnet that was given none: those of a /20.
const FREE_ADDRESSES: u32 = 4_091;

/// A subnet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subnet {
    /// What the fleet calls it. It is its `Name` tag, too, unless its tags have another.
    pub name: String,
    /// Its id; made from the seed, the account, the Region and the name when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its Availability Zone; the Region's first when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability_zone: Option<String>,
    /// Addresses that are free before anything is launched.
    #[serde(default = "free_addresses")]
    pub free_addresses: u32,
    /// Its tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

impl Subnet {
    /// A subnet as a Region has it that was given none.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            id: None,
            availability_zone: None,
            free_addresses: FREE_ADDRESSES,
            tags: BTreeMap::new(),
        }
    }
}

fn free_addresses() -> u32 {
    FREE_ADDRESSES
}

/// The instance type of a server that was given none.
pub(super) fn instance_type() -> String {
    "m5.large".to_owned()
}
