//! Opening a store: what a new one begins with, and whether an old one is the one that was asked for.

use std::path::Path;

use jiff::Timestamp;

use crate::clock::{Clock, Speed};
use crate::fleet::{Chosen, read_iam};
use crate::simulator::{Options, SimulatorError};
use crate::state::{Change, State};
use crate::store::{Genesis, Origin, Store};

/// The Region of a world whose fleet names none.
const FALLBACK_REGION: &str = "us-east-1";

/// The seed of a world that was given none.
const DEFAULT_SEED: u64 = 0;

/// Opens the store that the options name, and creates it when it is not there.
pub(crate) fn open(options: &Options) -> Result<(Store, Origin), SimulatorError> {
    // A store that is there never goes, so nothing can be created between this look and the opening.
    if options.existing && !Store::is_there(&options.directory)? {
        return Err(SimulatorError::Missing {
            path: options.directory.clone(),
        });
    }
    let speed = options
        .speed
        .map(|factor| Speed::from_factor(factor).ok_or(SimulatorError::Speed { factor }))
        .transpose()?;
    let chosen = options.fleet.as_deref().map(Chosen::read).transpose()?;
    let asked_digest = chosen.as_ref().map(|chosen| chosen.digest.clone());
    let (store, origin, created) = Store::open(&options.directory, || {
        let chosen = chosen.unwrap_or_else(Chosen::built_in);
        Ok::<_, SimulatorError>(genesis(options, chosen, speed))
    })?;
    if !created {
        check_origin(options, &origin, asked_digest.as_deref())?;
        adjust_clock(&store, options.manual_clock, speed)?;
    }
    if let Some(path) = &options.iam {
        enforce(&store, path)?;
    }
    Ok((store, origin))
}

/// Enforces what a file says, from now on and for every process that uses the store.
fn enforce(store: &Store, path: &Path) -> Result<(), SimulatorError> {
    let fleet = store.with(|session| session.state().fleet.clone())?;
    let iam = Some(read_iam(path, &fleet)?);
    store.with(|session| {
        if session.state().iam != iam {
            session.change(Change::Iam(iam));
        }
    })?;
    Ok(())
}

/// The clock of a new world.
fn first_clock(manual: bool, speed: Speed) -> Clock {
    if manual {
        // The same instant every time, so that the same calls give the same bytes.
        let world = Timestamp::constant(MANUAL_START_SECONDS, 0);
        return Clock::Manual { world };
    }
    let now = Timestamp::now();
    Clock::Running {
        world: now,
        wall: now,
        speed,
    }
}

/// The clock of a world that begins anew, passing as the one before.
pub(crate) fn restarted_clock(before: Clock) -> Clock {
    match before {
        Clock::Manual { .. } => first_clock(true, Speed::REAL),
        Clock::Running { speed, .. } => first_clock(false, speed),
    }
}

/// When a world with a manual clock begins: 2026-01-01T00:00:00Z.
const MANUAL_START_SECONDS: i64 = 1_767_225_600;

fn genesis(options: &Options, chosen: Chosen, speed: Option<Speed>) -> Genesis {
    let Chosen { fleet, digest } = chosen;
    let seed = options.seed.unwrap_or(DEFAULT_SEED);
    let clock = first_clock(options.manual_clock, speed.unwrap_or(Speed::REAL));
    let account = fleet.accounts.first();
    let region = account.and_then(|account| account.regions.first());
    let origin = Origin {
        seed,
        fleet_digest: digest,
        default_account_id: account
            .map(|account| account.id.clone())
            .unwrap_or_default(),
        default_region: region
            .map_or_else(|| FALLBACK_REGION.to_owned(), |region| region.name.clone()),
    };
    let state = State::new(fleet, seed, clock, clock.now(Timestamp::now()));
    Genesis { origin, state }
}

fn check_origin(
    options: &Options,
    origin: &Origin,
    asked_digest: Option<&str>,
) -> Result<(), SimulatorError> {
    if let Some(asked) = options.seed.filter(|asked| *asked != origin.seed) {
        return Err(SimulatorError::OtherSeed {
            path: options.directory.clone(),
            stored: origin.seed,
            asked,
        });
    }
    if asked_digest.is_some_and(|asked| asked != origin.fleet_digest) {
        return Err(SimulatorError::OtherFleet {
            path: options.directory.clone(),
            fleet: options.fleet.clone().unwrap_or_default(),
        });
    }
    Ok(())
}

/// Makes time pass as the options say, from the present instant on.
fn adjust_clock(store: &Store, manual: bool, speed: Option<Speed>) -> Result<(), SimulatorError> {
    if !manual && speed.is_none() {
        return Ok(());
    }
    store.with(|session| {
        let now = session.now;
        let is_as_asked = match (session.state().clock, speed) {
            (Clock::Manual { .. }, _) if manual => true,
            (Clock::Running { speed, .. }, Some(asked)) if !manual => speed == asked,
            _ => false,
        };
        if !is_as_asked {
            let clock = match speed.filter(|_| !manual) {
                Some(speed) => Clock::Running {
                    world: now,
                    wall: Timestamp::now(),
                    speed,
                },
                None => Clock::Manual { world: now },
            };
            session.change(Change::Clock(clock));
        }
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::Folder;

    #[test]
    fn whoever_only_looks_creates_no_store() {
        let folder = Folder::new();
        let only_look = Options {
            existing: true,
            ..Options::at(folder.path().join("store"))
        };
        let missing = open(&only_look).err().expect("there is no store");
        assert!(
            matches!(missing, SimulatorError::Missing { .. }),
            "{missing}"
        );
        assert!(!only_look.directory.exists());
        open(&Options::at(&only_look.directory)).expect("it is created");
        open(&only_look).expect("it is there");
    }
}
