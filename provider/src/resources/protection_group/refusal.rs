//! Why a group could not be written, each with its place and the next step.

use drs_engine::ids::{ExecutionId, GroupId};
use drs_engine::store::group::GroupConfig;
use drs_engine::store::groups::GroupError;
use tfplugin::{Diagnostic, Diagnostics};

use super::check::server_path;
use crate::client::Client;
use crate::held::Kind;

/// What messages call it.
pub(super) const KIND: Kind = Kind {
    title: "Protection Group",
    noun: "Protection group",
    short: "group",
};

/// The diagnostics of an error, about the configuration that was to be written where there is one.
pub(super) fn of(client: &Client, error: &GroupError, config: Option<&GroupConfig>) -> Diagnostics {
    match error {
        GroupError::Read(error) => client.explain(error).into(),
        GroupError::NameTaken { by, .. } => KIND.name_is_taken(error, by).into(),
        GroupError::ServersTaken(held) => held
            .by
            .iter()
            .map(|(server, id, name)| {
                let detail = format!(
                    "Server {server} is listed by protection group {name:?} ({id}); a server belongs to one group. \
                     Apply waited for it, a minute at most, and did not get it. Remove it from one of the two groups \
                     and apply again."
                );
                let found = Diagnostic::error("Server Belongs to Another Group", detail);
                let listed = config.and_then(|config| {
                    config.selection.listed().iter().position(|id| id.as_str() == server)
                });
                match listed {
                    Some(index) => found.at(server_path(index)),
                    None => found.at("source_server_ids"),
                }
            })
            .collect(),
        GroupError::InUse { name, by } => match config {
            Some(_) => in_use(name, by, "changed").into(),
            None => in_use(name, by, "deleted").into(),
        },
        GroupError::Missing(_) => KIND.is_gone(error).into(),
        GroupError::Changed | GroupError::Contended => KIND.is_being_changed(error).into(),
    }
}

/// A group that gave up servers or its name for a change that was then refused, and could not take them back.
pub(super) fn less(id: &GroupId, before: &GroupConfig) -> Diagnostic {
    Diagnostic::warning(
        "Protection Group Has Less Now",
        format!(
            "Protection group {id}, which was called {:?}, gave up what it was to give up in this apply, and somebody else has \
             taken some of it since: servers, or its name, and then its id is its name. Run terraform plan to see what it has.",
            before.name
        ),
    )
}

/// A group whose servers take part in an execution that runs.
pub(super) fn in_use(name: &str, by: &ExecutionId, verb: &str) -> Diagnostic {
    Diagnostic::error(
        "An Execution Uses the Protection Group",
        format!(
            "Execution {by} was started with protection group {name:?} and runs; the group cannot be {verb} until it \
             has ended. Wait for that (`drsctl watch {by}`), or destroy its drs_drill_execution, which cancels it, and \
             apply again."
        ),
    )
}
