//! Why a target account could not be written, each with its place and the next step.

use drs_engine::store::target::TargetProblem;
use drs_engine::store::targets::TargetError;
use tfplugin::{Diagnostic, Diagnostics};

use super::left;
use crate::client::Client;
use crate::diagnose::sentence;
use crate::held::Kind;

/// What messages call it.
const KIND: Kind = Kind {
    title: "Target Account",
    noun: "Target account",
    short: "target",
};

/// The diagnostics of an error.
pub(super) fn of(client: &Client, error: &TargetError) -> Diagnostics {
    match error {
        TargetError::Read(error) => client.explain(error).into(),
        TargetError::Missing(_) => KIND.is_gone(error).into(),
        TargetError::Exists(account) => {
            Diagnostic::error(EXISTS, exists(account)).at("account_id").into()
        }
        TargetError::Invalid(problems) => invalid(problems),
        TargetError::InUse { .. } => Diagnostic::error(
            "Protection Groups Are in the Account",
            format!(
                "{} The target was not deleted: nothing could be done for those servers without it. Apply waited for the \
                 groups to go, a minute at most. Delete them, or give them servers of another account, and apply again. \
                 What leaves the configuration together goes in the right order when the groups refer to the target, \
                 account_id = drs_target_account.<name>.id.",
                sentence(&error.to_string())
            ),
        )
        .into(),
        TargetError::HasInstances {
            account_id,
            regions,
            executions,
        } => left::refused(error, account_id, regions.is_some(), executions).into(),
        TargetError::Changed(_) | TargetError::Contended(_) => KIND.is_being_changed(error).into(),
    }
}

/// What is wrong with a configuration, each at its attribute.
pub(super) fn invalid(problems: &[TargetProblem]) -> Diagnostics {
    let explain = |found: &TargetProblem| {
        let summary = match found.attribute {
            "account_id" => "Invalid Account ID",
            "regions" => "Invalid Regions",
            "role_arn" => "Invalid Role",
            "external_id" => "Invalid External ID",
            "session_name" | "session_duration_seconds" => "Invalid Session",
            "name" => "Invalid Name",
            _ => "Invalid Description",
        };
        Diagnostic::error(summary, sentence(&found.problem)).at(found.attribute)
    };
    problems.iter().map(explain).collect()
}

/// An account that is a target before this one is made; the other may go in the same apply.
pub(super) fn exists_already(account: &str) -> Diagnostic {
    Diagnostic::warning(EXISTS, exists(account)).at("account_id")
}

const EXISTS: &str = "Account Is a Target Already";

fn exists(account: &str) -> String {
    format!(
        "Account {account} is a target of this environment already, and apply changes nothing about a target that is there. \
         If it is the one you mean, e.g. because `drsctl target add` or an apply that was killed made it, import it: \
         terraform import <address> {account}. Its external id then stays."
    )
}
