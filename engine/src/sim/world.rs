//! A simulated DRS: a pure function of what it began with and of the calls that changed it, each with its time.
//!
//! Nothing is ticked. A job is given its whole schedule when it is made, from the seed: when each phase of each server
//! ends, when an instance appears and another goes. What is true at a time is read off that, so looking changes nothing
//! and needs no order. The world serialises, so it can be stored, and two worlds with the same beginning and the same
//! changes are equal to the byte.
//!
//! It knows no HTTP, no signatures and no shapes of input: that is the simulator's HTTP face. Facts about DRS that it
//! copies come from the public API reference and user guide, and from recorded jobs that AWS published.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::fleet::{Fleet, Settings};

pub mod admin;
mod call;
mod chance;
mod configuration;
mod ec2;
mod error;
pub mod fault;
pub(crate) mod instance_types;
mod instances;
mod interval;
mod job;
mod jobs;
mod launch;
mod model;
mod network;
mod pace;
mod page;
mod previous;
mod protection;
mod quotas;
pub(crate) mod replication;
mod room;
mod schedule;
mod servers;
mod stock;
mod stubs;
pub(crate) mod tags;
mod templates;
mod terminate;
#[cfg(test)]
mod tests;
mod wire;

pub use error::ApiError;
pub use pace::{Span, Timings};
pub use quotas::Quotas;
pub use stubs::{StubCall, StubKind};
pub use wire::partition;

use model::{Site, site_key};

/// A simulated world.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct World {
    settings: Settings,
    seed: u64,
    /// The time of the latest change; time never goes back behind it.
    clock: Timestamp,
    /// Accounts, with the ExternalId that each asks for.
    accounts: BTreeMap<String, Option<String>>,
    /// Accounts whose roles nobody may assume.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    closed: BTreeSet<String>,
    default_account: String,
    /// By account and Region.
    sites: BTreeMap<String, Site>,
    faults: Vec<fault::Injected>,
    accepted: Vec<AcceptedLaunch>,
    counts: BTreeMap<String, u64>,
    /// The latest calls of functions, documents, topics and state machines.
    #[serde(default)]
    stub_calls: VecDeque<StubCall>,
}

/// Who makes a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// The account.
    pub account_id: String,
    /// The principal's ARN.
    pub arn: String,
}

/// An answer: the HTTP status and the body, none for an empty one.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Option<serde_json::Value>,
}

/// A launch that was accepted. The list is never cut: it is the judge of every test about launching at most once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptedLaunch {
    /// When.
    pub at: Timestamp,
    /// The job.
    pub job_id: String,
    /// The account.
    pub account_id: String,
    /// The Region.
    pub region: String,
    /// The servers.
    pub servers: Vec<String>,
    /// The points in time that were named, by server.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub snapshots: BTreeMap<String, String>,
    /// Whether it was a drill.
    pub is_drill: bool,
    /// The tags of the request.
    pub tags: BTreeMap<String, String>,
    /// Who called.
    pub caller: String,
}

impl World {
    /// A world that begins with a fleet at an instant.
    pub fn new(fleet: &Fleet, seed: u64, started_at: Timestamp) -> Self {
        let first = fleet.accounts.first();
        let mut world = Self {
            settings: fleet.settings.clone(),
            seed,
            clock: started_at,
            accounts: BTreeMap::new(),
            closed: BTreeSet::new(),
            default_account: first.map_or_else(String::new, |account| account.id.clone()),
            sites: BTreeMap::new(),
            faults: Vec::new(),
            accepted: Vec::new(),
            counts: BTreeMap::new(),
            stub_calls: VecDeque::new(),
        };
        for account in &fleet.accounts {
            world
                .accounts
                .insert(account.id.clone(), account.external_id.clone());
            for region in &account.regions {
                let site = Site::of_fleet(&account.id, region, seed, started_at);
                world.sites.insert(site.key(), site);
            }
        }
        world
    }

    /// The account that credentials without an account mean.
    pub fn default_account(&self) -> &str {
        &self.default_account
    }

    /// Whether a role of an account can be assumed with this ExternalId.
    pub fn lets_in(&self, account_id: &str, external_id: Option<&str>) -> bool {
        let is_right = match self.accounts.get(account_id) {
            None => false,
            Some(None) => true,
            Some(expected) => expected.as_deref() == external_id,
        };
        is_right && !self.closed.contains(account_id)
    }

    /// Whether an account belongs to the world.
    pub fn has_account(&self, account_id: &str) -> bool {
        self.accounts.contains_key(account_id)
    }

    /// The world's settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Every launch that was ever accepted.
    pub fn accepted_launches(&self) -> &[AcceptedLaunch] {
        &self.accepted
    }

    /// How often each operation that changes something was called, whether it was accepted or not.
    pub fn counts(&self) -> &BTreeMap<String, u64> {
        &self.counts
    }

    /// Moves the world's clock to a change's time, never back.
    fn advance(&mut self, at: Timestamp) -> Timestamp {
        self.clock = self.clock.max(at);
        self.clock
    }

    /// Initialises DRS in an account's Region; again does no harm.
    fn initialize(&mut self, account_id: &str, region: &str) {
        let seed = self.seed;
        let site = self.sites.entry(site_key(account_id, region));
        site.or_insert_with(|| Site::empty(account_id, region, seed))
            .initialized = true;
    }
}
