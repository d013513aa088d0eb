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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::Folder;

    fn place() -> Place {
        Place {
            account_id: "111122223333".to_owned(),
            region: "us-east-1".to_owned(),
        }
    }

    fn run(databases: &Databases, operation: &str, input: Value) -> Result<Value, String> {
        let operation = Operation::named(operation).unwrap();
        let output = databases.run(&place(), operation, &input.to_string());
        output
            .map(|text| serde_json::from_str(&text).unwrap())
            .map_err(|failure| failure.to_string())
    }

    fn table() -> Value {
        json!({
            "TableName": "items",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "Id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "Id", "KeyType": "HASH"}],
        })
    }

    #[test]
    fn an_item_makes_the_round_trip_between_two_processes() {
        let folder = Folder::new();
        let (one, two) = (Databases::new(folder.path()), Databases::new(folder.path()));
        run(&one, "CreateTable", table()).unwrap();
        let item = json!({"Id": {"S": "a"}, "Count": {"N": "1.5"}, "Set": {"SS": ["x"]}});
        run(&two, "PutItem", json!({"TableName": "items", "Item": item})).unwrap();
        let found = run(
            &one,
            "GetItem",
            json!({"TableName": "items", "Key": {"Id": {"S": "a"}}}),
        )
        .unwrap();
        assert_eq!(found["Item"], item);
        let again = json!({"TableName": "items", "Item": item, "ConditionExpression": "attribute_not_exists(Id)"});
        assert_eq!(
            run(&one, "PutItem", again).unwrap_err(),
            "The conditional request failed"
        );
    }

    #[test]
    fn a_table_that_another_process_replaces_is_seen_anew() {
        let folder = Folder::new();
        let (one, two) = (Databases::new(folder.path()), Databases::new(folder.path()));
        run(&one, "CreateTable", table()).unwrap();
        run(&two, "DescribeTable", json!({"TableName": "items"})).unwrap();
        run(&one, "DeleteTable", json!({"TableName": "items"})).unwrap();
        assert!(run(&two, "DescribeTable", json!({"TableName": "items"})).is_err());
    }

    #[test]
    fn clearing_leaves_no_table_behind() {
        let folder = Folder::new();
        let databases = Databases::new(folder.path());
        databases.clear().unwrap();
        for name in ["one-table", "two-table"] {
            let mut table = table();
            table["TableName"] = json!(name);
            table["DeletionProtectionEnabled"] = json!(name == "one-table");
            run(&databases, "CreateTable", table).unwrap();
        }
        databases.clear().unwrap();
        assert_eq!(
            run(&databases, "ListTables", json!({})).unwrap()["TableNames"],
            json!([])
        );
    }

    #[cfg(unix)]
    #[test]
    fn the_files_are_private() {
        use std::os::unix::fs::PermissionsExt;
        let folder = Folder::new();
        let databases = Databases::new(folder.path());
        run(&databases, "CreateTable", table()).unwrap();
        for entry in fs::read_dir(folder.path().join("dynamodb")).unwrap() {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            let is_counter = entry
                .path()
                .extension()
                .is_some_and(|extension| extension == "tables");
            assert!(mode == 0o600 || is_counter, "{:?} {mode:o}", entry.path());
        }
    }
}
