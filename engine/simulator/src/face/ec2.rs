//! EC2: what became of the instances that DRS launched, and what launches will meet: templates, subnets and instance types.
//! The world knows them.

use drs_engine::sim::world::ApiError;
use serde_json::{Map, Value, json};

use crate::face::form::Form;
use crate::http::Answer;
use crate::needs;
use crate::service::{Planned, Visit};
use crate::xml;

/// What can be asked.
const ACTIONS: [&str; 5] = [
    "DescribeInstanceStatus",
    "DescribeInstanceTypes",
    "DescribeInstances",
    "DescribeLaunchTemplateVersions",
    "DescribeSubnets",
];

/// Parameters that are lists, with the names that they have in EC2's own model.
const LISTS: [(&str, &str); 4] = [
    ("InstanceId", "InstanceIds"),
    ("InstanceType", "InstanceTypes"),
    ("LaunchTemplateVersion", "Versions"),
    ("SubnetId", "SubnetIds"),
];

/// Parameters that are words.
const WORDS: [&str; 3] = ["LaunchTemplateId", "LaunchTemplateName", "NextToken"];

/// Plans a call of EC2.
pub(crate) fn plan<'p>(visit: &Visit<'_, '_>) -> Result<Planned<'p>, ApiError> {
    let form = Form::read(visit)?;
    let action = form.value("Action").unwrap_or_default().to_owned();
    if !ACTIONS.contains(&action.as_str()) {
        return Err(visit.protocol.unknown_operation(&action));
    }
    let input = read_input(&form)?;
    let name = format!("ec2:{action}");
    Ok(Planned {
        fault_name: name.clone(),
        action: name.clone(),
        needs: needs::without_resource(visit, &name),
        perform: Box::new(move |visit| {
            let reply = visit.call_world(&name, input)?;
            let body = reply.body.unwrap_or_else(|| json!({}));
            let xml = xml::ec2_answer(&action, &body, visit.request_id);
            Ok(Answer::new(
                reply.status,
                visit.protocol.content_type(),
                xml,
            ))
        }),
    })
}

/// The parameters as the world reads them: with the names that EC2's own model has.
fn read_input(form: &Form) -> Result<Value, ApiError> {
    let mut input = Map::new();
    for (parameter, member) in LISTS {
        let values = form.list(parameter);
        if !values.is_empty() {
            input.insert(member.to_owned(), json!(values));
        }
    }
    for parameter in WORDS {
        if let Some(word) = form.value(parameter) {
            input.insert(parameter.to_owned(), json!(word));
        }
    }
    let filters: Vec<Value> = form
        .structures("Filter")
        .iter()
        .map(|filter| json!({"Name": filter.value("Name").unwrap_or_default(), "Values": filter.list("Value")}))
        .collect();
    if !filters.is_empty() {
        input.insert("Filters".to_owned(), json!(filters));
    }
    if let Some(text) = form.value("MaxResults") {
        let number: u64 = text.parse().map_err(|_| invalid(text, "maxResults"))?;
        input.insert("MaxResults".to_owned(), json!(number));
    }
    if let Some(flag) = form.value("IncludeAllInstances") {
        let flag: bool = flag
            .to_ascii_lowercase()
            .parse()
            .map_err(|_| invalid(flag, "includeAllInstances"))?;
        input.insert("IncludeAllInstances".to_owned(), json!(flag));
    }
    Ok(Value::Object(input))
}

fn invalid(value: &str, parameter: &str) -> ApiError {
    let message = format!("Value ({value}) for parameter {parameter} is invalid.");
    ApiError::new("InvalidParameterValue", 400, message)
}
