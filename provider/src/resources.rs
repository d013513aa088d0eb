//! The resources, one file each.

mod drill_execution;
mod protection_group;
mod recovery_plan;
mod target_account;

pub(crate) use drill_execution::DrillExecution;
pub(crate) use protection_group::ProtectionGroup;
pub(crate) use recovery_plan::RecoveryPlan;
pub(crate) use target_account::TargetAccount;

pub(crate) use drill_execution::{
    model as execution_model, points,
    schema::{lifetime, observed},
    words::unreadable_points,
    words::unresolved,
};
pub(crate) use protection_group::{check::id_problem as server_id_problem, model as group_model};
pub(crate) use recovery_plan::{model as plan_model, not_found as plan_not_found};
