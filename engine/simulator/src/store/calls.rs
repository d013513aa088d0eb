//! How often each operation was called, and by whom, by anybody who uses the store.
//!
//! Every call counts, also those that only read, so it must cost next to nothing: a line is appended and not synced. A
//! kill loses none of them, a loss of power may.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{StoreError, files};

/// The file is folded into one line per operation when it is longer than this.
const CALLS_BOUND_BYTES: u64 = 64 * 1024;

/// The counts of a store. Used with the store's lock held only.
pub(crate) struct Calls {
    path: PathBuf,
}

impl Calls {
    /// The counts in a directory.
    pub(crate) fn of(directory: &Path) -> Self {
        Self {
            path: directory.join("calls"),
        }
    }

    /// Counts one call. When that fails, the call is not worth failing for it.
    pub(crate) fn count(&self, operation: &str, caller: &str) {
        if let Err(error) = self.try_count(operation, caller) {
            tracing::warn!(%error, "a call was not counted");
        }
    }

    /// How often each operation was called.
    pub(crate) fn read(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        let mut counts = BTreeMap::new();
        for ((_, operation), count) in self.lines()? {
            *counts.entry(operation).or_insert(0) += count;
        }
        Ok(counts)
    }

    /// How often each caller, by its ARN, called each operation.
    pub(crate) fn read_by_caller(
        &self,
    ) -> Result<BTreeMap<String, BTreeMap<String, u64>>, StoreError> {
        let mut callers: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
        for ((caller, operation), count) in self.lines()? {
            callers.entry(caller).or_default().insert(operation, count);
        }
        Ok(callers)
    }

    /// What was counted, by caller and operation.
    fn lines(&self) -> Result<BTreeMap<(String, String), u64>, StoreError> {
        let text = files::read_text(&self.path)?.unwrap_or_default();
        let mut counts = BTreeMap::new();
        for line in text.lines() {
            // A line that was torn by a kill is of a call that was not answered.
            let Some((count, call)) = line.split_once(' ') else {
                continue;
            };
            // Before callers were counted, a line ended with the operation.
            let (operation, caller) = call.split_once(' ').unwrap_or((call, "unknown"));
            if let Ok(count) = count.parse::<u64>() {
                *counts
                    .entry((caller.to_owned(), operation.to_owned()))
                    .or_insert(0) += count;
            }
        }
        Ok(counts)
    }

    /// Begins to count anew.
    pub(crate) fn clear(&self) -> Result<(), StoreError> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(StoreError::io("cannot remove", &self.path)(error))
            }
            _ => Ok(()),
        }
    }

    fn try_count(&self, operation: &str, caller: &str) -> Result<(), StoreError> {
        let mut file = files::private(OpenOptions::new().append(true).create(true))
            .open(&self.path)
            .map_err(StoreError::io("cannot open", &self.path))?;
        // The line ends where it begins, so that a torn one spoils no other.
        file.write_all(format!("\n1 {operation} {caller}").as_bytes())
            .map_err(StoreError::io("cannot append to", &self.path))?;
        let length = file.metadata().map_or(0, |metadata| metadata.len());
        if length > CALLS_BOUND_BYTES {
            let folded: String = self
                .lines()?
                .into_iter()
                .map(|((caller, operation), count)| format!("\n{count} {operation} {caller}"))
                .collect();
            files::replace(&self.path, folded.as_bytes())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::Folder;

    #[test]
    fn calls_are_counted_across_folding_and_torn_lines() {
        let folder = Folder::new();
        let calls = Calls::of(folder.path());
        for _ in 0..5_000 {
            calls.count("DescribeSourceServers", "arn:one");
        }
        calls.count("StartRecovery", "arn:one");
        std::fs::OpenOptions::new()
            .append(true)
            .open(folder.path().join("calls"))
            .unwrap()
            .write_all(b"\n1")
            .unwrap();
        calls.count("StartRecovery", "arn:two");
        let counts = calls.read().unwrap();
        assert_eq!(
            (counts["DescribeSourceServers"], counts["StartRecovery"]),
            (5_000, 2)
        );
        let callers = calls.read_by_caller().unwrap();
        assert_eq!(callers["arn:one"]["DescribeSourceServers"], 5_000);
        assert_eq!(callers["arn:two"]["StartRecovery"], 1);
        let length = std::fs::metadata(folder.path().join("calls"))
            .unwrap()
            .len();
        assert!(length <= CALLS_BOUND_BYTES, "{length}");
    }
}
