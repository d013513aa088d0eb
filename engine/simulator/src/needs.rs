//! What a call needs to be allowed, where the simulator enforces IAM: actions, resources, and values of condition keys.
//!
//! The resources are those of the Service Authorization Reference. What DRS does with its caller's rights is needed with
//! the call: AWS may refuse the call, or accept it and fail the launch; the simulator refuses it, and names the action.

use std::collections::BTreeMap;

use drs_engine::iam::{MANAGED_TAG, On, Tagged, dependents};
use drs_engine::sim::iam::Context;
use drs_engine::sim::world::partition;
use serde_json::Value;

use crate::service::Visit;

/// Something that must be allowed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Need {
    pub(crate) action: String,
    pub(crate) resource: String,
    pub(crate) context: Context,
}

/// Where a call is made.
#[derive(Clone, Copy)]
struct Place<'a> {
    region: &'a str,
    account_id: &'a str,
}

impl Need {
    fn of(action: &str, resource: String) -> Self {
        Self {
            action: action.to_owned(),
            resource,
            context: BTreeMap::new(),
        }
    }

    fn with(mut self, key: &str, value: &str) -> Self {
        self.context
            .insert(key.to_lowercase(), vec![value.to_owned()]);
        self
    }
}

impl<'a> Place<'a> {
    /// Where a call is made, where somebody asks what it needs.
    fn asked(visit: &'a Visit<'_, '_>) -> Option<Self> {
        visit.is_authorized().then_some(Self {
            region: &visit.identity.region,
            account_id: &visit.identity.account_id,
        })
    }

    fn arn(self, service: &str, resource: &str) -> String {
        let Self { region, account_id } = self;
        format!(
            "arn:{}:{service}:{region}:{account_id}:{resource}",
            partition(region)
        )
    }
}

/// A call that supports no resource.
pub(crate) fn without_resource(visit: &Visit<'_, '_>, action: &str) -> Vec<Need> {
    let asked = Place::asked(visit);
    asked
        .map(|_| Need::of(action, "*".to_owned()))
        .into_iter()
        .collect()
}

/// A call of Service Quotas.
pub(crate) fn of_quotas(visit: &Visit<'_, '_>, action: &str) -> Vec<Need> {
    without_resource(visit, action)
}

/// AssumeRole. What the role's trust policy says is looked at when the call is carried out.
pub(crate) fn of_role(visit: &Visit<'_, '_>, role_arn: Option<&str>) -> Vec<Need> {
    let asked = Place::asked(visit).zip(role_arn);
    asked
        .map(|(_, role)| Need::of("sts:AssumeRole", role.to_owned()))
        .into_iter()
        .collect()
}

/// A call about a topic.
pub(crate) fn of_topic(visit: &Visit<'_, '_>, action: &str, topic_arn: Option<&str>) -> Vec<Need> {
    let asked = Place::asked(visit).zip(topic_arn);
    asked
        .map(|(_, topic)| Need::of(action, topic.to_owned()))
        .into_iter()
        .collect()
}

/// A call about a function, by its name or a part or all of its ARN, with the version or the alias that is called.
pub(crate) fn of_function(visit: &Visit<'_, '_>, action: &str, input: &Value) -> Vec<Need> {
    let (Some(place), Some(name)) = (Place::asked(visit), input["FunctionName"].as_str()) else {
        return Vec::new();
    };
    let arn = match name.split_once(":function:") {
        Some(_) if name.starts_with("arn:") => name.to_owned(),
        Some((_, name)) => place.arn("lambda", &format!("function:{name}")),
        None => place.arn("lambda", &format!("function:{name}")),
    };
    let resource = match input["Qualifier"].as_str() {
        Some(qualifier) => format!("{arn}:{qualifier}"),
        None => arn,
    };
    vec![Need::of(action, resource)]
}

/// A call of Step Functions. The token of a stand-in begins with the name of its machine.
pub(crate) fn of_states(visit: &Visit<'_, '_>, operation: &str, input: &Value) -> Vec<Need> {
    let Some(place) = Place::asked(visit) else {
        return Vec::new();
    };
    let resource = match operation {
        "DescribeExecution" => input["executionArn"].as_str().map(ToOwned::to_owned),
        "SendTaskSuccess" => {
            let token = input["taskToken"].as_str();
            let machine = token.and_then(|token| token.split_once('/'));
            machine.map(|(name, _)| place.arn("states", &format!("stateMachine:{name}")))
        }
        _ => input["stateMachineArn"].as_str().map(ToOwned::to_owned),
    };
    let need = resource.map(|resource| Need::of(&format!("states:{operation}"), resource));
    need.into_iter().collect()
}

