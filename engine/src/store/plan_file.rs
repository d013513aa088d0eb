//! A plan as a file: everything that running it needs, for when the tables cannot be reached.
//!
//! The form is stored, so fields are never renamed; a later version may add some, and one whose meaning changes gets
//! another number. Digests tell a file that was cut short or changed by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::digest;
use crate::ids::{GroupId, PlanId, ServerId, Target};
use crate::plan::{Plan, PlanSpec};
use crate::time::Now;

use super::codec::ReadError;
use super::group::{Group, GroupConfig, Selection};
use super::groups::Groups;
use super::items::Items;
use super::plan::StoredPlan;
use super::plans::Plans;
use super::target::{ExternalId, TargetAccount, TargetConfig};
use super::targets::Targets;

/// What a plan file calls itself.
const FORMAT: &str = "drs-plan-file";
/// The version of the form that is written, and the newest that is read.
const FORMAT_VERSION: u32 = 1;

/// A plan with its groups, as a file holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanFile {
    format: String,
    format_version: u32,
    /// When it was written, in wall time.
    pub exported_at: Timestamp,
    /// The environment whose tables it was written from.
    pub environment: String,
    /// Account and Region of these tables.
    pub history: String,
    /// The digest of the plan's configuration.
    pub plan_digest: String,
    /// The number of the plan's next run, which a confirmation names.
    pub next_run: i64,
    plan: PlanPart,
    groups: Vec<GroupPart>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    target_accounts: Vec<AccountPart>,
    /// Of everything above and nothing else.
    contents_digest: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct PlanPart {
    id: PlanId,
    spec: PlanSpec,
    tags: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct GroupPart {
    id: GroupId,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    target: Target,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source_server_ids: Option<Vec<ServerId>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    server_selection_tags: Option<BTreeMap<String, String>>,
    tags: BTreeMap<String, String>,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct AccountPart {
    account_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    regions: BTreeSet<String>,
    role_arn: String,
    external_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    session_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    session_duration_seconds: Option<i64>,
}

/// Without the external id, which has no place in logs.
impl fmt::Debug for AccountPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountPart")
            .field("account_id", &self.account_id)
            .finish_non_exhaustive()
    }
}

/// Why a plan file was not written or cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanFileError {
    /// The plan names a group that does not exist.
    GroupMissing(GroupId),
    /// The plan does not make sense; every reason.
    Plan(Vec<String>),
    /// It is no plan file, or was cut short.
    Unreadable(String),
    /// It was written by a newer version.
    Newer(u32),
    /// It was changed after it was written.
    Altered,
    /// The store holds another form of what is in the file.
    Different {
        /// The plan or the group.
        what: String,
    },
    /// Something could not be read.
    Read(ReadError),
    /// A plan or a group could not be written.
    Write(String),
}

impl PlanFile {
    /// What a store has of a plan.
    ///
    /// # Errors
    ///
    /// When the plan could not be run from it.
    pub async fn of<I: Items + Clone>(
        items: &I,
        plan: &StoredPlan,
        environment: &str,
        history: &str,
        now: Now,
    ) -> Result<Self, PlanFileError> {
        let parsed = parse(&plan.spec)?;
        let store = Groups::new(items.clone());
        let mut groups = Vec::new();
        for id in parsed.groups() {
            let group = store.find(&id).await?;
            let group = group.ok_or_else(|| PlanFileError::GroupMissing(id.clone()))?;
            groups.push(GroupPart::of(group));
        }
        let accounts: BTreeSet<&String> = groups
            .iter()
            .map(|group| &group.target.account_id)
            .collect();
        let targets = Targets::new(items.clone());
        let mut target_accounts = Vec::new();
        for account in accounts {
            // The hub's own account needs none.
            let target = targets.find(account).await?;
            target_accounts.extend(target.map(AccountPart::of));
        }
        let mut file = Self {
            format: FORMAT.to_owned(),
            format_version: FORMAT_VERSION,
            exported_at: now.wall,
            environment: environment.to_owned(),
            history: history.to_owned(),
            plan_digest: parsed.digest().to_owned(),
            next_run: plan.runs + 1,
            plan: PlanPart {
                id: plan.id.clone(),
                spec: plan.spec.clone(),
                tags: plan.tags.clone(),
            },
            groups,
            target_accounts,
            contents_digest: String::new(),
        };
        file.contents_digest = file.contents();
        Ok(file)
    }

    /// The file as text; members and keys have one order.
    pub fn to_text(&self) -> String {
        // Plain data with string keys always serialises.
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        format!("{text}\n")
    }

    /// Reads a file that [`Self::to_text`] wrote.
    ///
    /// # Errors
    ///
    /// When it is something else, of a newer version, or was changed since.
    pub fn parse(text: &str) -> Result<Self, PlanFileError> {
        #[derive(Deserialize)]
        struct Head {
            format: String,
            format_version: u32,
        }
        let unreadable = |error: serde_json::Error| PlanFileError::Unreadable(error.to_string());
        let head: Head = serde_json::from_str(text).map_err(unreadable)?;
        if head.format != FORMAT {
            let other = format!("it calls itself {:?}", head.format);
            return Err(PlanFileError::Unreadable(other));
        }
        if head.format_version > FORMAT_VERSION {
            return Err(PlanFileError::Newer(head.format_version));
        }
        let file: Self = serde_json::from_str(text).map_err(unreadable)?;
        if file.contents() != file.contents_digest
            || parse(&file.plan.spec)?.digest() != file.plan_digest
        {
            return Err(PlanFileError::Altered);
        }
        Ok(file)
    }

