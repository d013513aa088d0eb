//! The item of a recovery plan.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::ids::{ExecutionId, PlanId};
use crate::plan::PlanSpec;

use super::codec::{Decoder, Encoder, ReadError};
use super::items::Item;
use super::keys;

/// A recovery plan as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPlan {
    /// Its id.
    pub id: PlanId,
    /// What a person configured.
    pub spec: PlanSpec,
    /// Tags of the plan itself.
    pub tags: BTreeMap<String, String>,
    /// Counts its changes; every write names the one it was based on.
    pub version: i64,
    /// When it was made, in wall time.
    pub created_at: Timestamp,
    /// When it was last changed, in wall time.
    pub modified_at: Timestamp,
    /// How often it was run.
    pub runs: i64,
    /// The last execution; while that has not ended, no other starts and the plan cannot be changed.
    pub execution: Option<ExecutionId>,
}

impl StoredPlan {
    pub(crate) fn encode(&self) -> Item {
        Encoder::new(keys::plan(&self.id))
            .text("PlanName", &self.spec.name)
            .optional_text("Description", self.spec.description.as_deref())
            .json("Waves", &self.spec)
            .map("Tags", &self.tags)
            .number("Version", self.version)
            .time("CreatedDate", self.created_at)
            .time("LastModifiedDate", self.modified_at)
            .number("RunNumber", self.runs)
            .optional_text(
                "ExecutionId",
                self.execution.as_ref().map(ExecutionId::as_str),
            )
            .text("Kind", "PLAN")
            .text("Name", &self.spec.name)
            .done()
    }

    pub(crate) fn decode(item: &Item) -> Result<Self, ReadError> {
        let decoder = Decoder::new(item)?;
        // What has an attribute of its own is read from it, so that what people see in the table is what counts.
        let spec = PlanSpec {
            name: decoder.text("PlanName")?,
            description: decoder.optional_text("Description")?,
            ..decoder.json("Waves")?
        };
        Ok(Self {
            id: PlanId::new(&item.key.partition),
            spec,
            tags: decoder.optional_map("Tags")?.unwrap_or_default(),
            version: decoder.number("Version")?,
            created_at: decoder.time("CreatedDate")?,
            modified_at: decoder.time("LastModifiedDate")?,
            runs: decoder.number("RunNumber")?,
            execution: decoder.optional_text("ExecutionId")?.map(ExecutionId::new),
        })
    }
}
