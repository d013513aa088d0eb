//! What a preflight says about launches.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::super::Level;
use super::super::launches::Need;
use crate::ids::Target;
use crate::limits;
use crate::plan::DrillGuard;
use crate::ports::CallError;
use crate::readiness::Named;
use crate::report::duration;
use crate::resolve::{some_of, some_servers};

/// Where the rest of what a launch needs is written down.
const GUIDE: &str = "docs/guides/preflight.md lists it";

pub(in super::super) fn all_settings(target: &Target, count: usize) -> String {
    format!(
        "the launch settings and launch templates of {} in {target} can be read",
        several(count, "server")
    )
}

pub(in super::super) fn cut(target: &Target, read: usize, count: usize) -> String {
    format!(
        "the launch settings of only {read} of {count} servers in {target} could be read within {}; of the others nothing \
         is known here",
        duration(limits::EACH_SERVER_TIME)
    )
}

pub(in super::super) fn stopped(target: &Target, servers: &[Named]) -> String {
    format!(
        "instances of these servers in {target} are left stopped, as their launch disposition says: {}",
        some_servers(servers)
    )
}

pub(in super::super) fn into_instances(target: &Target, servers: &[Named]) -> String {
    format!(
        "these servers in {target} are launched into instances that exist already, and overwrite them: {}",
        some_servers(servers)
    )
}

pub(in super::super) fn no_template(target: &Target, servers: &[Named]) -> String {
    format!(
        "these servers in {target} have no EC2 launch template that exists, and cannot be launched: {}; open their launch \
         settings in DRS and save them",
        some_servers(servers)
    )
}

pub(in super::super) fn open_subnets(target: &Target, servers: &[Named]) -> String {
    format!(
        "the launch templates of these servers in {target} name no subnet, so EC2 takes one of the default VPC, if there \
         is one: {}; name a subnet in each template",
        some_servers(servers)
    )
}

pub(in super::super) fn no_such_subnet(target: &Target, subnet: &str, servers: &[Named]) -> String {
    format!(
        "subnet {subnet} in {target} does not exist, and the launch templates of these servers name it: {}; name another \
         one in them",
        some_servers(servers)
    )
}

pub(in super::super) fn addresses(target: &Target, subnet: &str, free: u32, need: &Need) -> String {
    let text = format!(
        "subnet {subnet} in {target} has {} for {}",
        several(free as usize, "free address"),
        several(need.all as usize, "server")
    );
    lacking(
        text,
        need,
        u64::from(free),
        "name another subnet in some of their launch templates, or free addresses in it",
    )
}

pub(in super::super) fn vcpus(
    target: &Target,
    need: &Need,
    (free, quota): (u32, u32),
    uncounted: usize,
) -> String {
    let mut text = format!(
        "{} are needed in {target}, and {free} of {quota} are free (EC2 quota L-1216C47A, On-Demand Standard instances)",
        several(need.all as usize, "vCPU")
    );
    if uncounted > 0 {
        let verb = if uncounted == 1 { "is" } else { "are" };
        text.push_str(&format!(
            "; {} {verb} not counted: another kind of instance, or a type that is not known",
            several(uncounted, "server")
        ));
    }
    lacking(
        text,
        need,
        u64::from(free),
        "ask AWS to raise the quota, or leave servers out",
    )
}

/// What follows when there is not enough of something.
fn lacking(text: String, need: &Need, free: u64, help: &str) -> String {
    if need.all <= free {
        return text;
    }
    let certain = need.all - need.comes_back;
    if certain <= free {
        return format!(
            "{text}; it fits once the instances of earlier launches are gone, which each launch sees to for its own server"
        );
    }
    format!("{text}: {} too few; {help}", certain - free)
}

pub(in super::super) fn no_such_types(target: &Target, types: &BTreeSet<&String>) -> String {
    let names: Vec<String> = types.iter().map(|name| (*name).clone()).collect();
    format!(
        "{target} has no instance type {}; name another one in the launch templates",
        some_of(&names)
    )
}

