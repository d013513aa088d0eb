//! Target accounts: made, read, changed and deleted under their rules.
//!
//! - There is one item per account, and its key is the account: two people cannot add one account twice.
//! - An external id is made once and never changes. Whoever needs another deletes the target and adds it again.
//! - A write names the version it was based on.
//! - A target is not deleted while a protection group names servers in its account, nor while an execution may have recovery
//!   instances there, which nothing could terminate afterwards; the same goes for a Region of it. Whoever wants to keep them
//!   says so. Groups and executions are looked for in lists, which may be seconds behind: this is a courtesy to people, not
//!   a guard. No call is ever made for an account without a target, so what slips through loses nothing that adding the
//!   target again would not bring back.

use std::collections::BTreeSet;
use std::fmt;

use crate::ids::ExecutionId;
use crate::limits;
use crate::time::Now;

use super::claim::Claim;
use super::claims::{self, ClaimError, Owners};
use super::codec::ReadError;
use super::executions::Executions;
use super::groups::Groups;
use super::items::{Condition, Index, IndexQuery, Items, Value, Write};
use super::keys;
use super::target::{ExternalId, TargetAccount, TargetConfig, TargetProblem};

/// The target accounts of an environment.
#[derive(Clone, Debug)]
pub struct Targets<I> {
    items: I,
}

/// What becomes of recovery instances in an account whose target is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instances {
    /// They stay within reach: while there may be some, the target is not deleted.
    Keep,
    /// They are left to whoever has the account.
    Leave,
}

/// Why something could not be done with a target account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetError {
    /// There is none for this account.
    Missing(String),
    /// There is one for this account already.
    Exists(String),
    /// Something about it makes no sense.
    Invalid(Vec<TargetProblem>),
    /// Protection groups name servers in its account.
    InUse {
        /// The account.
        account_id: String,
        /// The names of the groups.
        groups: Vec<String>,
    },
    /// Executions may have recovery instances there.
    HasInstances {
        /// The account.
        account_id: String,
        /// The Regions that were to go; none when the whole target was.
        regions: Option<BTreeSet<String>>,
        /// The executions and the names of their plans, newest first.
        executions: Vec<(ExecutionId, String)>,
    },
    /// Somebody else changed it meanwhile.
    Changed(String),
    /// Something could not be read or written.
    Read(ReadError),
    /// Others kept writing.
    Contended(String),
}

impl<I: Items + Clone> Targets<I> {
    /// The target accounts in a store.
    pub fn new(items: I) -> Self {
        Self { items }
    }

    /// Makes the target of an account. The store is written to, and nothing else is called, so that the role in the other
    /// account can be written afterwards, with the external id that is in the answer.
    ///
    /// # Errors
    ///
    /// When the account has one already, something about it makes no sense, or the store cannot be used.
    pub async fn create(
        &self,
        account_id: &str,
        config: TargetConfig,
        external_id: ExternalId,
        now: Now,
    ) -> Result<TargetAccount, TargetError> {
        let target = TargetAccount {
            account_id: account_id.to_owned(),
            config,
            external_id,
            version: 1,
            created_at: now.wall,
            modified_at: now.wall,
        };
        check(&target)?;
        let put = Write::Put {
            item: target.encode(),
            condition: Condition::Absent,
        };
        match self.write(account_id, put).await {
            Ok(()) => Ok(target),
            Err(TargetError::Changed(account_id)) => Err(TargetError::Exists(account_id)),
            Err(error) => Err(error),
        }
    }