    /// The plan's id.
    pub fn plan_id(&self) -> &PlanId {
        &self.plan.id
    }

    /// The plan's name.
    pub fn plan_name(&self) -> &str {
        &self.plan.spec.name
    }

    /// How many groups it has.
    pub fn group_count(&self) -> usize {
        self.groups.len()
    }

    /// Writes plan and groups into a store that has neither, or the same. Loading again does no harm.
    ///
    /// # Errors
    ///
    /// When the store has another form of them, or cannot be used.
    pub async fn load_into<I: Items + Clone>(
        &self,
        items: &I,
        now: Now,
    ) -> Result<(), PlanFileError> {
        let targets = Targets::new(items.clone());
        for part in &self.target_accounts {
            let (config, external_id) = part.config();
            match targets.find(&part.account_id).await? {
                Some(present) if present.config == config && present.external_id == external_id => {
                }
                Some(_) => return Err(different("target account", &part.account_id)),
                None => {
                    let made = targets.create(&part.account_id, config, external_id, now);
                    made.await
                        .map_err(|error| PlanFileError::Write(error.to_string()))?;
                }
            }
        }
        let groups = Groups::new(items.clone());
        for part in &self.groups {
            let config = part.config()?;
            match groups.find(&part.id).await? {
                Some(present) if present.config == config => {}
                Some(_) => return Err(different("group", &part.name)),
                None => {
                    let made = groups.create(part.id.clone(), config, now).await;
                    made.map_err(|error| PlanFileError::Write(error.to_string()))?;
                }
            }
        }
        let plans = Plans::new(items.clone());
        match plans.find(&self.plan.id).await? {
            Some(present) if present.spec == self.plan.spec => Ok(()),
            Some(_) => Err(different("plan", self.plan_name())),
            None => {
                let plan = StoredPlan {
                    id: self.plan.id.clone(),
                    spec: self.plan.spec.clone(),
                    tags: self.plan.tags.clone(),
                    version: 1,
                    created_at: now.wall,
                    modified_at: now.wall,
                    runs: self.next_run - 1,
                    execution: None,
                };
                let made = plans.restore(plan).await;
                made.map_err(|error| PlanFileError::Write(error.to_string()))
            }
        }
    }

    fn contents(&self) -> String {
        digest::of(&Self {
            contents_digest: String::new(),
            ..self.clone()
        })
    }
}

impl GroupPart {
    fn of(group: Group) -> Self {
        let config = group.config;
        let (listed, selected) = match config.selection {
            Selection::Servers(listed) => (Some(listed), None),
            Selection::Tags(tags) => (None, Some(tags)),
        };
        Self {
            id: group.id,
            name: config.name,
            description: config.description,
            target: config.target,
            source_server_ids: listed,
            server_selection_tags: selected,
            tags: config.tags,
        }
    }

    fn config(&self) -> Result<GroupConfig, PlanFileError> {
        let selection = match (&self.source_server_ids, &self.server_selection_tags) {
            (Some(listed), None) => Selection::Servers(listed.clone()),
            (None, Some(tags)) => Selection::Tags(tags.clone()),
            _ => return Err(PlanFileError::Altered),
        };
        Ok(GroupConfig {
            name: self.name.clone(),
            description: self.description.clone(),
            target: self.target.clone(),
            selection,
            tags: self.tags.clone(),
        })
    }
}

impl AccountPart {
    fn of(target: TargetAccount) -> Self {
        let config = target.config;
        Self {
            account_id: target.account_id,
            name: config.name,
            description: config.description,
            regions: config.regions,
            role_arn: config.role_arn,
            external_id: target.external_id.as_str().to_owned(),
            session_name: config.session_name,
            session_duration_seconds: config.session_duration_seconds,
        }
    }

    fn config(&self) -> (TargetConfig, ExternalId) {
        let config = TargetConfig {
            name: self.name.clone(),
            description: self.description.clone(),
            regions: self.regions.clone(),
            role_arn: self.role_arn.clone(),
            session_name: self.session_name.clone(),
            session_duration_seconds: self.session_duration_seconds,
        };
        (config, ExternalId::new(&self.external_id))
    }
}

fn parse(spec: &PlanSpec) -> Result<Plan, PlanFileError> {
    Plan::parse(spec)
        .map_err(|errors| PlanFileError::Plan(errors.iter().map(ToString::to_string).collect()))
}

fn different(kind: &str, name: &str) -> PlanFileError {
    PlanFileError::Different {
        what: format!("{kind} {name:?}"),
    }
}

impl From<ReadError> for PlanFileError {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

impl fmt::Display for PlanFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GroupMissing(id) => {
                write!(
                    f,
                    "the plan names protection group {id}, which does not exist"
                )
            }
            Self::Plan(problems) => {
                write!(f, "the plan does not make sense: {}", problems.join("; "))
            }
            Self::Unreadable(why) => write!(f, "it is not a whole plan file: {why}"),
            Self::Newer(version) => write!(
                f,
                "it is of format version {version}, and this version reads up to {FORMAT_VERSION}"
            ),
            Self::Altered => write!(
                f,
                "it was changed after it was written: its digests do not fit"
            ),
            Self::Different { what } => {
                write!(f, "there is another form of {what} there than in the file")
            }
            Self::Read(error) => write!(f, "{error}"),
            Self::Write(why) => write!(f, "{why}"),
        }
    }
}

impl std::error::Error for PlanFileError {}

#[cfg(test)]
mod tests;
