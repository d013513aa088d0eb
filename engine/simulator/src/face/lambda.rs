//! Lambda: invoking a function, and its answer when it has ended.
//!
//! The world knows at once what comes of an invocation and when; the answer is held back until then.

use drs_engine::sim::world::ApiError;
use serde_json::{Value, json};

use crate::face::json as face_json;
use crate::http::{Answer, Request, form_pairs, percent_decoded};
use crate::needs;
use crate::service::{Planned, Visit};

/// Longest payload of an invocation that is waited for, and of one that is not.
const PAYLOAD_BYTES: usize = 6 * 1024 * 1024;
const EVENT_BYTES: usize = 1024 * 1024;

/// Plans a call of Lambda.
pub(crate) fn plan<'p>(visit: &Visit<'_, '_>) -> Result<Planned<'p>, ApiError> {
    let (method, path) = (visit.request.method.as_str(), visit.request.path.as_str());
    let unknown = || {
        visit
            .protocol
            .unknown_operation(&format!("{method} {path}"))
    };
    if let Some(label) = function_label(path, "/configuration").filter(|_| method == "GET") {
        let function = percent_decoded(label).ok_or_else(unknown)?;
        let input = named(visit.request, &function)?;
        let action = "lambda:GetFunctionConfiguration";
        let needs = needs::of_function(visit, action, &input);
        return Ok(face_json::of_world(action.to_owned(), input, needs));
    }
    let label = function_label(path, "/invocations").filter(|_| method == "POST");
    let function = percent_decoded(label.ok_or_else(unknown)?).ok_or_else(unknown)?;
    let input = read_input(visit.request, &function)?;
    Ok(Planned {
        fault_name: "lambda:Invoke".to_owned(),
        action: "lambda:InvokeFunction".to_owned(),
        needs: needs::of_function(visit, "lambda:InvokeFunction", &input),
        perform: Box::new(move |visit| {
            let reply = visit.call_world("lambda:Invoke", input)?;
            let body = reply.body.unwrap_or_default();
            visit.hold_until(&body["EndsAt"]);
            let payload = body.get("Payload").map(Value::to_string);
            let mut answer = Answer::new(
                reply.status,
                visit.protocol.content_type(),
                payload.unwrap_or_default(),
            );
            for (member, header) in [
                ("ExecutedVersion", "x-amz-executed-version"),
                ("FunctionError", "x-amz-function-error"),
            ] {
                if let Some(text) = body[member].as_str() {
                    answer = answer.with(header, text);
                }
            }
            Ok(answer)
        }),
    })
}

/// The function in a path such as `/2015-03-31/functions/{FunctionName}/invocations`, as it was sent.
fn function_label<'a>(path: &'a str, operation: &str) -> Option<&'a str> {
    let rest = path.strip_prefix("/2015-03-31/functions/")?;
    let label = rest.strip_suffix(operation)?;
    (!label.is_empty() && !label.contains('/')).then_some(label)
}

/// A function, with the version or the alias in the query.
fn named(request: &Request, function: &str) -> Result<Value, ApiError> {
    let pairs = form_pairs(&request.query)
        .ok_or_else(|| invalid_content("The query string is malformed".to_owned()))?;
    let mut input = json!({"FunctionName": function});
    if let Some((_, qualifier)) = pairs.iter().find(|(name, _)| name == "Qualifier") {
        input["Qualifier"] = json!(qualifier);
    }
    Ok(input)
}

fn read_input(request: &Request, function: &str) -> Result<Value, ApiError> {
    let mut input = named(request, function)?;
    let kind = request.header("x-amz-invocation-type");
    if let Some(kind) = kind {
        input["InvocationType"] = json!(kind);
    }
    let longest = if kind == Some("Event") {
        EVENT_BYTES
    } else {
        PAYLOAD_BYTES
    };
    if request.body.len() > longest {
        let message = format!(
            "Request must be smaller than {longest} bytes for the InvokeFunction operation"
        );
        let error = ApiError::new("RequestTooLargeException", 413, message);
        return Err(error.with("Type", json!("User")));
    }
    if !request.body.is_empty() {
        input["Payload"] = serde_json::from_slice(&request.body).map_err(|error| {
            invalid_content(format!(
                "Could not parse request body into json: Could not parse payload into json: {error}"
            ))
        })?;
    }
    Ok(input)
}

fn invalid_content(message: String) -> ApiError {
    ApiError::new("InvalidRequestContentException", 400, message).with("Type", json!("User"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_found_in_its_path() {
        let path = |label: &str| format!("/2015-03-31/functions/{label}/invocations");
        assert_eq!(
            function_label(&path("check"), "/invocations"),
            Some("check")
        );
        assert_eq!(
            function_label(&path("check%3Alive"), "/invocations"),
            Some("check%3Alive")
        );
        for bad in ["/", "/2015-03-31/functions/", &path(""), &path("a/b")] {
            assert_eq!(function_label(bad, "/invocations"), None, "{bad}");
        }
    }
}
