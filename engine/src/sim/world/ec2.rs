//! What EC2 says about recovery instances: DescribeInstances and DescribeInstanceStatus.
//!
//! Inputs have the names of the API's parameters (`InstanceIds`), answers those of its XML (`instancesSet`).

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};

use super::call::{Scene, read_input};
use super::chance;
use super::error::ApiError;
use super::instance_types;
use super::model::{Machine, MachineState};
use super::page::Page;
use super::tags::Tags;
use super::wire::present;

/// Instances on a page when the caller does not say how many.
const PAGE_SIZE: usize = 1_000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    #[serde(default)]
    instance_ids: Vec<String>,
    #[serde(default)]
    filters: Vec<Filter>,
    #[serde(default)]
    include_all_instances: bool,
    #[serde(default)]
    max_results: Option<usize>,
    #[serde(default)]
    next_token: Option<String>,
}

/// A filter of a list.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Filter {
    pub(super) name: String,
    #[serde(default)]
    values: Vec<String>,
}

/// Answers `DescribeInstances`: one reservation per instance.
pub(super) fn describe(scene: &Scene<'_>, input: &Value) -> Result<Value, ApiError> {
    let input: Input = read_input(input)?;
    let machines = found(scene, &input)?;
    let view = |machine: &Machine| {
        json!({
            "reservationId": chance::id(scene.seed, "r-", &["reservation", &machine.id]),
            "ownerId": scene.account_id,
            "groupSet": [],
            "instancesSet": [instance(scene, machine)],
        })
    };
    page(
        (input.max_results, input.next_token.as_ref()),
        ("ec2:DescribeInstances", "reservationSet"),
        machines
            .into_iter()
            .map(|machine| (machine.id.clone(), machine)),
        view,
    )
}

/// Answers `DescribeInstanceStatus`: running instances, or with `IncludeAllInstances` all of them.
pub(super) fn describe_status(scene: &Scene<'_>, input: &Value) -> Result<Value, ApiError> {
    let input: Input = read_input(input)?;
    let mut machines = found(scene, &input)?;
    machines.retain(|machine| {
        input.include_all_instances || machine.state(scene.now) == MachineState::Running
    });
    page(
        (input.max_results, input.next_token.as_ref()),
        ("ec2:DescribeInstanceStatus", "instanceStatusSet"),
        machines
            .into_iter()
            .map(|machine| (machine.id.clone(), machine)),
        |machine| status(scene, machine),
    )
}

/// The machines that an input asks for, by id. One that does not exist refuses the call, as EC2 does.
fn found<'a>(scene: &Scene<'a>, input: &Input) -> Result<Vec<&'a Machine>, ApiError> {
    let known = scene.site.map(|site| &site.machines);
    let known = known.into_iter().flat_map(|machines| machines.values());
    let listed = known.filter(|machine| machine.is_listed(scene.now));
    let wanted: BTreeSet<&str> = input.instance_ids.iter().map(String::as_str).collect();
    let machines: Vec<&Machine> = listed
        .filter(|machine| wanted.is_empty() || wanted.contains(machine.id.as_str()))
        .collect();
    let have: BTreeSet<&str> = machines.iter().map(|machine| machine.id.as_str()).collect();
    if let Some(missing) = wanted.iter().find(|id| !have.contains(*id)) {
        let message = format!("The instance ID '{missing}' does not exist");
        return Err(ApiError::new("InvalidInstanceID.NotFound", 400, message));
    }
    let mut kept = Vec::new();
    for machine in machines {
        let mut fits = true;
        for filter in &input.filters {
            fits &= filter.fits(machine, state_name(machine.state(scene.now)))?;
        }
        if fits {
            kept.push(machine);
        }
    }
    Ok(kept)
}

impl Filter {
    /// Whether a value is one of those that are wanted.
    pub(super) fn has(&self, value: &str) -> bool {
        self.values.iter().any(|wanted| wanted == value)
    }

    fn fits(&self, machine: &Machine, state: &str) -> Result<bool, ApiError> {
        match self.name.as_str() {
            "instance-id" => Ok(self.has(&machine.id)),
            "instance-state-name" => Ok(self.has(state)),
            "subnet-id" => Ok(machine.subnet.as_deref().is_some_and(|id| self.has(id))),
            _ => self.fits_tags(&machine.tags),
        }
    }

