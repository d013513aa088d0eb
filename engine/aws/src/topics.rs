//! The port to topics, on SNS.
//!
//! A topic is published to with the credentials of the hub, in the Region of its ARN: a topic of another account must
//! let the hub publish. A message is sent once. What SNS would refuse for its form is put right before.

use aws_config::retry::RetryConfig;
use aws_config::{Region, SdkConfig};
use drs_engine::digest;
use drs_engine::ids::Target;
use drs_engine::ports::{CallError, Kind, Topics, message_text, subject_line};

use crate::classify::{Call, INVALID_REQUEST};
use crate::drs::AwsDrs;

const PUBLISH: Call = Call::changes("sns:Publish");

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
    async fn publish(
        &self,
        topic_arn: &str,
        subject: &str,
        message: &str,
    ) -> Result<(), CallError> {
        let topic = Target::of_arn(topic_arn).ok_or_else(|| {
            let message = format!("`{topic_arn}` is not the ARN of a topic");
            PUBLISH.error(Kind::Refused, INVALID_REQUEST, message)
        })?;
        let there = aws_sdk_sns::config::Builder::new().region(Region::new(topic.region));
        let mut call = self
            .topics()
            .publish()
            .topic_arn(topic_arn)
            .subject(subject_line(subject))
            .message(message_text(message));
        if topic_arn.ends_with(".fifo") {
            let id = digest::of(&(subject, message));
            call = call.message_group_id(GROUP).message_deduplication_id(id);
        }
        call.customize()
            .config_override(there)
            .send()
            .await
            .map_err(|error| PUBLISH.failed(&error))?;
        Ok(())
    }
}
