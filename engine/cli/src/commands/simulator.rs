//! `drsctl simulator`: serves the DRS simulator until it is told to stop.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use drs_engine::report;
use drs_engine_aws::Settings;
use drs_simulator::{Options, Simulator};
use serde_json::json;

use crate::cli;
use crate::connect::unusable_simulator;
use crate::failure::{Ending, Failure};
use crate::screen::Screen;
use crate::shell::quoted;
use crate::signals::Interrupts;

pub(crate) async fn simulator(
    settings: Settings,
    asked: &cli::Simulator,
    screen: &mut Screen,
) -> Result<Ending, Failure> {
    let mut interrupts = Interrupts::listen()?;
    let region = settings.region.clone();
    let options = options(settings, asked)?;
    let directory = options.directory.clone();
    let simulator = Simulator::start(options).await;
    let simulator = simulator.map_err(|error| unusable_simulator(&error))?;
    let served = Served {
        region: region.unwrap_or_else(|| simulator.default_region().to_owned()),
        directory,
        simulator,
    };
    if asked.output.is_json() {
        screen.print_raw(&format!("{}\n", served.json()))?;
    } else {
        screen.print_raw(&served.exports())?;
        screen.note(&served.notes());
    }
    interrupts.next().await;
    served.simulator.stop().await;
    Ok(Ending::Success)
}

struct Served {
    simulator: Simulator,
    region: String,
    directory: PathBuf,
}

impl Served {
    /// Lines that a shell can evaluate, and nothing else.
    fn exports(&self) -> String {
        let credentials = self.simulator.credentials();
        let export = |name: &str, value: &str| format!("export {name}={}\n", quoted(value));
        let token = match &credentials.session_token {
            Some(token) => export("AWS_SESSION_TOKEN", token),
            // One that is left over from elsewhere would go with every request.
            None => "unset AWS_SESSION_TOKEN\n".to_owned(),
        };
        [
            export("AWS_ENDPOINT_URL", &self.simulator.endpoint()),
            export("AWS_REGION", &self.region),
            export("AWS_ACCESS_KEY_ID", &credentials.access_key_id),
            export("AWS_SECRET_ACCESS_KEY", &credentials.secret_access_key),
            token,
        ]
        .concat()
    }

    fn json(&self) -> serde_json::Value {
        let credentials = self.simulator.credentials();
        json!({
            "endpoint": self.simulator.endpoint(),
            "admin_endpoint": self.simulator.admin_endpoint(),
            "admin_token_path": self.simulator.admin_token_path(),
            "directory": self.directory,
            "region": self.region,
            "account_id": credentials.account_id,
            "access_key_id": credentials.access_key_id,
            "secret_access_key": credentials.secret_access_key,
            "session_token": credentials.session_token,
            "world_time": self.simulator.world_time().now(),
        })
    }

    fn notes(&self) -> String {
        let mut notes = vec![format!(
            "The simulator in {} is served at {}. Its time is {}.",
            self.directory.display(),
            self.simulator.endpoint(),
            report::date_and_clock(self.simulator.world_time().now())
        )];
        if let Some(admin) = self.simulator.admin_endpoint() {
            notes.push(format!(
                "Its admin API is at {admin}; the token is in {}.",
                self.simulator.admin_token_path().display()
            ));
        }
        notes.push("The lines above are for the shell that uses it. Ctrl-C stops it.".to_owned());
        notes.join("\n")
    }
}

/// What was typed; where that says nothing, what is configured for the provider.
fn options(settings: Settings, asked: &cli::Simulator) -> Result<Options, Failure> {
    let configured = settings.simulator.unwrap_or_default();
    let directory = match &asked.directory {
        Some(directory) => directory.clone(),
        None if configured.path.as_os_str().is_empty() => {
            return Err(
                Failure::new("no directory was named for the simulator's store").help(
                    "`drsctl simulator --directory DIRECTORY`; it is made when it is missing.",
                ),
            );
        }
        None => configured.path,
    };
    let admin = |port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
    Ok(Options {
        directory,
        existing: false,
        fleet: asked.fleet.clone().or(configured.fleet),
        iam: asked.iam.clone(),
        speed: if asked.manual_clock {
            None
        } else {
            asked.speed.or(configured.speed)
        },
        seed: asked.seed.or(configured.seed),
        listen: Some(asked.listen),
        allow_remote: asked.allow_remote,
        admin: asked.admin_port.map(admin),
        manual_clock: asked.manual_clock,
    })
}