pub(in super::super) fn guarded(
    target: &Target,
    guard: &DrillGuard,
    subnets: &BTreeSet<String>,
) -> String {
    let subnets: Vec<String> = subnets.iter().cloned().collect();
    format!(
        "every subnet that a launch template names in {target} carries {guard}: {}",
        some_of(&subnets)
    )
}

pub(in super::super) fn not_guarded(target: &Target) -> String {
    format!(
        "the plan's drill guard does not hold up a recovery: nothing is asked of the subnets in {target}"
    )
}

pub(in super::super) fn points_cut(target: &Target, read: usize, count: usize) -> String {
    format!(
        "the points in time of only {read} of {count} servers in {target} could be read within {}",
        duration(limits::EACH_SERVER_TIME)
    )
}

pub(in super::super) fn no_point(target: &Target, servers: &[Named]) -> String {
    format!(
        "these servers in {target} have no point in time yet, and DRS refuses to launch them: {}; wait for their initial \
         sync to end",
        some_servers(servers)
    )
}

pub(in super::super) fn old_points(target: &Target, old: &[Named]) -> String {
    format!(
        "the newest point in time of these servers in {target} is older than {}: {}; what was written since would be lost \
         if no new one can be taken",
        duration(limits::POINT_AGE),
        some_servers(old)
    )
}

pub(in super::super) fn fresh_points(
    target: &Target,
    count: usize,
    oldest: SignedDuration,
) -> String {
    format!(
        "the newest point in time of {} in {target} is at most {} old",
        several(count, "server"),
        duration(oldest)
    )
}

/// What the caller may do, as far as it can be seen without launching.
pub(in super::super) fn permissions(target: &Target, denied: &[CallError]) -> (Level, String) {
    let rest = format!(
        "what else StartRecovery needs of its caller, from ec2:RunInstances to iam:PassRole, cannot be tried without \
         launching: {GUIDE}"
    );
    if denied.is_empty() {
        let text = format!("every call of this preflight is allowed in {target}; {rest}");
        return (Level::Ready, text);
    }
    let level = denied.iter().map(|error| effect(error.call).0).max();
    let told = |error: &CallError| format!("{} ({})", error.action(), effect(error.call).1);
    let effects: BTreeSet<String> = denied.iter().map(told).collect();
    let effects: Vec<String> = effects.into_iter().collect();
    let text = format!(
        "the caller may not do this in {target}: {}; allow these actions to it; {rest}",
        effects.join(", ")
    );
    (level.unwrap_or(Level::Problem), text)
}

/// What it means that a call is denied. DRS launches with the rights of whoever calls StartRecovery, so what the caller may
/// not read, the launch may not read either.
fn effect(call: &str) -> (Level, &'static str) {
    match call {
        "drs:DescribeRecoverySnapshots" => {
            (Level::Warning, "the age of points in time is not known")
        }
        "drs:DescribeJobs" => (
            Level::Problem,
            "a launch cannot be followed, nor found again",
        ),
        "drs:DescribeRecoveryInstances" => (
            Level::Problem,
            "a start must see whether live recovery instances exist",
        ),
        "drs:GetLaunchConfiguration" => (
            Level::Problem,
            "DRS reads it with the caller's rights, and a launch without it fails or does nothing",
        ),
        "lambda:GetFunctionConfiguration" | "ssm:DescribeDocument" => (
            Level::Warning,
            "whether what hooks and checks run exists is not known",
        ),
        call if call.starts_with("servicequotas:") => (Level::Warning, "the quota is not known"),
        call if call.starts_with("ec2:") => (
            Level::Problem,
            "DRS calls it with the caller's rights, and a launch without it fails",
        ),
        _ => (Level::Problem, "an execution needs it"),
    }
}

fn several(count: usize, what: &str) -> String {
    match (count, what) {
        (1, what) => format!("1 {what}"),
        (count, "free address") => format!("{count} free addresses"),
        (count, what) => format!("{count} {what}s"),
    }
}
