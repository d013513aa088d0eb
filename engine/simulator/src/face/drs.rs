//! Elastic Disaster Recovery: REST-JSON. Routes on the raw path, validates everything, and asks the world.

use drs_engine::sim::world::ApiError;
use serde_json::{Map, Number, Value, json};

use crate::http::{Answer, Request, form_pairs, percent_decoded};
use crate::model::{DRS, Elsewhere, Location, Operation, Violation};
use crate::needs;
use crate::service::{Planned, Visit};

/// Plans a call of DRS.
pub(crate) fn plan<'p>(visit: &Visit<'_, '_>) -> Result<Planned<'p>, ApiError> {
    let (method, path) = (visit.request.method.as_str(), visit.request.path.as_str());
    let Some((name, operation, label)) = DRS.route(method, path) else {
        return Err(visit
            .protocol
            .unknown_operation(&format!("{method} {path}")));
    };
    let input = read_input(visit.request, operation, label)?;
    let input = DRS
        .check(operation, &input)
        .map_err(|found| invalid(&found))?;
    let (name, status) = (name.to_owned(), operation.status);
    Ok(Planned {
        fault_name: name.clone(),
        action: format!("drs:{name}"),
        needs: needs::of_drs(visit, &name, &input),
        perform: Box::new(move |visit| {
            let reply = visit.call_world(&name, input)?;
            let body = match reply.body {
                Some(body) if visit.empty => emptied(body),
                Some(body) => body,
                None => json!({}),
            };
            Ok(match status {
                204 => Answer::new(204, visit.protocol.content_type(), ""),
                _ => visit.protocol.json(status, &body),
            })
        }),
    })
}

/// The same answer as if nothing had been found.
fn emptied(body: Value) -> Value {
    match body {
        Value::Object(members) if members.contains_key("items") => json!({"items": []}),
        other => other,
    }
}

/// An operation's input: the body, and the members that are in the path or the query.
fn read_input(
    request: &Request,
    operation: &Operation,
    label: Option<&str>,
) -> Result<Value, ApiError> {
    let mut input = match request.body.as_slice() {
        [] => Map::new(),
        body => match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => members,
            _ => return Err(unreadable("The request body must be a JSON object.")),
        },
    };
    let pairs =
        form_pairs(&request.query).ok_or_else(|| unreadable("The query string is malformed."))?;
    for member in DRS.elsewhere(operation) {
        let value = match member.location {
            Location::Uri => {
                let text = label.and_then(percent_decoded);
                Some(Value::String(
                    text.ok_or_else(|| unreadable("The path is malformed."))?,
                ))
            }
            Location::Querystring => from_query(&member, &pairs),
        };
        match value {
            Some(value) => input.insert(member.member.to_owned(), value),
            None => input.remove(member.member),
        };
    }
    Ok(Value::Object(input))
}

fn from_query(member: &Elsewhere<'_>, pairs: &[(String, String)]) -> Option<Value> {
    let mut values = pairs
        .iter()
        .filter(|(name, _)| name == member.wire_name)
        .map(|(_, value)| value);
    if member.is_list {
        let items: Vec<Value> = values.map(|value| json!(value)).collect();
        return (!items.is_empty()).then_some(Value::Array(items));
    }
    let text = values.next()?;
    match text.parse::<i64>() {
        Ok(number) if member.is_number => Some(Value::Number(Number::from(number))),
        _ => Some(json!(text)),
    }
}

fn invalid(found: &[Violation]) -> ApiError {
    let listed: Vec<String> = found
        .iter()
        .map(|violation| {
            format!(
                "Value at '{}' failed to satisfy constraint: {}",
                violation.name, violation.message
            )
        })
        .collect();
    let count = found.len();
    let noun = if count == 1 { "error" } else { "errors" };
    let message = format!("{count} validation {noun} detected: {}", listed.join("; "));
    let reason = match found.iter().any(|violation| violation.unreadable) {
        true => "cannotParse",
        false => "fieldValidationFailed",
    };
    let fields: Vec<Value> = found
        .iter()
        .map(|violation| json!({"name": violation.name, "message": violation.message}))
        .collect();
    ApiError::new("ValidationException", 400, message)
        .with("reason", json!(reason))
        .with("fieldList", Value::Array(fields))
}

fn unreadable(message: &str) -> ApiError {
    ApiError::new("ValidationException", 400, message).with("reason", json!("cannotParse"))
}
