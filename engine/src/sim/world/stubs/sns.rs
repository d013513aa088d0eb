//! SNS: `Publish` to a topic, and `GetTopicAttributes`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::call::{Scene, Stage};
use super::super::error::ApiError;
use super::super::model::Site;
use super::super::{Caller, chance};
use super::{Begun, Outcome, StubKind, end_of, read, reason, too_many};
use crate::ids::Target;

/// Longest message.
const MESSAGE_BYTES: usize = 256 * 1024;
/// Longest subject.
const SUBJECT_CHARS: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    #[serde(default)]
    topic_arn: Option<String>,
    #[serde(default)]
    target_arn: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    subject: Option<String>,
    #[serde(default)]
    message_group_id: Option<String>,
    #[serde(default)]
    message_attributes: BTreeMap<String, String>,
}

/// Answers `Publish`.
pub(super) fn publish(
    stage: &mut Stage<'_>,
    caller: &Caller,
    input: &Value,
) -> Result<Begun, ApiError> {
    let input: Input = read(input)?;
    let arn = input.topic_arn.as_ref().or(input.target_arn.as_ref());
    let arn = arn
        .ok_or_else(|| invalid("TopicArn or TargetArn Reason: no value for required parameter"))?;
    check_text(&input)?;
    let here = (stage.site.account_id.as_str(), stage.site.region.as_str());
    let name = topic_of(arn, here, caller, "SNS:Publish")?;
    if name.ends_with(".fifo") && input.message_group_id.is_none() {
        return Err(invalid(
            "The MessageGroupId parameter is required for FIFO topics",
        ));
    }
    let stubs = &mut stage.site.stubs;
    let step = stubs.answer(StubKind::Topic, name, missing(), too_many("Throttling"))?;
    if step.outcome != Outcome::Succeed {
        let message = reason(&step, "An internal error occurred");
        return Err(ApiError::new("InternalError", 500, message));
    }
    let number = stage.site.stubs.next_number();
    let id = chance::uuid(stage.seed, &["message", &stage.site.key(), &number]);
    let ends_at = end_of(&step, 0.0, stage);
    Ok(Begun {
        body: json!({"MessageId": id, "EndsAt": ends_at}),
        status: 200,
        id,
    })
}

/// Answers `GetTopicAttributes`: of a topic that is there, those that every topic has.
pub(in crate::sim::world) fn attributes(
    scene: &Scene<'_>,
    caller: &Caller,
    input: &Value,
) -> Result<Value, ApiError> {
    let input: Input = read(input)?;
    let no_arn = || invalid("TopicArn Reason: no value for required parameter");
    let arn = input.topic_arn.ok_or_else(no_arn)?;
    let here = (scene.account_id, scene.region);
    let name = topic_of(&arn, here, caller, "SNS:GetTopicAttributes")?;
    let is_there = |site: &Site| site.stubs.has(StubKind::Topic, name);
    if !scene.site.is_some_and(is_there) {
        return Err(missing());
    }
    Ok(json!({"Attributes": {
        "DisplayName": "",
        "Owner": scene.account_id,
        "SubscriptionsConfirmed": "0",
        "SubscriptionsDeleted": "0",
        "SubscriptionsPending": "0",
        "TopicArn": arn,
    }}))
}

fn missing() -> ApiError {
    ApiError::new("NotFound", 404, "Topic does not exist")
}

fn check_text(input: &Input) -> Result<(), ApiError> {
    let message = input.message.as_deref().unwrap_or_default();
    if message.is_empty() {
        return Err(invalid("Empty message"));
    }
    if message.len() > MESSAGE_BYTES {
        return Err(invalid("Message too long"));
    }
    let is_plain = |subject: &str| {
        (1..=SUBJECT_CHARS).contains(&subject.len())
            && subject.bytes().all(|byte| (b' '..=b'~').contains(&byte))
    };
    if input
        .subject
        .as_deref()
        .is_some_and(|subject| !is_plain(subject))
    {
        return Err(invalid("Subject"));
    }
    let mut attributes = input.message_attributes.iter();
    if let Some((name, _)) = attributes.find(|(_, value)| value.is_empty()) {
        let message = format!(
            "The message attribute '{name}' must contain non-empty message attribute value for message attribute type \
             'String'."
        );
        return Err(ApiError::new("ParameterValueInvalid", 400, message));
    }
    Ok(())
}

/// The name of a topic of this account and Region.
fn topic_of<'a>(
    arn: &'a str,
    (account_id, region): (&str, &str),
    caller: &Caller,
    action: &str,
) -> Result<&'a str, ApiError> {
    let parts: Vec<&str> = arn.split(':').collect();
    let ["arn", _, "sns", _, _, name] = parts[..] else {
        let message = format!(
            "TopicArn Reason: An ARN must have at least 6 elements, not {}",
            parts.len()
        );
        return Err(invalid(if parts.len() < 6 {
            &message
        } else {
            "TopicArn"
        }));
    };
    let target = Target::of_arn(arn).ok_or_else(|| invalid("TopicArn"))?;
    if target.region != region || name.is_empty() {
        return Err(invalid("TopicArn"));
    }
    if target.account_id != account_id {
        let message = format!(
            "User: {} is not authorized to perform: {action} on resource: {arn} because no resource-based policy \
             allows the {action} action",
            caller.arn
        );
        return Err(ApiError::new("AuthorizationError", 403, message));
    }
    Ok(name)
}

fn invalid(what: &str) -> ApiError {
    ApiError::new(
        "InvalidParameter",
        400,
        format!("Invalid parameter: {what}"),
    )
}
