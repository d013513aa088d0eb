//! Subnets and launch templates of EC2, and the lists of them that EC2 tells.
//!
//! Every source server has a launch template with one version at a time: changing it makes the next version, and the one
//! before can no longer be asked for.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::call::{Scene, read_input};
use super::chance;
use super::ec2::{Filter, page, tag_set};
use super::error::ApiError;
use super::instance_types::{self, InstanceType};
use super::model::{MachineState, Server, Site};
use super::tags::Tags;
use super::wire::{self, present};
use crate::sim::fleet::{self, NO_SUBNET};

/// Words for a version of a template: this world has but one.
const CURRENT: [&str; 2] = ["$Default", "$Latest"];

/// A subnet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Subnet {
    pub(super) id: String,
    /// What operators call it.
    pub(super) name: String,
    pub(super) vpc_id: String,
    pub(super) availability_zone: String,
    /// Addresses that are free while no instance of this world has one.
    pub(super) free_addresses: u32,
    pub(super) tags: Tags,
}

/// A launch template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LaunchTemplate {
    /// Its version, from 1.
    pub(super) version: u64,
    /// The subnet that it names.
    pub(super) subnet: Option<String>,
    pub(super) instance_type: String,
}

impl Default for LaunchTemplate {
    fn default() -> Self {
        Self {
            version: 1,
            subnet: None,
            instance_type: instance_type(),
        }
    }
}

/// The instance type of what was stored before there were any.
pub(super) fn instance_type() -> String {
    fleet::Server::named("").instance_type
}

impl Site {
    /// Adds a subnet, or changes the one of its name. The first is the one of whatever names none.
    pub(super) fn set_subnet(&mut self, described: &fleet::Subnet, seed: u64) -> String {
        let key = self.key();
        let own = || chance::id(seed, "subnet-", &["subnet", &key, &described.name]);
        let same_name = self
            .subnets
            .values()
            .find(|subnet| subnet.name == described.name);
        let id = match (&described.id, same_name) {
            (Some(id), _) => id.clone(),
            (None, Some(known)) => known.id.clone(),
            (None, None) => own(),
        };
        let mut tags = described.tags.clone();
        tags.entry("Name".to_owned())
            .or_insert_with(|| described.name.clone());
        let subnet = Subnet {
            id: id.clone(),
            name: described.name.clone(),
            vpc_id: chance::id(seed, "vpc-", &["vpc", &key]),
            availability_zone: described
                .availability_zone
                .clone()
                .unwrap_or_else(|| format!("{}a", self.region)),
            free_addresses: described.free_addresses,
            tags,
        };
        self.subnets.insert(id.clone(), subnet);
        self.default_subnet.get_or_insert_with(|| id.clone());
        id
    }

    /// The id of the subnet with an id or a name.
    pub(super) fn subnet_named(&self, name: &str) -> Option<String> {
        let found = self.subnets.get(name);
        let found = found.or_else(|| self.subnets.values().find(|subnet| subnet.name == name));
        found.map(|subnet| subnet.id.clone())
    }

