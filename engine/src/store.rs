//! Groups, plans, claims, leases and histories, as rules on the item port.
//!
//! [`items`] is the port. One file per stored item knows its form: [`group`], [`plan`], [`target`], [`summary`],
//! [`record`], and the claim. [`groups`], [`plans`], [`targets`], [`executions`] and [`start`] hold the rules. [`memory`]
//! is the port in memory, and [`conformance`] what every implementation of the port must do.
//!
//! [`machine`] is what a state machine that drives an execution keeps beside the history.
//!
//! [`plan_file`] takes a plan out of a store and into another, [`import`] what was run there; [`deletion`] leaves a tombstone.
//!
//! What it does not do: it never decides what an execution does next, and it never scans.

mod claim;
mod claims;
pub mod codec;
pub mod conformance;
pub mod deletion;
pub mod executions;
mod footprint;
pub mod group;
pub mod groups;
pub mod import;
pub mod items;
mod keys;
pub mod machine;
pub mod memory;
mod newest;
pub mod plan;
pub mod plan_file;
pub mod plans;
pub mod projection;
pub mod record;
pub mod start;
pub mod summary;
pub mod sweep;
pub mod target;
pub mod targets;

pub use claims::Held;

#[cfg(test)]
mod tests;
