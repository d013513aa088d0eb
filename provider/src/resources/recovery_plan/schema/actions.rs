//! The checks and the hooks of a wave.

use drs_engine::limits;
use drs_engine::plan::Consequence;
use tfplugin::{Attribute, Type};

/// What is looked at, and what is run.
pub(super) fn actions() -> [(&'static str, Attribute); 3] {
    [
        ("checks", checks()),
        (
            "before_hooks",
            Attribute::list_nested(hook()).optional().describe(
                "What is run, one after the other, when this wave is due: after the waves it depends on, its approval \
                 and its wait, and before its first launch. A plan has at most 50 hooks. Default: none.",
            ),
        ),
        (
            "after_hooks",
            Attribute::list_nested(hook()).optional().describe(
                "What is run, one after the other, when the servers of this wave have ended and been checked, also when \
                 some of them failed, and before the waves that depend on it. Default: none.",
            ),
        ),
    ]
}

fn checks() -> Attribute {
    Attribute::single_nested([
        (
            "instance_status_timeout_seconds",
            Attribute::number().optional().describe(
                "Seconds from LAUNCHED on in which both status checks of EC2 must pass, at most 14400; `0` leaves them \
                 out. Default: 600, and 2700 for a server that runs Windows.",
            ),
        ),
        (
            "ssm_document",
            Attribute::string().optional().describe(
                "Name or ARN of a command document of Systems Manager that must succeed on every instance, in its \
                 server's own account and Region. It is sent when every server of the wave has ended. Default: none.",
            ),
        ),
        (
            "ssm_parameters",
            parameters().describe(
                "Parameters of `ssm_document`, a list of values each; 2048 bytes and 100 values in all. A value that is \
                 `{instance_ids}`, or the name of another member of a function's input in braces, becomes that. \
                 Default: none.",
            ),
        ),
        (
            "lambda_function",
            Attribute::string().optional().describe(
                "Name or ARN of a Lambda function in the account and Region of the provider that is invoked with the \
                 instances after `ssm_document`, and must not fail. Default: none.",
            ),
        ),
        (
            "timeout_seconds",
            Attribute::number()
                .default_value(limits::CHECK_TIMEOUT.as_secs())
                .describe(
                    "Seconds that the command and the function may take each, from their first try on, from 1 to 14400. \
                     Default: `600`.",
                ),
        ),
        (
            "on_degraded",
            Attribute::string()
                .default_value(Consequence::Continue.as_str())
                .describe(
                    "What a server means for the wave that did not pass a check: `continue`, it is only recorded; \
                     `fail`, it counts as lost, and the failure policy of the wave says what follows. It stays \
                     launched either way. Default: `continue`.",
                ),
        ),
    ])
    .optional()
    .describe(
        "What is looked at after the servers of this wave are launched; the wave completes when its checks have ended. \
         Default: the status checks of EC2, which only record what they find.",
    )
}

fn hook() -> [(&'static str, Attribute); 9] {
    let text = |what: &str| Attribute::string().optional().describe(what);
    [
        (
            "name",
            Attribute::string()
                .required()
                .describe("Name, unique in its list; at most 64 characters."),
        ),
        (
            "lambda_function",
            text(
                "Name or ARN of a Lambda function that is invoked. Exactly one of this and `automation_document` is set.",
            ),
        ),
        (
            "automation_document",
            text(
                "Name or ARN of an automation document of Systems Manager that is run. Exactly one of this and \
                 `lambda_function` is set.",
            ),
        ),
        (
            "document_version",
            text("Version of `automation_document`. Default: the document's own default."),
        ),
        (
            "parameters",
            parameters().describe(
                "Parameters of `automation_document`, a list of values each; 2048 bytes and 100 values in all. A value \
                 that is `{instance_ids}`, or the name of another member of a function's input in braces, becomes that. \
                 Default: none.",
            ),
        ),
        (
            "account_id",
            text(
                "Account that it runs in; another than the provider's must be a target. Default: the provider's account.",
            ),
        ),
        (
            "region",
            text("Region that it runs in. Default: the provider's Region."),
        ),
        (
            "timeout_seconds",
            Attribute::number()
                .default_value(limits::HOOK_TIMEOUT.as_secs())
                .describe(
                    "Seconds that it may take, from its first try on, from 1 to 14400. What takes longer has failed, and \
                     nothing stops it. Default: `300`.",
                ),
        ),
        (
            "on_failure",
            Attribute::string()
                .default_value(Consequence::Fail.as_str())
                .describe(
                    "What its failure means: `fail`, the wave has failed, no other hook of it runs, and a wave that has \
                     not launched yet launches nothing; `continue`, it is recorded and the wave goes on. Default: \
                     `fail`.",
                ),
        ),
    ]
}

fn parameters() -> Attribute {
    Attribute::map(Type::list(Type::String)).optional()
}