    /// The target of an account, or none.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn find(&self, account_id: &str) -> Result<Option<TargetAccount>, ReadError> {
        self.items
            .get(&keys::target_account(account_id))
            .await?
            .as_ref()
            .map(TargetAccount::decode)
            .transpose()
    }

    /// Every target, by account; eventually consistent.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn list(&self) -> Result<Vec<TargetAccount>, ReadError> {
        let mut targets = Vec::new();
        let mut start = None;
        for _ in 0..limits::PAGES_PER_LIST {
            let query = IndexQuery {
                index: Index::Groups,
                partition: "TARGET".to_owned(),
                start,
                limit: limits::ITEMS_PER_PAGE,
            };
            let page = self.items.index(&query).await?;
            for item in &page.items {
                targets.push(TargetAccount::decode(item)?);
            }
            start = page.items.into_iter().next_back().filter(|_| page.more);
            if start.is_none() {
                break;
            }
        }
        targets.sort_by(|one, other| one.account_id.cmp(&other.account_id));
        Ok(targets)
    }

    /// Changes the configuration of a target. Its external id stays.
    ///
    /// # Errors
    ///
    /// When there is none, somebody else changed it meanwhile, something about it makes no sense, executions may have
    /// recovery instances in a Region that is to go, or the store cannot be used.
    pub async fn update(
        &self,
        account_id: &str,
        config: TargetConfig,
        now: Now,
    ) -> Result<TargetAccount, TargetError> {
        let before = self
            .find(account_id)
            .await?
            .ok_or_else(|| TargetError::Missing(account_id.to_owned()))?;
        let gone: BTreeSet<String> = before
            .config
            .regions
            .difference(&config.regions)
            .cloned()
            .collect();
        if !gone.is_empty() {
            self.has_nothing_left(account_id, Some(gone)).await?;
        }
        let condition = at_version(before.version);
        let target = TargetAccount {
            config,
            version: before.version + 1,
            modified_at: now.wall,
            ..before
        };
        check(&target)?;
        let put = Write::Put {
            item: target.encode(),
            condition,
        };
        self.write(account_id, put).await?;
        Ok(target)
    }

    /// Deletes the target of an account. One that does not exist is deleted already.
    ///
    /// # Errors
    ///
    /// When protection groups name servers in the account, executions may have recovery instances there that are not to be
    /// left, or the store cannot be used.
    pub async fn delete(&self, account_id: &str, instances: Instances) -> Result<(), TargetError> {
        for _ in 0..limits::APPEND_ATTEMPTS {
            let Some(target) = self.find(account_id).await? else {
                return Ok(());
            };
            let groups = self.groups_of(account_id).await?;
            if !groups.is_empty() {
                return Err(TargetError::InUse {
                    account_id: account_id.to_owned(),
                    groups,
                });
            }
            if instances == Instances::Keep {
                self.has_nothing_left(account_id, None).await?;
            }
            let delete = Write::Delete {
                key: keys::target_account(account_id),
                condition: at_version(target.version),
            };
            match self.write(account_id, delete).await {
                Err(TargetError::Changed(_) | TargetError::Contended(_)) => {}
                done => return done,
            }
        }
        Err(TargetError::Contended(account_id.to_owned()))
    }

    /// The names of the protection groups with servers in an account, as the list of groups tells them.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn groups_of(&self, account_id: &str) -> Result<Vec<String>, ReadError> {
        let groups = Groups::new(self.items.clone());
        let mut names = Vec::new();
        let mut start = None;
        for _ in 0..limits::PAGES_PER_LIST {
            let (page, next) = groups.list(start, limits::ITEMS_PER_PAGE).await?;
            names.extend(
                page.into_iter()
                    .filter(|group| group.config.target.account_id == account_id)
                    .map(|group| group.config.name),
            );
            start = next;
            if start.is_none() {
                break;
            }
        }
        Ok(names)
    }

    /// Whether no execution may have recovery instances in an account, or in some Regions of it.
    async fn has_nothing_left(
        &self,
        account_id: &str,
        regions: Option<BTreeSet<String>>,
    ) -> Result<(), TargetError> {
        let executions = Executions::new(self.items.clone());
        let left = executions.left_in(account_id, regions.as_ref()).await?;
        if left.is_empty() {
            return Ok(());
        }
        let named = left.into_iter().map(|it| (it.execution_id, it.plan_name));
        Err(TargetError::HasInstances {
            account_id: account_id.to_owned(),
            regions,
            executions: named.collect(),
        })
    }

    /// Makes one write, also over a lost answer.
    async fn write(&self, account_id: &str, write: Write) -> Result<(), TargetError> {
        claims::take_together(&self.items, &NoClaims, &[], vec![write])
            .await
            .map_err(|error| match error {
                ClaimError::Held(_) | ClaimError::Changed => {
                    TargetError::Changed(account_id.to_owned())
                }
                ClaimError::Read(error) => TargetError::Read(error),
                ClaimError::Contended => TargetError::Contended(account_id.to_owned()),
            })
    }
}

/// Targets claim nothing: the account is the key.
struct NoClaims;

impl Owners for NoClaims {
    async fn counts(&self, _claim: &Claim) -> Result<bool, ReadError> {
        Ok(true)
    }
}

fn check(target: &TargetAccount) -> Result<(), TargetError> {
    let problems = target.problems();
    if problems.is_empty() {
        Ok(())
    } else {
        Err(TargetError::Invalid(problems))
    }
}

fn at_version(version: i64) -> Condition {
    Condition::Equals(vec![("Version", Value::Number(version))])
}

impl From<ReadError> for TargetError {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(account) => {
                write!(f, "account {account} is not a target of this environment")
            }
            Self::Exists(account) => write!(f, "account {account} is a target already"),
            Self::Invalid(problems) => {
                let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
                write!(f, "{}", texts.join("; "))
            }
            Self::InUse { account_id, groups } => write!(
                f,
                "protection groups name servers in account {account_id}: {}",
                crate::resolve::some_of(groups)
            ),
            Self::HasInstances {
                account_id,
                regions,
                executions,
            } => {
                let named = |(id, plan): &(ExecutionId, String)| format!("{id} ({plan:?})");
                let named: Vec<String> = executions.iter().map(named).collect();
                let regions: Vec<&str> = regions.iter().flatten().map(String::as_str).collect();
                let place = match regions.as_slice() {
                    [] => String::new(),
                    regions => format!(" in {}", regions.join(" and ")),
                };
                write!(
                    f,
                    "account {account_id} may have recovery instances{place} of {}",
                    crate::resolve::some_of(&named)
                )
            }
            Self::Changed(account) => write!(
                f,
                "the target of account {account} was changed by somebody else meanwhile"
            ),
            Self::Read(error) => write!(f, "{error}"),
            Self::Contended(account) => {
                write!(f, "others kept writing to the target of account {account}")
            }
        }
    }
}

impl std::error::Error for TargetError {}

#[cfg(test)]
mod tests;
