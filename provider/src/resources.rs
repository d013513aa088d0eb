//! The resources, one file each.

mod drill_execution;
mod protection_group;
mod recovery_plan;

pub(crate) use drill_execution::DrillExecution;
pub(crate) use protection_group::ProtectionGroup;
pub(crate) use recovery_plan::RecoveryPlan;

pub(crate) use drill_execution::{model as execution_model, schema::observed};
pub(crate) use recovery_plan::not_found as plan_not_found;
