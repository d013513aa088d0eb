//! IAM of a simulated world: who there is, with which policies, and whether one of them may do something.
//!
//! It decides as IAM does with identity-based policies alone: an explicit deny counts more than any allow, and what nobody
//! allows is denied. Of the language it knows what policies of this product need. Everything else in a policy is refused
//! when it is read, with its path: a condition that was ignored would allow more, or less, than IAM does.
//!
//! What it does not do: policies of resources, permission boundaries, session policies and policies of organisations.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fleet::Problem;

mod document;
mod evaluate;
mod pattern;

pub use evaluate::{Request, Rights, Verdict};

use document::Document;

/// The name of the user that every account begins with: whoever serves a world uses its keys. It may do everything as long
/// as it is not listed.
pub const FIRST_USER: &str = "simulator";

/// Who there is. Whoever is not listed may do nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Iam {
    /// Users and roles.
    pub principals: Vec<Member>,
}

/// A user or a role.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Its ARN.
    pub arn: String,
    /// The access key of a user. The secret does not matter, because signatures are not verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<String>,
    /// Its policies, as IAM takes them.
    #[serde(default)]
    pub policies: Vec<Value>,
}

/// A user's or a role's ARN, read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Named<'a> {
    account_id: &'a str,
    is_user: bool,
    name: &'a str,
}

impl<'a> Named<'a> {
    fn read(arn: &'a str) -> Option<Self> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let ["arn", partition, "iam", "", account_id, resource] = parts[..] else {
            return None;
        };
        let (kind, path) = resource.split_once('/')?;
        let name = path.rsplit('/').next().filter(|name| !name.is_empty())?;
        let is_known = partition.starts_with("aws") && matches!(kind, "user" | "role");
        is_known.then_some(Self {
            account_id,
            is_user: kind == "user",
            name,
        })
    }

    /// The user or the role that a caller's ARN, as STS says it, stands for.
    fn of_caller(arn: &'a str) -> Option<Self> {
        let Some((_, rest)) = arn.split_once(":assumed-role/") else {
            return Self::read(arn);
        };
        let account_id = arn.split(':').nth(4)?;
        let name = rest.split('/').next()?;
        Some(Self {
            account_id,
            is_user: false,
            name,
        })
    }
}

impl Member {
    fn named(&self) -> Option<Named<'_>> {
        Named::read(&self.arn)
    }
}

impl Iam {
    /// Everything that is wrong, each with its path; `accounts` are those of the world.
    pub fn problems(&self, accounts: &BTreeSet<&str>) -> Vec<Problem> {
        let mut found = Vec::new();
        let mut known = BTreeSet::new();
        let mut keys = BTreeSet::new();
        for (number, member) in self.principals.iter().enumerate() {
            let path = format!("iam.principals[{number}]");
            let mut add = |member: &str, message: String| {
                let path = format!("{path}.{member}");
                found.push(Problem { path, message });
            };
            match member.named() {
                None => add(
                    "arn",
                    format!("`{}` is not the ARN of a user or a role", member.arn),
                ),
                Some(named) if !accounts.contains(named.account_id) => {
                    add(
                        "arn",
                        format!("the world has no account {}", named.account_id),
                    );
                }
                // Sessions say the name of their role without its path.
                Some(named) if !known.insert((named.account_id, named.is_user, named.name)) => {
                    add("arn", format!("{} occurs twice", member.arn));
                }
                Some(named) => {
                    if let Some(message) =
                        key_problem(named, member.access_key_id.as_deref(), &mut keys)
                    {
                        add("access_key_id", message);
                    }
                }
            }
            for (number, policy) in member.policies.iter().enumerate() {
                found.extend(
                    Document::read(policy, &format!("{path}.policies[{number}]"))
                        .err()
                        .into_iter()
                        .flatten(),
                );
            }
        }
        found
    }

    /// The user with an access key.
    pub fn user_of_key(&self, access_key_id: &str) -> Option<&Member> {
        let mut members = self.principals.iter();
        members.find(|member| member.access_key_id.as_deref() == Some(access_key_id))
    }

    /// What a caller may do, by its ARN as STS says it.
    pub fn rights_of(&self, caller_arn: &str) -> Rights {
        let Some(caller) = Named::of_caller(caller_arn) else {
            return Rights::default();
        };
        let listed = self
            .principals
            .iter()
            .find(|member| member.named() == Some(caller));
        match listed {
            Some(member) => Rights::of(
                member
                    .policies
                    .iter()
                    .filter_map(|policy| Document::read(policy, "").ok()),
            ),
            None if caller.is_user && caller.name == FIRST_USER => Rights::everything(),
            None => Rights::default(),
        }
    }
}

fn key_problem<'a>(
    named: Named<'_>,
    key: Option<&'a str>,
    keys: &mut BTreeSet<&'a str>,
) -> Option<String> {
    let Some(key) = key else {
        let needs_one = named.is_user && named.name != FIRST_USER;
        return needs_one.then(|| "a user needs an access key, or nobody can be it".to_owned());
    };
    if !named.is_user {
        return Some(
            "a role has no access keys: its sessions get theirs from AssumeRole".to_owned(),
        );
    }
    let is_key = (16..=128).contains(&key.len())
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !is_key {
        return Some("an access key has 16 to 128 letters and digits".to_owned());
    }
    (!keys.insert(key)).then(|| format!("the access key {key} occurs twice"))
}

/// Values of condition keys of a request, by key in lower case.
pub type Context = BTreeMap<String, Vec<String>>;

#[cfg(test)]
mod tests;
