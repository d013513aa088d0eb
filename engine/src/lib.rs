//! The engine: plans, events, decisions, and the rules of the history. Pure.
//!
//! ```text
//! load history -> fold to State -> decide(&State, &View, now) -> Decision -> perform -> append(expected seq)
//! ```
//!
//! - [`plan`]: a recovery plan that cannot be invalid. [`event`]: the facts of a history. [`state`]: their fold.
//! - [`decide`]: the only place that chooses. [`drive`]: the loop that carries decisions out through the [`ports`].
//! - [`asl`]: the state machine that hosts the loop on AWS Step Functions.
//! - [`control`]: what operators may ask of an execution. [`guard`]: what stands before its launches, by name.
//! - [`resolve`]: which servers a plan launches now; [`only`]: a part of them.
//! - [`origin`]: whether servers fail together with the history.
//! - [`preflight`]: whether a plan could be run now. [`begin`]: how an execution starts, and whose it is.
//! - [`iam`]: who needs which rights, as IAM policies.
//! - [`store`]: groups, plans, claims, leases and histories on the item port. [`limits`]: every bound, by name.
//! - [`sim`]: a DRS world in virtual time, for the simulator and for the tests of this crate.
//!
//! What it does not do: no clock, no randomness, no network, no files, no async runtime. Whoever drives it passes those
//! in. A test asserts that its dependencies stay that way.

pub mod asl;
pub mod begin;
pub mod control;
pub mod decide;
pub mod digest;
pub mod drive;
pub mod event;
pub mod frozen;
pub mod guard;
pub mod iam;
pub mod ids;
pub mod in_use;
pub mod limits;
pub mod only;
pub mod origin;
pub mod plan;
pub mod point;
pub mod ports;
pub mod preflight;
pub mod readiness;
pub mod report;
pub mod resolve;
#[cfg(test)]
mod sabotage;
pub mod sim;
pub mod state;
pub mod store;
pub mod sweep;
#[cfg(test)]
mod testing;
pub mod time;
