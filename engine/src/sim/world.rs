//! A simulated DRS: a pure function of what it began with and of the calls that changed it, each with its time.
//!
//! Nothing is ticked. A job is given its whole schedule when it is made, from the seed; what has happened by a time is
//! computed from it. Effects that belong to an instant, such as an instance that appears, are settled in order of time
//! on the next access. The world serialises, so it can be stored, and two worlds with the same beginning and the same
//! calls are equal to the byte.
//!
//! It knows no HTTP, no signatures and no shapes of input: that is the simulator's HTTP face. Facts about DRS that it
//! copies come from the public API reference and user guide, and from recorded jobs that AWS published.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::fleet::{Fleet, Settings};
use super::hub::Random;

pub mod admin;
mod call;
mod describe;
mod effect;
pub mod error;
pub mod fault;
mod launch;
pub mod model;
mod schedule;
mod settle;
mod tags;
mod terminate;
pub mod wire;

pub use error::ApiError;
use model::{Site, SiteKey};

/// A simulated world.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct World {
    settings: Settings,
    random: Random,
    /// The latest time anything was asked at; time never goes back.
    clock: Timestamp,
    started_at: Timestamp,
    sites: BTreeMap<String, Site>,
    external_ids: BTreeMap<String, String>,
    default_account: String,
    faults: Vec<fault::Injected>,
    accepted: Vec<AcceptedLaunch>,
    counts: BTreeMap<String, u64>,
    next_effect: u64,
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
        let mut world = Self {
            settings: fleet.settings.clone(),
            random: Random::new(seed),
            clock: started_at,
            started_at,
            sites: BTreeMap::new(),
            external_ids: BTreeMap::new(),
            default_account: fleet.accounts.first().map_or_else(String::new, |account| account.id.clone()),
            faults: Vec::new(),
            accepted: Vec::new(),
            counts: BTreeMap::new(),
            next_effect: 0,
        };
        for account in &fleet.accounts {
            if let Some(external_id) = &account.external_id {
                world.external_ids.insert(account.id.clone(), external_id.clone());
            }
            for region in &account.regions {
                let key = SiteKey { account_id: account.id.clone(), region: region.name.clone() };
                let site = Site::of_fleet(&key, region, started_at, &mut world.random);
                world.sites.insert(key.text(), site);
            }
        }
        world
    }

    /// The account that credentials without an account mean.
    pub fn default_account(&self) -> &str {
        &self.default_account
    }

    /// The ExternalId that AssumeRole into an account must carry, where one is set.
    pub fn external_id(&self, account_id: &str) -> Option<&str> {
        self.external_ids.get(account_id).map(String::as_str)
    }

    /// Whether an account belongs to the world.
    pub fn has_account(&self, account_id: &str) -> bool {
        self.sites.values().any(|site| site.key.account_id == account_id)
    }

    /// The world's settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Every launch that was ever accepted.
    pub fn accepted_launches(&self) -> &[AcceptedLaunch] {
        &self.accepted
    }

    /// How often each operation was served.
    pub fn counts(&self) -> &BTreeMap<String, u64> {
        &self.counts
    }

    /// Moves the world to a time, never back, and settles what happened until then.
    fn advance(&mut self, at: Timestamp) -> Timestamp {
        self.clock = self.clock.max(at);
        let now = self.clock;
        for site in self.sites.values_mut() {
            settle::settle(site, now);
        }
        now
    }

    /// The site of a call. DRS has to be initialised there, except for the few calls that need not.
    fn site(&mut self, caller: &Caller, region: &str) -> &mut Site {
        let key = SiteKey { account_id: caller.account_id.clone(), region: region.to_owned() };
        self.sites.entry(key.text()).or_insert_with(|| Site::empty(key))
    }

    fn initialized_site(&mut self, caller: &Caller, region: &str) -> Result<&mut Site, ApiError> {
        let site = self.site(caller, region);
        if site.initialized { Ok(site) } else { Err(ApiError::uninitialized()) }
    }
}
