//! A simulator in this process: its options, its ports, and its end.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use drs_engine::time::WorldTime;
use jiff::SignedDuration;
use sha2::{Digest, Sha256};
use thiserror::Error;
use tokio::task::spawn_blocking;

use crate::admin::Admin;
use crate::auth::{self, Credentials};
use crate::fleet::FleetError;
use crate::origin;
use crate::random;
use crate::server::{Config, Limits, Server};
use crate::service::Service;
use crate::store::{ADMIN_TOKEN, Origin, StoreError};
use crate::world_time::{Ticker, WorldClock};

/// What a simulator is started with.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The store's directory. It is created when it is not there.
    pub directory: PathBuf,
    /// Whether the store must be there already. Whoever only looks must not create one: it would be another world than the
    /// one that its owner is about to begin.
    pub existing: bool,
    /// The fleet that a new world begins with, a YAML file; the built-in one when left out. A store that was created with
    /// another is refused.
    pub fleet: Option<PathBuf>,
    /// Who may do what, a YAML file as the fleet's `iam`, in place of what was enforced before; as before when left out. Without
    /// any, everybody may do everything.
    pub iam: Option<PathBuf>,
    /// World seconds per wall second; 1 for a new world when left out. It may differ from the last time: world time goes on
    /// from where it is.
    pub speed: Option<f64>,
    /// Everything random in the world comes from it; 0 for a new world when left out. A store that was created with another
    /// is refused.
    pub seed: Option<u64>,
    /// Where to listen; a free port on loopback when left out.
    pub listen: Option<SocketAddr>,
    /// Whether addresses other than loopback may be listened on. Whoever reaches the port may do everything.
    pub allow_remote: bool,
    /// Where to serve the admin API; nowhere when left out.
    pub admin: Option<SocketAddr>,
    /// Whether world time stands still until the admin API moves it. A new world then begins at a fixed instant, so that the
    /// same calls give the same answers, to the byte.
    pub manual_clock: bool,
}

impl Options {
    /// The defaults, with a directory.
    pub fn at(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            ..Self::default()
        }
    }
}

/// Why a simulator could not be started.
#[derive(Debug, Error)]
pub enum SimulatorError {
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The fleet cannot be used.
    #[error(transparent)]
    Fleet(#[from] FleetError),
    /// The store must be there already, and is not.
    #[error("there is no simulator in {}", path.display())]
    Missing {
        /// The directory.
        path: PathBuf,
    },
    /// The store was created with another seed.
    #[error(
        "the simulator in {} was created with seed {stored}, not {asked}; leave the seed out, or name another \
         directory",
        path.display()
    )]
    OtherSeed {
        /// The store's directory.
        path: PathBuf,
        /// The seed it was created with.
        stored: u64,
        /// The seed that was asked for.
        asked: u64,
    },
    /// The store was created with another fleet.
    #[error(
        "the simulator in {} was created with another fleet than {} is now; leave the fleet out, or name another \
         directory",
        path.display(),
        fleet.display()
    )]
    OtherFleet {
        /// The store's directory.
        path: PathBuf,
        /// The fleet that was asked for.
        fleet: PathBuf,
    },
    /// The speed is none.
    #[error("{factor} is not a speed; it must be from 0.001 to 1000000")]
    Speed {
        /// What was asked for.
        factor: f64,
    },
    /// An address that others can reach, without leave.
    #[error(
        "{address} can be reached from other machines, where anybody could use the simulator; allow that first"
    )]
    Remote {
        /// The address.
        address: SocketAddr,
    },
    /// The port cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The operating system has no random numbers, or no threads.
    #[error("the simulator cannot run here: {source}")]
    System {
        /// What the system said.
        source: io::Error,
    },
}

/// A running simulator. It ends when dropped; [`Simulator::stop`] lets requests that are being answered end first.
pub struct Simulator {
    origin: Origin,
    signature_age: Option<SignedDuration>,
    token_path: PathBuf,
    clock: Arc<WorldClock>,
    _ticker: Ticker,
    server: Server,
    admin: Option<Server>,
}

