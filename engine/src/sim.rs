//! A simulated DRS world in virtual time: for the simulator, and for whole executions in tests.
//!
//! [`world`] is the simulated DRS, [`fleet`] what it begins with, [`iam`] who may do what. [`hub`] and [`scheduler`] let tasks
//! run in virtual time in an order that comes from a seed; [`drs`] and [`items`] are the engine's ports on the world and on a
//! store in memory, with everything going wrong that can go wrong with a call.

pub mod drs;
pub mod fleet;
pub mod hub;
pub mod iam;
pub mod items;
#[cfg(test)]
mod run;
pub mod scheduler;
pub mod world;
