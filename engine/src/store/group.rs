//! The item of a protection group.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::digest;
use crate::ids::{ExecutionId, GroupId, ServerId, Target};

use super::codec::{Decoder, Encoder, ReadError};
use super::items::Item;
use super::keys;

/// A protection group as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// What a person configured.
    pub config: GroupConfig,
    /// Counts its changes; every write names the one it was based on.
    pub version: i64,
    /// When it was made, in wall time.
    pub created_at: Timestamp,
    /// When it was last changed, in wall time.
    pub modified_at: Timestamp,
    /// Executions that were started with it; those that have ended do not count.
    pub executions: BTreeSet<ExecutionId>,
    /// While it takes claims in batches: until when these count although it does not list the servers yet.
    pub claiming_until: Option<Timestamp>,
    /// Whether it was ever complete. A group that never was does not exist for anybody but its maker.
    pub is_complete: bool,
}

/// What a person configured about a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupConfig {
    /// Name, unique in the environment without regard to case.
    pub name: String,
    /// Free text for people.
    pub description: Option<String>,
    /// Where its servers live.
    pub target: Target,
    /// Which servers.
    pub selection: Selection,
    /// Tags of the group itself.
    pub tags: BTreeMap<String, String>,
}

/// Which servers a group has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// These, in launch order. The group claims them.
    Servers(Vec<ServerId>),
    /// All that carry every one of these tags, exactly. The group claims nothing.
    Tags(BTreeMap<String, String>),
}

impl Selection {
    /// The servers that are listed; none when tags select.
    pub fn listed(&self) -> &[ServerId] {
        match self {
            Self::Servers(servers) => servers,
            Self::Tags(_) => &[],
        }
    }
}

impl GroupConfig {
    /// A digest of everything that decides which servers a group has. Name, description and tags are left out.
    pub fn digest(&self) -> String {
        match &self.selection {
            Selection::Servers(servers) => digest::of(&(&self.target, "servers", servers)),
            Selection::Tags(tags) => digest::of(&(&self.target, "tags", tags)),
        }
    }
}

impl Group {
    pub(crate) fn encode(&self) -> Item {
        let config = &self.config;
        let mut encoder = Encoder::new(keys::group(&self.id))
            .text("GroupName", &config.name)
            .optional_text("Description", config.description.as_deref())
            .text("AccountId", &config.target.account_id)
            .text("Region", &config.target.region)
            .map("Tags", &config.tags)
            .number("Version", self.version)
            .time("CreatedDate", self.created_at)
            .time("LastModifiedDate", self.modified_at)
            .set(
                "ExecutionIds",
                self.executions.iter().map(ToString::to_string).collect(),
            )
            .optional_time("ClaimingUntil", self.claiming_until);
        encoder = match &config.selection {
            Selection::Servers(servers) => {
                let texts: Vec<String> = servers.iter().map(ToString::to_string).collect();
                encoder
                    .set("ServerIds", texts.iter().cloned().collect())
                    .list("ServerOrder", texts)
            }
            Selection::Tags(tags) => encoder.map("ServerSelectionTags", tags),
        };
        // Only complete groups are in the index that lists are made from.
        if self.is_complete {
            encoder = encoder.text("Kind", "GROUP").text("Name", &config.name);
        }
        encoder.done()
    }

    pub(crate) fn decode(item: &Item) -> Result<Self, ReadError> {
        let decoder = Decoder::new(item)?;
        let selection = match (
            decoder.optional_list("ServerOrder")?,
            decoder.optional_map("ServerSelectionTags")?,
        ) {
            (Some(servers), None) => {
                Selection::Servers(servers.into_iter().map(ServerId::new).collect())
            }
            (None, Some(tags)) => Selection::Tags(tags),
            _ => return Err(decoder.foreign("ServerSelectionTags")),
        };
        Ok(Self {
            id: GroupId::new(&item.key.partition),
            config: GroupConfig {
                name: decoder.text("GroupName")?,
                description: decoder.optional_text("Description")?,
                target: Target {
                    account_id: decoder.text("AccountId")?,
                    region: decoder.text("Region")?,
                },
                selection,
                tags: decoder.optional_map("Tags")?.unwrap_or_default(),
            },
            version: decoder.number("Version")?,
            created_at: decoder.time("CreatedDate")?,
            modified_at: decoder.time("LastModifiedDate")?,
            executions: decoder
                .set("ExecutionIds")?
                .into_iter()
                .map(ExecutionId::new)
                .collect(),
            claiming_until: decoder.optional_time("ClaimingUntil")?,
            is_complete: decoder.optional_text("Kind")?.is_some(),
        })
    }
}
