//! Protection groups: made, read, changed and deleted under their rules.
//!
//! - A name belongs to one group, without regard to case. A listed server belongs to one group.
//! - Which servers a group has cannot change while an execution that was started with it runs, nor can it be deleted.
//! - A write names the version it was based on.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;

use crate::ids::{ExecutionId, GroupId, ServerId, Target};
use crate::limits;
use crate::time::{Now, after};

use super::claim::Claim;
use super::claims::{self, CLAIMS_PER_BATCH, ClaimError, Held, Owners};
use super::codec::ReadError;
use super::executions::is_live;
use super::group::{Group, GroupConfig};
use super::items::{Condition, Index, IndexQuery, Item, Items, Value, Write, WriteError};
use super::keys;

/// The protection groups of an environment.
#[derive(Clone, Debug)]
pub struct Groups<I> {
    items: I,
}

/// Why something could not be done with a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupError {
    /// There is no such group.
    Missing(GroupId),
    /// The name belongs to another group.
    NameTaken {
        /// The name.
        name: String,
        /// The other group.
        by: GroupId,
    },
    /// Servers belong to other groups.
    ServersTaken(Held),
    /// An execution that uses the group runs.
    InUse {
        /// The group's name.
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

impl<I: Items + Clone> Groups<I> {
    /// The groups in a store.
    pub fn new(items: I) -> Self {
        Self { items }
    }

    /// Makes a group.
    ///
    /// # Errors
    ///
    /// When its name or a listed server belongs to another group, or the store cannot be used. Nothing is left behind.
    pub async fn create(
        &self,
        id: GroupId,
        config: GroupConfig,
        now: Now,
    ) -> Result<Group, GroupError> {
        let claims = claims_of(&id, &config, config.selection.listed());
        let fits = claims.len() <= CLAIMS_PER_BATCH;
        let mut group = Group {
            id,
            config,
            version: 1,
            created_at: now.wall,
            modified_at: now.wall,
            executions: BTreeSet::new(),
            claiming_until: (!fits).then(|| after(now.wall, limits::CLAIMING_TIMEOUT)),
            is_complete: fits,
        };
        let owners = GroupOwners {
            items: &self.items,
            now,
        };
        let put = Write::Put {
            item: group.encode(),
            condition: Condition::Absent,
        };
        let (first, rest) = if fits {
            (claims.as_slice(), &[][..])
        } else {
            claims.split_at(1)
        };
        claims::take_together(&self.items, &owners, first, vec![put])
            .await
            .map_err(|error| self.explain(error, &group.config))?;
        if fits {
            return Ok(group);
        }
        if let Err(error) = claims::take_in_batches(&self.items, &owners, rest).await {
            let _ = self
                .write(vec![Write::Delete {
                    key: keys::group(&group.id),
                    condition: at_version(1),
                }])
                .await;
            claims::release(&self.items, first).await;
            return Err(self.explain(error, &group.config));
        }
        self.commit(&mut group).await?;
        Ok(group)
    }

    /// A group, or none.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn find(&self, id: &GroupId) -> Result<Option<Group>, ReadError> {
        Ok(read(&self.items, id)
            .await?
            .filter(|group| group.is_complete))
    }

    /// The groups with these ids; those that do not exist are left out.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn find_all(
        &self,
        ids: impl IntoIterator<Item = &GroupId>,
    ) -> Result<BTreeMap<GroupId, Group>, ReadError> {
        let keys = ids.into_iter().map(keys::group).collect();
        let items = self.items.get_all(keys).await?;
        let groups = items
            .values()
            .map(Group::decode)
            .collect::<Result<Vec<_>, _>>()?;
        let complete = groups.into_iter().filter(|group| group.is_complete);
        Ok(complete.map(|group| (group.id.clone(), group)).collect())
    }

    /// A group by its name, without regard to case, or none.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn find_by_name(&self, name: &str) -> Result<Option<Group>, ReadError> {
        let Some(item) = self.items.get(&keys::group_name(name)).await? else {
            return Ok(None);
        };
        let id = GroupId::new(Claim::decode(&item)?.owner);
        Ok(self
            .find(&id)
            .await?
            .filter(|group| group.config.name.to_lowercase() == name.to_lowercase()))
    }

    /// The group that a person means: the one with this id, else the one with this name, without regard to case.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn find_by_id_or_name(&self, meant: &str) -> Result<Option<Group>, ReadError> {
        match self.find(&GroupId::new(meant)).await? {
            Some(group) => Ok(Some(group)),
            None => self.find_by_name(meant).await,
        }
    }

    /// Changes a group's configuration.
    ///
    /// # Errors
    ///
    /// As [`Self::create`]; also when an execution uses the group and its servers would change.
    pub async fn update(
        &self,
        id: &GroupId,
        config: GroupConfig,
        now: Now,
    ) -> Result<Group, GroupError> {
        let mut group = self
            .find(id)
            .await?
            .ok_or_else(|| GroupError::Missing(id.clone()))?;
        let changes_servers =
            group.config.selection != config.selection || group.config.target != config.target;
        if changes_servers {
            self.refuse_while_in_use(&group).await?;
        }
        let before = claims_of(id, &group.config, group.config.selection.listed());
        let wanted = claims_of(id, &config, config.selection.listed());
        let added = without(&wanted, &before);
        let removed = without(&before, &wanted);
        let owners = GroupOwners {
            items: &self.items,
            now,
        };
        if added.len() > CLAIMS_PER_BATCH {
            group.claiming_until = Some(after(now.wall, limits::CLAIMING_TIMEOUT));
            self.put_next(&mut group).await?;
            let taken = claims::take_in_batches(&self.items, &owners, &added).await;
            if let Err(error) = taken {
                // Without the mark, what was left behind of the claims counts no longer. If it cannot be taken away now,
                // its time limit does the same.
                group.claiming_until = None;
                let _ = self.put_next(&mut group).await;
                return Err(self.explain(error, &config));
            }
        }
        let based_on = group.version;
        group = Group {
            config,
            version: based_on + 1,
            modified_at: now.wall,
            claiming_until: None,
            ..group
        };
        let put = Write::Put {
            item: group.encode(),
            condition: at_version(based_on),
        };
        let together = if added.len() > CLAIMS_PER_BATCH {
            &[][..]
        } else {
            added.as_slice()
        };
        claims::take_together(&self.items, &owners, together, vec![put])
            .await
            .map_err(|error| self.explain(error, &group.config))?;
        claims::release(&self.items, &removed).await;
        Ok(group)
    }

    /// Deletes a group. One that does not exist is deleted already.
    ///
    /// # Errors
    ///
    /// When an execution uses it, or the store cannot be used.
    pub async fn delete(&self, id: &GroupId) -> Result<(), GroupError> {
        for _ in 0..limits::APPEND_ATTEMPTS {
            let Some(group) = read(&self.items, id).await? else {
                return Ok(());
            };
            self.refuse_while_in_use(&group).await?;
            let delete = Write::Delete {
                key: keys::group(id),
                condition: at_version(group.version),
            };
            match self.write(vec![delete]).await {
                Ok(()) => {
                    let claims = claims_of(id, &group.config, group.config.selection.listed());
                    claims::release(&self.items, &claims).await;
                    return Ok(());
                }
                Err(GroupError::Changed | GroupError::Contended) => {}
                Err(error) => return Err(error),
            }
        }
        Err(GroupError::Contended)
    }

    /// One page of groups by name, descending; eventually consistent. The last item of a page begins the next.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn list(
        &self,
        start: Option<Item>,
        limit: usize,
    ) -> Result<(Vec<Group>, Option<Item>), ReadError> {
        let query = IndexQuery {
            index: Index::Groups,
            partition: "GROUP".to_owned(),
            start,
            limit,
        };
        let page = self.items.index(&query).await?;
        let groups = page
            .items
            .iter()
            .map(Group::decode)
            .collect::<Result<_, _>>()?;
        Ok((
            groups,
            page.items.into_iter().next_back().filter(|_| page.more),
        ))
    }

    /// Every group, by name; eventually consistent.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn all(&self) -> Result<Vec<Group>, ReadError> {
        let mut groups = Vec::new();
        let mut start = None;
        for _ in 0..limits::LIST_PAGES {
            let (found, next) = self.list(start, limits::LIST_PAGE).await?;
            groups.extend(found);
            start = next;
            if start.is_none() {
                break;
            }
        }
        groups.sort_by(|a, b| (&a.config.name, &a.id).cmp(&(&b.config.name, &b.id)));
        Ok(groups)
    }

    /// Which group lists each of these servers.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn holders(
        &self,
        target: &Target,
        servers: &[ServerId],
    ) -> Result<BTreeMap<ServerId, (GroupId, String)>, ReadError> {
        let key_of = |server| keys::group_server(target, server);
        let claims = self.items.get_all(servers.iter().map(key_of).collect());
        let claims = claims.await?;
        let mut owners = BTreeMap::new();
        for server in servers {
            if let Some(item) = claims.get(&key_of(server)) {
                owners.insert(server, GroupId::new(Claim::decode(item)?.owner));
            }
        }
        let groups = self.find_all(owners.values()).await?;
        let holds = |(server, id): (&ServerId, GroupId)| {
            let group = groups.get(&id)?;
            let listed = group.config.selection.listed().contains(server);
            listed.then(|| (server.clone(), (id, group.config.name.clone())))
        };
        Ok(owners.into_iter().filter_map(holds).collect())
    }

    /// The execution that uses a group now, where there is one.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn user(&self, group: &Group) -> Result<Option<ExecutionId>, ReadError> {
        for id in &group.executions {
            if is_live(&self.items, id).await? {
                return Ok(Some(id.clone()));
            }
        }
        Ok(None)
    }

    async fn refuse_while_in_use(&self, group: &Group) -> Result<(), GroupError> {
        match self.user(group).await? {
            Some(by) => Err(GroupError::InUse {
                name: group.config.name.clone(),
                by,
            }),
            None => Ok(()),
        }
    }

    async fn commit(&self, group: &mut Group) -> Result<(), GroupError> {
        group.is_complete = true;
        group.claiming_until = None;
        self.put_next(group).await
    }

    async fn put_next(&self, group: &mut Group) -> Result<(), GroupError> {
        let condition = at_version(group.version);
        group.version += 1;
        self.write(vec![Write::Put {
            item: group.encode(),
            condition,
        }])
        .await
    }

    async fn write(&self, writes: Vec<Write>) -> Result<(), GroupError> {
        let owners = GroupOwners {
            items: &self.items,
            now: Now {
                world: Timestamp::MIN,
                wall: Timestamp::MIN,
            },
        };
        claims::take_together(&self.items, &owners, &[], writes)
            .await
            .map_err(|error| match error {
                ClaimError::Held(held) => GroupError::ServersTaken(held),
                ClaimError::Changed => GroupError::Changed,
                ClaimError::Read(error) => GroupError::Read(error),
                ClaimError::Contended => GroupError::Contended,
            })
    }

    fn explain(&self, error: ClaimError, config: &GroupConfig) -> GroupError {
        match error {
            ClaimError::Held(held) => {
                let name = config.name.to_lowercase();
                match held.by.iter().find(|(what, _, _)| *what == name) {
                    Some((_, by, _)) => GroupError::NameTaken {
                        name: config.name.clone(),
                        by: GroupId::new(by),
                    },
                    None => GroupError::ServersTaken(held),
                }
            }
            ClaimError::Changed => GroupError::Changed,
            ClaimError::Read(error) => GroupError::Read(error),
            ClaimError::Contended => GroupError::Contended,
        }
    }
}

