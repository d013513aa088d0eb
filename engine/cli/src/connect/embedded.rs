//! A simulator in this process: one more reader of a store that other processes use as well.

use std::path::Path;

use drs_engine_aws::{Embedded, Session, Settings, TablesAt};
use drs_simulator::{Options, Simulator, SimulatorError};

use crate::failure::Failure;

use super::{Connection, origin, refused};

/// Opens a store that is there and connects to it. Fleet, seed and speed stay as they are.
pub(super) async fn connect(
    mut settings: Settings,
    path: &Path,
    tables: Option<TablesAt>,
) -> Result<Connection, Failure> {
    let options = Options {
        existing: true,
        ..Options::at(path)
    };
    let simulator = Simulator::start(options).await;
    let simulator = simulator.map_err(|error| unusable(&error))?;
    let credentials = simulator.credentials();
    let region = simulator.default_region().to_owned();
    settings.region.get_or_insert(region);
    let embedded = Embedded {
        endpoint: simulator.endpoint(),
        access_key_id: credentials.access_key_id,
        secret_access_key: credentials.secret_access_key,
        session_token: credentials.session_token,
        world: simulator.world_time(),
    };
    let session = Session::connect_with(&settings, Some(embedded), tables).await;
    let session = session.map_err(|error| refused(&error))?;
    Ok(Connection {
        place: origin(&session, Some(path)),
        session,
        state_machine: None,
        simulator: Some(simulator),
        shelf: None,
    })
}

/// What to tell when a simulator cannot be used.
pub(crate) fn unusable(error: &SimulatorError) -> Failure {
    let failure = Failure::new(error.to_string());
    match error {
        SimulatorError::Missing { path } => failure
            .may_come()
            .help("--simulator and DRS_SIMULATOR name the `path` of the provider's `simulator`.")
            .help(format!(
                "`drsctl simulator --directory {}` makes one and serves it.",
                path.display()
            )),
        SimulatorError::Remote { .. } => failure.help(
            "--allow-remote allows it; there is no other protection, so think of a firewall.",
        ),
        SimulatorError::Listen { .. } => {
            failure.help("Another port may be free: --listen 127.0.0.1:0 takes any.")
        }
        SimulatorError::Store(_) => {
            failure.help("A directory of its own is safest; one that is not there yet is made.")
        }
        _ => failure,
    }
}