    /// Whether tags fit a filter that is about tags; one about anything else is refused.
    pub(super) fn fits_tags(&self, tags: &Tags) -> Result<bool, ApiError> {
        if self.name == "tag-key" {
            return Ok(tags.keys().any(|key| self.has(key)));
        }
        match self.name.strip_prefix("tag:") {
            Some(key) => Ok(tags.get(key).is_some_and(|value| self.has(value))),
            None => {
                let message = format!("The filter '{}' is invalid", self.name);
                Err(ApiError::new("InvalidParameterValue", 400, message))
            }
        }
    }
}

/// A page of a list: how much is asked for and after which token, what the list is called, and its items by ascending key.
pub(super) fn page<T>(
    (size, token): (Option<usize>, Option<&String>),
    (operation, member): (&'static str, &str),
    items: impl Iterator<Item = (String, T)>,
    view: impl Fn(T) -> Value,
) -> Result<Value, ApiError> {
    let page = Page::new(operation, size.unwrap_or(PAGE_SIZE), token.cloned());
    let invalid = |_| {
        ApiError::new(
            "InvalidParameterValue",
            400,
            "Unable to parse pagination token",
        )
    };
    let after = page.after().map_err(invalid)?;
    let rest = items.filter(|(key, _)| after.as_ref().is_none_or(|after| key > after));
    let mut cut = page.cut(rest, view);
    Ok(present([
        (member, cut["items"].take()),
        ("nextToken", cut["nextToken"].take()),
    ]))
}

/// Tags as EC2 lists them.
pub(super) fn tag_set(tags: &Tags) -> Value {
    let tags = tags
        .iter()
        .map(|(key, value)| json!({"key": key, "value": value}));
    json!(tags.collect::<Vec<_>>())
}

fn instance(scene: &Scene<'_>, machine: &Machine) -> Value {
    let vcpus = instance_types::vcpus(&machine.instance_type).unwrap_or(2);
    let subnet = scene.site.and_then(|site| {
        let id = machine.subnet.as_ref()?;
        site.subnets.get(id)
    });
    let zone = subnet.map_or_else(
        || format!("{}a", scene.region),
        |subnet| subnet.availability_zone.clone(),
    );
    let mut view = json!({
        "instanceId": machine.id,
        "imageId": "ami-0123456789abcdef0",
        "instanceState": state(machine.state(scene.now)),
        "privateDnsName": machine.hostname,
        "instanceType": machine.instance_type,
        "launchTime": machine.launched_at.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string(),
        "placement": {"availabilityZone": zone, "tenancy": "default"},
        "privateIpAddress": super::servers::private_ip(&machine.id),
        "cpuOptions": {"coreCount": vcpus / 2, "threadsPerCore": 2},
        "tagSet": tag_set(&machine.tags),
    });
    if let Some(subnet) = subnet {
        view["subnetId"] = json!(subnet.id);
        view["vpcId"] = json!(subnet.vpc_id);
    }
    view
}

fn status(scene: &Scene<'_>, machine: &Machine) -> Value {
    let running = machine.state(scene.now) == MachineState::Running;
    let checked = machine.checks_pass_at <= scene.now;
    let (summary, detail) = match (running, checked) {
        (false, _) => ("not-applicable", None),
        (true, false) => ("initializing", Some("initializing")),
        (true, true) if machine.impaired => ("impaired", Some("failed")),
        (true, true) => ("ok", Some("passed")),
    };
    let details: Vec<Value> = detail
        .into_iter()
        .map(|status| json!({"name": "reachability", "status": status}))
        .collect();
    let checks = json!({"status": summary, "details": details});
    json!({
        "instanceId": machine.id,
        "availabilityZone": format!("{}a", scene.region),
        "instanceState": state(machine.state(scene.now)),
        "systemStatus": checks.clone(),
        "instanceStatus": checks,
    })
}

fn state(state: MachineState) -> Value {
    let code = match state {
        MachineState::Pending => 0,
        MachineState::Running => 16,
        MachineState::ShuttingDown => 32,
        MachineState::Terminated | MachineState::NotFound => 48,
        MachineState::Stopping => 64,
        MachineState::Stopped => 80,
    };
    json!({"code": code, "name": state_name(state)})
}

fn state_name(state: MachineState) -> &'static str {
    match state {
        MachineState::Pending => "pending",
        MachineState::Running => "running",
        MachineState::ShuttingDown => "shutting-down",
        MachineState::Terminated | MachineState::NotFound => "terminated",
        MachineState::Stopping => "stopping",
        MachineState::Stopped => "stopped",
    }
}
