//! The embedded databases: one SQLite file per account and Region, shared with other processes.
//!
//! A database remembers the tables it has seen, and cannot notice that another process changes one. So there is a small
//! counter beside its file, raised before any table is changed; a process that finds it raised opens the database again.
//! The counter need not be synced: with power, everything that remembers a table is lost too.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use drs_engine::sim::world::ApiError;
use dynoxide::Database;
use serde_json::{Value, json};

use super::Place;
use super::operations::{Failure, Operation};

/// Most tables that are looked at when all are dropped; an account has at most 2,500.
const TABLES_BOUND: usize = 10_000;

/// The databases that this process has opened. Used with the store's lock held only, so two processes never write at once.
pub(crate) struct Databases {
    directory: PathBuf,
    open: Mutex<HashMap<Place, Opened>>,
}

struct Opened {
    counter: u64,
    database: Database,
}

impl Databases {
    /// The databases of a store.
    pub(crate) fn new(store: &Path) -> Self {
        Self {
            directory: store.join("dynamodb"),
            open: Mutex::new(HashMap::new()),
        }
    }

    /// Carries out an operation. What it changed is on disk when this returns.
    pub(super) fn run(
        &self,
        place: &Place,
        operation: Operation,
        input: &str,
    ) -> Result<String, Failure> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let counter_path = self.directory.join(format!("{}.tables", place.file_name()));
        let mut counter = read_counter(&counter_path);
        if open
            .get(place)
            .is_none_or(|opened| opened.counter != counter)
        {
            let database = self.open(place)?;
            open.insert(place.clone(), Opened { counter, database });
        }
        let Some(opened) = open.get_mut(place) else {
            return Err(unavailable("the database was not opened"));
        };
        if operation.changes_tables() {
            counter += 1;
            fs::write(&counter_path, counter.to_string()).map_err(unavailable)?;
            opened.counter = counter;
        }
        operation.carry_out(&opened.database, input)
    }

    /// Deletes every table of every account.
    pub(crate) fn clear(&self) -> Result<(), String> {
        let Ok(entries) = fs::read_dir(&self.directory) else {
            return Ok(());
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let place = name.to_str().and_then(place_of_file);
            if let Some(place) = place {
                self.clear_one(&place)
                    .map_err(|failure| failure.to_string())?;
            }
        }
        Ok(())
    }

    fn clear_one(&self, place: &Place) -> Result<(), Failure> {
        for _ in 0..TABLES_BOUND {
            let listed = self.run(
                place,
                Operation::ListTables,
                &json!({"Limit": 1}).to_string(),
            )?;
            let listed: Value = serde_json::from_str(&listed).map_err(unavailable)?;
            let Some(name) = listed["TableNames"][0].as_str() else {
                break;
            };
            let unprotected = json!({"TableName": name, "DeletionProtectionEnabled": false});
            self.run(place, Operation::UpdateTable, &unprotected.to_string())?;
            self.run(
                place,
                Operation::DeleteTable,
                &json!({"TableName": name}).to_string(),
            )?;
        }
        Ok(())
    }

    fn open(&self, place: &Place) -> Result<Database, Failure> {
        crate::store::files::create_directory(&self.directory).map_err(unavailable)?;
        let path = self.directory.join(format!("{}.sqlite", place.file_name()));
        // SQLite would create it readable for others.
        crate::store::files::ensure(&path).map_err(unavailable)?;
        let path = path
            .to_str()
            .ok_or_else(|| unavailable("the store's path is not UTF-8"))?;
        Database::new(path).map_err(Failure::from)
    }
}

fn read_counter(path: &Path) -> u64 {
    fs::read_to_string(path)
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(0)
}

fn place_of_file(name: &str) -> Option<Place> {
    let (account_id, region) = name.strip_suffix(".sqlite")?.split_once('-')?;
    Some(Place {
        account_id: account_id.to_owned(),
        region: region.to_owned(),
    })
}

fn unavailable(reason: impl ToString) -> Failure {
    Failure::Api(ApiError::new(
        "InternalServerError",
        500,
        reason.to_string(),
    ))
}