impl Simulator {
    /// Opens or creates the store and serves it. Must be called inside a Tokio runtime, which then runs the simulator.
    pub async fn start(options: Options) -> Result<Self, SimulatorError> {
        let address = options
            .listen
            .unwrap_or(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0));
        check_reach(&options, address)?;
        if let Some(admin) = options.admin {
            check_reach(&options, admin)?;
        }
        let token_path = options.directory.join(ADMIN_TOKEN);
        let opening = options.clone();
        let opened = spawn_blocking(move || open(&opening)).await;
        let opened = opened.map_err(|error| SimulatorError::System {
            source: io::Error::other(error),
        })?;
        let Opened {
            service,
            clock,
            origin,
            signature_age,
            token,
        } = opened?;
        let config = |dated| Config {
            limits: Limits::default(),
            any_host: options.allow_remote,
            dated,
        };
        let server = Server::start(address, config(!options.manual_clock), service.clone())
            .await
            .map_err(|source| SimulatorError::Listen { address, source })?;
        let admin = match options.admin {
            None => None,
            Some(address) => {
                let admin = Arc::new(Admin::new(service, &token));
                let started = Server::start(address, config(true), admin).await;
                Some(started.map_err(|source| SimulatorError::Listen { address, source })?)
            }
        };
        Ok(Self {
            origin,
            signature_age,
            token_path,
            _ticker: Ticker::start(clock.clone()),
            clock,
            server,
            admin,
        })
    }

    /// The endpoint of all services, such as `http://127.0.0.1:8443`.
    pub fn endpoint(&self) -> String {
        url(&self.server)
    }

    /// The endpoint of the admin API.
    pub fn admin_endpoint(&self) -> Option<String> {
        self.admin.as_ref().map(url)
    }

    /// The file with the token that the admin API asks for, readable by its owner only.
    pub fn admin_token_path(&self) -> PathBuf {
        self.token_path.clone()
    }

    /// Credentials of the fleet's first account.
    pub fn credentials(&self) -> Credentials {
        auth::user_credentials(&self.origin.default_account_id)
    }

    /// The first Region of the fleet's first account.
    pub fn default_region(&self) -> &str {
        &self.origin.default_region
    }

    /// The age from which a signed request is refused, as it was when this simulator started; none accepts any.
    pub fn signature_age(&self) -> Option<SignedDuration> {
        self.signature_age
    }

    /// The world's clock.
    pub fn world_time(&self) -> Arc<dyn WorldTime> {
        self.clock.clone()
    }

    /// Stops, and waits a little for requests that are being answered.
    pub async fn stop(self) {
        self.server.stop().await;
        if let Some(admin) = self.admin {
            admin.stop().await;
        }
    }
}

impl std::fmt::Debug for Simulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Simulator")
            .field("endpoint", &self.endpoint())
            .finish_non_exhaustive()
    }
}

struct Opened {
    service: Arc<Service>,
    clock: Arc<WorldClock>,
    origin: Origin,
    signature_age: Option<SignedDuration>,
    token: String,
}

/// The part of the start that blocks on files.
fn open(options: &Options) -> Result<Opened, SimulatorError> {
    let random = random::bytes().map_err(|source| SimulatorError::System { source })?;
    let (store, origin) = origin::open(options)?;
    let token = store.admin_token(|| auth::hex(&random))?;
    let salt = if options.manual_clock {
        // With a manual clock answers repeat to the byte, and the ids of requests are part of them.
        Sha256::digest(origin.seed.to_be_bytes()).into()
    } else {
        Sha256::digest([random.as_slice(), b"request ids"].concat()).into()
    };
    let age = store.with(|session| session.state().world.settings().signature_age_seconds)?;
    let service = Arc::new(Service::new(store, salt));
    let clock = WorldClock::of(service.clone())?;
    Ok(Opened {
        service,
        clock: Arc::new(clock),
        origin,
        signature_age: age.map(SignedDuration::from_secs),
        token,
    })
}

fn check_reach(options: &Options, address: SocketAddr) -> Result<(), SimulatorError> {
    if options.allow_remote || address.ip().is_loopback() {
        Ok(())
    } else {
        Err(SimulatorError::Remote { address })
    }
}

