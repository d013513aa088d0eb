//! Claims: taking many things for one owner, or none of them.
//!
//! A claim is one conditional item. What fits one transaction is taken together with its owner's own item. More is taken
//! in sorted batches under an owner that is marked as claiming, with a deadline; the owner is committed only after the
//! last batch, and only if nobody has declared it dead meanwhile. Whoever runs into the claim of an owner that no longer
//! counts takes it over; of an owner whose deadline has passed, it first takes away the mark, so that the late owner's
//! commit must fail.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;

use crate::limits;
use crate::ports::{CallError, Kind};

use super::claim::Claim;
use super::codec::ReadError;
use super::items::{Items, Key, Write, WriteError};
use super::memory::key_of;

/// Claims of one batch: room is left for the owner's own items.
pub(crate) const CLAIMS_PER_BATCH: usize = limits::ITEMS_PER_TRANSACTION - 10;
/// How many conflicts are named; the rest is counted.
const NAMED_CONFLICTS: usize = 10;

/// Says whether the owner of a claim still counts.
pub(crate) trait Owners: Sync {
    /// Whether the claim counts. Where the owner was claiming and is overdue, its mark is taken away first.
    fn counts(&self, claim: &Claim) -> impl Future<Output = Result<bool, ReadError>> + Send;
}

/// What could not be claimed, because others hold it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// What is held, with the id and the name of its holder; the first ten.
    pub by: Vec<(String, String, String)>,
    /// How many there are in all.
    pub count: usize,
}

impl Held {
    /// What others hold, as a start that runs into it says it.
    pub(crate) fn of(all: Vec<(String, String, String)>) -> Self {
        let count = all.len();
        let by = all.into_iter().take(NAMED_CONFLICTS).collect();
        Self { by, count }
    }
}

/// Why claims were not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimError {
    /// Others hold some of them.
    Held(Held),
    /// A condition beside the claims did not hold.
    Changed,
    /// Something could not be read or written.
    Read(ReadError),
    /// Others kept writing.
    Contended,
}

/// Takes claims together with other writes of their owner, as one transaction.
///
/// A lost answer is made up for by asking again: the transaction is either made now, or shows that it was made before.
pub(crate) async fn take_together<I: Items, O: Owners>(
    items: &I,
    owners: &O,
    claims: &[Claim],
    others: Vec<Write>,
) -> Result<(), ClaimError> {
    let mut writes: BTreeMap<Key, (Claim, Write)> = claims
        .iter()
        .map(|claim| (claim.key.clone(), (claim.clone(), claim.take())))
        .collect();
    let mut unsure = false;
    for _ in 0..limits::APPEND_ATTEMPTS {
        let all: Vec<Write> = writes
            .values()
            .map(|(_, write)| write.clone())
            .chain(others.clone())
            .collect();
        if all.is_empty() {
            return Ok(());
        }
        match items.transact(all.clone()).await {
            Ok(()) => return Ok(()),
            Err(WriteError::Call(error)) if error.kind == Kind::Refused => {
                return Err(ReadError::Call(error).into());
            }
            Err(WriteError::Call(error)) => {
                unsure |= error.kind == Kind::Unknown;
                continue;
            }
            Err(WriteError::Conflict(positions)) => {
                let lost: Vec<&Write> = positions
                    .iter()
                    .filter_map(|position| all.get(*position))
                    .collect();
                let mut held = Held {
                    by: Vec::new(),
                    count: 0,
                };
                let mut other_failed = false;
                for write in lost {
                    match writes.get(key_of(write)).map(|(claim, _)| claim.clone()) {
                        None => other_failed = true,
                        Some(claim) => {
                            look_again(items, owners, &claim, &mut writes, &mut held).await?
                        }
                    }
                }
                if held.count > 0 {
                    return Err(ClaimError::Held(held));
                }
                if other_failed {
                    return if unsure && is_made(items, &all).await? {
                        Ok(())
                    } else {
                        Err(ClaimError::Changed)
                    };
                }
            }
        }
    }
    Err(ClaimError::Contended)
}

