//! The store: one directory that any number of processes share, with no leader.
//!
//! ```text
//! lock              held, exclusively, while a request is carried out
//! journal.jsonl     first line: format, generation, snapshot; then one line per change
//! world-N.json      the state at the start of generation N
//! admin-token       for the admin API
//! calls             how often each operation was called; not synced, for it is only counted
//! dynamodb/         one SQLite file per account and Region
//! ```
//!
//! A process keeps a replica. Under the lock it first replays what others have appended, then carries out its own request,
//! then appends its changes and syncs them, and only then answers. So any process may be killed at any time: what was
//! acknowledged is in the journal, and a last line that was torn by the kill was never acknowledged and is cut off by the
//! next process. When the journal has grown, whoever notices writes a snapshot and renames a new journal over the old one;
//! that rename is the one instant at which the generation changes, for everybody.

pub(crate) mod calls;
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
use calls::Calls;
use files::Lock;
use journal::{Entry, Header, Tail};

/// The version of the store's format. A store of a newer one is refused, an older one is read.
pub(crate) const FORMAT: u32 = 1;

/// The file with the token of the admin API.
pub(crate) const ADMIN_TOKEN: &str = "admin-token";

/// The journal is folded into a snapshot when it is longer than this: some hundred calls, which a process that opens the
/// store replays in a few milliseconds.
const JOURNAL_BOUND_BYTES: u64 = 128 * 1024;

/// Where the snapshot is large, the journal may grow to this part of it, for else writing snapshots would take the most time.
const JOURNAL_PART_OF_SNAPSHOT: u64 = 4;

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
    #[error(
        "{} has format {found}, and this version reads formats up to {FORMAT}; use the newer version, or another \
         directory",
        path.display()
    )]
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
    pub(crate) fn io<'a>(
        action: &'static str,
        path: &'a Path,
    ) -> impl FnOnce(io::Error) -> Self + use<'a> {
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
    /// Length from which the journal is folded.
    journal_bound: u64,
    state: State,
}

/// What is needed to create a store that is not there yet.
pub(crate) struct Genesis {
    pub(crate) origin: Origin,
    pub(crate) state: State,
}

impl Store {
    /// Whether a directory holds a store. Creates nothing.
    pub(crate) fn is_there(directory: &Path) -> Result<bool, StoreError> {
        Ok(journal::read_header(&journal_path(directory))?.is_some())
    }

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

    /// The token of the admin API, made when it is not there.
    pub(crate) fn admin_token(&self, make: impl FnOnce() -> String) -> Result<String, StoreError> {
        let mut lock = unpoisoned(&self.lock);
        let _held = lock.acquire()?;
        let path = self.directory.join(ADMIN_TOKEN);
        let found = files::read_text(&path)?.map(|text| text.trim().to_owned());
        if let Some(token) = found.filter(|token| !token.is_empty()) {
            return Ok(token);
        }
        let token = make();
        files::replace(&path, format!("{token}\n").as_bytes())?;
        Ok(token)
    }

