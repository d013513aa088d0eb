//! The store: one directory that any number of processes share, with no leader.
//!
//! ```text
//! lock              held, exclusively, while a request is carried out
//! journal.jsonl     first line: format, generation, snapshot; then one line per change
//! world-N.json      the state at the start of generation N
//! admin-token       for the admin API
//! dynamodb/         one SQLite file per account and Region
//! ```
//!
//! A process keeps a replica. Under the lock it first replays what others have appended, then carries out its own request,
//! then appends its changes and syncs them, and only then answers. So any process may be killed at any time: what was
//! acknowledged is in the journal, and a last line that was torn by the kill was never acknowledged and is cut off by the
//! next process. When the journal has grown, whoever notices writes a snapshot and renames a new journal over the old one;
//! that rename is the one instant at which the generation changes, for everybody.

pub(crate) mod files;
pub(crate) mod journal;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::state::{Change, Outcome, State};
use files::Lock;
use journal::{Entry, Header, Tail};

/// The version of the store's format. A store of a newer one is refused, an older one is read.
pub(crate) const FORMAT: u32 = 1;

/// The journal is folded into a snapshot when it is longer than this.
const JOURNAL_BOUND_BYTES: u64 = 4 * 1024 * 1024;

/// What a store was created with. Kept, so that a reset begins anew with the same.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Origin {
    pub(crate) seed: u64,
    pub(crate) fleet_digest: String,
    pub(crate) default_account_id: String,
    pub(crate) default_region: String,
}

/// Why the store could not be used.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The file system refused.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process has kept the lock for longer than a request ever takes.
    #[error("the simulator's store {} is locked by another process that does not move", path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// The directory has other things in it.
    #[error("{} is neither empty nor a simulator's store; name another directory", path.display())]
    Foreign {
        /// The directory.
        path: PathBuf,
    },
    /// The store was written by a newer version of this program.
    #[error("{} has format {found}, and this version reads formats up to {FORMAT}; use the newer version, or another directory", path.display())]
    Newer {
        /// The journal.
        path: PathBuf,
        /// The format it says it has.
        found: u64,
    },
    /// A file of the store cannot be understood.
    #[error("{}, line {line}: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        reason: String,
    },
}

impl StoreError {
    pub(crate) fn io<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Self + use<'a> {
        move |source| Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}

/// A store, opened.
pub(crate) struct Store {
    directory: PathBuf,
    lock: Mutex<Lock>,
    replica: Mutex<Option<Replica>>,
}

/// One process's copy of the state.
struct Replica {
    header: Header,
    tail: Tail,
    state: State,
}

/// What is needed to create a store that is not there yet.
pub(crate) struct Genesis {
    pub(crate) origin: Origin,
    pub(crate) state: State,
}

impl Store {
    /// Opens the store in a directory, and creates it when it is not there. Says what it was created with, and whether
    /// that was now.
    pub(crate) fn open<E: From<StoreError>>(
        directory: &Path,
        genesis: impl FnOnce() -> Result<Genesis, E>,
    ) -> Result<(Self, Origin, bool), E> {
        files::create_directory(directory)?;
        let mut lock = Lock::open(&directory.join("lock"))?;
        let mut guard = lock.acquire()?;
        let found = journal::read_header(&journal_path(directory))?;
        let created = found.is_none();
        let origin = match found {
            Some((header, _)) => header.origin,
            None => {
                files::expect_empty(directory)?;
                let genesis = genesis()?;
                let header = Header::first(genesis.origin.clone());
                write_generation(directory, &header, &genesis.state)?;
                genesis.origin
            }
        };
        guard.release();
        drop(guard);
        let store = Self {
            directory: directory.to_owned(),
            lock: Mutex::new(lock),
            replica: Mutex::new(None),
        };
        Ok((store, origin, created))
    }

