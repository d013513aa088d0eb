//! The drill guard of a plan: which subnets a drill may boot its clones in.
//!
//! This is the guard as it is written. Reading what a launch would really use, and refusing, is for [`crate::readiness`].

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{PathStep, PlanError, PlanSpec};
use crate::limits;

/// What must be true of every subnet that a drill launches into.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrillGuard {
    /// Tags that every one of them carries, exactly and case-sensitively.
    pub subnet_tags: BTreeMap<String, String>,
}

impl fmt::Display for DrillGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tags = self.subnet_tags.iter();
        let tags: Vec<String> = tags
            .map(|(key, value)| format!("{key} = {value:?}"))
            .collect();
        f.write_str(&tags.join(", "))
    }
}

/// Checks the guard as written.
pub(super) fn parse(spec: &PlanSpec, errors: &mut Vec<PlanError>) -> Option<DrillGuard> {
    let guard = spec.drill_guard.as_ref()?;
    let mut wrong = |message: String| {
        errors.push(PlanError {
            path: vec![
                PathStep::Attribute("drill_guard"),
                PathStep::Attribute("subnet_tags"),
            ],
            message,
        });
    };
    let tags = &guard.subnet_tags;
    if tags.is_empty() {
        wrong(
            "a guard without a tag would let every subnet pass; name at least one tag, or leave drill_guard out"
                .to_owned(),
        );
    }
    if tags.len() > limits::TAGS_PER_SELECTION {
        wrong(format!(
            "{} tags; a subnet has at most {}",
            tags.len(),
            limits::TAGS_PER_SELECTION
        ));
    }
    for (key, value) in tags {
        let (key_chars, value_chars) = (key.chars().count(), value.chars().count());
        if key_chars == 0 {
            wrong("the key of a tag is empty".to_owned());
        } else if key_chars > limits::EC2_TAG_KEY_CHARS {
            let most = limits::EC2_TAG_KEY_CHARS;
            wrong(format!(
                "the tag {key:?} has a key of {key_chars} characters; EC2 allows {most}"
            ));
        } else if value_chars > limits::EC2_TAG_VALUE_CHARS {
            let most = limits::EC2_TAG_VALUE_CHARS;
            wrong(format!(
                "the tag {key:?} has a value of {value_chars} characters; EC2 allows {most}"
            ));
        }
    }
    Some(guard.clone())
}

#[cfg(test)]
mod tests {
    use super::super::WaveSpec;
    use super::*;
    use crate::ids::GroupId;
    use crate::plan::Plan;

    fn spec(tags: &[(&str, &str)]) -> PlanSpec {
        let pairs = tags
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        PlanSpec {
            name: "shop".to_owned(),
            waves: vec![WaveSpec {
                name: "db".to_owned(),
                protection_group_ids: vec![GroupId::new("g-1")],
                ..WaveSpec::default()
            }],
            drill_guard: Some(DrillGuard {
                subnet_tags: pairs.collect(),
            }),
            ..PlanSpec::default()
        }
    }

    #[test]
    fn a_guard_counts_in_the_digest_and_its_absence_does_not() {
        let digest = |spec: &PlanSpec| Plan::parse(spec).unwrap().digest().to_owned();
        let guarded = spec(&[("Purpose", "drill")]);
        let open = PlanSpec {
            drill_guard: None,
            ..guarded.clone()
        };
        assert_ne!(digest(&guarded), digest(&open));
        assert_ne!(digest(&guarded), digest(&spec(&[("Purpose", "test")])));
        let parsed = Plan::parse(&guarded).unwrap();
        assert_eq!(parsed.drill_guard(), guarded.drill_guard.as_ref());
    }

    #[test]
    fn a_guard_that_guards_nothing_or_that_no_subnet_can_pass_is_refused() {
        let problems = |tags: &[(&str, &str)]| -> Vec<String> {
            let errors = Plan::parse(&spec(tags)).unwrap_err();
            errors.iter().map(ToString::to_string).collect()
        };
        assert_eq!(
            problems(&[]),
            [
                "drill_guard.subnet_tags: a guard without a tag would let every subnet pass; name at least one tag, or \
                 leave drill_guard out"
            ]
        );
        let (long_key, long_value) = ("k".repeat(129), "v".repeat(257));
        assert_eq!(
            problems(&[("", "x"), ("Purpose", &long_value), (&long_key, "x")]),
            [
                "drill_guard.subnet_tags: the key of a tag is empty".to_owned(),
                "drill_guard.subnet_tags: the tag \"Purpose\" has a value of 257 characters; EC2 allows 256".to_owned(),
                format!(
                    "drill_guard.subnet_tags: the tag {long_key:?} has a key of 129 characters; EC2 allows 128"
                ),
            ]
        );
        let many: Vec<(String, &str)> = (0..51).map(|n| (format!("k{n}"), "v")).collect();
        let many: Vec<(&str, &str)> = many
            .iter()
            .map(|(key, value)| (key.as_str(), *value))
            .collect();
        assert_eq!(
            problems(&many),
            ["drill_guard.subnet_tags: 51 tags; a subnet has at most 50"]
        );
    }
}
