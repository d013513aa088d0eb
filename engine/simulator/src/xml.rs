//! The XML of the two query protocols, written from values.

use serde_json::{Map, Value};

const STS_NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";
const SNS_NAMESPACE: &str = "http://sns.amazonaws.com/doc/2010-03-31/";
const EC2_NAMESPACE: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";

/// A successful answer of STS.
pub(crate) fn query_answer(operation: &str, result: &Value, request_id: &str) -> String {
    answer_in(STS_NAMESPACE, operation, result, request_id)
}

/// A successful answer of SNS.
pub(crate) fn sns_answer(operation: &str, result: &Value, request_id: &str) -> String {
    answer_in(SNS_NAMESPACE, operation, result, request_id)
}

/// A successful answer of SNS that is one map, whose entries it writes as a key and a value each.
pub(crate) fn sns_map_answer(
    operation: &str,
    name: &str,
    map: &Map<String, Value>,
    request_id: &str,
) -> String {
    let entry = |(key, value): (&String, &Value)| {
        let (key, value) = (escaped(key), content(value));
        format!("<entry><key>{key}</key><value>{value}</value></entry>")
    };
    let entries: String = map.iter().map(entry).collect();
    let inner = format!("<{operation}Result><{name}>{entries}</{name}></{operation}Result>");
    wrapped_in(SNS_NAMESPACE, operation, &inner, request_id)
}

fn answer_in(namespace: &str, operation: &str, result: &Value, request_id: &str) -> String {
    let inner = element(&format!("{operation}Result"), result);
    wrapped_in(namespace, operation, &inner, request_id)
}

fn wrapped_in(namespace: &str, operation: &str, inner: &str, request_id: &str) -> String {
    format!(
        "<{operation}Response xmlns=\"{namespace}\">{inner}\
         <ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>"
    )
}

/// An error of STS.
pub(crate) fn query_error(code: &str, message: &str, status: u16, request_id: &str) -> String {
    error_in(STS_NAMESPACE, code, message, status, request_id)
}

/// An error of SNS.
pub(crate) fn sns_error(code: &str, message: &str, status: u16, request_id: &str) -> String {
    error_in(SNS_NAMESPACE, code, message, status, request_id)
}

fn error_in(namespace: &str, code: &str, message: &str, status: u16, request_id: &str) -> String {
    let kind = if status >= 500 { "Receiver" } else { "Sender" };
    let (code, message) = (escaped(code), escaped(message));
    format!(
        "<ErrorResponse xmlns=\"{namespace}\"><Error>\
         <Type>{kind}</Type><Code>{code}</Code><Message>{message}</Message></Error>\
         <RequestId>{request_id}</RequestId></ErrorResponse>"
    )
}

/// A successful answer of EC2: lists are wrapped in `item` elements.
pub(crate) fn ec2_answer(operation: &str, result: &Value, request_id: &str) -> String {
    let inner = content(result);
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{operation}Response xmlns=\"{EC2_NAMESPACE}\">\
         <requestId>{request_id}</requestId>{inner}</{operation}Response>"
    )
}

/// An error of EC2.
pub(crate) fn ec2_error(code: &str, message: &str, request_id: &str) -> String {
    let (code, message) = (escaped(code), escaped(message));
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error>\
         <Code>{code}</Code><Message>{message}</Message></Error></Errors><RequestID>{request_id}</RequestID></Response>"
    )
}

fn element(name: &str, value: &Value) -> String {
    format!("<{name}>{}</{name}>", content(value))
}

/// A value as the content of an element: members become elements, items of a list `item` elements, null nothing.
fn content(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => escaped(text),
        Value::Array(items) => items.iter().map(|item| element("item", item)).collect(),
        Value::Object(members) => members
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| element(name, value))
            .collect(),
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' => out.push(character),
            // XML 1.0 has no way to write the other control characters.
            control if control.is_control() => out.push('\u{fffd}'),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            plain => out.push(plain),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_become_items_and_text_is_escaped() {
        let value = json!({"set": [{"a": 1}, {"a": true}], "text": "<&\"\u{1}", "none": null});
        assert_eq!(
            content(&value),
            "<set><item><a>1</a></item><item><a>true</a></item></set><text>&lt;&amp;&quot;\u{fffd}</text>"
        );
    }
}
