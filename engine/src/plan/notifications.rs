//! Who is told what happens: topics of the Simple Notification Service, and what they are told of.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{PathStep, PlanError, PlanSpec};
use crate::limits;

/// Longest name of a topic, in characters, as SNS allows.
const TOPIC_NAME_CHARS: usize = 256;

/// Who is told, as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationsSpec {
    /// The ARNs of SNS topics.
    pub topic_arns: Vec<String>,
    /// What they are told of: `STARTED`, `PAUSED`, `DEGRADED`, `FINISHED`; none means all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<String>>,
}

/// Who is told, and of what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notifications {
    /// The ARNs of SNS topics, each once.
    pub topics: Vec<String>,
    /// What they are told of.
    pub events: BTreeSet<NoticeKind>,
}

/// What somebody can be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum NoticeKind {
    /// An execution has started.
    Started,
    /// It, or a wave of it, is held until somebody resumes.
    Paused,
    /// Servers of a wave were launched and are not healthy.
    Degraded,
    /// It has ended.
    Finished,
}

impl NoticeKind {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Started, Self::Paused, Self::Degraded, Self::Finished];

    /// The word that configuration, history and messages use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Started => "STARTED",
            Self::Paused => "PAUSED",
            Self::Degraded => "DEGRADED",
            Self::Finished => "FINISHED",
        }
    }
}

/// Who is told; none when nobody is.
pub(super) fn parse(spec: &PlanSpec, errors: &mut Vec<PlanError>) -> Option<Notifications> {
    let spec = spec.notifications.as_ref()?;
    Some(Notifications {
        topics: parse_topics(&spec.topic_arns, errors),
        events: parse_events(spec.events.as_deref(), errors),
    })
}

fn parse_topics(written: &[String], errors: &mut Vec<PlanError>) -> Vec<String> {
    let mut wrong = |index: Option<usize>, message: String| {
        let mut path = path("topic_arns");
        path.extend(index.map(PathStep::Index));
        errors.push(PlanError { path, message });
    };
    if written.is_empty() {
        let message = "no topic, so nobody would be told; name one, or leave notifications out";
        wrong(None, message.to_owned());
    }
    if written.len() > limits::TOPICS_PER_PLAN {
        let message = format!(
            "{} topics; at most {} are allowed in one plan",
            written.len(),
            limits::TOPICS_PER_PLAN
        );
        wrong(None, message);
    }
    let mut seen = BTreeSet::new();
    for (index, arn) in written.iter().enumerate() {
        if !is_topic(arn) {
            let message = format!(
                "{arn:?} is not the ARN of an SNS topic, such as \
                 \"arn:aws:sns:eu-west-1:111122223333:disaster-recovery\""
            );
            wrong(Some(index), message);
        } else if !seen.insert(arn) {
            wrong(Some(index), format!("topic {arn} is listed twice"));
        }
    }
    written.to_vec()
}

fn parse_events(written: Option<&[String]>, errors: &mut Vec<PlanError>) -> BTreeSet<NoticeKind> {
    let Some(written) = written else {
        return NoticeKind::ALL.into();
    };
    let mut wrong = |index: Option<usize>, message: String| {
        let mut path = path("events");
        path.extend(index.map(PathStep::Index));
        errors.push(PlanError { path, message });
    };
    if written.is_empty() {
        let message =
            "an empty list would tell nobody of anything; leave it out to tell of everything";
        wrong(None, message.to_owned());
    }
    let mut events = BTreeSet::new();
    for (index, word) in written.iter().enumerate() {
        let found = NoticeKind::ALL
            .into_iter()
            .find(|kind| kind.as_str() == word);
        match found {
            None => {
                let words = NoticeKind::ALL.map(|kind| format!("{:?}", kind.as_str()));
                let message = format!("{word:?} is no event; use {}", words.join(", "));
                wrong(Some(index), message);
            }
            Some(kind) if !events.insert(kind) => {
                wrong(Some(index), format!("{word:?} is listed twice"));
            }
            Some(_) => {}
        }
    }
    events
}