    /// Carries out one request with the lock held: everything that other processes have acknowledged is in the state, and
    /// when this returns, what the request changed is on disk.
    pub(crate) fn with<T>(
        &self,
        request: impl FnOnce(&mut Session<'_>) -> T,
    ) -> Result<T, StoreError> {
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
            directory: &self.directory,
            header: &replica.header,
            state: &mut replica.state,
            entries: Vec::new(),
            replaced: false,
        };
        let answer = request(&mut session);
        let (entries, replaced) = (session.entries, session.replaced);
        if !entries.is_empty() {
            replica
                .tail
                .append(&journal_path(&self.directory), &entries)?;
        }
        if replaced || replica.tail.offset() > replica.journal_bound {
            match self.next_generation(&mut replica) {
                Err(error) if replaced => return Err(error),
                // The request is in the journal all the same; the next one loads from disk, and tries again.
                Err(error) => {
                    tracing::warn!(%error, "the simulator's journal could not be folded");
                    return Ok(answer);
                }
                Ok(()) => {}
            }
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
        let snapshot = self.directory.join(&header.snapshot);
        let state = files::read_json(&snapshot)?;
        Ok(Replica {
            header,
            tail: Tail::new(offset),
            journal_bound: journal_bound(&snapshot),
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
        replica.journal_bound = journal_bound(&self.directory.join(&replica.header.snapshot));
        // Nobody reads the old snapshot any more; when it stays, it only takes space.
        let _ = std::fs::remove_file(old);
        Ok(())
    }
}

/// One request's view of the store, with the lock held.
pub(crate) struct Session<'a> {
    /// World time of the request.
    pub(crate) now: Timestamp,
    directory: &'a Path,
    header: &'a Header,
    state: &'a mut State,
    entries: Vec<Entry>,
    replaced: bool,
}

impl Session<'_> {
    /// The state.
    pub(crate) fn state(&self) -> &State {
        self.state
    }

    /// What the store was created with.
    pub(crate) fn origin(&self) -> &Origin {
        &self.header.origin
    }

    /// How often each operation was called.
    pub(crate) fn calls(&self) -> Calls {
        Calls::of(self.directory)
    }

    /// Makes a change, to be written before the request is answered.
    pub(crate) fn change(&mut self, change: Change) -> Outcome {
        let outcome = self.state.apply(self.now, &change);
        self.entries.push(Entry {
            at: self.now,
            change,
        });
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

fn journal_bound(snapshot: &Path) -> u64 {
    let length = std::fs::metadata(snapshot).map_or(0, |metadata| metadata.len());
    JOURNAL_BOUND_BYTES.max(length / JOURNAL_PART_OF_SNAPSHOT)
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

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use drs_engine::sim::fleet::Fleet;
    use drs_engine::sim::world::admin::AdminCommand;
    use drs_engine::sim::world::fault::{Fault, Injected};

    use super::*;
    use crate::clock::Clock;

    /// A folder of a test's own, removed at its end.
    pub(crate) struct Folder(PathBuf);

    impl Folder {
        pub(crate) fn new() -> Self {
            static NUMBER: AtomicU32 = AtomicU32::new(0);
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let path = std::env::temp_dir().join(format!(
                "drs-simulator-test-{}-{number}",
                std::process::id()
            ));
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        pub(crate) fn path(&self) -> &Path {
            &self.0
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn genesis() -> Result<Genesis, StoreError> {
        let world = "2026-01-01T00:00:00Z".parse().unwrap();
        let origin = Origin {
            seed: 7,
            fleet_digest: "digest".to_owned(),
            default_account_id: "111122223333".to_owned(),
            default_region: "us-east-1".to_owned(),
        };
        let state = State::new(Fleet::built_in(), 7, Clock::Manual { world }, world);
        Ok(Genesis { origin, state })
    }

    pub(crate) fn open(folder: &Folder) -> Store {
        Store::open(folder.path(), genesis).unwrap().0
    }

    fn hold(store: &Store, operation: &str) {
        store
            .with(|session| {
                session.change(Change::Hold {
                    region: "us-east-1".to_owned(),
                    operation: operation.to_owned(),
                })
            })
            .unwrap();
    }

    fn held(store: &Store) -> Vec<String> {
        store
            .with(|session| {
                session
                    .state()
                    .holds
                    .values()
                    .map(|held| held.operation.clone())
                    .collect()
            })
            .unwrap()
    }

    fn snapshot(store: &Store) -> String {
        store
            .with(|session| serde_json::to_string(session.state()).unwrap())
            .unwrap()
    }

    #[test]
    fn two_handles_see_each_others_changes_and_agree_to_the_byte() {
        let folder = Folder::new();
        let (one, two) = (open(&folder), open(&folder));
        for number in 0..20 {
            hold(
                if number % 2 == 0 { &one } else { &two },
                &format!("op-{number}"),
            );
        }
        assert_eq!(held(&one).len(), 20);
        assert_eq!(held(&one), held(&two));
        assert_eq!(snapshot(&one), snapshot(&two));
        assert_eq!(snapshot(&open(&folder)), snapshot(&one));
    }

    #[test]
    fn a_torn_last_line_is_cut_off_and_nothing_before_it_is_lost() {
        let folder = Folder::new();
        let store = open(&folder);
        hold(&store, "one");
        hold(&store, "two");
        let path = journal_path(folder.path());
        let whole = std::fs::read(&path).unwrap();
        let second_line = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        let third_line = second_line
            + whole[second_line..]
                .iter()
                .position(|byte| *byte == b'\n')
                .unwrap()
            + 1;
        for cut in third_line..whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let store = open(&folder);
            assert_eq!(held(&store), ["one"], "cut at {cut}");
            hold(&store, "three");
            assert_eq!(held(&open(&folder)), ["one", "three"]);
        }
    }

    #[test]
    fn generations_change_for_everybody_and_leave_one_snapshot() {
        let folder = Folder::new();
        let (writer, reader) = (open(&folder), open(&folder));
        let long = "x".repeat(10_000);
        for _ in 0..60 {
            hold(&writer, &long);
        }
        assert_eq!(held(&reader).len(), 60);
        let files: Vec<String> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.starts_with("world-"))
            .collect();
        assert_eq!(files.len(), 1, "{files:?}");
        assert_ne!(files[0], "world-1.json");
        assert_eq!(snapshot(&writer), snapshot(&reader));
        assert_eq!(snapshot(&open(&folder)), snapshot(&reader));
    }

    #[test]
    fn a_generation_that_was_cut_short_is_begun_again() {
        let folder = Folder::new();
        let store = open(&folder);
        hold(&store, "one");
        // A process wrote half of the next snapshot, and was killed.
        std::fs::write(folder.path().join("world-2.json"), "{").unwrap();
        std::fs::write(folder.path().join("journal.new"), "{").unwrap();
        assert_eq!(held(&open(&folder)), ["one"]);
        store
            .with(|session| session.replace(session.state().clone()))
            .unwrap();
        assert_eq!(held(&open(&folder)), ["one"]);
        let header = journal::read_header(&journal_path(folder.path()))
            .unwrap()
            .unwrap()
            .0;
        assert_eq!(header.snapshot, "world-2.json");
    }

    #[test]
    fn a_panic_inside_a_request_changes_nothing_and_leaves_the_store_usable() {
        let folder = Folder::new();
        let store = open(&folder);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            store.with(|session| {
                let fault = Injected::next("StartRecovery", Fault::Hold);
                session.change(Change::Admin(AdminCommand::InjectFault(fault)));
                panic!("on purpose");
            })
        }));
        assert!(panicked.is_err());
        let faults = store
            .with(|session| session.state().world.inspect(&AdminCommand::ListFaults))
            .unwrap();
        assert_eq!(faults, serde_json::json!({"faults": []}));
        hold(&store, "one");
        assert_eq!(held(&open(&folder)), ["one"]);
    }

    #[test]
    fn foreign_and_newer_directories_are_refused() {
        let foreign = Folder::new();
        std::fs::write(foreign.path().join("letter.txt"), "dear").unwrap();
        let refused = Store::open(foreign.path(), genesis).err().unwrap();
        assert!(matches!(refused, StoreError::Foreign { .. }), "{refused}");
        assert!(!journal_path(foreign.path()).exists());

        let newer = Folder::new();
        drop(open(&newer));
        let path = journal_path(newer.path());
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("\"format\":1", "\"format\":2")).unwrap();
        let refused = Store::open(newer.path(), genesis).err().unwrap();
        assert!(
            matches!(refused, StoreError::Newer { found: 2, .. }),
            "{refused}"
        );

        std::fs::write(&path, "{}\n").unwrap();
        let refused = Store::open(newer.path(), genesis).err().unwrap();
        assert!(
            matches!(refused, StoreError::Damaged { line: 1, .. }),
            "{refused}"
        );
    }

