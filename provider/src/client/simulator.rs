//! The simulator that the provider embeds, for as long as it is configured.

use std::path::{Path, PathBuf};

use drs_engine_aws::{Embedded, SimulatorSettings};
use tfplugin::Diagnostic;

/// A running simulator. It ends when this is dropped; its store stays.
pub(super) struct Embedding {
    path: PathBuf,
    #[cfg(feature = "simulator")]
    simulator: drs_simulator::Simulator,
}

#[cfg(feature = "simulator")]
impl Embedding {
    pub(super) async fn start(settings: SimulatorSettings) -> Result<Self, Diagnostic> {
        let options = drs_simulator::Options {
            directory: settings.path.clone(),
            fleet: settings.fleet,
            speed: settings.speed,
            seed: settings.seed,
            ..drs_simulator::Options::default()
        };
        let simulator = drs_simulator::Simulator::start(options)
            .await
            .map_err(|error| {
                Diagnostic::error(
                    "Simulator Cannot Be Started",
                    crate::diagnose::sentence(&error.to_string()),
                )
                .at("simulator")
            })?;
        Ok(Self {
            path: settings.path,
            simulator,
        })
    }

    pub(super) fn default_region(&self) -> String {
        self.simulator.default_region().to_owned()
    }

    /// The age from which it refuses a signed request, where it does.
    pub(super) fn signature_age(&self) -> Option<jiff::SignedDuration> {
        self.simulator.signature_age()
    }

    pub(super) fn embedded(&self) -> Embedded {
        let credentials = self.simulator.credentials();
        Embedded {
            endpoint: self.simulator.endpoint(),
            access_key_id: credentials.access_key_id,
            secret_access_key: credentials.secret_access_key,
            session_token: credentials.session_token,
            world: self.simulator.world_time(),
        }
    }
}

#[cfg(not(feature = "simulator"))]
impl Embedding {
    pub(super) async fn start(_: SimulatorSettings) -> Result<Self, Diagnostic> {
        Err(Diagnostic::error(
            "No Simulator in This Build",
            "This provider was built without the feature `simulator`. Remove the simulator argument, and DRS_SIMULATOR \
             from the environment, or use a build that has it.",
        )
        .at("simulator"))
    }

    pub(super) fn default_region(&self) -> String {
        String::new()
    }

    pub(super) fn signature_age(&self) -> Option<jiff::SignedDuration> {
        None
    }

    pub(super) fn embedded(&self) -> Embedded {
        unreachable!("a build without the simulator never starts one")
    }
}

impl Embedding {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}
