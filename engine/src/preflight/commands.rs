//! The one command that helps against a finding.
//!
//! A command looks and changes nothing, unless only a change helps and it can do no harm: DRS that was never set up, and a
//! quota that is too small. What a person has to fill in is in capitals. `aws` works in the account of the finding only with
//! credentials of that account.

use crate::ids::{ExecutionId, PlanId, ServerId, Target};
use crate::plan::DrillGuard;
use crate::ports::{CallError, ROLE_NOT_ASSUMABLE};

/// Servers that a command names; when there are more, it asks for all.
const NAMED: usize = 10;

pub(super) fn plans() -> String {
    "drsctl plan list".to_owned()
}

pub(super) fn plan(plan: &PlanId) -> String {
    format!("drsctl plan show {plan}")
}

/// Keeps a plan where it can be reached without the tables.
pub(super) fn plan_file(plan: &PlanId) -> String {
    format!("drsctl plan export {plan} FILE")
}

pub(super) fn watch(execution: &ExecutionId) -> String {
    format!("drsctl watch {execution}")
}

pub(super) fn tables() -> String {
    "drsctl tables check".to_owned()
}

pub(super) fn drs_quotas() -> String {
    "drsctl quotas".to_owned()
}

pub(super) fn points(plan: &PlanId) -> String {
    format!("drsctl points {plan}")
}

/// Tries what a caller may do in an account.
pub(super) fn permissions(target: &Target) -> String {
    format!("drsctl target check {}", target.account_id)
}

/// What helps after a call that failed; none where only asking again does.
pub(super) fn after(target: &Target, error: &CallError) -> Option<String> {
    if error.code == "UninitializedAccountException" {
        return Some(aws(target, "drs initialize-service"));
    }
    // Whether topics, functions and documents may be read is not tried there.
    let is_tried = ["drs:", "ec2:", "servicequotas:"]
        .iter()
        .any(|service| error.call.starts_with(service));
    let is_denied = error.is_denied() && is_tried;
    (is_denied || error.code == ROLE_NOT_ASSUMABLE).then(|| permissions(target))
}

/// Shows servers with the state of their replication and its errors.
pub(super) fn servers<'a>(target: &Target, ids: impl IntoIterator<Item = &'a ServerId>) -> String {
    aws(target, &format!("drs describe-source-servers{}", only(ids)))
}

/// Shows every server of an account and a Region, with its tags.
pub(super) fn all_servers(target: &Target) -> String {
    servers(target, [])
}

pub(super) fn recovery_instances<'a>(
    target: &Target,
    ids: impl IntoIterator<Item = &'a ServerId>,
) -> String {
    aws(
        target,
        &format!("drs describe-recovery-instances{}", only(ids)),
    )
}

/// Shows the launch settings of a server; there is no call for several.
pub(super) fn launch_settings<'a>(
    target: &Target,
    ids: impl IntoIterator<Item = &'a ServerId>,
) -> String {
    let mut ids = ids.into_iter();
    let id = match (ids.next(), ids.next()) {
        (Some(only), None) => only.as_str(),
        _ => "SERVER",
    };
    let call = format!("drs get-launch-configuration --source-server-id {id}");
    aws(target, &call)
}

/// Shows the subnets that could be named; where drills are guarded, those that carry the guard's tags.
pub(super) fn subnets(target: &Target, guard: Option<&DrillGuard>) -> String {
    let tags = guard.into_iter().flat_map(|guard| &guard.subnet_tags);
    let plain = tags.filter(|(key, value)| is_plain(key) && is_plain(value));
    let filters: String = plain
        .map(|(key, value)| format!(" 'Name=tag:{key},Values={value}'"))
        .collect();
    let filters = if filters.is_empty() {
        filters
    } else {
        format!(" --filters{filters}")
    };
    aws(target, &format!("ec2 describe-subnets{filters}"))
}

pub(super) fn instance_types(target: &Target) -> String {
    aws(target, "ec2 describe-instance-type-offerings")
}

/// Asks AWS for so many vCPUs of On-Demand Standard instances.
pub(super) fn more_vcpus(target: &Target, wanted: u64) -> String {
    let quota = "--service-code ec2 --quota-code L-1216C47A";
    aws(
        target,
        &format!("service-quotas request-service-quota-increase {quota} --desired-value {wanted}"),
    )
}

pub(super) fn functions(target: &Target) -> String {
    aws(target, "lambda list-functions")
}

pub(super) fn documents(target: &Target) -> String {
    aws(target, "ssm list-documents")
}

pub(super) fn topics(target: &Target) -> String {
    aws(target, "sns list-topics")
}

fn aws(target: &Target, call: &str) -> String {
    format!("aws {call} --region {}", target.region)
}

fn only<'a>(ids: impl IntoIterator<Item = &'a ServerId>) -> String {
    let ids: Vec<&str> = ids.into_iter().map(ServerId::as_str).collect();
    if ids.is_empty() || ids.len() > NAMED {
        return String::new();
    }
    format!(" --filters sourceServerIDs={}", ids.join(","))
}

/// Whether a text means itself, in a shell's quotes and in the shorthand of `aws`.
fn is_plain(text: &str) -> bool {
    let means_itself = |it: char| it.is_ascii_alphanumeric() || " _.:/+@-".contains(it);
    !text.is_empty() && text.chars().all(means_itself)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn tags_that_a_shell_or_the_shorthand_would_read_otherwise_are_left_out() {
        let target = crate::testing::target();
        let told = |tags: &[(&str, &str)]| {
            let tags = tags
                .iter()
                .map(|(key, value)| (key.to_string(), value.to_string()));
            let subnet_tags: BTreeMap<String, String> = tags.collect();
            subnets(&target, Some(&DrillGuard { subnet_tags }))
        };
        let all = "aws ec2 describe-subnets --region us-east-1";
        assert_eq!(subnets(&target, None), all);
        for value in ["a,b", "it's", "a=b", "*", "", "$(id)"] {
            assert_eq!(told(&[("Purpose", value)]), all, "{value:?}");
        }
        assert_eq!(
            told(&[("Purpose", "drill"), ("Owner", "the shop")]),
            "aws ec2 describe-subnets --filters 'Name=tag:Owner,Values=the shop' 'Name=tag:Purpose,Values=drill' --region \
             us-east-1"
        );
    }

    #[test]
    fn a_command_names_a_few_servers_and_asks_for_all_beyond() {
        let target = crate::testing::target();
        let ids: Vec<ServerId> = (0..=NAMED)
            .map(|id| ServerId::new(format!("s-{id}")))
            .collect();
        assert_eq!(
            servers(&target, &ids[..2]),
            "aws drs describe-source-servers --filters sourceServerIDs=s-0,s-1 --region us-east-1"
        );
        assert_eq!(servers(&target, &ids), all_servers(&target));
        assert!(launch_settings(&target, &ids[..1]).contains("--source-server-id s-0 "));
        assert!(launch_settings(&target, &ids[..2]).contains("--source-server-id SERVER "));
    }
}