    /// The directory.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Carries out one request with the lock held: everything that other processes have acknowledged is in the state, and
    /// when this returns, what the request changed is on disk.
    pub(crate) fn with<T>(&self, request: impl FnOnce(&mut Session<'_>) -> T) -> Result<T, StoreError> {
        let mut lock = unpoisoned(&self.lock);
        let mut slot = unpoisoned(&self.replica);
        let _held = lock.acquire()?;
        let mut replica = match slot.take() {
            Some(replica) => replica,
            None => self.load()?,
        };
        self.catch_up(&mut replica)?;
        // From here on memory runs ahead of the disk. The replica goes back into its slot only when both agree again; an
        // error, or a panic inside the request, leaves the slot empty, and the next request loads from disk.
        let now = replica.state.now(Timestamp::now());
        let mut session = Session {
            now,
            header: &replica.header,
            state: &mut replica.state,
            entries: Vec::new(),
            replaced: false,
        };
        let answer = request(&mut session);
        let (entries, replaced) = (session.entries, session.replaced);
        if !entries.is_empty() {
            replica.tail.append(&journal_path(&self.directory), &entries)?;
        }
        if replaced || replica.tail.offset() > JOURNAL_BOUND_BYTES {
            self.next_generation(&mut replica)?;
        }
        *slot = Some(replica);
        Ok(answer)
    }

    /// Reads the state and the whole journal from disk.
    fn load(&self) -> Result<Replica, StoreError> {
        let path = journal_path(&self.directory);
        let Some((header, offset)) = journal::read_header(&path)? else {
            return Err(StoreError::Damaged {
                path,
                line: 1,
                reason: "the journal has gone; was the directory deleted?".to_owned(),
            });
        };
        let state = files::read_json(&self.directory.join(&header.snapshot))?;
        Ok(Replica {
            header,
            tail: Tail::new(offset),
            state,
        })
    }

    /// Replays what others have appended since this process last looked.
    fn catch_up(&self, replica: &mut Replica) -> Result<(), StoreError> {
        let path = journal_path(&self.directory);
        let generation = journal::read_header(&path)?.map(|(header, _)| header.generation);
        if generation != Some(replica.header.generation) {
            *replica = self.load()?;
        }
        for entry in replica.tail.read_new(&path)? {
            replica.state.apply(entry.at, &entry.change);
        }
        Ok(())
    }

    fn next_generation(&self, replica: &mut Replica) -> Result<(), StoreError> {
        let old = self.directory.join(&replica.header.snapshot);
        replica.header = replica.header.next();
        let offset = write_generation(&self.directory, &replica.header, &replica.state)?;
        replica.tail = Tail::new(offset);
        // Nobody reads the old snapshot any more; when it stays, it only takes space.
        let _ = std::fs::remove_file(old);
        Ok(())
    }
}

/// One request's view of the store, with the lock held.
pub(crate) struct Session<'a> {
    /// World time of the request.
    pub(crate) now: Timestamp,
    header: &'a Header,
    state: &'a mut State,
    entries: Vec<Entry>,
    replaced: bool,
}

impl Session<'_> {
    /// The state, to read. It may be advanced to the present, but must not be changed in any other way.
    pub(crate) fn state(&mut self) -> &mut State {
        self.state
    }

    /// What the store was created with.
    pub(crate) fn origin(&self) -> &Origin {
        &self.header.origin
    }

    /// Makes a change, to be written before the request is answered.
    pub(crate) fn change(&mut self, change: Change) -> Outcome {
        let outcome = self.state.apply(self.now, &change);
        self.entries.push(Entry { at: self.now, change });
        outcome
    }

    /// Puts another state in the place of this one.
    pub(crate) fn replace(&mut self, state: State) {
        *self.state = state;
        self.entries.clear();
        self.replaced = true;
    }
}

fn journal_path(directory: &Path) -> PathBuf {
    directory.join("journal.jsonl")
}

/// Writes a snapshot and then the journal that names it. The rename of the journal is the commit.
fn write_generation(directory: &Path, header: &Header, state: &State) -> Result<u64, StoreError> {
    files::replace_with_json(&directory.join(&header.snapshot), state)?;
    let line = header.line();
    files::replace(&journal_path(directory), line.as_bytes())?;
    Ok(line.len() as u64)
}

fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic inside a request leaves the replica's slot empty and the lock released, so there is nothing to protect.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Opens a file for reading, or says that there is none.
fn open_existing(path: &Path) -> Result<Option<File>, StoreError> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::io("cannot open", path)(error)),
    }
}
