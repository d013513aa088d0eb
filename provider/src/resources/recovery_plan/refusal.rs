//! Why a plan could not be written, each with its place and the next step.

use drs_engine::ids::{ExecutionId, PlanId};
use drs_engine::store::plans::PlanStoreError;
use tfplugin::Diagnostic;

use crate::client::Client;
use crate::held::Kind;

/// What messages call it.
pub(super) const KIND: Kind = Kind {
    title: "Recovery Plan",
    noun: "Recovery plan",
    short: "plan",
};

/// The diagnostic of an error; the verb says what was tried.
pub(super) fn of(client: &Client, error: &PlanStoreError, verb: &str) -> Diagnostic {
    match error {
        PlanStoreError::Read(error) => client.explain(error),
        PlanStoreError::NameTaken { by, .. } => KIND.name_is_taken(error, by),
        PlanStoreError::InUse { name, by } => in_use(name, by, verb),
        PlanStoreError::Missing(_) => KIND.is_gone(error),
        PlanStoreError::Changed | PlanStoreError::Contended => KIND.is_being_changed(error),
    }
}

/// A plan that gave up its name for a change that was then refused, and could not take it back.
pub(super) fn nameless(id: &PlanId, name: &str) -> String {
    format!(
        " The plan was called {name:?} before, which somebody else has taken since; its id {id} is its name until another \
         apply."
    )
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

/// There is no plan with an id or a name.
pub(crate) fn not_found(client: &Client, asked: &str) -> Diagnostic {
    Diagnostic::error(
        "Recovery Plan Not Found",
        format!(
            "There is no recovery plan with the id or the name {asked:?} in environment {:?}. Names match without \
             regard to case. Native recovery plans of AWS DRS are another thing, and are not found here.",
            client.session().environment()
        ),
    )
}