fn path(attribute: &'static str) -> Vec<PathStep> {
    vec![
        PathStep::Attribute("notifications"),
        PathStep::Attribute(attribute),
    ]
}

/// Whether a text is the ARN of a topic, of any account and Region.
fn is_topic(arn: &str) -> bool {
    let parts: Vec<&str> = arn.split(':').collect();
    let ["arn", partition, "sns", region, account, name] = parts[..] else {
        return false;
    };
    let is_word = |text: &str, also: &str| {
        let fits = |char: char| char.is_ascii_alphanumeric() || also.contains(char);
        !text.is_empty() && text.chars().all(fits)
    };
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    is_account
        && partition.starts_with("aws")
        && is_word(partition, "-")
        && is_word(region, "-")
        && name.len() <= TOPIC_NAME_CHARS
        && is_word(name.strip_suffix(".fifo").unwrap_or(name), "-_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::GroupId;
    use crate::plan::{Plan, WaveSpec};

    const TOPIC: &str = "arn:aws:sns:eu-west-1:111122223333:disaster-recovery";

    fn plan(notifications: Option<NotificationsSpec>) -> PlanSpec {
        PlanSpec {
            name: "shop".to_owned(),
            waves: vec![WaveSpec {
                name: "db".to_owned(),
                protection_group_ids: vec![GroupId::new("g-1")],
                ..WaveSpec::default()
            }],
            notifications,
            ..PlanSpec::default()
        }
    }

    fn written(topics: &[&str], events: Option<&[&str]>) -> NotificationsSpec {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        NotificationsSpec {
            topic_arns: owned(topics),
            events: events.map(owned),
        }
    }

    #[test]
    fn everything_is_told_when_nothing_is_chosen() {
        let parsed = Plan::parse(&plan(Some(written(&[TOPIC], None)))).unwrap();
        let told = parsed.notifications().unwrap();
        assert_eq!(told.events, NoticeKind::ALL.into());
        let chosen = written(&[TOPIC], Some(&["FINISHED", "PAUSED"]));
        let parsed = Plan::parse(&plan(Some(chosen))).unwrap();
        let told = parsed.notifications().unwrap();
        let expected = BTreeSet::from([NoticeKind::Paused, NoticeKind::Finished]);
        assert_eq!((told.topics.len(), &told.events), (1, &expected));
    }

    #[test]
    fn who_is_told_does_not_change_the_digest() {
        let without = Plan::parse(&plan(None)).unwrap();
        let with = Plan::parse(&plan(Some(written(&[TOPIC], None)))).unwrap();
        assert_eq!(without.digest(), with.digest());
    }

    #[test]
    fn every_mistake_is_told_with_its_path() {
        let many: Vec<String> = (0..6).map(|number| format!("{TOPIC}-{number}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let specs = [
            written(&[], Some(&[])),
            written(&many, None),
            written(
                &[
                    TOPIC,
                    TOPIC,
                    "disaster-recovery",
                    "arn:aws:sqs:eu-west-1:111122223333:queue",
                    "arn:aws:sns:eu-west-1:1:topic",
                    "arn:aws:sns:eu-west-1:111122223333:topic:subscription",
                    "arn:aws:sns::111122223333:topic",
                    "arn:aws:sns:eu-west-1:111122223333:a topic",
                ],
                Some(&["STARTED", "finished", "STARTED"]),
            ),
        ];
        let told = specs.map(|spec| {
            let errors = Plan::parse(&plan(Some(spec))).unwrap_err();
            let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
            lines.join("\n")
        });
        insta::assert_snapshot!(told.join("\n\n"));
    }

    #[test]
    fn topics_of_any_partition_and_kind_are_topics() {
        for arn in [
            TOPIC,
            "arn:aws-cn:sns:cn-north-1:111122223333:t",
            "arn:aws-us-gov:sns:us-gov-west-1:111122223333:T_1",
            "arn:aws:sns:us-east-1:111122223333:ordered.fifo",
        ] {
            assert!(is_topic(arn), "{arn}");
        }
    }
}