/// Takes any number of claims in sorted batches. On a conflict, what was taken is given back.
pub(crate) async fn take_in_batches<I: Items, O: Owners>(
    items: &I,
    owners: &O,
    claims: &[Claim],
) -> Result<(), ClaimError> {
    let mut sorted = claims.to_vec();
    sorted.sort_by(|one, other| one.key.cmp(&other.key));
    for (number, batch) in sorted.chunks(CLAIMS_PER_BATCH).enumerate() {
        if let Err(error) = take_together(items, owners, batch, Vec::new()).await {
            let taken = &sorted[..number * CLAIMS_PER_BATCH];
            release(items, taken).await;
            return Err(error);
        }
    }
    Ok(())
}

/// Gives claims back, as far as that is possible now. What is left behind does not count, because its owner does not
/// list it; so an error here is not one.
pub(crate) async fn release<I: Items>(items: &I, claims: &[Claim]) {
    for batch in claims.chunks(CLAIMS_PER_BATCH) {
        let mut writes: Vec<Write> = batch.iter().map(Claim::release).collect();
        for _ in 0..limits::APPEND_ATTEMPTS {
            if writes.is_empty() {
                break;
            }
            match items.transact(writes.clone()).await {
                Ok(()) => break,
                Err(WriteError::Conflict(positions)) => {
                    let keep = |position: &usize| !positions.contains(position);
                    writes = writes
                        .iter()
                        .enumerate()
                        .filter(|(at, _)| keep(at))
                        .map(|(_, write)| write.clone())
                        .collect();
                }
                Err(WriteError::Call(error)) if error.kind == Kind::Refused => return,
                Err(WriteError::Call(_)) => {}
            }
        }
    }
}

/// A claim that was not taken: it is ours already, or its owner no longer counts, or it is held.
async fn look_again<I: Items, O: Owners>(
    items: &I,
    owners: &O,
    claim: &Claim,
    writes: &mut BTreeMap<Key, (Claim, Write)>,
    held: &mut Held,
) -> Result<(), ClaimError> {
    let Some(item) = items.get(&claim.key).await.map_err(ReadError::Call)? else {
        writes.insert(claim.key.clone(), (claim.clone(), claim.take()));
        return Ok(());
    };
    let present = Claim::decode(&item)?;
    if present.owner == claim.owner {
        let check = Write::Check {
            key: claim.key.clone(),
            condition: super::claim::held_by(&claim.owner),
        };
        writes.insert(claim.key.clone(), (claim.clone(), check));
    } else if owners.counts(&present).await? {
        held.count += 1;
        if held.by.len() < NAMED_CONFLICTS {
            held.by
                .push((thing(&claim.key), present.owner, present.owner_name));
        }
    } else {
        writes.insert(
            claim.key.clone(),
            (claim.clone(), claim.take_from(&present.owner)),
        );
    }
    Ok(())
}

/// Whether a transaction of unknown outcome was made: everything it puts is there, and what it deletes is not.
async fn is_made<I: Items>(items: &I, writes: &[Write]) -> Result<bool, ClaimError> {
    for write in writes {
        let wanted = match write {
            Write::Put { item, .. } => Some(item),
            Write::Delete { .. } => None,
            Write::Check { .. } => continue,
        };
        let found = items.get(key_of(write)).await.map_err(ReadError::Call)?;
        if found.as_ref() != wanted {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The name or server at the end of a claim's key.
fn thing(key: &Key) -> String {
    key.partition
        .rsplit('#')
        .next()
        .unwrap_or(&key.partition)
        .to_owned()
}

impl From<ReadError> for ClaimError {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

impl From<CallError> for ClaimError {
    fn from(error: CallError) -> Self {
        Self::Read(ReadError::Call(error))
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named: Vec<String> = self
            .by
            .iter()
            .map(|(what, id, name)| format!("{what} by {name:?} ({id})"))
            .collect();
        write!(f, "{}", named.join(", "))?;
        let more = self.count.saturating_sub(self.by.len());
        if more > 0 {
            write!(f, " and {more} more")
        } else {
            Ok(())
        }
    }
}

impl fmt::Display for ClaimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held(held) => write!(f, "held by others: {held}"),
            Self::Changed => write!(
                f,
                "it was changed by somebody else meanwhile; nothing was written"
            ),
            Self::Read(error) => write!(f, "{error}"),
            Self::Contended => write!(f, "others kept writing; nothing was taken, try again"),
        }
    }
}

impl std::error::Error for ClaimError {}