    /// The launch template of a server as a fleet describes it.
    pub(super) fn template_of(&self, described: &fleet::Server) -> LaunchTemplate {
        LaunchTemplate {
            subnet: match described.subnet.as_deref() {
                Some(NO_SUBNET) => None,
                Some(name) => self.subnet_named(name),
                None => self.default_subnet.clone(),
            },
            instance_type: described.instance_type.clone(),
            ..LaunchTemplate::default()
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    #[serde(default)]
    subnet_ids: Vec<String>,
    #[serde(default)]
    instance_types: Vec<String>,
    #[serde(default)]
    launch_template_id: Option<String>,
    #[serde(default)]
    launch_template_name: Option<String>,
    #[serde(default)]
    versions: Vec<String>,
    #[serde(default)]
    filters: Vec<Filter>,
    #[serde(default)]
    max_results: Option<usize>,
    #[serde(default)]
    next_token: Option<String>,
}

impl Input {
    fn paging(&self) -> (Option<usize>, Option<&String>) {
        (self.max_results, self.next_token.as_ref())
    }
}

/// Answers `DescribeSubnets`. One that does not exist refuses the call, as EC2 does; a filter leaves it out.
pub(super) fn describe_subnets(scene: &Scene<'_>, input: &Value) -> Result<Value, ApiError> {
    let input: Input = read_input(input)?;
    let known = scene.site.map(|site| &site.subnets);
    let wanted: BTreeSet<&str> = input.subnet_ids.iter().map(String::as_str).collect();
    let exists = |id: &&&str| known.is_some_and(|subnets| subnets.contains_key(**id));
    if let Some(missing) = wanted.iter().find(|id| !exists(id)) {
        let message = format!("The subnet ID '{missing}' does not exist");
        return Err(ApiError::new("InvalidSubnetID.NotFound", 400, message));
    }
    let mut found = Vec::new();
    for subnet in known.into_iter().flat_map(|subnets| subnets.values()) {
        let mut fits = wanted.is_empty() || wanted.contains(subnet.id.as_str());
        for filter in &input.filters {
            fits &= match filter.name.as_str() {
                "subnet-id" => filter.has(&subnet.id),
                "vpc-id" => filter.has(&subnet.vpc_id),
                "availability-zone" => filter.has(&subnet.availability_zone),
                _ => filter.fits_tags(&subnet.tags)?,
            };
        }
        if fits {
            found.push((subnet.id.clone(), subnet));
        }
    }
    page(
        input.paging(),
        ("ec2:DescribeSubnets", "subnetSet"),
        found.into_iter(),
        |subnet| subnet_view(scene, subnet),
    )
}

fn subnet_view(scene: &Scene<'_>, subnet: &Subnet) -> Value {
    let taken = scene.site.map_or(0, |site| {
        let machines = site.machines.values();
        let here = machines.filter(|machine| {
            machine.subnet.as_ref() == Some(&subnet.id)
                && machine.launched_at <= scene.now
                && machine.state(scene.now) != MachineState::Terminated
        });
        u32::try_from(here.count()).unwrap_or(u32::MAX)
    });
    let partition = wire::partition(scene.region);
    json!({
        "subnetId": subnet.id,
        "subnetArn": format!("arn:{partition}:ec2:{}:{}:subnet/{}", scene.region, scene.account_id, subnet.id),
        "vpcId": subnet.vpc_id,
        "ownerId": scene.account_id,
        "state": "available",
        "availabilityZone": subnet.availability_zone,
        "availableIpAddressCount": subnet.free_addresses.saturating_sub(taken),
        "cidrBlock": "10.0.0.0/16",
        "defaultForAz": false,
        "mapPublicIpOnLaunch": false,
        "tagSet": tag_set(&subnet.tags),
    })
}

/// Answers `DescribeLaunchTemplateVersions`: of one template, or without one the current version of every template.
pub(super) fn describe_templates(scene: &Scene<'_>, input: &Value) -> Result<Value, ApiError> {
    let input: Input = read_input(input)?;
    let refused = |code: &str, message: String| Err(ApiError::new(code, 400, message));
    let servers = scene
        .site
        .into_iter()
        .flat_map(|site| site.servers.values());
    let named = |server: &&Server| {
        let by_id = input.launch_template_id.as_ref();
        let by_name = input.launch_template_name.as_ref();
        by_id.is_none_or(|id| *id == server.launch.ec2_launch_template_id)
            && by_name.is_none_or(|name| *name == template_name(server))
    };
    let mut found: Vec<(String, &Server)> = servers
        .filter(named)
        .map(|server| (server.launch.ec2_launch_template_id.clone(), server))
        .collect();
    found.sort_by(|one, other| one.0.cmp(&other.0));
    let is_current = |version: &String| CURRENT.contains(&version.as_str());
    match (&input.launch_template_id, &input.launch_template_name) {
        (None, None) if input.versions.is_empty() || !input.versions.iter().all(is_current) => {
            return refused(
                "MissingParameter",
                "The request must contain the parameter LaunchTemplateId or LaunchTemplateName, or only the versions \
                 $Default and $Latest"
                    .to_owned(),
            );
        }
        (Some(id), _) if found.is_empty() => {
            return refused(
                "InvalidLaunchTemplateId.NotFound",
                format!("The specified launch template, with template ID {id}, does not exist."),
            );
        }
        (None, Some(name)) if found.is_empty() => {
            return refused(
                "InvalidLaunchTemplateName.NotFoundException",
                format!(
                    "The specified launch template, with template name {name}, does not exist."
                ),
            );
        }
        _ => {}
    }
    found.retain(|(_, server)| {
        let version = server.template.version.to_string();
        let fits = |wanted: &String| is_current(wanted) || *wanted == version;
        input.versions.is_empty() || input.versions.iter().any(fits)
    });
    page(
        input.paging(),
        (
            "ec2:DescribeLaunchTemplateVersions",
            "launchTemplateVersionSet",
        ),
        found.into_iter(),
        |server| template_view(scene, server),
    )
}

fn template_name(server: &Server) -> String {
    format!("created-and-used-by-drs-{}", server.id)
}

fn template_view(scene: &Scene<'_>, server: &Server) -> Value {
    let template = &server.template;
    let subnet = template.subnet.as_ref();
    let interface = subnet
        .map(|subnet| json!([{"deviceIndex": 0, "subnetId": subnet, "deleteOnTermination": true}]));
    json!({
        "launchTemplateId": server.launch.ec2_launch_template_id,
        "launchTemplateName": template_name(server),
        "versionNumber": template.version,
        "defaultVersion": true,
        "createdBy": format!("arn:{}:iam::{}:root", wire::partition(scene.region), scene.account_id),
        "createTime": server.added_at.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string(),
        "launchTemplateData": present([
            ("instanceType", json!(template.instance_type)),
            ("networkInterfaceSet", json!(interface)),
        ]),
    })
}

/// Answers `DescribeInstanceTypes`. One that does not exist refuses the call, as EC2 does; a filter leaves it out.
pub(super) fn describe_types(input: &Value) -> Result<Value, ApiError> {
    let input: Input = read_input(input)?;
    let wanted: BTreeSet<&str> = input.instance_types.iter().map(String::as_str).collect();
    if let Some(unknown) = wanted
        .iter()
        .find(|name| instance_types::vcpus(name).is_none())
    {
        let message = format!("The following supplied instance types do not exist: [{unknown}]");
        return Err(ApiError::new("InvalidInstanceType", 400, message));
    }
    let mut found: Vec<(String, InstanceType)> = Vec::new();
    for one in instance_types::all() {
        let mut fits = wanted.is_empty() || wanted.contains(one.name.as_str());
        for filter in &input.filters {
            fits &= match filter.name.as_str() {
                "instance-type" => filter.has(&one.name),
                "vcpu-info.default-vcpus" => filter.has(&one.vcpus.to_string()),
                name => {
                    let message = format!("The filter '{name}' is invalid");
                    return Err(ApiError::new("InvalidParameterValue", 400, message));
                }
            };
        }
        if fits {
            found.push((one.name.clone(), one));
        }
    }
    page(
        input.paging(),
        ("ec2:DescribeInstanceTypes", "instanceTypeSet"),
        found.into_iter(),
        |one| instance_types::view(&one),
    )
}
