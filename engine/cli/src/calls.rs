//! What to tell about a call to AWS that did not succeed: the command that helps.
//!
//! Why something failed is in the error itself; here is only what a person can do about it.

use drs_engine::ports::{CallError, Kind};

/// What helps against a call that did not succeed.
pub(crate) fn help(error: &CallError) -> String {
    match (error.code.as_str(), error.kind) {
        ("UninitializedAccountException", _) => {
            "DRS was never set up in this account and Region. Is it the right \
             Region (--region)? `aws drs initialize-service` sets it up."
                .to_owned()
        }
        ("ExpiredToken" | "ExpiredTokenException" | "RequestExpired", _) => {
            "Get new credentials, e.g. `aws sso login`, and run the command again.".to_owned()
        }
        (
            "UnrecognizedClientException"
            | "InvalidClientTokenId"
            | "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "AuthFailure",
            _,
        ) => "`aws sts get-caller-identity` with the same credentials says whose they are."
            .to_owned(),
        ("AccessDeniedException" | "AccessDenied" | "UnauthorizedOperation", _) => format!(
            "Allow the action {} to whom these credentials belong; `aws sts get-caller-identity` says who that is.",
            error.action()
        ),
        (_, Kind::Busy | Kind::Unknown) => "This may pass: run the command again.".to_owned(),
        (_, Kind::Refused) if error.call.starts_with("dynamodb:") => {
            "`drsctl tables check` says whether the tables fit.".to_owned()
        }
        (_, Kind::Refused) => {
            "`aws sts get-caller-identity` says whose credentials these are; DRS_LOG=debug logs \
             the calls."
                .to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_failure_has_a_command() {
        let cases = [
            (
                "drs:DescribeJobs",
                "UninitializedAccountException",
                Kind::Refused,
                "initialize-service",
            ),
            (
                "drs:DescribeJobs",
                "ExpiredTokenException",
                Kind::Refused,
                "aws sso login",
            ),
            (
                "drs:StartRecovery",
                "AccessDeniedException",
                Kind::Refused,
                "drs:StartRecovery",
            ),
            (
                "dynamodb:BatchGetItem",
                "ThrottlingException",
                Kind::Busy,
                "again",
            ),
            (
                "dynamodb:BatchGetItem",
                "ValidationException",
                Kind::Refused,
                "tables check",
            ),
            (
                "drs:DescribeJobs",
                "ValidationException",
                Kind::Refused,
                "DRS_LOG=debug",
            ),
        ];
        for (call, code, kind, expected) in cases {
            let error = CallError {
                kind,
                call,
                code: code.to_owned(),
                message: "no".to_owned(),
                retry_after: None,
            };
            assert!(help(&error).contains(expected), "{}", help(&error));
        }
    }
}
