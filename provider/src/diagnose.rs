//! From what went wrong to what a person reads: a summary, what happened, and the next step.
//!
//! A library's error says what it knows in the middle of a sentence; here it becomes a whole one. Nothing here decides
//! whether something is an error.

use drs_engine::drive::DriveError;
use drs_engine::ids::Target;
use drs_engine::ports::{self, CallError, Kind};
use drs_engine::resolve::ResolveError;
use drs_engine::store::codec::ReadError;
use drs_engine::store::executions::HistoryError;
use drs_engine::store::items::{Key, Table};
use drs_engine_aws::{ConnectError, TableError};
use tfplugin::Diagnostic;

/// Why there is no session.
pub(crate) fn connect(error: &ConnectError) -> Diagnostic {
    let (summary, path) = match () {
        () if error.is_missing_region() => ("No AWS Region", Some("region")),
        () if error.is_profile() => ("AWS Profile Cannot Be Used", Some("profile")),
        () if error.is_missing_credentials() => ("No AWS Credentials", None),
        () if error.is_expired_credentials() => ("AWS Credentials Have Expired", None),
        () if error.is_refused_credentials() => ("AWS Refuses the Credentials", None),
        () if error.is_assume_role() => ("Role Cannot Be Assumed", Some("assume_role")),
        () if error.is_account() => ("AWS Account Not Allowed", Some("allowed_account_ids")),
        () if error.is_unreachable() => ("AWS Cannot Be Reached", None),
        () if error.is_settings() => ("Invalid Provider Configuration", None),
        () => ("No Connection to AWS", None),
    };
    let found = Diagnostic::error(summary, error.to_string());
    match path {
        Some(path) => found.at(path),
        None => found,
    }
}

/// Why the tables cannot be used.
pub(crate) fn tables(error: &TableError) -> Diagnostic {
    Diagnostic::error(
        "History Tables Cannot Be Used",
        sentence(&error.to_string()),
    )
}

/// Something of the history that cannot be read or written.
pub(crate) fn read(error: &ReadError, target: &Target) -> Diagnostic {
    match error {
        ReadError::Call(error) => call(error, target),
        ReadError::Newer { key, version } => Diagnostic::error(
            "Written by a Newer Version",
            format!(
                "The item {} was written by a newer version of this product (schema version {version}, this one knows \
                 up to {}). Nothing was changed, because writing it back would lose what it holds. Upgrade the \
                 provider and drsctl: terraform init -upgrade.",
                place(key),
                drs_engine::store::codec::SCHEMA_VERSION
            ),
        ),
        ReadError::Foreign { key, attribute } => Diagnostic::error(
            "Table Holds Foreign Items",
            format!(
                "The item {} was not written by this product: its attribute {attribute} is missing or of another type. \
                 Nothing was changed. Use another environment, or move the item to another table.",
                place(key)
            ),
        ),
    }
}

/// A call that did not succeed.
pub(crate) fn call(error: &CallError, target: &Target) -> Diagnostic {
    if let Some(not_made) = not_made(error) {
        return not_made;
    }
    let Target { account_id, region } = target;
    match (error.code.as_str(), error.kind) {
        ("UninitializedAccountException", _) => Diagnostic::error(
            "DRS Is Not Initialised",
            format!(
                "AWS Elastic Disaster Recovery was never set up in account {account_id}, Region {region}: {error}. Set \
                 it up once, in its console or with `aws drs initialize-service --region {region}`, and install the \
                 replication agent on the servers. If the servers replicate to another Region, set the region of the \
                 provider, or of the group, to it."
            ),
        ),
        ("ExpiredToken" | "ExpiredTokenException" | "RequestExpired", _) => Diagnostic::error(
            "AWS Credentials Have Expired",
            format!(
                "{error}. Renew them, e.g. with `aws sso login`, and run the same command again. An execution that \
                 runs goes on in DRS and is taken up where it is."
            ),
        ),
        (
            "UnrecognizedClientException"
            | "InvalidClientTokenId"
            | "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "AuthFailure",
            _,
        ) => Diagnostic::error(
            "AWS Refuses the Credentials",
            format!("{error}. Try `aws sts get-caller-identity` with the same credentials."),
        ),
        ("AccessDeniedException" | "AccessDenied" | "UnauthorizedOperation", _) => {
            Diagnostic::error(
                "Permission Missing",
                format!(
                    "{error}. Allow the action {} to the user or the role that the provider works as.",
                    error.action()
                ),
            )
        }
        ("ResourceNotFoundException", _) if error.call.starts_with("dynamodb:") => {
            Diagnostic::error(
                "History Tables Do Not Exist",
                format!(
                    "The tables of this environment do not exist in account {account_id}, Region {region}: {error}. \
                     With create_tables = true in the provider block the first apply makes them (`drsctl tables \
                     create` does it now); or name the environment, or the history_region, that has them."
                ),
            )
        }
        ("ValidationException", _) if error.message.contains("key element does not match") => {
            another_shape(error, target)
        }
        (_, Kind::Busy) => Diagnostic::error(
            "AWS Is Busy",
            format!("{error}. Nothing was changed by this call. Try again in a moment."),
        ),
        (_, Kind::Unknown) => Diagnostic::error(
            "No Answer From AWS",
            format!(
                "{error}. Check the network, the proxy and the endpoints, and run the same command again: what was \
                 done before is found again."
            ),
        ),
        (_, Kind::Refused) => Diagnostic::error("AWS Refused a Call", format!("{error}.")),
    }
}

