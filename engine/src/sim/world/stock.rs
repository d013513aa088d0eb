//! How a world is stocked: sites and servers made from a fleet.

use jiff::{SignedDuration, Timestamp};

use super::chance;
use super::configuration::{LaunchConfiguration, ReplicationConfiguration};
use super::job::{Checked, Making, launch_all};
use super::model::{JobKind, Server, Site, site_key};
use super::network::LaunchTemplate;
use super::replication::Replication;
use super::stubs::Stubs;
use super::tags::Tags;
use super::templates::Template;
use crate::sim::fleet::{self, Disk, Settings};
use crate::time::before;

/// How long before the world's beginning its first recovery instances were launched, and its servers added.
const LAUNCHED_BEFORE: SignedDuration = SignedDuration::from_hours(24);
const ADDED_BEFORE: SignedDuration = SignedDuration::from_hours(24 * 30);

/// The disk of a server that was given none.
const DEFAULT_DISK_GIB: u32 = 30;

impl Site {
    /// An account's Region where nothing is.
    pub(super) fn empty(account_id: &str, region: &str, seed: u64) -> Self {
        Self::with_subnets(account_id, region, &[], seed)
    }

    fn with_subnets(account_id: &str, region: &str, subnets: &[fleet::Subnet], seed: u64) -> Self {
        let mut site = Self {
            account_id: account_id.to_owned(),
            region: region.to_owned(),
            ..Self::default()
        };
        if subnets.is_empty() {
            site.set_subnet(&fleet::Subnet::named("default"), seed);
        }
        for subnet in subnets {
            site.set_subnet(subnet, seed);
        }
        site
    }

    /// An account's Region as a fleet describes it.
    pub(super) fn of_fleet(
        account_id: &str,
        region: &fleet::Region,
        seed: u64,
        now: Timestamp,
    ) -> Self {
        let mut site = Self::with_subnets(account_id, &region.name, &region.subnets, seed);
        site.initialized = region.initialized;
        site.stubs = Stubs::of_fleet(region);
        if region.initialized {
            let key = site.key();
            site.launch_template = Some(Template::of_launches(chance::id(seed, "lct-", &[&key])));
            site.replication_template =
                Some(Template::of_replication(chance::id(seed, "rct-", &[&key])));
        }
        for server in &region.servers {
            site.add_server(server, seed, before(now, ADDED_BEFORE), now);
        }
        site
    }

    /// Adds a server, with the instance that it may already have. Its id.
    pub(super) fn add_server(
        &mut self,
        described: &fleet::Server,
        seed: u64,
        added_at: Timestamp,
        now: Timestamp,
    ) -> String {
        let mut server = made(
            &site_key(&self.account_id, &self.region),
            described,
            seed,
            added_at,
            now,
        );
        server.template = self.template_of(described);
        let id = server.id.clone();
        self.servers.insert(id.clone(), server);
        if let Some(existing) = &described.recovery_instance {
            self.launch_before(&id, existing, seed, now);
        }
        if let Some(server) = self.servers.get_mut(&id) {
            server.faults.clone_from(&described.faults);
        }
        id
    }

    /// Launches a server a day ago: the instance then has a job and a point in time like any other.
    fn launch_before(
        &mut self,
        id: &str,
        existing: &fleet::ExistingInstance,
        seed: u64,
        now: Timestamp,
    ) {
        let Some(server) = self.servers.get(id) else {
            return;
        };
        let then = before(now, LAUNCHED_BEFORE);
        let checked = Checked::fresh(server, then);
        let making = Making {
            settings: &Settings::default(),
            seed,
            now: then,
            kind: if existing.is_drill {
                JobKind::Drill
            } else {
                JobKind::Recovery
            },
            tags: Tags::new(),
        };
        launch_all(self, &making, vec![checked]);
        let instance = self
            .servers
            .get(id)
            .and_then(|server| server.instances.last());
        if let Some(machine) = instance.and_then(|instance| self.machines.get_mut(instance)) {
            machine.protected = existing.termination_protected;
        }
    }
}

/// The id of a server: the one that it was given, or one that follows from where it is and what it is called.
pub(super) fn server_id(site_key: &str, described: &fleet::Server, seed: u64) -> String {
    let own = described.id.clone();
    own.unwrap_or_else(|| chance::id(seed, "s-", &["server", site_key, &described.hostname]))
}

fn made(
    site_key: &str,
    described: &fleet::Server,
    seed: u64,
    added_at: Timestamp,
    now: Timestamp,
) -> Server {
    let id = server_id(site_key, described, seed);
    let mut disks = described.disks.clone();
    if disks.is_empty() {
        disks.push(Disk {
            device: "/dev/sda1".to_owned(),
            gib: DEFAULT_DISK_GIB,
        });
    }
    let template = chance::id(seed, "lt-", &["launch template", &id]);
    let mut launch = LaunchConfiguration::default_of(&id, &described.hostname, template);
    launch.launch_disposition = described.launch_disposition;
    launch.recovery_mode = described.recovery_mode;
    Server {
        replicate: ReplicationConfiguration::default_of(&id, &described.hostname, &disks),
        launch,
        template: LaunchTemplate::default(),
        hostname: described.hostname.clone(),
        tags: described.tags.clone(),
        os: described.os,
        disks,
        origin: described.origin.clone(),
        added_at,
        replication: Replication::standing(
            &described.replication_state,
            described.stall_reason.clone(),
            described.lag_seconds,
            now,
        ),
        faults: Vec::new(),
        timings: described.timings,
        job: None,
        instances: Vec::new(),
        last_launch: None,
        id,
    }
}
