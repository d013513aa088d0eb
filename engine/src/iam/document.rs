//! A policy document: statements that allow, and their JSON.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// A policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Its statements, each with another Sid.
    pub statements: Vec<Statement>,
}

/// What is allowed on what.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// Its id: letters and digits, as IAM wants it.
    pub sid: &'static str,
    /// The actions.
    pub actions: BTreeSet<String>,
    /// The resources: ARNs, with wildcards where the names are not known before; `*` where the action supports none.
    pub resources: BTreeSet<String>,
    /// The conditions: operator, key, value.
    pub conditions: Map<String, Value>,
}

impl Statement {
    pub(super) fn new<A: Into<String>, R: Into<String>>(
        sid: &'static str,
        actions: impl IntoIterator<Item = A>,
        resources: impl IntoIterator<Item = R>,
    ) -> Self {
        Self {
            sid,
            actions: actions.into_iter().map(Into::into).collect(),
            resources: resources.into_iter().map(Into::into).collect(),
            conditions: Map::new(),
        }
    }

    pub(super) fn when(mut self, operator: &str, key: &str, value: Value) -> Self {
        let keys = self.conditions.entry(operator).or_insert_with(|| json!({}));
        keys[key] = value;
        self
    }

    /// Whether it allows anything.
    fn says_something(&self) -> bool {
        !self.actions.is_empty() && !self.resources.is_empty()
    }

    fn json(&self) -> Value {
        let mut json = json!({
            "Sid": self.sid,
            "Effect": "Allow",
            "Action": self.actions,
            "Resource": self.resources,
        });
        if !self.conditions.is_empty() {
            json["Condition"] = Value::Object(self.conditions.clone());
        }
        json
    }
}

impl Policy {
    /// Those statements that say something: where nothing is named, there is nothing to allow.
    pub(super) fn kept(statements: Vec<Statement>) -> Vec<Statement> {
        let all = statements.into_iter();
        all.filter(Statement::says_something).collect()
    }

    /// The document.
    pub fn json(&self) -> Value {
        let statements: Vec<Value> = self.statements.iter().map(Statement::json).collect();
        json!({"Version": "2012-10-17", "Statement": statements})
    }

    /// Every action that is allowed on something.
    pub fn actions(&self) -> BTreeSet<&str> {
        let all = self.statements.iter().flat_map(|one| &one.actions);
        all.map(String::as_str).collect()
    }

    /// The resources that an action is allowed on.
    pub fn resources_of(&self, action: &str) -> BTreeSet<&str> {
        let with = self
            .statements
            .iter()
            .filter(|one| one.actions.contains(action));
        with.flat_map(|one| one.resources.iter().map(String::as_str))
            .collect()
    }

    /// The same without an action.
    #[must_use]
    pub fn without(&self, action: &str) -> Self {
        let statements = self.statements.iter().cloned().map(|mut one| {
            one.actions.remove(action);
            one
        });
        Self {
            statements: Self::kept(statements.collect()),
        }
    }

    /// How many characters of a policy IAM counts: all but white space.
    pub fn length(&self) -> usize {
        self.json()
            .to_string()
            .chars()
            .filter(|c| !c.is_whitespace())
            .count()
    }

    /// The most that a managed policy may have.
    pub const MANAGED_CHARS: usize = 6_144;

    /// The most that the inline policies of a role may have together.
    pub const INLINE_CHARS: usize = 10_240;
}
