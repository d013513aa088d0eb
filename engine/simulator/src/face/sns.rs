//! SNS: publishing a message to a topic, which the world remembers, and looking whether a topic is there.

use drs_engine::sim::world::ApiError;
use serde_json::{Map, Value, json};

use crate::face::form::Form;
use crate::http::Answer;
use crate::needs;
use crate::service::{Planned, Visit};
use crate::xml;

/// The parameters that the world reads; others change nothing here.
const PARAMETERS: [&str; 7] = [
    "Message",
    "MessageDeduplicationId",
    "MessageGroupId",
    "MessageStructure",
    "Subject",
    "TargetArn",
    "TopicArn",
];

/// Plans a call of SNS.
pub(crate) fn plan<'p>(visit: &Visit<'_, '_>) -> Result<Planned<'p>, ApiError> {
    let form = Form::read(visit)?;
    match form.value("Action").unwrap_or_default() {
        "Publish" => Ok(publish(visit, &form)),
        "GetTopicAttributes" => Ok(topic_attributes(visit, &form)),
        action => Err(visit.protocol.unknown_operation(action)),
    }
}

fn topic_attributes<'p>(visit: &Visit<'_, '_>, form: &Form) -> Planned<'p> {
    let input = json!({"TopicArn": form.value("TopicArn")});
    Planned {
        fault_name: "sns:GetTopicAttributes".to_owned(),
        action: "SNS:GetTopicAttributes".to_owned(),
        needs: needs::of_topic(visit, "SNS:GetTopicAttributes", form.value("TopicArn")),
        perform: Box::new(move |visit| {
            let reply = visit.call_world("sns:GetTopicAttributes", input)?;
            let body = reply.body.unwrap_or_default();
            let none = Map::new();
            let map = body["Attributes"].as_object().unwrap_or(&none);
            let (name, id) = ("Attributes", visit.request_id);
            let xml = xml::sns_map_answer("GetTopicAttributes", name, map, id);
            Ok(Answer::new(
                reply.status,
                visit.protocol.content_type(),
                xml,
            ))
        }),
    }
}

fn publish<'p>(visit: &Visit<'_, '_>, form: &Form) -> Planned<'p> {
    let given = PARAMETERS
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), json!(form.value(name)?))));
    let mut input = Value::Object(given.collect());
    let attributes = attributes(form);
    if !attributes.is_empty() {
        input["MessageAttributes"] = Value::Object(attributes);
    }
    Planned {
        fault_name: "sns:Publish".to_owned(),
        action: "SNS:Publish".to_owned(),
        needs: needs::of_topic(
            visit,
            "SNS:Publish",
            form.value("TopicArn").or_else(|| form.value("TargetArn")),
        ),
        perform: Box::new(move |visit| {
            let reply = visit.call_world("sns:Publish", input)?;
            let body = reply.body.unwrap_or_default();
            visit.hold_until(&body["EndsAt"]);
            let result = json!({"MessageId": body["MessageId"]});
            let xml = xml::sns_answer("Publish", &result, visit.request_id);
            Ok(Answer::new(
                reply.status,
                visit.protocol.content_type(),
                xml,
            ))
        }),
    }
}

/// The attributes of a message, each as its text.
fn attributes(form: &Form) -> Map<String, Value> {
    let entries = form.structures("MessageAttributes.entry").into_iter();
    let pairs = entries.filter_map(|entry| {
        let name = entry.value("Name")?.to_owned();
        let text = entry.value("Value.StringValue");
        let value = text.or_else(|| entry.value("Value.BinaryValue"));
        Some((name, json!(value.unwrap_or_default())))
    });
    pairs.collect()
}
