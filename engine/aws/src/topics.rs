//! The port to topics, on SNS.
//!
//! A topic is published to with the credentials of the hub, in the Region of its ARN: a topic of another account must
//! let the hub publish. A message is sent once. What SNS would refuse for its form is put right before.

use aws_config::retry::RetryConfig;
use aws_config::{Region, SdkConfig};
use aws_sdk_sns::types::MessageAttributeValue;
use drs_engine::digest;
use drs_engine::ids::Target;
use drs_engine::ports::{CallError, Kind, Message, Topics, message_text, subject_line};

use crate::classify::{Call, INVALID_REQUEST};
use crate::drs::AwsDrs;

const PUBLISH: Call = Call::changes("sns:Publish");
const ATTRIBUTES: Call = Call::reads("sns:GetTopicAttributes");

/// The group of every message to a FIFO topic: they are few, and their order matters.
const GROUP: &str = "drs";

/// The client of topics.
pub(crate) fn client(sns: &SdkConfig) -> aws_sdk_sns::Client {
    let once = aws_sdk_sns::config::Builder::from(sns)
        .retry_config(RetryConfig::disabled())
        .build();
    aws_sdk_sns::Client::from_conf(once)
}

impl Topics for AwsDrs {
    async fn publish(&self, topic_arn: &str, message: &Message) -> Result<(), CallError> {
        let there = region_of(PUBLISH, topic_arn)?;
        let mut call = self
            .topics()
            .publish()
            .topic_arn(topic_arn)
            .subject(subject_line(&message.subject))
            .message(message_text(&message.text));
        for (name, value) in &message.attributes {
            call = call.message_attributes(name, attribute(value)?);
        }
        if topic_arn.ends_with(".fifo") {
            let id = digest::of(&message.id);
            call = call.message_group_id(GROUP).message_deduplication_id(id);
        }
        call.customize()
            .config_override(there)
            .send()
            .await
            .map_err(|error| PUBLISH.failed(&error))?;
        Ok(())
    }

    async fn topic_is_there(&self, topic_arn: &str) -> Result<bool, CallError> {
        let there = region_of(ATTRIBUTES, topic_arn)?;
        let call = self.topics().get_topic_attributes().topic_arn(topic_arn);
        match call.customize().config_override(there).send().await {
            Ok(_) => Ok(true),
            Err(error) => match ATTRIBUTES.failed(&error) {
                missing if missing.is_missing() => Ok(false),
                error => Err(error),
            },
        }
    }
}

/// A topic is called in its own Region.
fn region_of(call: Call, topic_arn: &str) -> Result<aws_sdk_sns::config::Builder, CallError> {
    let topic = Target::of_arn(topic_arn).ok_or_else(|| {
        let message = format!("`{topic_arn}` is not the ARN of a topic");
        call.error(Kind::Refused, INVALID_REQUEST, message)
    })?;
    Ok(aws_sdk_sns::config::Builder::new().region(Region::new(topic.region)))
}

/// A text by which a subscription may choose.
fn attribute(value: &str) -> Result<MessageAttributeValue, CallError> {
    let built = MessageAttributeValue::builder()
        .data_type("String")
        .string_value(value)
        .build();
    built.map_err(|error| PUBLISH.error(Kind::Refused, INVALID_REQUEST, error.to_string()))
}