/// Judges the claims of groups.
struct GroupOwners<'a, I> {
    items: &'a I,
    now: Now,
}

impl<I: Items> Owners for GroupOwners<'_, I> {
    async fn counts(&self, claim: &Claim) -> Result<bool, ReadError> {
        let Some(mut group) = read(self.items, &GroupId::new(&claim.owner)).await? else {
            return Ok(false);
        };
        if let Some(until) = group.claiming_until {
            let lives = until > self.now.wall;
            if lives || !take_mark_away(self.items, &mut group).await? {
                return Ok(true);
            }
        }
        let lists =
            |server: &ServerId| keys::group_server(&group.config.target, server) == claim.key;
        let is_name = keys::group_name(&group.config.name) == claim.key;
        Ok(group.is_complete && (is_name || group.config.selection.listed().iter().any(lists)))
    }
}

/// Takes the mark of an overdue group away, so that its late commit fails. False when it was faster.
async fn take_mark_away<I: Items>(items: &I, group: &mut Group) -> Result<bool, ReadError> {
    let condition = at_version(group.version);
    group.claiming_until = None;
    group.version += 1;
    let write = if group.is_complete {
        Write::Put {
            item: group.encode(),
            condition,
        }
    } else {
        Write::Delete {
            key: keys::group(&group.id),
            condition,
        }
    };
    match items.transact(vec![write]).await {
        Ok(()) => Ok(true),
        Err(WriteError::Conflict(_)) => Ok(false),
        Err(WriteError::Call(error)) => Err(ReadError::Call(error)),
    }
}

