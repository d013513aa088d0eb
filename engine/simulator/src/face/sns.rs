//! SNS: publishing a message to a topic. The world remembers it.

use drs_engine::sim::world::ApiError;
use serde_json::{Value, json};

use crate::face::form::Form;
use crate::http::Answer;
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
    let action = form.value("Action").unwrap_or_default();
    if action != "Publish" {
        return Err(visit.protocol.unknown_operation(action));
    }
    let given = PARAMETERS
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), json!(form.value(name)?))));
    let input = Value::Object(given.collect());
    Ok(Planned {
        fault_name: "sns:Publish".to_owned(),
        action: "SNS:Publish".to_owned(),
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
    })
}
