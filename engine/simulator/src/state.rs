//! What the store keeps: the world, its clock, and the few things of the HTTP face that must survive a process.
//!
//! The state changes in one way only, [`State::apply`], and that is deterministic: every process that applies the same
//! changes to the same state holds the same bytes. So the journal records causes, never results.

use std::collections::BTreeMap;

use drs_engine::sim::fleet::Fleet;
use drs_engine::sim::iam::Iam;
use drs_engine::sim::world::admin::{AdminCommand, AdminError};
use drs_engine::sim::world::fault::Fault;
use drs_engine::sim::world::{ApiError, Caller, Reply, World};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Clock;

/// Everything that a snapshot holds.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct State {
    /// How world time passes.
    pub(crate) clock: Clock,
    /// The time of the latest change. Time never goes back behind it, whatever the wall clock does.
    pub(crate) latest: Timestamp,
    /// What the world was made from, so that a reset can make it anew.
    pub(crate) fleet: Fleet,
    /// The simulated world.
    pub(crate) world: World,
    /// Who may do what; everybody everything where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) iam: Option<Iam>,
    /// Answers that are held back, by number, until an operator lets them go.
    pub(crate) holds: BTreeMap<u64, Held>,
    /// The number of the last hold.
    pub(crate) last_hold: u64,
    /// What the embedded DynamoDB does not keep itself, by `account/region/table`.
    pub(crate) tables: BTreeMap<String, TableSettings>,
}

/// Settings of a table that the embedded DynamoDB does not keep itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TableSettings {
    /// When point-in-time recovery was turned on, in wall time; none while it is off.
    pub(crate) recovery_since: Option<Timestamp>,
    /// For how many days it goes back.
    pub(crate) recovery_days: Option<u32>,
    /// Encryption at rest as it was last updated; none when it is as the table was created.
    pub(crate) encryption: Option<Encryption>,
}

/// Encryption at rest of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Encryption {
    /// Whether a key of KMS is used.
    pub(crate) enabled: bool,
    /// The key, when one was named.
    pub(crate) key_id: Option<String>,
}

/// A call whose effect has happened and whose answer is held back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Held {
    /// The Region of the call.
    pub(crate) region: String,
    /// The operation.
    pub(crate) operation: String,
    /// When it was called, in world time.
    pub(crate) at: Timestamp,
}

/// One cause of change.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Change {
    /// A call of a service.
    Call(Call),
    /// A scripted fault was used up by a call of this operation.
    TakeFault { region: String, operation: String },
    /// An operator's command to the world.
    Admin(AdminCommand),
    /// Time now passes in another way.
    Clock(Clock),
    /// An answer is held back.
    Hold { region: String, operation: String },
    /// A held answer may go; all of them without a number.
    Release { id: Option<u64> },
    /// Somebody may do something else.
    Iam(Option<Iam>),
    /// A table has other settings, or none any more.
    Table {
        table: String,
        settings: Option<TableSettings>,
    },
}

/// A call of a service that the world answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Call {
    pub(crate) caller: Caller,
    pub(crate) region: String,
    pub(crate) operation: String,
    pub(crate) input: Value,
}

/// What a change gave.
pub(crate) enum Outcome {
    Called(Result<Reply, ApiError>),
    Fault(Option<Fault>),
    Admin(Result<Value, AdminError>),
    Held(u64),
    Done,
}

impl State {
    /// A fresh state.
    pub(crate) fn new(fleet: Fleet, seed: u64, clock: Clock, now: Timestamp) -> Self {
        Self {
            clock,
            latest: now,
            world: World::new(&fleet, seed, now),
            iam: fleet.iam.clone(),
            fleet,
            holds: BTreeMap::new(),
            last_hold: 0,
            tables: BTreeMap::new(),
        }
    }

    /// World time at an instant of wall time.
    pub(crate) fn now(&self, wall: Timestamp) -> Timestamp {
        self.clock.now(wall).max(self.latest)
    }

    /// Makes one change. The same change to the same state gives the same state, in every process.
    pub(crate) fn apply(&mut self, at: Timestamp, change: &Change) -> Outcome {
        self.latest = self.latest.max(at);
        match change {
            Change::Call(call) => Outcome::Called(self.call(at, call)),
            Change::TakeFault { region, operation } => {
                Outcome::Fault(self.world.take_fault(at, region, operation))
            }
            Change::Admin(command) => Outcome::Admin(self.world.admin(at, command.clone())),
            Change::Clock(clock) => {
                self.clock = *clock;
                Outcome::Done
            }
            Change::Hold { region, operation } => Outcome::Held(self.hold(at, region, operation)),
            Change::Release { id } => {
                match id {
                    Some(id) => drop(self.holds.remove(id)),
                    None => self.holds.clear(),
                }
                Outcome::Done
            }
            Change::Iam(iam) => {
                self.iam.clone_from(iam);
                Outcome::Done
            }
            Change::Table { table, settings } => {
                match settings {
                    Some(settings) => drop(self.tables.insert(table.clone(), settings.clone())),
                    None => drop(self.tables.remove(table)),
                }
                Outcome::Done
            }
        }
    }

    /// Asks the world for something that changes nothing.
    pub(crate) fn read(&self, at: Timestamp, call: &Call) -> Result<Reply, ApiError> {
        self.world
            .read(at, &call.caller, &call.region, &call.operation, &call.input)
    }

    fn call(&mut self, at: Timestamp, call: &Call) -> Result<Reply, ApiError> {
        self.world
            .call(at, &call.caller, &call.region, &call.operation, &call.input)
    }

    fn hold(&mut self, at: Timestamp, region: &str, operation: &str) -> u64 {
        self.last_hold += 1;
        let held = Held {
            region: region.to_owned(),
            operation: operation.to_owned(),
            at,
        };
        self.holds.insert(self.last_hold, held);
        self.last_hold
    }
}