/// A call for another account that was not made, because there was no way in.
fn not_made(error: &CallError) -> Option<Diagnostic> {
    let summary = match error.code.as_str() {
        ports::TARGET_NOT_CONFIGURED => "Target Not Configured",
        // It is busy only in that somebody may repair it meanwhile.
        ports::ROLE_NOT_ASSUMABLE => "Role Cannot Be Assumed",
        _ => return None,
    };
    let detail = format!("{}: {}.", error.code, error.message);
    Some(Diagnostic::error(summary, detail))
}

/// A table that somebody else made for something else.
fn another_shape(error: &CallError, target: &Target) -> Diagnostic {
    let Target { account_id, region } = target;
    Diagnostic::error(
        "Table Has Another Shape",
        format!(
            "A table of this environment in account {account_id}, Region {region} has other keys than this product's: \
             {error}. Nothing was changed. Use another environment, or delete the table if nothing else needs it; \
             `drsctl tables check` names it."
        ),
    )
}

/// A history that cannot be followed.
pub(crate) fn drive(error: &DriveError, target: &Target) -> Diagnostic {
    match error {
        DriveError::History(HistoryError::Read(error)) => read(error, target),
        DriveError::History(error @ HistoryError::Missing(_)) => Diagnostic::error(
            "Execution Not Found",
            format!(
                "{}. List what there is: drsctl list.",
                sentence(&error.to_string()).trim_end_matches('.')
            ),
        ),
        DriveError::History(error @ HistoryError::Deleted { .. }) => Diagnostic::error(
            "Execution Was Deleted",
            format!(
                "{} Nothing is left of it but this; what it launched is not touched.",
                sentence(&error.to_string())
            ),
        ),
        DriveError::Contended | DriveError::TakenMeanwhile(_) => Diagnostic::error(
            "History Is Busy",
            format!("{}.", sentence(&error.to_string()).trim_end_matches('.')),
        ),
        DriveError::History(HistoryError::Gap { .. })
        | DriveError::Illegal(_)
        | DriveError::TooManyTurns => Diagnostic::error(
            "History Cannot Be Followed",
            format!(
                "{} Nothing is launched or terminated any more. Look at it with drsctl show, and report it.",
                sentence(&error.to_string())
            ),
        ),
    }
}

/// Why a plan cannot be launched, as a sentence. The one about servers begins with their names, which keep their case.
pub(crate) fn unresolved(error: &ResolveError) -> String {
    match error {
        ResolveError::ServersTwice { .. } => sentence(&format!("servers {error}")),
        error => sentence(&error.to_string()),
    }
}

/// The middle of a sentence as a whole one.
pub(crate) fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let Some(first) = chars.next() else {
        return String::new();
    };
    // The name of an action, such as drs:StartRecovery, is written as IAM writes it.
    let is_action = text
        .split(' ')
        .next()
        .is_some_and(|word| word.contains(':'));
    let mut whole: String = if is_action {
        text.to_owned()
    } else {
        first.to_uppercase().chain(chars).collect()
    };
    if !whole.ends_with(['.', '!', '?']) {
        whole.push('.');
    }
    whole
}

/// Where an item is, as a person finds it in the console.
fn place(key: &Key) -> String {
    let table = match key.table {
        Table::ProtectionGroups => "protection-groups",
        Table::RecoveryPlans => "recovery-plans",
        Table::ExecutionHistory => "execution-history",
    };
    match &key.sort {
        Some(sort) => format!("{:?} / {sort:?} of the {table} table", key.partition),
        None => format!("{:?} of the {table} table", key.partition),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragments_become_sentences() {
        assert_eq!(sentence("there is none"), "There is none.");
        assert_eq!(sentence("Done!"), "Done!");
        assert_eq!(sentence(""), "");
    }

    #[test]
    fn every_call_that_fails_has_a_next_step() {
        let target = Target {
            account_id: "111122223333".to_owned(),
            region: "us-east-1".to_owned(),
        };
        let cases = [
            (
                "drs:DescribeSourceServers",
                "UninitializedAccountException",
                Kind::Refused,
                "initialize-service",
            ),
            (
                "drs:DescribeSourceServers",
                "ExpiredTokenException",
                Kind::Refused,
                "aws sso login",
            ),
            (
                "drs:DescribeSourceServers",
                "AccessDeniedException",
                Kind::Refused,
                "Allow the action drs:DescribeSourceServers",
            ),
            (
                "dynamodb:BatchGetItem",
                "ResourceNotFoundException",
                Kind::Refused,
                "create_tables = true",
            ),
            (
                "dynamodb:BatchGetItem",
                "ThrottlingException",
                Kind::Busy,
                "Try again",
            ),
            (
                "drs:DescribeJobs",
                "timeout",
                Kind::Unknown,
                "run the same command again",
            ),
        ];
        for (name, code, kind, step) in cases {
            let error = CallError {
                kind,
                call: name,
                code: code.to_owned(),
                message: "no".to_owned(),
                retry_after: None,
            };
            let found = call(&error, &target);
            assert!(
                found.detail.contains(step) && found.detail.contains(code),
                "{}",
                found.detail
            );
        }
    }
}
