//! Recovery plans: made, read, changed and deleted under their rules.
//!
//! A plan cannot be changed or deleted while an execution of it runs. Its own item says which that is; no index is asked.

use std::collections::BTreeMap;
use std::fmt;

use crate::ids::{ExecutionId, PlanId};
use crate::limits;
use crate::plan::PlanSpec;
use crate::time::Now;

use super::claim::Claim;
use super::claims::{self, ClaimError, Owners};
use super::codec::ReadError;
use super::executions::is_live;
use super::items::{Condition, Index, IndexQuery, Item, Items, Value, Write};
use super::keys;
use super::plan::StoredPlan;

/// The recovery plans of an environment.
#[derive(Clone, Debug)]
pub struct Plans<I> {
    items: I,
}

/// Why something could not be done with a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanStoreError {
    /// There is no such plan.
    Missing(PlanId),
    /// The name belongs to another plan.
    NameTaken {
        /// The name.
        name: String,
        /// The other plan.
        by: PlanId,
    },
    /// An execution of the plan runs.
    InUse {
        /// The plan's name.
        name: String,
        /// The execution.
        by: ExecutionId,
    },
    /// Somebody else changed it meanwhile.
    Changed,
    /// Something could not be read or written.
    Read(ReadError),
    /// Others kept writing.
    Contended,
}

impl<I: Items + Clone> Plans<I> {
    /// The plans in a store.
    pub fn new(items: I) -> Self {
        Self { items }
    }

    /// Makes a plan. The specification has been parsed before.
    ///
    /// # Errors
    ///
    /// When its name belongs to another plan, or the store cannot be used.
    pub async fn create(
        &self,
        id: PlanId,
        spec: PlanSpec,
        tags: BTreeMap<String, String>,
        now: Now,
    ) -> Result<StoredPlan, PlanStoreError> {
        let plan = StoredPlan {
            id,
            spec,
            tags,
            version: 1,
            created_at: now.wall,
            modified_at: now.wall,
            runs: 0,
            execution: None,
        };
        self.restore(plan.clone()).await?;
        Ok(plan)
    }

    /// Makes a plan that was made before, elsewhere.
    ///
    /// # Errors
    ///
    /// As [`Self::create`].
    pub async fn restore(&self, plan: StoredPlan) -> Result<(), PlanStoreError> {
        let put = Write::Put {
            item: plan.encode(),
            condition: Condition::Absent,
        };
        self.write(&plan, &[name_claim(&plan)], put).await
    }