/// A call of Systems Manager.
pub(crate) fn of_ssm(visit: &Visit<'_, '_>, operation: &str, input: &Value) -> Vec<Need> {
    let Some(place) = Place::asked(visit) else {
        return Vec::new();
    };
    let action = format!("ssm:{operation}");
    let text = |member: &str| input[member].as_str().unwrap_or_default();
    let resources = match operation {
        "DescribeDocument" => vec![document(place, text("Name"), "document", "")],
        "SendCommand" => {
            let mut resources = vec![document(place, text("DocumentName"), "document", "")];
            let ids = input["InstanceIds"].as_array().into_iter().flatten();
            let ids = ids.filter_map(Value::as_str);
            resources.extend(ids.map(|id| place.arn("ec2", &format!("instance/{id}"))));
            resources
        }
        "StartAutomationExecution" => {
            let version = input["DocumentVersion"].as_str().unwrap_or("$DEFAULT");
            vec![document(
                place,
                text("DocumentName"),
                "automation-definition",
                &format!(":{version}"),
            )]
        }
        "GetAutomationExecution" => {
            let execution = format!("automation-execution/{}", text("AutomationExecutionId"));
            vec![place.arn("ssm", &execution)]
        }
        _ => vec!["*".to_owned()],
    };
    resources
        .into_iter()
        .map(|resource| Need::of(&action, resource))
        .collect()
}

fn document(place: Place<'_>, name: &str, kind: &str, suffix: &str) -> String {
    let plain = name
        .rsplit_once(":document/")
        .map_or(name, |(_, plain)| plain);
    // Documents that belong to AWS have no account in their ARN.
    let account_id = if plain.starts_with("AWS") || plain.starts_with("Amazon") {
        ""
    } else {
        place.account_id
    };
    Place {
        account_id,
        ..place
    }
    .arn("ssm", &format!("{kind}/{plain}{suffix}"))
}

/// A call of DRS, and what DRS does with the rights of its caller.
pub(crate) fn of_drs(visit: &Visit<'_, '_>, operation: &str, input: &Value) -> Vec<Need> {
    let Some(place) = Place::asked(visit) else {
        return Vec::new();
    };
    let resources = drs_resources(place, operation, input);
    let own = format!("drs:{operation}");
    let mut needs: Vec<Need> = resources
        .iter()
        .map(|resource| Need::of(&own, resource.clone()))
        .collect();
    let is_tagged = input["tags"]
        .as_object()
        .is_some_and(|tags| !tags.is_empty());
    if operation == "StartRecovery" && is_tagged {
        let tagged = resources
            .iter()
            .map(|resource| Need::of("drs:TagResource", resource.clone()));
        needs.extend(tagged.map(|need| need.with("drs:CreateAction", operation)));
    }
    for dependent in dependents(operation) {
        for on in dependent.on {
            let called: &[String] = if *on == On::Called {
                &resources
            } else {
                &[String::new()]
            };
            needs.extend(called.iter().map(|called| {
                let resource = on.arn(
                    partition(place.region),
                    place.region,
                    place.account_id,
                    called,
                );
                via_drs(Need::of(dependent.action, resource), *on)
            }));
        }
    }
    needs
}

/// What a call that DRS makes in its caller's name shows to policies.
fn via_drs(need: Need, on: On) -> Need {
    let need = need
        .with("aws:ViaAWSService", "true")
        .with("aws:CalledVia", "drs.amazonaws.com");
    let tag = |of: &str| format!("aws:{of}Tag/{MANAGED_TAG}");
    match on {
        On::Role(_) => need.with("iam:PassedToService", "ec2.amazonaws.com"),
        On::Ec2(_, Tagged::Already | Tagged::AlreadyByAnybody) => {
            need.with(&tag("Resource"), "drs.amazonaws.com")
        }
        On::Ec2(_, Tagged::Now | Tagged::NowByAnybody) => {
            need.with(&tag("Request"), "drs.amazonaws.com")
        }
        On::Ec2("volume", Tagged::Made) => need.with("ec2:CreateAction", "CreateVolume"),
        On::Ec2("snapshot", Tagged::Made) => need.with("ec2:CreateAction", "CreateSnapshot"),
        On::Ec2("security-group", Tagged::Made) => {
            need.with("ec2:CreateAction", "CreateSecurityGroup")
        }
        On::Ec2(_, Tagged::Made) => need.with("ec2:CreateAction", "RunInstances"),
        On::Anything | On::Called | On::Ec2(_, Tagged::Not) => need,
    }
}

