//! Reading a policy document: what is known of the language, and a refusal of everything else.

use serde_json::{Map, Value};

use crate::iam::MANAGED_TAG;
use crate::sim::fleet::Problem;

/// A policy, read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Document {
    pub(super) statements: Vec<Statement>,
}

/// A statement, read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Statement {
    pub(super) allows: bool,
    /// Whether it is about every action but these.
    pub(super) is_negated: bool,
    /// In lower case, because actions are compared without regard to it.
    pub(super) actions: Vec<String>,
    pub(super) resources: Vec<String>,
    pub(super) conditions: Vec<Condition>,
}

/// A condition: all of a statement's must hold.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Condition {
    pub(super) operator: Operator,
    /// In lower case, because keys are compared without regard to it.
    pub(super) key: String,
    pub(super) values: Vec<String>,
}

/// How a condition compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    StringEquals,
    StringLike,
    Bool,
    Null,
    AnyStringEquals,
}

/// The members that a statement may have.
const MEMBERS: [&str; 6] = [
    "Sid",
    "Effect",
    "Action",
    "NotAction",
    "Resource",
    "Condition",
];

/// The condition keys whose values are known of every request that they belong to.
const KEYS: [&str; 5] = [
    "aws:CalledVia",
    "aws:ViaAWSService",
    "drs:CreateAction",
    "ec2:CreateAction",
    "iam:PassedToService",
];

/// What was found wrong, and where.
struct Found {
    path: String,
    problems: Vec<Problem>,
}

impl Found {
    fn add(&mut self, member: &str, message: impl Into<String>) {
        let path = format!("{}{member}", self.path);
        let message = message.into();
        self.problems.push(Problem { path, message });
    }
}

impl Document {
    /// Reads a policy.
    pub(super) fn read(policy: &Value, path: &str) -> Result<Self, Vec<Problem>> {
        let mut found = Found {
            path: path.to_owned(),
            problems: Vec::new(),
        };
        let Some(members) = policy.as_object() else {
            found.add("", "a policy is an object with Version and Statement");
            return Err(found.problems);
        };
        for name in members.keys() {
            if !matches!(name.as_str(), "Version" | "Id" | "Statement") {
                found.add(
                    &format!(".{name}"),
                    "the simulator's IAM does not know this member",
                );
            }
        }
        if policy["Version"] != "2012-10-17" {
            found.add(".Version", "must be \"2012-10-17\"");
        }
        let one;
        let statements: &[Value] = match &policy["Statement"] {
            Value::Array(statements) => statements.as_slice(),
            statement @ Value::Object(_) => {
                one = [statement.clone()];
                &one
            }
            _ => {
                found.add(".Statement", "must be a statement or a list of them");
                &[]
            }
        };
        let mut read = Vec::new();
        for (number, statement) in statements.iter().enumerate() {
            let mut inner = Found {
                path: format!("{path}.Statement[{number}]"),
                problems: Vec::new(),
            };
            read.extend(Statement::read(statement, &mut inner));
            found.problems.append(&mut inner.problems);
        }
        if found.problems.is_empty() {
            Ok(Self { statements: read })
        } else {
            Err(found.problems)
        }
    }
}

