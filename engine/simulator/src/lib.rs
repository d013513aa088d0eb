//! The HTTP face of the simulated DRS world, on one port and for any AWS client: DRS, DynamoDB, EC2, STS, Service Quotas,
//! and stand-ins for Lambda, Systems Manager and SNS.
//!
//! [`Simulator::start`] opens a store, a directory that any number of processes share, and serves it on a loopback port
//! until it is dropped. The services are told apart by what a request is signed for, as AWS does behind its endpoints.
//!
//! ```no_run
//! # async fn run() -> Result<(), drs_simulator::SimulatorError> {
//! use drs_simulator::{Options, Simulator};
//!
//! let simulator = Simulator::start(Options::at("./simulator")).await?;
//! println!("export AWS_ENDPOINT_URL={}", simulator.endpoint());
//! println!("export AWS_ACCESS_KEY_ID={}", simulator.credentials().access_key_id);
//! # Ok(())
//! # }
//! ```
//!
//! # What it does not do
//!
//! It verifies no signatures: whoever reaches the port may do everything, which is why the port is on loopback unless told
//! otherwise. It knows only the calls that this project makes, and says of others that it does not know them. What DRS
//! does is not decided here but in [`drs_engine::sim::world`].

mod admin;
mod auth;
mod clock;
mod face;
mod fleet;
mod http;
mod model;
mod needs;
mod origin;
mod protocol;
mod random;
mod server;
mod service;
mod simulator;
mod state;
mod store;
mod world_time;
mod xml;

pub use auth::Credentials;
pub use clock::{Clock, Speed};
pub use fleet::FleetError;
pub use simulator::{Options, Simulator, SimulatorError};
pub use store::StoreError;
