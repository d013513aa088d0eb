//! Why a plan could not be written, each with its place and the next step.

use drs_engine::ids::ExecutionId;
use drs_engine::store::plans::PlanStoreError;
use tfplugin::Diagnostic;

use crate::client::Client;
use crate::diagnose::sentence;

/// The diagnostic of an error; the verb says what was tried.
pub(super) fn of(client: &Client, error: &PlanStoreError, verb: &str) -> Diagnostic {
    match error {
        PlanStoreError::Read(error) => client.explain(error),
        PlanStoreError::NameTaken { by, .. } => Diagnostic::error(
            "Name Is Taken",
            format!(
                "{} Choose another name. If it is the plan you mean, e.g. because an apply was killed after it was made, import \
                 it: terraform import <address> {by}",
                sentence(&error.to_string())
            ),
        )
        .at("name"),
        PlanStoreError::InUse { name, by } => in_use(name, by, verb),
        PlanStoreError::Missing(_) => Diagnostic::error(
            "Recovery Plan Not Found",
            format!(
                "{} Somebody deleted it since it was last read. Run terraform plan again: the plan is made anew.",
                sentence(&error.to_string())
            ),
        ),
        PlanStoreError::Changed | PlanStoreError::Contended => Diagnostic::error(
            "Recovery Plan Is Being Changed by Somebody Else",
            format!("{} Run terraform plan again to see what it is now.", sentence(&error.to_string())),
        ),
    }
}

/// A plan that an execution runs.
pub(super) fn in_use(name: &str, by: &ExecutionId, verb: &str) -> Diagnostic {
    Diagnostic::error(
        "An Execution of the Recovery Plan Runs",
        format!(
            "Execution {by} of recovery plan {name:?} runs; the plan cannot be {verb} until it has ended. Wait for \
             that (`drsctl watch {by}`), or destroy its drs_drill_execution, which cancels it, and apply again."
        ),
    )
}
