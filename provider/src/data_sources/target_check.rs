//! `drs_target_check`: whether a target account can be worked in, tried now.
//!
//! What is broken about a target is the result, and no error: a postcondition or a check says what follows from it.

use drs_engine_aws::{TargetCheck as Checked, TargetFinding, TargetOutcome};
use serde::{Deserialize, Serialize};
use tfplugin::{
    Attr, Attribute, Context, DataSource, Diagnostics, Outcome, Schema, Type, async_trait,
};

use crate::client::Client;
use crate::targets;

/// The data source.
pub(crate) struct TargetCheck;

/// What is asked for, and what is found.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Model {
    account_id: Attr<String>,
    ready: Attr<bool>,
    problems: Attr<Vec<String>>,
    role_arn: Attr<String>,
    findings: Attr<Vec<Finding>>,
}

/// One thing that was tried.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Finding {
    region: Attr<String>,
    action: Attr<String>,
    ok: Attr<bool>,
    outcome: Attr<String>,
    text: Attr<String>,
}

#[async_trait]
impl DataSource for TargetCheck {
    type Model = Model;
    type Client = Client;

    fn type_name(&self) -> &'static str {
        "drs_target_check"
    }

    fn schema(&self) -> Schema {
        schema()
    }

    async fn read(
        &self,
        cx: &Context<Client>,
        config: Model,
    ) -> Result<Outcome<Model>, Diagnostics> {
        let client = cx.client()?;
        let account = config.account_id.require("account_id")?;
        targets::exists(client, account).await?;
        let check = client.session().check_target(account).await;
        Ok(Model::of(config.account_id, &check).into())
    }
}

impl Model {
    fn of(account_id: Attr<String>, check: &Checked) -> Self {
        let missing = check.findings.iter().filter(|finding| !works(finding));
        Self {
            account_id,
            ready: check.works().into(),
            problems: missing
                .map(|finding| finding.text.clone())
                .collect::<Vec<_>>()
                .into(),
            role_arn: check.role_arn.clone().into(),
            findings: check
                .findings
                .iter()
                .map(Finding::of)
                .collect::<Vec<_>>()
                .into(),
        }
    }
}

impl Finding {
    fn of(finding: &TargetFinding) -> Self {
        Self {
            region: finding.region.clone().into(),
            action: finding.action.into(),
            ok: works(finding).into(),
            outcome: finding.outcome.as_str().into(),
            text: finding.text.clone().into(),
        }
    }
}

fn works(finding: &TargetFinding) -> bool {
    finding.outcome == TargetOutcome::Works
}

fn schema() -> Schema {
    Schema::new(
        "Whether a target account can be worked in: assumes its role, and tries what a run needs to read, in each Region \
         that the target lists, as `drsctl target check` does. It changes nothing, and it is tried whenever it is read.\n\n\
         A target that does not work is no error here: `ready` is false, and `problems` say what is missing. A \
         `postcondition`, or a `check` block, makes of it what you want. A role of the same configuration goes into \
         `depends_on`, so that it is tried once it is written.",
    )
    .attribute(
        "account_id",
        Attribute::string()
            .required()
            .validate(targets::an_account())
            .describe(
                "Account of the target. The provider's own can be tried too, in the provider's Region.",
            ),
    )
    .attribute(
        "ready",
        Attribute::bool().computed().describe("Whether everything works."),
    )
    .attribute(
        "problems",
        Attribute::list(Type::String).computed().describe(
            "What does not work, each with what helps; none when it is ready.",
        ),
    )
    .attribute(
        "role_arn",
        Attribute::string().computed().describe(
            "Role that was assumed; null when it could not be, and for the provider's own account.",
        ),
    )
    .attribute(
        "findings",
        Attribute::list_nested(finding()).computed().describe(
            "Everything that was tried: the role first, then Region by Region.",
        ),
    )
}

fn finding() -> [(&'static str, Attribute); 5] {
    let text = |what: &str| Attribute::string().computed().describe(what);
    [
        (
            "region",
            text("Region that it was tried in; null for the role."),
        ),
        (
            "action",
            text(
                "Action that was tried, as IAM writes it, such as `drs:DescribeJobs`: the permission that is needed.",
            ),
        ),
        (
            "ok",
            Attribute::bool().computed().describe("Whether it works."),
        ),
        (
            "outcome",
            text(
                "What came of it: `works`, `denied`, `not_initialized`, `role_not_assumable`, `wrong_account`, \
                 `not_configured`, or `unknown` where it could not be found out.",
            ),
        ),
        ("text", text("What was found, and what helps.")),
    ]
}
