//! `drs_iam_policy`: the least-privilege IAM policy of whoever needs rights.

use std::collections::BTreeSet;

use drs_engine::iam::{self, Names, Principal};
use serde::{Deserialize, Serialize};
use tfplugin::schema::validator;
use tfplugin::{
    Attr, Attribute, Context, DataSource, Diagnostic, Diagnostics, Outcome, Schema, Type,
    async_trait,
};

use crate::client::Client;

/// The data source.
pub(crate) struct IamPolicy;

/// Whose policy is asked for, what there is, and the policy.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Model {
    principal: Attr<String>,
    partition: Attr<String>,
    account_id: Attr<String>,
    regions: Attr<BTreeSet<String>>,
    history_region: Attr<String>,
    environment: Attr<String>,
    functions: Attr<BTreeSet<String>>,
    command_documents: Attr<BTreeSet<String>>,
    automation_documents: Attr<BTreeSet<String>>,
    topic_arns: Attr<BTreeSet<String>>,
    target_role_arns: Attr<BTreeSet<String>>,
    instance_role_arns: Attr<BTreeSet<String>>,
    runner_function_arn: Attr<String>,
    sweeper_function_arn: Attr<String>,
    drill_state_machine_arn: Attr<String>,
    recovery_state_machine_arn: Attr<String>,
    json: Attr<String>,
}

#[async_trait]
impl DataSource for IamPolicy {
    type Model = Model;
    type Client = Client;

    fn type_name(&self) -> &'static str {
        "drs_iam_policy"
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
        let principal = config.principal.known().cloned().unwrap_or_default();
        let names = config.names(client);
        let at = |message: String| Diagnostic::error("No Such Policy", message).at("principal");
        let principal: Principal = principal.parse().map_err(|error: iam::UnknownPrincipal| {
            at(crate::diagnose::sentence(&error.to_string()))
        })?;
        let policy = iam::policy(principal, &names)
            .map_err(|error| at(crate::diagnose::sentence(&error.to_string())))?;
        Ok(Outcome::state(Model {
            partition: names.partition.into(),
            account_id: names.account_id.into(),
            regions: Attr::Known(names.regions),
            history_region: names.history_region.into(),
            environment: names.environment.into(),
            json: policy.json().to_string().into(),
            ..config
        }))
    }
}

impl Model {
    /// What is configured; where that says nothing, what the provider works with.
    fn names(&self, client: &Client) -> Names {
        let session = client.session();
        let own = session.identity();
        let text = |configured: &Attr<String>, own: &str| {
            configured
                .known()
                .cloned()
                .unwrap_or_else(|| own.to_owned())
        };
        let set =
            |configured: &Attr<BTreeSet<String>>| configured.known().cloned().unwrap_or_default();
        let regions = self.regions.known().cloned();
        Names {
            partition: text(&self.partition, &own.partition),
            account_id: text(&self.account_id, &own.account_id),
            regions: regions.unwrap_or_else(|| BTreeSet::from([session.region().to_owned()])),
            history_region: text(&self.history_region, session.history_region()),
            environment: text(&self.environment, session.environment()),
            functions: set(&self.functions),
            commands: set(&self.command_documents),
            automations: set(&self.automation_documents),
            topics: set(&self.topic_arns),
            spoke_roles: set(&self.target_role_arns),
            instance_roles: set(&self.instance_role_arns),
            runner_function: self.runner_function_arn.known().cloned(),
            sweeper_function: self.sweeper_function_arn.known().cloned(),
            drill_machine: self.drill_state_machine_arn.known().cloned(),
            recovery_machine: self.recovery_state_machine_arn.known().cloned(),
        }
    }
}

fn schema() -> Schema {
    let own = |what: &str| Attribute::string().optional().computed().describe(what);
    let set = |what: &str| {
        Attribute::set(Type::String)
            .optional()
            .validate(validator::each(validator::not_empty()))
            .describe(what)
    };
    let arn = |what: &str| {
        Attribute::string()
            .optional()
            .validate(validator::not_empty())
            .describe(what)
    };
    Schema::new(
        "The least-privilege IAM policy of whoever needs rights: the runner, the Lambda function, the state machine, the \
         sweeper and its schedule, the role of a target, and five roles of operators. It allows what is named and nothing else; \
         [Permissions](../guides/permissions.md) says what is in it and why.",
    )
    .attribute(
        "principal",
        Attribute::string()
            .required()
            .validate(validator::one_of(Principal::ALL.map(Principal::as_str)))
            .describe(
                "Whose policy: `runner`, `lambda`, `state-machine`, `sweeper`, `sweeper-rule`, `spoke`, or one of the roles of \
                 operators `read-only`, `plan-manager`, `operator`, `recovery-manager` and `admin`.",
            ),
    )
    .attribute("partition", own("Partition of the ARNs. Default: the provider's."))
    .attribute("account_id", own("Account whose role it is; for `spoke` the target's. Default: the provider's."))
    .attribute(
        "regions",
        Attribute::set(Type::String)
            .optional()
            .computed()
            .validate(validator::not_empty())
            .describe("Regions that servers recover into. Default: the provider's."),
    )
    .attribute("history_region", own("Region of the tables. Default: the provider's."))
    .attribute("environment", own("Environment of the tables. Default: the provider's."))
    .attribute("functions", set("Functions that hooks and checks run, by name or ARN."))
    .attribute("command_documents", set("Documents that hooks and checks run on servers, by name or ARN."))
    .attribute("automation_documents", set("Documents that hooks and checks run as automations, by name or ARN."))
    .attribute("topic_arns", set("Topics of notices."))
    .attribute("target_role_arns", set("Roles of targets that are worked in."))
    .attribute(
        "instance_role_arns",
        set("Roles of instance profiles that launch templates name, beside those of DRS."),
    )
    .attribute("runner_function_arn", arn("Function that drives executions for a state machine."))
    .attribute("sweeper_function_arn", arn("Function of the sweeper."))
    .attribute("drill_state_machine_arn", arn("State machine that runs drills."))
    .attribute("recovery_state_machine_arn", arn("State machine that runs recoveries."))
    .attribute("json", Attribute::string().computed().describe("The policy, as IAM takes it."))
}
