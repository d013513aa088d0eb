//! The item of a target account: how servers of another account are reached.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;

use crate::limits;

use super::codec::{Decoder, Encoder, ReadError};
use super::items::Item;
use super::keys;

/// A target account as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetAccount {
    /// The account, 12 digits. There is one item per account.
    pub account_id: String,
    /// What a person configured.
    pub config: TargetConfig,
    /// What the role's trust policy asks for. Made once, for this account and no other.
    pub external_id: ExternalId,
    /// Counts its changes; every write names the one it was based on.
    pub version: i64,
    /// When it was made, in wall time.
    pub created_at: Timestamp,
    /// When it was last changed, in wall time.
    pub modified_at: Timestamp,
}

/// What a person configured about a target account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetConfig {
    /// What people call it.
    pub name: Option<String>,
    /// Free text for people.
    pub description: Option<String>,
    /// The Regions that may be worked in.
    pub regions: BTreeSet<String>,
    /// The role in that account that is assumed.
    pub role_arn: String,
    /// The name of the role's sessions, seen in CloudTrail; a default of the product where there is none.
    pub session_name: Option<String>,
    /// How long one session of the role lasts; as long as STS likes where it is not said.
    pub session_duration_seconds: Option<i64>,
}

/// What is sent with every AssumeRole, so that nobody else's request for the role is taken for ours.
///
/// AWS does not call it a secret, but it has no place in logs.
#[derive(Clone, PartialEq, Eq)]
pub struct ExternalId(String);

/// What is wrong with one attribute of a target account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetProblem {
    /// The attribute, e.g. `role_arn`.
    pub attribute: &'static str,
    /// What is wrong with it, as a sentence without its end.
    pub problem: String,
}

impl ExternalId {
    /// Wraps an external id.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The external id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether STS takes it: 2 to 1,224 of the characters that it allows.
    fn is_fit(&self) -> bool {
        let fits = |c: char| c.is_ascii_alphanumeric() || "_+=,.@:/-".contains(c);
        (2..=limits::EXTERNAL_ID_CHARS).contains(&self.0.len()) && self.0.chars().all(fits)
    }
}

impl fmt::Debug for ExternalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ExternalId(..)")
    }
}

impl TargetConfig {
    /// Everything that is wrong with it as the configuration of this account; nothing is asked of AWS.
    pub fn problems(&self, account_id: &str) -> Vec<TargetProblem> {
        let mut found = Vec::new();
        let mut find = |attribute, problem: String| {
            found.push(TargetProblem { attribute, problem });
        };
        if !is_account_id(account_id) {
            find(
                "account_id",
                format!("{account_id:?} is not an AWS account id, which has 12 digits"),
            );
        }
        if self.regions.is_empty() {
            find("regions", "at least one Region must be named".to_owned());
        }
        if self.regions.len() > limits::REGIONS_PER_TARGET {
            let most = limits::REGIONS_PER_TARGET;
            find("regions", format!("at most {most} Regions can be named"));
        }
        for region in self.regions.iter().filter(|region| !is_region(region)) {
            find(
                "regions",
                format!("{region:?} is not the name of an AWS Region, such as us-east-1"),
            );
        }
        if let Some(problem) = problem_of_role(&self.role_arn, account_id) {
            find("role_arn", problem);
        }
        for (attribute, text, most) in [
            ("name", &self.name, limits::NAME_CHARS),
            ("description", &self.description, limits::DESCRIPTION_CHARS),
        ] {
            if text
                .as_ref()
                .is_some_and(|text| text.chars().count() > most)
            {
                find(attribute, format!("it has more than {most} characters"));
            }
        }
        if let Some(name) = self.session_name.as_ref().filter(|name| !is_session(name)) {
            find(
                "session_name",
                format!("{name:?} is not 2 to 64 letters, digits or characters of _+=,.@-"),
            );
        }
        let (least, most) = limits::ROLE_SESSION_SECONDS;
        if let Some(seconds) = self.session_duration_seconds
            && !(least..=most).contains(&seconds)
        {
            find(
                "session_duration_seconds",
                format!("{seconds} is not from {least} to {most} seconds, which is what STS takes"),
            );
        }
        found
    }
}

impl TargetAccount {
    /// Everything that is wrong with it.
    pub(crate) fn problems(&self) -> Vec<TargetProblem> {
        let mut found = self.config.problems(&self.account_id);
        if !self.external_id.is_fit() {
            let most = limits::EXTERNAL_ID_CHARS;
            found.push(TargetProblem {
                attribute: "external_id",
                problem: format!(
                    "it is not 2 to {most} letters, digits or characters of _+=,.@:/-"
                ),
            });
        }
        found
    }

    pub(crate) fn encode(&self) -> Item {
        let config = &self.config;
        let mut encoder = Encoder::new(keys::target_account(&self.account_id))
            .text("AccountId", &self.account_id)
            .optional_text("TargetName", config.name.as_deref())
            .optional_text("Description", config.description.as_deref())
            .set("Regions", config.regions.clone())
            .text("RoleArn", &config.role_arn)
            .text("ExternalId", self.external_id.as_str())
            .optional_text("SessionName", config.session_name.as_deref())
            .number("Version", self.version)
            .time("CreatedDate", self.created_at)
            .time("LastModifiedDate", self.modified_at)
            .text("Kind", "TARGET")
            .text("Name", &self.account_id);
        if let Some(seconds) = config.session_duration_seconds {
            encoder = encoder.number("SessionDurationSeconds", seconds);
        }
        encoder.done()
    }