/// Members that name what a call is about, with the type of the resource.
const ABOUT: [(&str, &str); 6] = [
    ("sourceServerID", "source-server"),
    ("recoveryInstanceID", "recovery-instance"),
    ("jobID", "job"),
    (
        "launchConfigurationTemplateID",
        "launch-configuration-template",
    ),
    (
        "replicationConfigurationTemplateID",
        "replication-configuration-template",
    ),
    ("sourceNetworkID", "source-network"),
];

fn drs_resources(place: Place<'_>, operation: &str, input: &Value) -> Vec<String> {
    let listed = |kind: &str, ids: Vec<&str>| -> Vec<String> {
        ids.into_iter()
            .map(|id| place.arn("drs", &format!("{kind}/{id}")))
            .collect()
    };
    let items = |member: &str| input[member].as_array().into_iter().flatten();
    if operation == "StartRecovery" {
        let ids = items("sourceServers").filter_map(|server| server["sourceServerID"].as_str());
        return listed("source-server", ids.collect());
    }
    if operation == "TerminateRecoveryInstances" {
        let ids = items("recoveryInstanceIDs").filter_map(Value::as_str);
        return listed("recovery-instance", ids.collect());
    }
    if let Some(arn) = input["resourceArn"].as_str() {
        return vec![arn.to_owned()];
    }
    let about = ABOUT
        .iter()
        .find_map(|(member, kind)| Some((*kind, input[*member].as_str()?)));
    about.map_or_else(|| vec!["*".to_owned()], |(kind, id)| listed(kind, vec![id]))
}

/// A call of DynamoDB. IAM knows no action for transactions: each of their writes needs its own.
pub(crate) fn of_dynamodb(visit: &Visit<'_, '_>, operation: &str) -> Vec<Need> {
    let Some(place) = Place::asked(visit) else {
        return Vec::new();
    };
    // A body that cannot be read is refused when the call is carried out.
    let Ok(input) = serde_json::from_slice::<Value>(&visit.request.body) else {
        return Vec::new();
    };
    let table = |name: &Value| {
        let name = name.as_str().unwrap_or_default();
        if name.starts_with("arn:") {
            name.to_owned()
        } else {
            place.arn("dynamodb", &format!("table/{name}"))
        }
    };
    let action = |name: &str| format!("dynamodb:{name}");
    let mut needs: Vec<Need> = match operation {
        "TransactWriteItems" | "TransactGetItems" => {
            let items = input["TransactItems"].as_array().into_iter().flatten();
            let writes = items.filter_map(Value::as_object).flatten();
            writes
                .map(|(kind, write)| {
                    let item = if kind == "ConditionCheck" {
                        "ConditionCheckItem".to_owned()
                    } else {
                        format!("{kind}Item")
                    };
                    Need::of(&action(&item), table(&write["TableName"]))
                })
                .collect()
        }
        "BatchGetItem" | "BatchWriteItem" => {
            let tables = input["RequestItems"].as_object().into_iter().flatten();
            tables
                .map(|(name, _)| Need::of(&action(operation), table(&Value::from(name.as_str()))))
                .collect()
        }
        "Query" | "Scan" => {
            let table = table(&input["TableName"]);
            let resource = match input["IndexName"].as_str() {
                Some(index) => format!("{table}/index/{index}"),
                None => table,
            };
            vec![Need::of(&action(operation), resource)]
        }
        "ListTables" => vec![Need::of(&action(operation), "*".to_owned())],
        "TagResource" | "UntagResource" | "ListTagsOfResource" => {
            vec![Need::of(&action(operation), table(&input["ResourceArn"]))]
        }
        _ => vec![Need::of(&action(operation), table(&input["TableName"]))],
    };
    let is_tagged = input["Tags"]
        .as_array()
        .is_some_and(|tags| !tags.is_empty());
    if operation == "CreateTable" && is_tagged {
        needs.push(Need::of("dynamodb:TagResource", table(&input["TableName"])));
    }
    // Many writes of a transaction go to one table.
    needs.sort_by(|a, b| (&a.action, &a.resource).cmp(&(&b.action, &b.resource)));
    needs.dedup();
    needs
}
