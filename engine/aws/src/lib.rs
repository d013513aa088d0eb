//! The engine's ports on the AWS SDK, and the history in DynamoDB.
//!
//! - [`Settings`]: what a person configures, from the provider block, the environment, or a small file.
//! - [`Session`]: one connection, by the credentials of one account, to that account and to the targets of its environment.
//!   It hands out the ports.
//! - [`AwsDrs`], [`DynamoItems`], [`SystemClock`]: the ports. [`classify`] says what is known after a failed call.
//! - [`machines`]: runs of state machines that drive executions in place of a process.
//! - [`http`]: the HTTP client of every call, with proxies and private authorities. [`tables`]: the three tables.
//! - [`fresh`]: identifiers that nobody has used.
//!
//! What it does not do: it decides nothing, and it never retries a call that changes the world. It never logs
//! credentials, tokens, or the password of a proxy.

mod actions;
pub mod classify;
pub mod clock;
pub mod connect_error;
mod credentials;
pub mod drs;
pub mod fresh;
mod gather;
pub mod http;
pub mod items;
pub mod limits;
pub mod machines;
mod quotas;
mod reach;
mod readiness;
pub mod session;
pub mod settings;
pub mod tables;
mod topics;
mod version;

pub use clock::SystemClock;
pub use connect_error::ConnectError;
pub use drs::{AwsDrs, LogEntry};
pub use items::DynamoItems;
pub use reach::check::{TargetCheck, TargetFinding, TargetOutcome};
pub use session::{Embedded, Identity, Session, TablesAt};
pub use settings::{AssumeRole, Endpoints, Settings, SettingsError, SimulatorSettings};
pub use tables::TableError;
pub use version::VERSION;
