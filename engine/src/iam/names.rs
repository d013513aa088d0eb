//! The names that a policy is written for.

use std::collections::BTreeSet;

use crate::store::items::Table;

/// What there is, by name. Where nothing is named, nothing is allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The partition, e.g. `aws`.
    pub partition: String,
    /// The account whose role it is; of a spoke, the target's.
    pub account_id: String,
    /// The Regions that servers recover into.
    pub regions: BTreeSet<String>,
    /// The Region of the tables.
    pub history_region: String,
    /// The environment whose tables they are.
    pub environment: String,
    /// Functions that hooks and checks run, by name or ARN.
    pub functions: BTreeSet<String>,
    /// Documents that hooks and checks run on servers, by name or ARN.
    pub commands: BTreeSet<String>,
    /// Documents that hooks and checks run as automations, by name or ARN.
    pub automations: BTreeSet<String>,
    /// Topics of notices, by ARN.
    pub topics: BTreeSet<String>,
    /// Roles of targets, by ARN.
    pub spoke_roles: BTreeSet<String>,
    /// Roles of instance profiles that launch templates name, by ARN, beside those of DRS.
    pub instance_roles: BTreeSet<String>,
    /// The function that drives executions for a state machine, by ARN.
    pub runner_function: Option<String>,
    /// The function of the sweeper, by ARN.
    pub sweeper_function: Option<String>,
    /// The state machine that runs drills, by ARN.
    pub drill_machine: Option<String>,
    /// The state machine that runs recoveries, by ARN.
    pub recovery_machine: Option<String>,
}

/// How a name begins when it belongs to AWS: no document of an account may begin so.
const OF_AWS: [&str; 3] = ["AWS", "Amazon", "amzn"];

impl Names {
    pub(super) fn table(&self, table: Table) -> String {
        let name = table.name_in(&self.environment);
        self.arn("dynamodb", &self.history_region, &format!("table/{name}"))
    }

    /// The indexes of a table.
    pub(super) fn indexes(&self, table: Table) -> String {
        format!("{}/index/*", self.table(table))
    }

    /// A resource in each of the Regions.
    pub(super) fn everywhere(&self, service: &str, resource: &str) -> Vec<String> {
        let regions = self.regions.iter();
        regions
            .map(|region| self.arn(service, region, resource))
            .collect()
    }

    /// A role of this account.
    pub(super) fn role(&self, path_and_name: &str) -> String {
        self.arn("iam", "", &format!("role/{path_and_name}"))
    }

    /// The functions of this account; those of others are called as the roles of their targets.
    pub(super) fn own_functions(&self) -> Vec<String> {
        let named = self.functions.iter().flat_map(|name| {
            if name.starts_with("arn:") {
                vec![name.clone()]
            } else {
                self.everywhere("lambda", &format!("function:{name}"))
            }
        });
        named.filter(|arn| self.is_own(arn)).collect()
    }

    /// Documents of this account as resources of a type, e.g. `document` or `automation-definition`.
    pub(super) fn own_documents(&self, names: &BTreeSet<String>, kind: &str) -> Vec<String> {
        let suffix = if kind == "automation-definition" {
            ":*"
        } else {
            ""
        };
        let mut found = Vec::new();
        for name in names {
            let plain = match name.rsplit_once(":document/") {
                Some((_, plain)) if self.is_own(name) => plain,
                Some(_) => continue,
                None => name,
            };
            let resource = format!("{kind}/{plain}{suffix}");
            // AWS's own documents have no account in their ARN.
            let of_aws = OF_AWS.iter().any(|prefix| plain.starts_with(prefix));
            let account = if of_aws {
                "*"
            } else {
                self.account_id.as_str()
            };
            let arns = self
                .regions
                .iter()
                .map(|region| format!("arn:{}:ssm:{region}:{account}:{resource}", self.partition));
            found.extend(arns);
        }
        found
    }

    fn is_own(&self, arn: &str) -> bool {
        let account = arn.split(':').nth(4).unwrap_or_default();
        account == self.account_id || account.is_empty()
    }

    fn arn(&self, service: &str, region: &str, resource: &str) -> String {
        let Self {
            partition,
            account_id,
            ..
        } = self;
        format!("arn:{partition}:{service}:{region}:{account_id}:{resource}")
    }
}
