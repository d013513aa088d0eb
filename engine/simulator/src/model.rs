//! The DRS model: which operations there are, and what their inputs must look like. The facts are in `model/drs.json`.
//!
//! Real clients check little of this themselves, so the simulator checks all of it, and names every member that is wrong.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex_lite::Regex;
use serde::Deserialize;
use serde_json::{Map, Value};

/// Most violations that one answer lists.
const VIOLATIONS_BOUND: usize = 100;

/// The model, read on first use.
pub(crate) static DRS: LazyLock<Model> = LazyLock::new(Model::read);

/// Operations and shapes.
pub(crate) struct Model {
    operations: BTreeMap<String, Operation>,
    shapes: BTreeMap<String, Shape>,
    patterns: BTreeMap<String, Regex>,
}

/// One operation.
#[derive(Deserialize)]
pub(crate) struct Operation {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) status: u16,
    pub(crate) input: Option<String>,
}

/// One shape, with the constraints that it has.
#[derive(Deserialize)]
struct Shape {
    #[serde(rename = "type")]
    kind: Kind,
    pattern: Option<String>,
    min: Option<i64>,
    max: Option<i64>,
    #[serde(rename = "enum", default)]
    values: Vec<String>,
    #[serde(default)]
    required: Vec<String>,
    #[serde(default)]
    members: BTreeMap<String, Member>,
    member: Option<String>,
    key: Option<String>,
    value: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Structure,
    List,
    Map,
    String,
    Integer,
    Long,
    Boolean,
}

#[derive(Deserialize)]
struct Member {
    shape: String,
    location: Option<Location>,
    name: Option<String>,
}

/// Where a member is that is not in the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Location {
    /// A segment of the path.
    Uri,
    /// A parameter of the query string.
    Querystring,
}

/// What is wrong with one member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    /// Where, such as `sourceServers.1.sourceServerID`; lists are numbered from 1.
    pub(crate) name: String,
    /// What it should be.
    pub(crate) message: String,
    /// Whether the value is not even of the right type.
    pub(crate) unreadable: bool,
}

/// A member that is not in the body: how it is called, and whether it is a list.
pub(crate) struct Elsewhere<'a> {
    pub(crate) member: &'a str,
    pub(crate) location: Location,
    pub(crate) wire_name: &'a str,
    pub(crate) is_list: bool,
    pub(crate) is_number: bool,
}

impl Model {
    fn read() -> Self {
        #[derive(Deserialize)]
        struct File {
            operations: BTreeMap<String, Operation>,
            shapes: BTreeMap<String, Shape>,
        }
        let file: File = serde_json::from_str(include_str!("../model/drs.json"))
            .expect("the model is part of this program and a test reads it");
        let patterns = file
            .shapes
            .values()
            .filter_map(|shape| shape.pattern.as_deref())
            .map(|pattern| (pattern.to_owned(), compile(pattern)))
            .collect();
        Self {
            operations: file.operations,
            shapes: file.shapes,
            patterns,
        }
    }