    /// A plan, or none.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn find(&self, id: &PlanId) -> Result<Option<StoredPlan>, ReadError> {
        self.items
            .get(&keys::plan(id))
            .await?
            .as_ref()
            .map(StoredPlan::decode)
            .transpose()
    }

    /// A plan by its name, without regard to case, or none.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn find_by_name(&self, name: &str) -> Result<Option<StoredPlan>, ReadError> {
        let Some(item) = self.items.get(&keys::plan_name(name)).await? else {
            return Ok(None);
        };
        let id = PlanId::new(Claim::decode(&item)?.owner);
        Ok(self
            .find(&id)
            .await?
            .filter(|plan| plan.spec.name.to_lowercase() == name.to_lowercase()))
    }

    /// The plan that a person means: the one with this id, else the one with this name, without regard to case.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn find_by_id_or_name(&self, meant: &str) -> Result<Option<StoredPlan>, ReadError> {
        match self.find(&PlanId::new(meant)).await? {
            Some(plan) => Ok(Some(plan)),
            None => self.find_by_name(meant).await,
        }
    }

    /// Changes a plan.
    ///
    /// # Errors
    ///
    /// As [`Self::create`]; also while an execution of it runs.
    pub async fn update(
        &self,
        id: &PlanId,
        spec: PlanSpec,
        tags: BTreeMap<String, String>,
        now: Now,
    ) -> Result<StoredPlan, PlanStoreError> {
        let before = self
            .find(id)
            .await?
            .ok_or_else(|| PlanStoreError::Missing(id.clone()))?;
        self.refuse_while_in_use(&before).await?;
        let condition = at_version(before.version);
        let plan = StoredPlan {
            spec,
            tags,
            version: before.version + 1,
            modified_at: now.wall,
            ..before.clone()
        };
        let renamed = name_claim(&plan).key != name_claim(&before).key;
        let claims: Vec<Claim> = renamed.then(|| name_claim(&plan)).into_iter().collect();
        self.write(
            &plan,
            &claims,
            Write::Put {
                item: plan.encode(),
                condition,
            },
        )
        .await?;
        if renamed {
            claims::release(&self.items, &[name_claim(&before)]).await;
        }
        Ok(plan)
    }

    /// Deletes a plan; its history stays. One that does not exist is deleted already.
    ///
    /// # Errors
    ///
    /// While an execution of it runs, or when the store cannot be used.
    pub async fn delete(&self, id: &PlanId) -> Result<(), PlanStoreError> {
        for _ in 0..limits::APPEND_ATTEMPTS {
            let Some(plan) = self.find(id).await? else {
                return Ok(());
            };
            self.refuse_while_in_use(&plan).await?;
            let delete = Write::Delete {
                key: keys::plan(id),
                condition: at_version(plan.version),
            };
            match self.write(&plan, &[], delete).await {
                Ok(()) => {
                    claims::release(&self.items, &[name_claim(&plan)]).await;
                    return Ok(());
                }
                Err(PlanStoreError::Changed | PlanStoreError::Contended) => {}
                Err(error) => return Err(error),
            }
        }
        Err(PlanStoreError::Contended)
    }

    /// One page of plans by name, descending; eventually consistent.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn list(
        &self,
        start: Option<Item>,
        limit: usize,
    ) -> Result<(Vec<StoredPlan>, Option<Item>), ReadError> {
        let query = IndexQuery {
            index: Index::Plans,
            partition: "PLAN".to_owned(),
            start,
            limit,
        };
        let page = self.items.index(&query).await?;
        let plans = page
            .items
            .iter()
            .map(StoredPlan::decode)
            .collect::<Result<_, _>>()?;
        Ok((
            plans,
            page.items.into_iter().next_back().filter(|_| page.more),
        ))
    }

    /// Every plan, by name; eventually consistent.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn all(&self) -> Result<Vec<StoredPlan>, ReadError> {
        let mut plans = Vec::new();
        let mut start = None;
        for _ in 0..limits::LIST_PAGES {
            let (found, next) = self.list(start, limits::LIST_PAGE).await?;
            plans.extend(found);
            start = next;
            if start.is_none() {
                break;
            }
        }
        plans.sort_by(|a, b| (&a.spec.name, &a.id).cmp(&(&b.spec.name, &b.id)));
        Ok(plans)
    }

    /// The execution of a plan that runs now, where there is one.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn running(&self, plan: &StoredPlan) -> Result<Option<ExecutionId>, ReadError> {
        match &plan.execution {
            Some(id) if is_live(&self.items, id).await? => Ok(Some(id.clone())),
            _ => Ok(None),
        }
    }

    async fn refuse_while_in_use(&self, plan: &StoredPlan) -> Result<(), PlanStoreError> {
        match self.running(plan).await? {
            Some(by) => Err(PlanStoreError::InUse {
                name: plan.spec.name.clone(),
                by,
            }),
            None => Ok(()),
        }
    }

    async fn write(
        &self,
        plan: &StoredPlan,
        claims: &[Claim],
        write: Write,
    ) -> Result<(), PlanStoreError> {
        let owners = PlanOwners { items: &self.items };
        claims::take_together(&self.items, &owners, claims, vec![write])
            .await
            .map_err(|error| match error {
                ClaimError::Held(held) => {
                    let by = held
                        .by
                        .first()
                        .map_or_else(String::new, |(_, by, _)| by.clone());
                    PlanStoreError::NameTaken {
                        name: plan.spec.name.clone(),
                        by: PlanId::new(by),
                    }
                }
                ClaimError::Changed => PlanStoreError::Changed,
                ClaimError::Read(error) => PlanStoreError::Read(error),
                ClaimError::Contended => PlanStoreError::Contended,
            })
    }
}

/// Judges the claims of plans.
struct PlanOwners<'a, I> {
    items: &'a I,
}

impl<I: Items> Owners for PlanOwners<'_, I> {
    async fn counts(&self, claim: &Claim) -> Result<bool, ReadError> {
        let item = self
            .items
            .get(&keys::plan(&PlanId::new(&claim.owner)))
            .await?;
        let plan = item.as_ref().map(StoredPlan::decode).transpose()?;
        Ok(plan.is_some_and(|plan| keys::plan_name(&plan.spec.name) == claim.key))
    }
}

fn name_claim(plan: &StoredPlan) -> Claim {
    Claim {
        key: keys::plan_name(&plan.spec.name),
        owner: plan.id.to_string(),
        owner_name: plan.spec.name.clone(),
    }
}

fn at_version(version: i64) -> Condition {
    Condition::Equals(vec![("Version", Value::Number(version))])
}

impl From<ReadError> for PlanStoreError {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

impl fmt::Display for PlanStoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(id) => write!(f, "there is no recovery plan {id}"),
            Self::NameTaken { name, by } => {
                write!(
                    f,
                    "the name {name:?} belongs to recovery plan {by} already; case does not matter"
                )
            }
            Self::InUse { name, by } => {
                write!(f, "recovery plan {name:?} is being run by execution {by}")
            }
            Self::Changed => write!(
                f,
                "the recovery plan was changed by somebody else meanwhile; nothing was written"
            ),
            Self::Read(error) => write!(f, "{error}"),
            Self::Contended => write!(
                f,
                "others kept writing to the recovery plan; nothing was written, try again"
            ),
        }
    }
}

impl std::error::Error for PlanStoreError {}

#[cfg(test)]
mod tests;
