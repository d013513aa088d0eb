//! The schema of the provider block.

use tfplugin::{Attribute, Schema, Type, Value, schema::validator};

use crate::{runner, targets};

/// The provider block.
pub(super) fn schema() -> Schema {
    let about = Schema::new(
        "Declares protection groups, recovery plans and drills on AWS Elastic Disaster Recovery (DRS). Plans and the \
         history of their executions are kept in three DynamoDB tables of the account that the provider works \
         in. With `simulator`, everything runs offline against a simulated DRS.\n\n\
         What is left out here is taken from the environment (`DRS_ENVIRONMENT`, `DRS_REGION`, `DRS_HISTORY_REGION`, \
         `DRS_SIMULATOR` and the variables of the AWS SDKs), then from the file that `DRS_CONFIG` names, else \
         `drs.yaml` in the working directory.",
    );
    network(identity(about))
        .attribute(
            "create_tables",
            Attribute::bool().optional().describe(
                "Whether to create the DynamoDB tables when they are missing: on-demand, encrypted, with point-in-time \
                 recovery and deletion protection. They are made by the first apply, and never deleted. Default: \
                 `false`.",
            ),
        )
        .attribute(
            "default_tags",
            Attribute::map(Type::String)
                .optional()
                .describe("Tags of every resource that has tags. A tag of the resource itself wins. Default: none."),
        )
        .attribute("simulator", simulator())
        .attribute(
            runner::ATTRIBUTE,
            runner::attribute(
                "A drill, and an action that starts something, may name another. Default: `in_process`.",
            ),
        )
}

/// Where the provider works, and as whom.
fn identity(schema: Schema) -> Schema {
    schema.attribute(
        "region",
        Attribute::string()
            .optional()
            .validate(targets::a_region())
            .describe(
                "AWS Region to work in. Default: `DRS_REGION`, `AWS_REGION`, or the Region of the profile; with a \
                 simulator, its first Region.",
            ),
    )
    .attribute(
        "history_region",
        Attribute::string()
            .optional()
            .validate(targets::a_region())
            .describe(
                "AWS Region of the DynamoDB tables, in the provider's account. They belong where the servers do not run: \
                 a Region that fails takes both, see the guide `hub-region-gone`. Default: `DRS_HISTORY_REGION`, or the \
                 Region that is worked in.",
            ),
    )
    .attribute(
        "profile",
        Attribute::string()
            .optional()
            .validate(validator::not_empty())
            .describe("Profile of the shared AWS configuration. Default: `AWS_PROFILE`, or `default`."),
    )
    .attribute(
        "environment",
        Attribute::string()
            .optional()
            .validate(validator::check(
                "must be letters, digits, hyphens, dots and underscores, at most 64 of them",
                is_environment,
            ))
            .describe(
                "Name at the end of the names of the DynamoDB tables: one environment knows nothing of another. \
                 Default: `DRS_ENVIRONMENT`, or `default`.",
            ),
    )
    .attribute("assume_role", assume_role())
    .attribute(
        "allowed_account_ids",
        Attribute::set(Type::String)
            .optional()
            .validate(validator::each(targets::an_account()))
            .describe("AWS accounts that may be worked in; any other is refused before anything is read. Default: \
                       any."),
    )
}

/// How AWS is reached.
fn network(schema: Schema) -> Schema {
    schema.attribute("endpoints", endpoints())
    .attribute(
        "use_fips_endpoint",
        Attribute::bool().optional().describe("Whether to use FIPS endpoints. Default: `false`, or what the profile \
                                               says."),
    )
    .attribute(
        "use_dualstack_endpoint",
        Attribute::bool()
            .optional()
            .describe("Whether to use endpoints that speak IPv6, too. Default: `false`, or what the profile says."),
    )
    .attribute(
        "custom_ca_bundle",
        Attribute::string().optional().describe(
            "File of certificate authorities in PEM form to trust in place of the machine's. Default: `AWS_CA_BUNDLE`, \
             or the machine's.",
        ),
    )
    .attribute(
        "http_proxy",
        Attribute::string().optional().describe(
            "URL of a proxy for every call; `NO_PROXY` still counts. Default: `HTTPS_PROXY` and `HTTP_PROXY`, or no \
             proxy.",
        ),
    )
}

fn assume_role() -> Attribute {
    Attribute::single_nested([
        (
            "role_arn",
            Attribute::string()
                .required()
                .validate(validator::check(
                    "must be the ARN of a role, such as arn:aws:iam::111122223333:role/dr",
                    is_role,
                ))
                .describe("ARN of the role."),
        ),
        (
            "external_id",
            Attribute::string()
                .optional()
                .describe("External id that the role's trust policy asks for. Default: none."),
        ),
        (
            "session_name",
            Attribute::string()
                .optional()
                .describe("Name of the session, as CloudTrail shows it. Default: one that names this provider."),
        ),
    ])
    .optional()
    .describe("Role to work as. Default: none; the credentials are used as they are.")
}

fn endpoints() -> Attribute {
    let url = |what: &str| {
        Attribute::string()
            .optional()
            .validate(validator::check(
                "must be a URL that begins with http:// or https://",
                is_url,
            ))
            .describe(format!("Endpoint of {what}. Default: AWS's own."))
    };
    Attribute::single_nested([
        ("drs", url("Elastic Disaster Recovery")),
        ("dynamodb", url("DynamoDB")),
        ("ec2", url("EC2")),
        ("sts", url("STS")),
        ("servicequotas", url("Service Quotas")),
        ("lambda", url("Lambda, for hooks and checks")),
        ("ssm", url("Systems Manager, for hooks and checks")),
        ("sns", url("Simple Notification Service, for notifications")),
        (
            "stepfunctions",
            url("Step Functions, for executions that a state machine drives"),
        ),
    ])
    .optional()
    .describe("Endpoints in place of AWS's own, e.g. of VPC endpoints. Default: none.")
}

fn simulator() -> Attribute {
    Attribute::single_nested([
        (
            "path",
            Attribute::string()
                .required()
                .validate(validator::not_empty())
                .describe("Directory of the simulator's store. It is made when it is missing, and lives on between \
                           runs."),
        ),
        (
            "fleet",
            Attribute::string()
                .optional()
                .describe("YAML file with the simulated servers. Default: a small fleet that is built in."),
        ),
        (
            "speed",
            Attribute::number()
                .optional()
                .validate(validator::check("must be a number from 0.001 to 1000000", |value: &Value| {
                    matches!(value, Value::Number(number) if (0.001..=1_000_000.0).contains(&number.to_f64()))
                }))
                .describe("How many times faster than life the simulated world runs. Default: `1`."),
        ),
        (
            "seed",
            Attribute::number()
                .optional()
                .validate(validator::integer(0, i64::MAX))
                .describe("Number that everything random in the simulated world comes from. Default: `0`."),
        ),
    ])
    .optional()
    .describe(
        "Works on a simulated DRS in place of AWS: no account, no credentials, no network. Every plan says so in a \
         warning. Default: none.",
    )
}

fn is_environment(value: &Value) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    value
        .as_str()
        .is_some_and(|text| (1..=64).contains(&text.len()) && text.chars().all(fits))
}

fn is_role(value: &Value) -> bool {
    value
        .as_str()
        .is_some_and(|arn| arn.starts_with("arn:") && arn.contains(":role/"))
}

fn is_url(value: &Value) -> bool {
    value
        .as_str()
        .is_some_and(|text| text.starts_with("http://") || text.starts_with("https://"))
}
