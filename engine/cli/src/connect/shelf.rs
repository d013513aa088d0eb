//! Tables in a directory of this machine, for when those in AWS cannot be reached.
//!
//! The database is the simulator's, and nothing else of the simulator is used: every call to DRS goes where it always
//! goes. A file beside the database says whose tables they are; it is written last, so a directory without it holds
//! nothing that counts.

use std::fs;
use std::path::{Path, PathBuf};

use drs_engine_aws::TablesAt;
use drs_simulator::{Options, Simulator};
use serde_json::{Value, json};

use crate::commands::export::write;
use crate::failure::Failure;

use super::unusable_simulator;

/// The file that says whose tables they are.
const LABEL: &str = "history.json";
const FORMAT: &str = "drsctl-history";
const FORMAT_VERSION: u64 = 1;

/// Tables in a directory; they can be used while this lives.
pub(crate) struct Shelf {
    pub(crate) path: PathBuf,
    pub(crate) environment: String,
    simulator: Simulator,
}

impl Shelf {
    /// Opens tables that are there.
    pub(crate) async fn existing(path: &Path) -> Result<Self, Failure> {
        let Some(environment) = label(path)? else {
            return Err(Failure::new(format!("there is no history in {}", path.display()))
                .safe("Nothing was changed.")
                .help(
                    "`drsctl failover --plan-file FILE --history DIRECTORY --reason TEXT` makes one. Leave --history and \
                     DRS_HISTORY out to use the tables in AWS.",
                ));
        };
        open(path, environment, true).await
    }

    /// Opens tables, and makes them where there are none; [`Self::label`] makes them count.
    pub(crate) async fn made(path: &Path, environment: &str) -> Result<Self, Failure> {
        let is_ours = match label(path)? {
            Some(other) if other != environment => {
                return Err(Failure::new(format!(
                    "the history in {} is of environment {other:?}, and the plan file of {environment:?}",
                    path.display()
                ))
                .safe("Nothing was changed, nothing was started and nothing was launched.")
                .help("Name another directory with --history."));
            }
            Some(_) => true,
            None => store(path).is_dir(),
        };
        let is_empty = fs::read_dir(path).map_or(true, |mut entries| entries.next().is_none());
        if !is_ours && !is_empty {
            return Err(
                Failure::new(format!("{} is there, and is no history", path.display()))
                    .safe("Nothing was changed, nothing was started and nothing was launched.")
                    .help("Name a directory with --history that is empty or not there yet."),
            );
        }
        open(path, environment.to_owned(), false).await
    }

    /// Says whose tables they are.
    pub(crate) fn label(&self) -> Result<(), Failure> {
        let document = json!({
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "environment": self.environment,
        });
        let path = self.path.join(LABEL);
        write(&path, &format!("{document:#}\n")).map_err(|error| unwritable(&path, &error))
    }

    /// Where a session finds them.
    pub(crate) fn tables(&self) -> TablesAt {
        let credentials = self.simulator.credentials();
        TablesAt {
            endpoint: self.simulator.endpoint(),
            access_key_id: credentials.access_key_id,
            secret_access_key: credentials.secret_access_key,
            region: self.simulator.default_region().to_owned(),
            environment: self.environment.clone(),
        }
    }
}

async fn open(path: &Path, environment: String, existing: bool) -> Result<Shelf, Failure> {
    let options = Options {
        existing,
        ..Options::at(store(path))
    };
    let simulator = Simulator::start(options).await;
    Ok(Shelf {
        path: path.to_owned(),
        environment,
        simulator: simulator.map_err(|error| unusable_simulator(&error))?,
    })
}

/// The database is in a directory of its own, so that --simulator never takes a history for a simulated world.
fn store(path: &Path) -> PathBuf {
    path.join("tables")
}

/// The environment whose tables are there; none where there are none.
fn label(path: &Path) -> Result<Option<String>, Failure> {
    let path = path.join(LABEL);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(
                Failure::new(format!("{} cannot be read: {error}", path.display()))
                    .safe("Nothing was changed."),
            );
        }
    };
    let label: Value = serde_json::from_str(&text).unwrap_or_default();
    let version = label["format_version"].as_u64();
    match label["environment"].as_str() {
        Some(environment)
            if label["format"] == FORMAT
                && version.is_some_and(|version| version <= FORMAT_VERSION) =>
        {
            Ok(Some(environment.to_owned()))
        }
        _ => Err(Failure::new(format!(
            "{} does not say whose history it is, or a newer drsctl wrote it",
            path.display()
        ))
        .safe("Nothing was changed.")
        .help("Use the drsctl that made it, or name another directory with --history.")),
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("{} cannot be written: {error}", path.display()))
        .safe("Nothing was started and nothing was launched.")
        .help("Name a directory with --history that you may write to.")
}
