//! The summary item of an execution: its status, its version, and what lists show.

use jiff::Timestamp;

use crate::event::Mode;
use crate::ids::{ExecutionId, PlanId};

use super::codec::{Decoder, Encoder, ReadError};
use super::deletion::Deletion;
use super::items::Item;
use super::keys;

/// The summary of an execution. Its version is the number of its events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The execution.
    pub execution_id: ExecutionId,
    /// The plan.
    pub plan_id: PlanId,
    /// The plan's name when it started.
    pub plan_name: String,
    /// `CLAIMING` while servers are leased, `ABANDONED` when that was not finished in time, then the execution's own.
    pub status: String,
    /// Whether it has ended.
    pub is_terminal: bool,
    /// What it is for.
    pub mode: Mode,
    /// When it started, in wall time.
    pub started_at: Timestamp,
    /// When it ended, in wall time.
    pub ended_at: Option<Timestamp>,
    /// Account that it was started from.
    pub account_id: String,
    /// Region that it was started from.
    pub region: String,
    /// ARN of whoever started it.
    pub initiated_by: String,
    /// Where it was started from: `terraform`, `drsctl`.
    pub origin: String,
    /// Digest of the values that make a run of the same plan the same run, e.g. `triggers`.
    pub inputs_digest: String,
    /// Whether whoever started it has its result.
    pub delivered: bool,
    /// One line about the waves.
    pub wave_status: String,
    /// What went wrong, for lists.
    pub errors: Vec<String>,
    /// Number of events; a write names the number it was based on.
    pub version: i64,
    /// The recovery that took its servers: its leases no longer count against a recovery.
    pub preempted_by: Option<ExecutionId>,
    /// While servers are leased: until when the leases count.
    pub claiming_until: Option<Timestamp>,
    /// Who deleted the history; then this is its tombstone, and nothing else of it is left.
    pub deletion: Option<Deletion>,
}

/// The status of an execution whose servers are being leased.
pub(crate) const CLAIMING: &str = "CLAIMING";
/// The status of an execution that never began, because leasing was not finished in time.
pub(crate) const ABANDONED: &str = "ABANDONED";

impl Summary {
    /// Whether the execution exists: one whose servers were never all leased does not.
    pub fn has_begun(&self) -> bool {
        self.status != CLAIMING && self.status != ABANDONED
    }

    /// Whether it keeps an execution of this mode from having its servers, or its plan.
    pub(crate) fn stands_in_the_way_of(&self, mode: Mode) -> bool {
        let gives_way = mode == Mode::Recovery && self.preempted_by.is_some();
        !self.is_terminal && self.has_begun() && !gives_way
    }

    pub(crate) fn encode(&self) -> Item {
        let encoder = Encoder::new(keys::summary(&self.execution_id))
            .text("PlanName", &self.plan_name)
            .text("ExecutionType", self.mode.as_str())
            .optional_time("EndTime", self.ended_at)
            .text("AccountId", &self.account_id)
            .text("Region", &self.region)
            .text("InitiatedBy", &self.initiated_by)
            .text("Origin", &self.origin)
            .text("InputsDigest", &self.inputs_digest)
            .flag("Delivered", self.delivered)
            .flag("IsTerminal", self.is_terminal)
            .text("WaveStatus", &self.wave_status)
            .list("Errors", self.errors.clone())
            .number("Version", self.version)
            .optional_time("ClaimingUntil", self.claiming_until)
            .optional_text(
                "PreemptedBy",
                self.preempted_by.as_ref().map(ExecutionId::as_str),
            )
            .text("Status", &self.status)
            .time("StartTime", self.started_at);
        let encoder = match &self.deletion {
            None => encoder,
            Some(deletion) => encoder
                .time("DeletedDate", deletion.at)
                .text("DeletedBy", &deletion.by)
                .text("DeletedReason", &deletion.reason),
        };
        // An execution that never began is in no list of its plan.
        if self.status == CLAIMING || self.status == ABANDONED {
            encoder.text("ForPlanId", self.plan_id.as_str()).done()
        } else {
            encoder.text("PlanId", self.plan_id.as_str()).done()
        }
    }

    pub(crate) fn decode(item: &Item) -> Result<Self, ReadError> {
        let decoder = Decoder::new(item)?;
        let plan = match decoder.optional_text("PlanId")? {
            Some(plan) => plan,
            None => decoder.text("ForPlanId")?,
        };
        let mode = match decoder.text("ExecutionType")?.as_str() {
            "DRILL" => Mode::Drill,
            "RECOVERY" => Mode::Recovery,
            _ => return Err(decoder.foreign("ExecutionType")),
        };
        let deletion = match decoder.optional_time("DeletedDate")? {
            None => None,
            Some(at) => Some(Deletion {
                at,
                by: decoder.text("DeletedBy")?,
                reason: decoder.text("DeletedReason")?,
            }),
        };
        Ok(Self {
            execution_id: ExecutionId::new(&item.key.partition),
            plan_id: PlanId::new(plan),
            plan_name: decoder.text("PlanName")?,
            status: decoder.text("Status")?,
            is_terminal: decoder.flag("IsTerminal")?,
            mode,
            started_at: decoder.time("StartTime")?,
            ended_at: decoder.optional_time("EndTime")?,
            account_id: decoder.text("AccountId")?,
            region: decoder.text("Region")?,
            initiated_by: decoder.text("InitiatedBy")?,
            origin: decoder.text("Origin")?,
            inputs_digest: decoder.text("InputsDigest")?,
            delivered: decoder.flag("Delivered")?,
            wave_status: decoder.text("WaveStatus")?,
            errors: decoder.optional_list("Errors")?.unwrap_or_default(),
            version: decoder.number("Version")?,
            claiming_until: decoder.optional_time("ClaimingUntil")?,
            preempted_by: decoder.optional_text("PreemptedBy")?.map(ExecutionId::new),
            deletion,
        })
    }
}
