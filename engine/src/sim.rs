//! A simulated DRS world in virtual time: for the simulator, and for whole executions in tests.

pub mod fleet;
pub mod hub;
pub mod scheduler;
pub mod world;