    /// The operation that a method and a raw path mean, with the raw path's label when it has one.
    pub(crate) fn route<'a>(
        &self,
        method: &str,
        path: &'a str,
    ) -> Option<(&str, &Operation, Option<&'a str>)> {
        let of_method = |operation: &&Operation| operation.method == method;
        if let Some((folder, label)) = path.strip_prefix('/')?.split_once('/') {
            let labelled = |operation: &&Operation| {
                let mut parts = operation.path.trim_start_matches('/').split('/');
                parts.next() == Some(folder) && parts.next().is_some()
            };
            let (name, operation) = self
                .operations
                .iter()
                .find(|(_, operation)| of_method(operation) && labelled(operation))?;
            let one_segment = !label.is_empty() && !label.contains('/');
            return one_segment.then_some((name, operation, Some(label)));
        }
        let (name, operation) = self
            .operations
            .iter()
            .find(|(_, operation)| operation.path == path && of_method(operation))?;
        Some((name, operation, None))
    }

    /// The members of an operation's input that are not in the body.
    pub(crate) fn elsewhere(&self, operation: &Operation) -> Vec<Elsewhere<'_>> {
        let Some(shape) = operation
            .input
            .as_ref()
            .and_then(|input| self.shapes.get(input))
        else {
            return Vec::new();
        };
        shape
            .members
            .iter()
            .filter_map(|(member, reference)| {
                let kind = self.shapes.get(&reference.shape)?.kind;
                Some(Elsewhere {
                    member,
                    location: reference.location?,
                    wire_name: reference.name.as_deref().unwrap_or(member),
                    is_list: kind == Kind::List,
                    is_number: matches!(kind, Kind::Integer | Kind::Long),
                })
            })
            .collect()
    }

    /// Checks an input. Gives back what the model knows of it: unknown members are ignored, and null means absent.
    pub(crate) fn check(
        &self,
        operation: &Operation,
        input: &Value,
    ) -> Result<Value, Vec<Violation>> {
        let Some(shape) = operation.input.as_deref() else {
            return Ok(Value::Object(Map::new()));
        };
        let mut violations = Vec::new();
        let known = self.check_value(shape, input, "", &mut violations);
        if violations.is_empty() {
            Ok(known)
        } else {
            Err(violations)
        }
    }

    fn check_value(
        &self,
        name: &str,
        value: &Value,
        path: &str,
        found: &mut Vec<Violation>,
    ) -> Value {
        let Some(shape) = self.shapes.get(name) else {
            return value.clone();
        };
        if found.len() >= VIOLATIONS_BOUND {
            return Value::Null;
        }
        match (shape.kind, value) {
            (Kind::Structure, Value::Object(object)) => {
                self.check_structure(shape, object, path, found)
            }
            (Kind::List, Value::Array(items)) => self.check_list(shape, items, path, found),
            (Kind::Map, Value::Object(object)) => self.check_map(shape, object, path, found),
            (Kind::String, Value::String(text)) => {
                self.check_text(shape, text, path, found);
                value.clone()
            }
            (Kind::Boolean, Value::Bool(_)) => value.clone(),
            (Kind::Integer | Kind::Long, Value::Number(_)) if value.is_i64() => {
                let number = value.as_i64().unwrap_or_default();
                check_range(shape, number, "value", path, found);
                value.clone()
            }
            (kind, _) => {
                let expected = format!("{kind:?}").to_lowercase();
                found.push(Violation {
                    name: shown(path),
                    message: format!("Member must be of type {expected}"),
                    unreadable: true,
                });
                Value::Null
            }
        }
    }

    fn check_structure(
        &self,
        shape: &Shape,
        object: &Map<String, Value>,
        path: &str,
        found: &mut Vec<Violation>,
    ) -> Value {
        let mut known = Map::new();
        for (member, reference) in &shape.members {
            let inner = join(path, member);
            match object.get(member) {
                None | Some(Value::Null) => {
                    if shape.required.contains(member) {
                        found.push(violation(&inner, "Member must not be null"));
                    }
                }
                Some(value) => {
                    let value = self.check_value(&reference.shape, value, &inner, found);
                    known.insert(member.clone(), value);
                }
            }
        }
        Value::Object(known)
    }

    fn check_list(
        &self,
        shape: &Shape,
        items: &[Value],
        path: &str,
        found: &mut Vec<Violation>,
    ) -> Value {
        check_range(shape, items.len() as i64, "length", path, found);
        let item = shape.member.as_deref().unwrap_or_default();
        let checked = items.iter().enumerate().map(|(index, value)| {
            let inner = join(path, &(index + 1).to_string());
            self.check_value(item, value, &inner, found)
        });
        Value::Array(checked.collect())
    }

    fn check_map(
        &self,
        shape: &Shape,
        object: &Map<String, Value>,
        path: &str,
        found: &mut Vec<Violation>,
    ) -> Value {
        check_range(shape, object.len() as i64, "length", path, found);
        let mut known = Map::new();
        for (key, value) in object {
            let inner = join(path, key);
            if let Some(shape) = shape.key.as_ref().and_then(|key| self.shapes.get(key)) {
                self.check_text(shape, key, &inner, found);
            }
            let value = self.check_value(
                shape.value.as_deref().unwrap_or_default(),
                value,
                &inner,
                found,
            );
            known.insert(key.clone(), value);
        }
        Value::Object(known)
    }

    fn check_text(&self, shape: &Shape, text: &str, path: &str, found: &mut Vec<Violation>) {
        check_range(shape, text.chars().count() as i64, "length", path, found);
        if !shape.values.is_empty() && !shape.values.iter().any(|value| value == text) {
            let set = shape.values.join(", ");
            found.push(violation(
                path,
                &format!("Member must satisfy enum value set: [{set}]"),
            ));
        }
        if let Some(pattern) = &shape.pattern
            && !self.patterns[pattern].is_match(text)
        {
            let message = format!("Member must satisfy regular expression pattern: {pattern}");
            found.push(violation(path, &message));
        }
    }
}

