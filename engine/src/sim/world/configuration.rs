//! Launch and replication settings of source servers.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::call::{Scene, Stage, read_input};
use super::error::ApiError;
use super::model::{Server, Site};
use crate::sim::fleet::{Disk, LaunchDisposition, RecoveryMode};

/// How a server is launched. The rest of it lives in its EC2 launch template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LaunchConfiguration {
    /// The source server.
    #[serde(rename = "sourceServerID")]
    pub(super) source_server_id: String,
    /// Its name.
    pub(super) name: String,
    /// The EC2 launch template.
    #[serde(rename = "ec2LaunchTemplateID")]
    pub(super) ec2_launch_template_id: String,
    /// Whether the instance is started.
    pub(super) launch_disposition: LaunchDisposition,
    /// How the instance type is chosen: `NONE`, `BASIC` or `IN_AWS`.
    pub(super) target_instance_type_right_sizing_method: String,
    /// Whether the instance takes the source's private address.
    pub(super) copy_private_ip: bool,
    /// Whether the instance takes the source server's tags.
    pub(super) copy_tags: bool,
    /// Licensing.
    pub(super) licensing: Licensing,
    /// Whether post-launch actions run.
    pub(super) post_launch_enabled: bool,
    /// An existing instance to launch into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) launch_into_instance_properties: Option<Value>,
    /// Whether the launch converts.
    pub(super) recovery_mode: RecoveryMode,
}

/// Licensing of an operating system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Licensing {
    /// Whether the licence is brought along.
    pub(super) os_byol: bool,
}

/// How a server is replicated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReplicationConfiguration {
    /// The source server.
    #[serde(rename = "sourceServerID")]
    pub(super) source_server_id: String,
    /// Its name.
    pub(super) name: String,
    /// Its disks.
    pub(super) replicated_disks: Vec<ReplicatedDisk>,
    /// What templates have too.
    #[serde(flatten)]
    pub(super) common: BTreeMap<String, Value>,
}

/// A replicated disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReplicatedDisk {
    /// Its device name.
    pub(super) device_name: String,
    /// Whether the server boots from it.
    #[serde(default)]
    pub(super) is_boot_disk: bool,
    /// What its staging disk is.
    #[serde(default = "auto")]
    pub(super) staging_disk_type: String,
    /// Input and output operations per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) iops: Option<u64>,
    /// Throughput.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) throughput: Option<u64>,
    /// What `AUTO` became.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) optimized_staging_disk_type: Option<String>,
}

impl LaunchConfiguration {
    /// The settings a server begins with.
    pub(super) fn default_of(server_id: &str, name: &str, launch_template: String) -> Self {
        Self {
            source_server_id: server_id.to_owned(),
            name: name.to_owned(),
            ec2_launch_template_id: launch_template,
            launch_disposition: LaunchDisposition::Started,
            target_instance_type_right_sizing_method: "NONE".to_owned(),
            copy_private_ip: false,
            copy_tags: true,
            licensing: Licensing::default(),
            post_launch_enabled: false,
            launch_into_instance_properties: None,
            recovery_mode: RecoveryMode::Optimal,
        }
    }
}

impl ReplicationConfiguration {
    /// The settings a server begins with.
    pub(super) fn default_of(server_id: &str, name: &str, disks: &[Disk]) -> Self {
        let disk = |(number, disk): (usize, &Disk)| ReplicatedDisk {
            device_name: disk.device.clone(),
            is_boot_disk: number == 0,
            staging_disk_type: "AUTO".to_owned(),
            iops: None,
            throughput: None,
            optimized_staging_disk_type: Some("GP3".to_owned()),
        };
        Self {
            source_server_id: server_id.to_owned(),
            name: name.to_owned(),
            replicated_disks: disks.iter().enumerate().map(disk).collect(),
            common: default_replication(),
        }
    }

    /// How many days of points the policy keeps.
    pub(super) fn retention_days(&self) -> u32 {
        let rules = self.common.get("pitPolicy").and_then(Value::as_array);
        let days = rules
            .into_iter()
            .flatten()
            .find(|rule| rule["units"] == "DAY");
        let days = days.and_then(|rule| rule["retentionDuration"].as_u64());
        days.and_then(|days| u32::try_from(days).ok()).unwrap_or(7)
    }
}

/// Replication settings that servers and templates share.
pub(super) fn default_replication() -> BTreeMap<String, Value> {
    let rule = |id: u64, units: &str, interval: u64, retention: u64| {
        json!({
            "ruleID": id,
            "units": units,
            "interval": interval,
            "retentionDuration": retention,
            "enabled": true,
        })
    };
    let members = [
        ("stagingAreaSubnetId", json!("subnet-0123456789abcdef0")),
        ("associateDefaultSecurityGroup", json!(true)),
        ("replicationServersSecurityGroupsIDs", json!([])),
        ("replicationServerInstanceType", json!("t3.small")),
        ("useDedicatedReplicationServer", json!(false)),
        ("defaultLargeStagingDiskType", json!("GP3")),
        ("ebsEncryption", json!("DEFAULT")),
        ("bandwidthThrottling", json!(0)),
        ("dataPlaneRouting", json!("PRIVATE_IP")),
        ("createPublicIP", json!(false)),
        ("stagingAreaTags", json!({})),
        (
            "pitPolicy",
            json!([
                rule(1, "MINUTE", 10, 60),
                rule(2, "HOUR", 1, 24),
                rule(3, "DAY", 1, 7)
            ]),
        ),
        ("autoReplicateNewDisks", json!(false)),
        ("internetProtocol", json!("IPV4")),
    ];
    members.map(|(name, value)| (name.to_owned(), value)).into()
}