    #[test]
    fn an_interrupted_creation_is_begun_again() {
        let folder = Folder::new();
        std::fs::write(folder.path().join("world-1.json"), "{").unwrap();
        std::fs::write(folder.path().join("journal.new"), "{").unwrap();
        assert_eq!(held(&open(&folder)), [""; 0]);
    }

    #[test]
    fn the_token_stays_the_same_and_is_private() {
        let folder = Folder::new();
        let store = open(&folder);
        assert_eq!(store.admin_token(|| "one".to_owned()).unwrap(), "one");
        assert_eq!(
            open(&folder).admin_token(|| "two".to_owned()).unwrap(),
            "one"
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            for name in [ADMIN_TOKEN, "journal.jsonl", "world-1.json", "lock"] {
                let metadata = std::fs::metadata(folder.path().join(name)).unwrap();
                assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{name}");
            }
        }
    }

    #[test]
    fn opening_and_catching_up_are_quick() {
        let folder = Folder::new();
        let store = open(&folder);
        for number in 0..400 {
            hold(&store, &format!("op-{number}"));
        }
        let started = std::time::Instant::now();
        assert_eq!(held(&open(&folder)).len(), 400);
        // A few milliseconds; the bound is generous for a busy machine.
        assert!(
            started.elapsed() < std::time::Duration::from_millis(500),
            "{:?}",
            started.elapsed()
        );
    }
}