fn check_range(shape: &Shape, number: i64, what: &str, path: &str, found: &mut Vec<Violation>) {
    if let Some(min) = shape.min.filter(|min| number < *min) {
        let message = format!("Member must have {what} greater than or equal to {min}");
        found.push(violation(path, &message));
    }
    if let Some(max) = shape.max.filter(|max| number > *max) {
        let message = format!("Member must have {what} less than or equal to {max}");
        found.push(violation(path, &message));
    }
}

fn violation(path: &str, message: &str) -> Violation {
    Violation {
        name: shown(path),
        message: message.to_owned(),
        unreadable: false,
    }
}

fn shown(path: &str) -> String {
    if path.is_empty() {
        "body".to_owned()
    } else {
        path.to_owned()
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

/// A pattern of the model, anchored at both ends as the service reads it.
fn compile(pattern: &str) -> Regex {
    Regex::new(&format!("^(?s:{pattern})$"))
        .expect("every pattern of the model compiles, and a test tries each")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(operation: &str, input: Value) -> Result<Value, Vec<String>> {
        DRS.check(&DRS.operations[operation], &input)
            .map_err(|found| {
                found
                    .into_iter()
                    .map(|v| format!("{}: {}", v.name, v.message))
                    .collect()
            })
    }

    #[test]
    fn the_model_has_every_operation_and_every_shape_that_is_named() {
        assert_eq!(DRS.operations.len(), 70);
        for shape in DRS.shapes.values() {
            let named = shape.members.values().map(|m| &m.shape);
            for name in named
                .chain(&shape.member)
                .chain(&shape.key)
                .chain(&shape.value)
            {
                assert!(DRS.shapes.contains_key(name), "{name}");
            }
        }
    }

    #[test]
    fn paths_are_routed_raw() {
        let arn = "arn%3Aaws%3Adrs%3Aus-east-1%3A111122223333%3Asource-server%2Fs-1";
        let path = format!("/tags/{arn}");
        let (name, _, label) = DRS.route("DELETE", &path).unwrap();
        assert_eq!((name, label), ("UntagResource", Some(arn)));
        assert_eq!(
            DRS.route("POST", "/StartRecovery").unwrap().0,
            "StartRecovery"
        );
        assert_eq!(
            DRS.route("GET", "/ListStagingAccounts").unwrap().0,
            "ListStagingAccounts"
        );
        for (method, path) in [
            ("GET", "/StartRecovery"),
            ("POST", "/startrecovery"),
            ("POST", "/"),
            ("POST", ""),
            ("GET", "/tags/"),
            ("GET", "/tags"),
            ("GET", "/tags/a/b"),
            ("POST", "/StartRecovery/"),
        ] {
            assert!(DRS.route(method, path).is_none(), "{method} {path}");
        }
    }

    #[test]
    fn everything_wrong_is_named() {
        let servers = json!([
            {"sourceServerID": "s-123"},
            {"sourceServerID": "s-1234567890abcdefg", "recoverySnapshotID": "LATEST"},
        ]);
        assert_eq!(
            check(
                "StartRecovery",
                json!({"sourceServers": servers, "isDrill": "yes"})
            )
            .unwrap_err(),
            [
                "isDrill: Member must be of type boolean",
                "sourceServers.1.sourceServerID: Member must have length greater than or equal to 19",
                "sourceServers.1.sourceServerID: Member must satisfy regular expression pattern: s-[0-9a-zA-Z]{17}",
                "sourceServers.2.recoverySnapshotID: Member must have length greater than or equal to 21",
                "sourceServers.2.recoverySnapshotID: Member must satisfy regular expression pattern: \
                 pit-[0-9a-zA-Z]{17}",
            ]
        );
        assert_eq!(
            check("StartRecovery", json!({})).unwrap_err(),
            ["sourceServers: Member must not be null"]
        );
    }

    #[test]
    fn unknown_members_and_nulls_are_ignored() {
        let input =
            json!({"filters": {"jobIDs": [], "jobID": ["x"]}, "maxResults": null, "surprise": 1});
        assert_eq!(
            check("DescribeJobs", input).unwrap(),
            json!({"filters": {"jobIDs": []}})
        );
    }

    #[test]
    fn any_json_is_judged_without_a_panic() {
        let odd = [
            json!(null),
            json!([]),
            json!("x"),
            json!(1e300),
            json!({"sourceServers": {}}),
            json!({"sourceServers": [null]}),
        ];
        for operation in DRS.operations.keys() {
            for input in &odd {
                let _ = check(operation, input.clone());
            }
        }
    }
}
