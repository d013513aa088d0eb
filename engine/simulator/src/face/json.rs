//! The JSON protocols of services whose calls the world answers: an object in, an object out.

use drs_engine::sim::world::ApiError;
use serde_json::{Value, json};

use crate::needs::Need;
use crate::service::Planned;

/// The body of a request.
pub(crate) fn object(body: &[u8]) -> Result<Value, ApiError> {
    let input = serde_json::from_slice(body).ok();
    input.filter(Value::is_object).ok_or_else(|| {
        let message = "The request body must be a JSON object.";
        ApiError::new("SerializationException", 400, message)
    })
}

/// A call that the world answers; its name is also the action's and the fault's.
pub(crate) fn of_world<'p>(name: String, input: Value, needs: Vec<Need>) -> Planned<'p> {
    Planned {
        fault_name: name.clone(),
        action: name.clone(),
        needs,
        perform: Box::new(move |visit| {
            let reply = visit.call_world(&name, input)?;
            let body = reply.body.unwrap_or_else(|| json!({}));
            Ok(visit.protocol.json(reply.status, &body))
        }),
    }
}
