//! Whether EC2 has room for an instance: an address in its subnet, and vCPUs under the quota.
//!
//! Room is taken when a job is made, for an instance that will be there later: what becomes of a launch is written down
//! then. An instance that goes first, because its server is launched again, gives its room back.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::instance_types::vcpus;
use super::model::{Machine, MachineState, Site};
use super::network::LaunchTemplate;
use crate::sim::fleet::{FaultPhase, LaunchFault};

/// What is left in an account's Region while a job is made.
pub(super) struct Room {
    addresses: BTreeMap<String, i64>,
    vcpus: i64,
    quota: u32,
}

impl Room {
    /// What is left now, with every instance counted that is there or will be.
    pub(super) fn of(site: &Site, quota: u32, now: Timestamp) -> Self {
        let subnets = site.subnets.values();
        let mut room = Self {
            addresses: subnets
                .map(|subnet| (subnet.id.clone(), i64::from(subnet.free_addresses)))
                .collect(),
            vcpus: i64::from(quota),
            quota,
        };
        for machine in site.machines.values() {
            if machine.state(now) != MachineState::Terminated {
                room.change(machine.subnet.as_ref(), &machine.instance_type, -1);
            }
        }
        room
    }

    /// Gives back what an instance had that goes.
    pub(super) fn give_back(&mut self, machine: &Machine) {
        self.change(machine.subnet.as_ref(), &machine.instance_type, 1);
    }

    /// Takes what an instance needs; what EC2 says when there is not enough of it.
    pub(super) fn take(
        &mut self,
        subnet: Option<&String>,
        template: &LaunchTemplate,
    ) -> Result<(), LaunchFault> {
        let full = |message: String| {
            Err(LaunchFault {
                phase: FaultPhase::Capacity,
                raw_error: Some(message),
            })
        };
        if let Some(id) = subnet
            && self.addresses.get(id).is_some_and(|left| *left < 1)
        {
            return full(format!(
                "There are not enough free addresses in subnet '{id}' to satisfy the requested number of instances."
            ));
        }
        let wanted = i64::from(vcpus(&template.instance_type).unwrap_or_default());
        if self.vcpus < wanted {
            return full(format!(
                "You have requested more vCPU capacity than your current vCPU limit of {} allows for the instance \
                 bucket that the specified instance type belongs to.",
                self.quota
            ));
        }
        self.change(subnet, &template.instance_type, -1);
        Ok(())
    }

    fn change(&mut self, subnet: Option<&String>, instance_type: &str, by: i64) {
        if let Some(left) = subnet.and_then(|id| self.addresses.get_mut(id)) {
            *left += by;
        }
        self.vcpus += by * i64::from(vcpus(instance_type).unwrap_or_default());
    }
}