    pub(crate) fn decode(item: &Item) -> Result<Self, ReadError> {
        let decoder = Decoder::new(item)?;
        let account_id = decoder.text("AccountId")?;
        // The key is what was asked for: an item that speaks of another account must not be used for this one.
        if item.key != keys::target_account(&account_id) {
            return Err(decoder.foreign("AccountId"));
        }
        Ok(Self {
            account_id,
            config: TargetConfig {
                name: decoder.optional_text("TargetName")?,
                description: decoder.optional_text("Description")?,
                regions: decoder.set("Regions")?,
                role_arn: decoder.text("RoleArn")?,
                session_name: decoder.optional_text("SessionName")?,
                session_duration_seconds: decoder.optional_number("SessionDurationSeconds")?,
            },
            external_id: ExternalId(decoder.text("ExternalId")?),
            version: decoder.number("Version")?,
            created_at: decoder.time("CreatedDate")?,
            modified_at: decoder.time("LastModifiedDate")?,
        })
    }
}

impl fmt::Display for TargetProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.attribute, self.problem)
    }
}

/// Why a role cannot be the role of this account.
fn problem_of_role(arn: &str, account_id: &str) -> Option<String> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", partition, "iam", "", account, resource] = parts[..] else {
        return Some(not_a_role(arn));
    };
    let name = resource
        .strip_prefix("role/")
        .filter(|name| !name.is_empty() && !name.ends_with('/'));
    let plain = |c: char| c.is_ascii_graphic() && !"*?\"".contains(c);
    if !partition.starts_with("aws")
        || !is_account_id(account)
        || !name
            .is_some_and(|name| name.len() <= limits::ROLE_NAME_CHARS && name.chars().all(plain))
    {
        return Some(not_a_role(arn));
    }
    (account != account_id).then(|| {
        format!("{arn} is a role of account {account}, and only a role of {account_id} can be assumed for it")
    })
}

fn not_a_role(arn: &str) -> String {
    format!(
        "{arn:?} is not the ARN of a role, such as arn:aws:iam::444455556666:role/DisasterRecovery"
    )
}

fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether this looks like the name of a Region: lower-case words and a number at the end, with hyphens between.
fn is_region(text: &str) -> bool {
    let words: Vec<&str> = text.split('-').collect();
    let (number, names) = match words.split_last() {
        Some((number, names)) if (2..=4).contains(&names.len()) => (number, names),
        _ => return false,
    };
    let letters = |word: &&str| !word.is_empty() && word.bytes().all(|c| c.is_ascii_lowercase());
    names.iter().all(letters)
        && !number.is_empty()
        && number.len() <= 2
        && number.bytes().all(|c| c.is_ascii_digit())
}

fn is_session(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    (2..=64).contains(&name.len()) && name.chars().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> TargetConfig {
        TargetConfig {
            name: Some("shop".to_owned()),
            description: None,
            regions: BTreeSet::from(["eu-west-1".to_owned(), "us-gov-east-1".to_owned()]),
            role_arn: "arn:aws:iam::444455556666:role/dr/Orchestration".to_owned(),
            session_name: None,
            session_duration_seconds: None,
        }
    }

    fn wrong(change: impl FnOnce(&mut TargetConfig)) -> String {
        let mut config = config();
        change(&mut config);
        let problems = config.problems("444455556666");
        let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
        texts.join("\n")
    }

    #[test]
    fn a_right_one_has_no_problems() {
        assert_eq!(config().problems("444455556666"), []);
    }

    #[test]
    fn every_problem_is_named_with_its_attribute() {
        insta::assert_snapshot!(wrong(|config| {
            config.regions = BTreeSet::from(["Frankfurt".to_owned(), "eu-west-1".to_owned()]);
            config.role_arn = "arn:aws:iam::111122223333:role/dr".to_owned();
            config.name = Some("n".repeat(65));
            config.session_name = Some("a b".to_owned());
            config.session_duration_seconds = Some(60);
        }));
    }

    #[test]
    fn only_a_role_is_a_role_and_a_region_a_region() {
        for arn in [
            "",
            "arn:aws:iam::444455556666:user/dr",
            "arn:aws:iam::444455556666:role/",
            "arn:aws:iam::444455556666:role/a*",
            "arn:aws:iam::4444:role/dr",
            "arn:aws:sts::444455556666:assumed-role/dr/x",
        ] {
            let text = wrong(|config| config.role_arn = arn.to_owned());
            assert!(text.contains("is not the ARN of a role"), "{arn}: {text}");
        }
        for region in ["", "eu", "eu-west", "eu-west-1a", "eu--1", "EU-west-1"] {
            let text = wrong(|config| config.regions = BTreeSet::from([region.to_owned()]));
            assert!(text.contains("is not the name"), "{region}: {text}");
        }
        let none = wrong(|config| config.regions.clear());
        assert_eq!(none, "regions: at least one Region must be named");
    }

    #[test]
    fn an_external_id_does_not_show_itself() {
        let shown = format!("{:?}", ExternalId::new("drs-0123"));
        assert!(!shown.contains("0123"), "{shown}");
    }
}