fn url(server: &Server) -> String {
    let address = server.address();
    // Nobody can connect to the address that means every address.
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{Instant, sleep};

    use super::*;
    use crate::store::tests::Folder;

    fn options(folder: &Folder) -> Options {
        Options::at(folder.path().join("store"))
    }

    #[tokio::test]
    async fn an_address_that_others_reach_needs_leave() {
        let folder = Folder::new();
        let everywhere: SocketAddr = "0.0.0.0:0".parse().unwrap();
        for options in [
            Options {
                listen: Some(everywhere),
                ..options(&folder)
            },
            Options {
                admin: Some(everywhere),
                ..options(&folder)
            },
        ] {
            let refused = Simulator::start(options).await.unwrap_err();
            assert!(
                matches!(refused, SimulatorError::Remote { .. }),
                "{refused}"
            );
        }
        assert!(!folder.path().join("store").exists());
        let allowed = Options {
            listen: Some(everywhere),
            allow_remote: true,
            ..options(&folder)
        };
        let simulator = Simulator::start(allowed).await.unwrap();
        assert!(simulator.endpoint().starts_with("http://127.0.0.1:"));
    }

    #[tokio::test]
    async fn a_port_that_is_taken_is_named() {
        let folder = Folder::new();
        let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = taken.local_addr().unwrap();
        let options = Options {
            listen: Some(address),
            ..options(&folder)
        };
        let refused = Simulator::start(options).await.unwrap_err().to_string();
        assert!(
            refused.starts_with(&format!("cannot listen on {address}: ")),
            "{refused}"
        );
    }

    #[tokio::test]
    async fn an_absurd_speed_is_refused() {
        let folder = Folder::new();
        let options = Options {
            speed: Some(0.0),
            ..options(&folder)
        };
        let refused = Simulator::start(options).await.unwrap_err().to_string();
        assert_eq!(
            refused,
            "0 is not a speed; it must be from 0.001 to 1000000"
        );
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn world_time_runs_at_its_speed_and_over_a_restart() {
        let folder = Folder::new();
        let fast = Options {
            speed: Some(1000.0),
            ..options(&folder)
        };
        let simulator = Simulator::start(fast).await.unwrap();
        let world = simulator.world_time();
        let begun = world.now();
        let target = drs_engine::time::after(begun, jiff::SignedDuration::from_secs(100));
        let wait = world.wall_until(target).unwrap();
        assert!(wait <= Duration::from_millis(101), "{wait:?}");
        sleep(wait).await;
        assert!(world.now() >= target);
        simulator.stop().await;
        // The engine's clock outlives its simulator, and time goes on while there is none.
        sleep(Duration::from_millis(20)).await;
        let again = Simulator::start(options(&folder)).await.unwrap();
        assert!(
            again.world_time().now()
                >= drs_engine::time::after(target, jiff::SignedDuration::from_secs(20))
        );
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_clock_notices_what_another_process_changes() {
        let folder = Folder::new();
        let manual = Options {
            manual_clock: true,
            ..options(&folder)
        };
        let simulator = Simulator::start(manual).await.unwrap();
        let world = simulator.world_time();
        let later = drs_engine::time::after(world.now(), jiff::SignedDuration::from_secs(1));
        assert_eq!(world.wall_until(later), None);
        let fast = Options {
            speed: Some(100.0),
            ..options(&folder)
        };
        let _other = Simulator::start(fast).await.unwrap();
        let deadline = Instant::now() + Duration::from_secs(5);
        while world.wall_until(later).is_none() && Instant::now() < deadline {
            sleep(Duration::from_millis(10)).await;
        }
        assert!(world.wall_until(later).is_some());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn opening_is_quick() {
        let folder = Folder::new();
        drop(Simulator::start(options(&folder)).await.unwrap());
        let begun = Instant::now();
        let simulator = Simulator::start(options(&folder)).await.unwrap();
        // Some milliseconds; the bound is generous for a busy machine.
        assert!(
            begun.elapsed() < Duration::from_millis(500),
            "{:?}",
            begun.elapsed()
        );
        assert_eq!(simulator.default_region(), "us-east-1");
        assert_eq!(simulator.credentials().account_id, "111122223333");
        assert_eq!(simulator.admin_endpoint(), None);
    }
}
