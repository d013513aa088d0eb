//! What the role of a target must say, as IAM policies.

use drs_engine::store::target::TargetAccount;
use serde_json::{Value, json};

use crate::session::Identity;

/// The trust policy of a target's role: this hub, and only with the target's external id.
///
/// It names the hub's account and not the caller, because runs are driven by several: a pipeline, operators, a Lambda.
/// Which of them may assume the role, the hub says with `sts:AssumeRole` in their own policies.
pub(crate) fn trust(hub: &Identity, target: &TargetAccount) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"AWS": format!("arn:{}:iam::{}:root", hub.partition, hub.account_id)},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": target.external_id.as_str()}},
        }],
    })
}