/// Replication settings that a call may name.
const REPLICATION_MEMBERS: [&str; 15] = [
    "stagingAreaSubnetId",
    "associateDefaultSecurityGroup",
    "replicationServersSecurityGroupsIDs",
    "replicationServerInstanceType",
    "useDedicatedReplicationServer",
    "defaultLargeStagingDiskType",
    "ebsEncryption",
    "ebsEncryptionKeyArn",
    "bandwidthThrottling",
    "dataPlaneRouting",
    "createPublicIP",
    "stagingAreaTags",
    "pitPolicy",
    "autoReplicateNewDisks",
    "internetProtocol",
];

/// Launch settings that a call may name.
const LAUNCH_MEMBERS: [&str; 8] = [
    "launchDisposition",
    "targetInstanceTypeRightSizingMethod",
    "copyPrivateIp",
    "copyTags",
    "licensing",
    "postLaunchEnabled",
    "launchIntoInstanceProperties",
    "recoveryMode",
];

/// Answers `GetLaunchConfiguration`.
pub(super) fn launch(scene: &Scene<'_>, input: &Value) -> Result<Value, ApiError> {
    let id: ServerInput = read_input(input)?;
    Ok(json!(
        server(scene.initialized()?, &id.source_server_id)?.launch
    ))
}

/// Carries out `UpdateLaunchConfiguration`: what is given changes, for later launches; the whole object is answered.
pub(super) fn update_launch(stage: &mut Stage<'_>, input: &Value) -> Result<Value, ApiError> {
    let id: ServerInput = read_input(input)?;
    let launch = &mut server_mut(stage.site, &id.source_server_id)?.launch;
    *launch = changed(launch, input, LAUNCH_MEMBERS.iter().chain(&["name"]))?;
    Ok(json!(launch))
}

/// Answers `GetReplicationConfiguration`.
pub(super) fn replication(scene: &Scene<'_>, input: &Value) -> Result<Value, ApiError> {
    let id: ServerInput = read_input(input)?;
    Ok(json!(
        server(scene.initialized()?, &id.source_server_id)?.replicate
    ))
}

/// Carries out `UpdateReplicationConfiguration`: what is given changes; the whole object is answered.
pub(super) fn update_replication(stage: &mut Stage<'_>, input: &Value) -> Result<Value, ApiError> {
    let id: ServerInput = read_input(input)?;
    check_pit_policy(input)?;
    let replicate = &mut server_mut(stage.site, &id.source_server_id)?.replicate;
    let allowed = REPLICATION_MEMBERS
        .iter()
        .chain(&["name", "replicatedDisks"]);
    *replicate = changed(replicate, input, allowed)?;
    Ok(json!(replicate))
}

#[derive(Deserialize)]
struct ServerInput {
    #[serde(rename = "sourceServerID")]
    source_server_id: String,
}

/// The server with an id.
fn server<'a>(site: &'a Site, id: &str) -> Result<&'a Server, ApiError> {
    site.servers
        .get(id)
        .ok_or_else(|| ApiError::not_found("SourceServer", id))
}

/// The server with an id, to be changed.
fn server_mut<'a>(site: &'a mut Site, id: &str) -> Result<&'a mut Server, ApiError> {
    site.servers
        .get_mut(id)
        .ok_or_else(|| ApiError::not_found("SourceServer", id))
}

/// The settings with changes laid over them. Members that may not be changed are ignored, as DRS ignores unknown ones.
fn changed<'a, T: Serialize + DeserializeOwned>(
    current: &T,
    changes: &Value,
    allowed: impl Iterator<Item = &'a &'a str>,
) -> Result<T, ApiError> {
    let invalid = |error: serde_json::Error| {
        ApiError::validation(&[("configuration".to_owned(), error.to_string())])
    };
    let mut value = serde_json::to_value(current).map_err(invalid)?;
    for name in allowed {
        if let Some(change) = changes.get(*name).filter(|change| !change.is_null()) {
            value[*name] = change.clone();
        }
    }
    serde_json::from_value(value).map_err(invalid)
}

/// The minute and hour rules of a policy are fixed; only the days may be chosen.
fn check_pit_policy(changes: &Value) -> Result<(), ApiError> {
    let Some(rules) = changes.get("pitPolicy").and_then(Value::as_array) else {
        return Ok(());
    };
    let has = |units: &str, interval: u64, retention: std::ops::RangeInclusive<u64>| {
        rules.iter().any(|rule| {
            rule["units"] == units
                && rule["interval"].as_u64() == Some(interval)
                && rule["retentionDuration"]
                    .as_u64()
                    .is_some_and(|kept| retention.contains(&kept))
        })
    };
    if rules.len() == 3
        && has("MINUTE", 10, 60..=60)
        && has("HOUR", 1, 24..=24)
        && has("DAY", 1, 1..=365)
    {
        return Ok(());
    }
    let message =
        "the policy is every 10 minutes for 60, every hour for 24, and every day for 1 to 365";
    Err(ApiError::validation(&[(
        "pitPolicy".to_owned(),
        message.to_owned(),
    )]))
}

fn auto() -> String {
    "AUTO".to_owned()
}
