//! Files of the store: private to their owner, replaced as a whole, synced; and the lock.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{StoreError, open_existing};

/// Longest wait for another process's request to end. One takes milliseconds; a snapshot of a large world, a second.
const LOCK_WAIT: Duration = Duration::from_secs(20);

/// Pause between two tries for the lock.
const LOCK_RETRY: Duration = Duration::from_millis(1);

/// The lock of a store.
pub(crate) struct Lock {
    file: File,
    path: std::path::PathBuf,
}

/// The lock, held until dropped.
pub(crate) struct LockGuard<'a> {
    file: Option<&'a File>,
}

impl Lock {
    /// Opens the lock file without locking it.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        let file = private(OpenOptions::new().read(true).write(true).create(true))
            .open(path)
            .map_err(StoreError::io("cannot open", path))?;
        Ok(Self {
            file,
            path: path.to_owned(),
        })
    }

    /// Waits until no other process holds it.
    pub(crate) fn acquire(&mut self) -> Result<LockGuard<'_>, StoreError> {
        let deadline = Instant::now() + LOCK_WAIT;
        loop {
            match self.file.try_lock() {
                Ok(()) => {
                    return Ok(LockGuard {
                        file: Some(&self.file),
                    });
                }
                Err(TryLockError::Error(error)) if error.kind() != io::ErrorKind::Interrupted => {
                    return Err(StoreError::io("cannot lock", &self.path)(error));
                }
                Err(_) if Instant::now() >= deadline => {
                    return Err(StoreError::Locked {
                        path: self.path.clone(),
                    });
                }
                Err(_) => thread::sleep(LOCK_RETRY),
            }
        }
    }
}

impl LockGuard<'_> {
    /// Gives the lock back before the guard is dropped.
    pub(crate) fn release(&mut self) {
        if let Some(file) = self.file.take() {
            // The lock ends with the process at the latest, so a failure to unlock is not worth a second error.
            let _ = file.unlock();
        }
    }
}

impl Drop for LockGuard<'_> {
    fn drop(&mut self) {
        self.release();
    }
}

/// Creates the store's directory, for its owner only, when it is not there.
pub(crate) fn create_directory(path: &Path) -> Result<(), StoreError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder
        .create(path)
        .map_err(StoreError::io("cannot create the directory", path))
}

/// Refuses a directory that has anything in it but what an interrupted creation may have left.
pub(crate) fn expect_empty(directory: &Path) -> Result<(), StoreError> {
    let entries = fs::read_dir(directory).map_err(StoreError::io("cannot list", directory))?;
    for entry in entries {
        let entry = entry.map_err(StoreError::io("cannot list", directory))?;
        let name = entry.file_name();
        let ours = name.to_str().is_some_and(|name| {
            name == "lock" || name.starts_with("world-") || name.ends_with(".new")
        });
        if !ours {
            return Err(StoreError::Foreign {
                path: directory.to_owned(),
            });
        }
    }
    Ok(())
}

/// Reads a whole JSON file.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, StoreError> {
    let text = fs::read(path).map_err(StoreError::io("cannot read", path))?;
    from_json(&text).map_err(|error| StoreError::Damaged {
        path: path.to_owned(),
        line: error.line() as u64,
        reason: error.to_string(),
    })
}

/// Reads a value from JSON text by way of [`serde_json::Value`]. Read from text directly, a number inside an internally
/// tagged enum arrives as a map, because numbers are kept exact throughout the workspace.
pub(crate) fn from_json<T: DeserializeOwned>(text: &[u8]) -> serde_json::Result<T> {
    serde_json::from_value(serde_json::from_slice(text)?)
}

/// Reads a small text file, or says that there is none.
pub(crate) fn read_text(path: &Path) -> Result<Option<String>, StoreError> {
    let Some(file) = open_existing(path)? else {
        return Ok(None);
    };
    io::read_to_string(file)
        .map(Some)
        .map_err(StoreError::io("cannot read", path))
}

/// Replaces a file as a whole: after a crash there is the old one or the new one.
pub(crate) fn replace(path: &Path, content: &[u8]) -> Result<(), StoreError> {
    replace_with(path, |file| file.write_all(content))
}

/// Replaces a file as a whole with a value as JSON.
pub(crate) fn replace_with_json<T: Serialize>(path: &Path, value: &T) -> Result<(), StoreError> {
    replace_with(path, |file| {
        let mut writer = BufWriter::new(file);
        serde_json::to_writer(&mut writer, value)?;
        writer.flush()
    })
}

/// Makes sure that a private, possibly empty file is there, also after a loss of power.
pub(crate) fn ensure(path: &Path) -> Result<(), StoreError> {
    let created = || -> io::Result<()> {
        if !path.try_exists()? {
            private(OpenOptions::new().append(true).create(true)).open(path)?;
            sync_parent(path)?;
        }
        Ok(())
    };
    created().map_err(StoreError::io("cannot create", path))
}

fn replace_with(
    path: &Path,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> Result<(), StoreError> {
    let new = path.with_extension("new");
    let written = || -> io::Result<()> {
        let mut file =
            private(OpenOptions::new().write(true).create(true).truncate(true)).open(&new)?;
        write(&mut file)?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        sync_parent(path)
    };
    written().map_err(StoreError::io("cannot write", path))
}

/// Makes a rename durable. Only Unix lets a directory be synced; elsewhere the rename itself is what there is.
fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if cfg!(unix) => File::open(parent)?.sync_all(),
        _ => Ok(()),
    }
}

pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options
}
