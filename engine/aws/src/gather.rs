//! Reads that are asked for at about the same time, made in one call.
//!
//! Terraform reads every resource by itself, several at once. Each read waits a moment for the others; what has gathered by
//! then is one call. A read never gets what was looked up before it was asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use drs_engine::ports::{CallError, Kind};
use tokio::sync::oneshot;
use tracing::Instrument as _;

use crate::classify::{CONNECTION_LOST, Call};

/// What came of each key. One that is not in it has the value that there is by default.
pub(crate) type Found<K, V> = BTreeMap<K, Result<V, CallError>>;

/// Reads of one kind. Clones gather together.
#[derive(Clone, Debug)]
pub(crate) struct Gather<K, V> {
    call: Call,
    most: usize,
    wait: Duration,
    waiting: Arc<Mutex<Vec<Waiting<K, V>>>>,
}

/// One read that waits for its call.
#[derive(Debug)]
struct Waiting<K, V> {
    keys: BTreeSet<K>,
    answer: oneshot::Sender<Found<K, V>>,
}

impl<K, V> Gather<K, V>
where
    K: Clone + Debug + Ord + Send + Sync + 'static,
    V: Clone + Debug + Send + Sync + 'static,
{
    /// Reads by this call, which is made at once when this many keys wait, and after this time in any case.
    pub(crate) fn new(call: Call, most: usize, wait: Duration) -> Self {
        Self {
            call,
            most,
            wait,
            waiting: Arc::default(),
        }
    }

    /// What `load` finds for these keys, and for those that others ask for meanwhile. Whoever comes first gives the load.
    pub(crate) async fn read<F, Loaded>(
        &self,
        keys: BTreeSet<K>,
        load: F,
    ) -> Result<Found<K, V>, CallError>
    where
        F: FnOnce(BTreeSet<K>) -> Loaded + Send + 'static,
        Loaded: Future<Output = Found<K, V>> + Send,
    {
        let (answer, answered) = oneshot::channel();
        match self.join(Waiting { keys, answer }) {
            Joined::First => {
                let gather = self.clone();
                let soon = async move {
                    tokio::time::sleep(gather.wait).await;
                    let waiting = std::mem::take(&mut *gather.lock());
                    serve(waiting, load).await;
                };
                tokio::spawn(soon.in_current_span());
            }
            Joined::Last(waiting) => {
                tokio::spawn(async move { serve(waiting, load).await }.in_current_span());
            }
            Joined::Between => {}
        }
        // Only an end of the process, or a fault in the load, leaves a read without its answer.
        let lost = |_| {
            self.call
                .error(Kind::Busy, CONNECTION_LOST, "the read was given up")
        };
        answered.await.map_err(lost)
    }

    fn join(&self, read: Waiting<K, V>) -> Joined<K, V> {
        let mut waiting = self.lock();
        let is_first = waiting.is_empty();
        waiting.push(read);
        if keys_of(&waiting).len() >= self.most {
            Joined::Last(std::mem::take(&mut *waiting))
        } else if is_first {
            Joined::First
        } else {
            Joined::Between
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Waiting<K, V>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which place a read has among those that make one call.
enum Joined<K, V> {
    /// It waits for others.
    First,
    /// Another one's load serves it.
    Between,
    /// There is no room for more: these are loaded now.
    Last(Vec<Waiting<K, V>>),
}

fn keys_of<K: Clone + Ord, V>(waiting: &[Waiting<K, V>]) -> BTreeSet<K> {
    waiting
        .iter()
        .flat_map(|read| read.keys.iter().cloned())
        .collect()
}

async fn serve<K, V, F, Loaded>(waiting: Vec<Waiting<K, V>>, load: F)
where
    K: Clone + Ord,
    V: Clone,
    F: FnOnce(BTreeSet<K>) -> Loaded,
    Loaded: Future<Output = Found<K, V>>,
{
    if waiting.is_empty() {
        return;
    }
    let found = load(keys_of(&waiting)).await;
    for read in waiting {
        let own = read
            .keys
            .iter()
            .filter_map(|key| found.get(key).map(|value| (key.clone(), value.clone())))
            .collect();
        // Whoever asked may be gone.
        let _ = read.answer.send(own);
    }
}