async fn read<I: Items>(items: &I, id: &GroupId) -> Result<Option<Group>, ReadError> {
    items
        .get(&keys::group(id))
        .await?
        .as_ref()
        .map(Group::decode)
        .transpose()
}

fn at_version(version: i64) -> Condition {
    Condition::Equals(vec![("Version", Value::Number(version))])
}

/// The claims of a group: its name first, then its listed servers.
fn claims_of(id: &GroupId, config: &GroupConfig, servers: &[ServerId]) -> Vec<Claim> {
    let claim = |key| Claim {
        key,
        owner: id.to_string(),
        owner_name: config.name.clone(),
    };
    let of_servers = servers
        .iter()
        .map(|server| claim(keys::group_server(&config.target, server)));
    std::iter::once(claim(keys::group_name(&config.name)))
        .chain(of_servers)
        .collect()
}

fn without(claims: &[Claim], others: &[Claim]) -> Vec<Claim> {
    let others: BTreeSet<_> = others.iter().map(|claim| &claim.key).collect();
    claims
        .iter()
        .filter(|claim| !others.contains(&claim.key))
        .cloned()
        .collect()
}

impl From<ReadError> for GroupError {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

impl fmt::Display for GroupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(id) => write!(f, "there is no protection group {id}"),
            Self::NameTaken { name, by } => {
                write!(
                    f,
                    "the name {name:?} belongs to protection group {by} already; case does not matter"
                )
            }
            Self::ServersTaken(held) => {
                write!(f, "servers belong to other protection groups: {held}")
            }
            Self::InUse { name, by } => write!(
                f,
                "protection group {name:?} is used by execution {by}, which runs"
            ),
            Self::Changed => write!(
                f,
                "the protection group was changed by somebody else meanwhile; nothing was written"
            ),
            Self::Read(error) => write!(f, "{error}"),
            Self::Contended => write!(
                f,
                "others kept writing to the protection group; nothing was written, try again"
            ),
        }
    }
}

impl std::error::Error for GroupError {}

#[cfg(test)]
mod tests;