impl Statement {
    fn read(statement: &Value, found: &mut Found) -> Option<Self> {
        let Some(members) = statement.as_object() else {
            found.add("", "a statement is an object");
            return None;
        };
        for name in members
            .keys()
            .filter(|name| !MEMBERS.contains(&name.as_str()))
        {
            let message = match name.as_str() {
                "Principal" | "NotPrincipal" => "a policy of a user or a role names no principal",
                _ => "the simulator's IAM does not know this member",
            };
            found.add(&format!(".{name}"), message);
        }
        let allows = match members.get("Effect").and_then(Value::as_str) {
            Some("Allow") => true,
            Some("Deny") => false,
            _ => {
                found.add(".Effect", "must be \"Allow\" or \"Deny\"");
                false
            }
        };
        let (member, is_negated) = match (members.get("Action"), members.get("NotAction")) {
            (Some(_), None) => ("Action", false),
            (None, Some(_)) => ("NotAction", true),
            _ => {
                found.add("", "must have either Action or NotAction");
                return None;
            }
        };
        let actions = texts(members, member, found);
        for action in &actions {
            let parts = action.split_once(':');
            if action != "*"
                && parts.is_none_or(|(service, name)| service.is_empty() || name.is_empty())
            {
                found.add(
                    &format!(".{member}"),
                    format!("`{action}` is no action such as `drs:DescribeJobs`"),
                );
            }
        }
        let resources = texts(members, "Resource", found);
        for resource in &resources {
            if resource.contains("${") {
                found.add(
                    ".Resource",
                    format!("`{resource}`: the simulator's IAM does not know policy variables"),
                );
            } else if resource != "*" && resource.splitn(6, ':').count() != 6 {
                found.add(
                    ".Resource",
                    format!("`{resource}` is neither * nor an ARN of six parts"),
                );
            }
        }
        Some(Self {
            allows,
            is_negated,
            actions: actions.iter().map(|action| action.to_lowercase()).collect(),
            resources,
            conditions: conditions(members, found),
        })
    }
}

/// A text or a list of them.
fn texts(members: &Map<String, Value>, name: &str, found: &mut Found) -> Vec<String> {
    let texts = members.get(name).and_then(listed);
    texts.filter(|texts| !texts.is_empty()).unwrap_or_else(|| {
        found.add(&format!(".{name}"), "must be a text or a list of texts");
        Vec::new()
    })
}

fn listed(value: &Value) -> Option<Vec<String>> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        // IAM takes true for "true".
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    };
    match value {
        Value::Array(values) => values.iter().map(text).collect(),
        value => Some(vec![text(value)?]),
    }
}

fn conditions(members: &Map<String, Value>, found: &mut Found) -> Vec<Condition> {
    let mut read = Vec::new();
    let Some(given) = members.get("Condition") else {
        return read;
    };
    let none = Map::new();
    for (name, keys) in given.as_object().unwrap_or(&none) {
        let Some(operator) = Operator::named(name) else {
            let known = "StringEquals, StringLike, Bool, Null and ForAnyValue:StringEquals";
            found.add(
                &format!(".Condition.{name}"),
                format!("the simulator's IAM knows {known}"),
            );
            continue;
        };
        for (key, values) in keys.as_object().unwrap_or(&none) {
            let path = format!(".Condition.{name}.{key}");
            if !is_known(key) {
                let message = "the simulator's IAM does not know this condition key, so it cannot decide by it";
                found.add(&path, message);
            }
            match listed(values) {
                Some(values) => read.push(Condition {
                    operator,
                    key: key.to_lowercase(),
                    values,
                }),
                None => found.add(&path, "must be a text or a list of texts"),
            }
        }
    }
    if read.is_empty() {
        found.add(
            ".Condition",
            "must be an object of operators, keys and values",
        );
    }
    read
}

fn is_known(key: &str) -> bool {
    let is_tag = ["aws:ResourceTag/", "aws:RequestTag/"]
        .iter()
        .any(|prefix| {
            let (start, rest) = key.split_at_checked(prefix.len()).unwrap_or_default();
            start.eq_ignore_ascii_case(prefix) && rest == MANAGED_TAG
        });
    is_tag || KEYS.iter().any(|known| known.eq_ignore_ascii_case(key))
}

impl Operator {
    fn named(name: &str) -> Option<Self> {
        match name {
            "StringEquals" => Some(Self::StringEquals),
            "StringLike" => Some(Self::StringLike),
            "Bool" => Some(Self::Bool),
            "Null" => Some(Self::Null),
            "ForAnyValue:StringEquals" => Some(Self::AnyStringEquals),
            _ => None,
        }
    }
}
