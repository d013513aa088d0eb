//! The crate against small servers on this machine: what it sends, what it makes of answers, and how it leaves the
//! machine. What needs an environment of its own runs in a child process, the `probe` below.

#![allow(clippy::unwrap_used)]

mod actions;
mod child;
mod classification;
mod credentials;
mod gathering;
mod machines;
mod network;
mod paging;
mod readiness;
mod server;
mod signature;
mod simulator;
mod store;
mod targets;
mod tls;
