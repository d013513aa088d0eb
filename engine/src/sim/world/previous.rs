//! The instances that earlier launches of a server have left, which the next launch removes first.

use jiff::Timestamp;

use super::model::{MachineState, Site};
use super::schedule::Previous;

/// The instances that a launch of a server removes first.
pub(super) struct PreviousInstances {
    removable: Vec<String>,
    has_protected: bool,
}

/// Every earlier instance of a server that DRS lists or EC2 still runs; also forgets those that are gone.
pub(super) fn previous_instances(
    site: &mut Site,
    server_id: &str,
    now: Timestamp,
) -> PreviousInstances {
    let Site {
        servers,
        records,
        machines,
        ..
    } = site;
    let mut found = PreviousInstances {
        removable: Vec::new(),
        has_protected: false,
    };
    let Some(server) = servers.get_mut(server_id) else {
        return found;
    };
    server.instances.retain(|id| {
        let machine = machines.get(id);
        let is_alive = machine.is_some_and(|machine| {
            !matches!(
                machine.state(now),
                MachineState::Terminated | MachineState::NotFound
            )
        });
        if is_alive && machine.is_some_and(|machine| machine.protected) {
            found.has_protected = true;
        } else if is_alive || records.get(id).is_some_and(|record| record.is_listed(now)) {
            found.removable.push(id.clone());
        } else {
            return false;
        }
        true
    });
    found
}

impl PreviousInstances {
    pub(super) fn kind(&self) -> Previous {
        if self.has_protected {
            Previous::Protected
        } else if self.removable.is_empty() {
            Previous::None
        } else {
            Previous::Removable
        }
    }

    /// The instances that go.
    pub(super) fn removed(&self) -> impl Iterator<Item = &String> {
        self.removable.iter()
    }

    /// Writes down that the instances go.
    pub(super) fn remove(self, site: &mut Site, cleanup: Option<(Timestamp, Timestamp)>) {
        let Some((from, until)) = cleanup else {
            return;
        };
        for id in self.removable {
            if let Some(record) = site.records.get_mut(&id) {
                record.removed_at = Some(until);
            }
            if let Some(machine) = site.machines.get_mut(&id) {
                machine.end(from, until);
            }
        }
    }
}
