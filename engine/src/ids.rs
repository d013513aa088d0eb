//! The identifiers that plans, events and the history carry: distinct types, so that a server can never be passed for a
//! job.
//!
//! The types say what an identifier names; they do not check its shape. Shapes are checked where values enter the
//! product (configuration, the DRS answer), because an identifier of an unknown shape in a history must still be
//! readable.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! identifier {
    ($(#[$doc:meta] $name:ident;)+) => {$(
        #[$doc]
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps the text of an identifier as it came from the outside.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }
    )+};
}

identifier! {
    /// A source server, `s-` and 17 alphanumerics.
    ServerId;
    /// A protection group.
    GroupId;
    /// A recovery plan.
    PlanId;
    /// One run of a plan.
    ExecutionId;
    /// A DRS job, `drsjob-` and 17 alphanumerics.
    JobId;
    /// A recovery instance; DRS uses the EC2 instance id for both.
    InstanceId;
    /// A point in time of a source server, `pit-` and 17 alphanumerics.
    SnapshotId;
    /// One process that drives an execution; new for every process, never reused.
    OwnerId;
}

/// Where a server lives: an account and a Region. Quotas, credentials and jobs are all per target.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Target {
    /// The AWS account id, 12 digits.
    pub account_id: String,
    /// The AWS Region, e.g. `us-east-1`.
    pub region: String,
}

impl Target {
    /// The account and the Region that an ARN names, where it names both.
    pub fn of_arn(arn: &str) -> Option<Self> {
        let mut parts = arn.splitn(6, ':');
        let is_arn = parts.next() == Some("arn");
        let (region, account_id) = (parts.nth(2)?, parts.next()?);
        let is_whole = is_arn && parts.next().is_some();
        (is_whole && !region.is_empty() && !account_id.is_empty()).then(|| Self {
            account_id: account_id.to_owned(),
            region: region.to_owned(),
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.account_id, self.region)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_names_an_account_and_a_region() {
        let target = |account_id: &str, region: &str| Target {
            account_id: account_id.to_owned(),
            region: region.to_owned(),
        };
        for (arn, expected) in [
            (
                "arn:aws:sns:us-east-1:111122223333:notices",
                Some(target("111122223333", "us-east-1")),
            ),
            (
                "arn:aws:lambda:eu-west-1:111122223333:function:check:live",
                Some(target("111122223333", "eu-west-1")),
            ),
            ("arn:aws:iam::111122223333:role/dr", None),
            ("arn:aws:sns:us-east-1:111122223333", None),
            ("check", None),
            ("", None),
        ] {
            assert_eq!(Target::of_arn(arn), expected, "{arn}");
        }
    }
}
