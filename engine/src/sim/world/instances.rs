//! What callers see of recovery instances: DescribeRecoveryInstances.

use std::collections::BTreeSet;
use std::ops::Bound;

use serde::Deserialize;
use serde_json::{Value, json};

use super::call::{Scene, read_filters};
use super::error::ApiError;
use super::model::{Record, Server, Site};
use super::page::Page;
use super::wire::{self, present, time_text};

const OPERATION: &str = "DescribeRecoveryInstances";

#[derive(Deserialize, Default)]
#[serde(default)]
struct Filters {
    #[serde(rename = "recoveryInstanceIDs")]
    ids: Vec<String>,
    #[serde(rename = "sourceServerIDs")]
    servers: Vec<String>,
}

/// Answers `DescribeRecoveryInstances`. Unknown ids find nothing; both filters together find what fits both.
pub(super) fn describe(scene: &Scene<'_>, input: &Value) -> Result<Value, ApiError> {
    let site = scene.initialized()?;
    let page = Page::of(OPERATION, scene, input)?;
    let filters: Filters = read_filters(input)?;
    let begin = page.begin()?;
    let ids: BTreeSet<&str> = filters.ids.iter().map(String::as_str).collect();
    let servers: BTreeSet<&str> = filters.servers.iter().map(String::as_str).collect();
    let rest = site
        .records
        .range((begin, Bound::Unbounded))
        .map(|(_, record)| record);
    let found = rest.filter(|record| {
        record.is_listed(scene.now)
            && (ids.is_empty() || ids.contains(record.id.as_str()))
            && (servers.is_empty() || servers.contains(record.server_id.as_str()))
    });
    let keyed = found.map(|record| (record.id.clone(), record));
    Ok(page.cut(keyed, |record| view(site, scene, record)))
}

fn view(site: &Site, scene: &Scene<'_>, record: &Record) -> Value {
    let server = site.servers.get(&record.server_id);
    let origin = server.and_then(|server| server.origin.as_ref());
    present([
        ("recoveryInstanceID", json!(record.id)),
        ("ec2InstanceID", json!(record.id)),
        (
            "ec2InstanceState",
            json!(site.machine_state(&record.id, scene.now).in_drs()),
        ),
        ("jobID", json!(record.job_id)),
        ("sourceServerID", json!(record.server_id)),
        (
            "arn",
            json!(wire::arn(
                &site.region,
                &site.account_id,
                "recovery-instance",
                &record.id
            )),
        ),
        ("tags", json!(record.tags)),
        ("failback", json!({"state": "FAILBACK_NOT_STARTED"})),
        (
            "dataReplicationInfo",
            json!({"dataReplicationState": "NOT_STARTED"}),
        ),
        (
            "recoveryInstanceProperties",
            json!(server.map(|server| properties(scene, server, record))),
        ),
        (
            "pointInTimeSnapshotDateTime",
            json!(time_text(record.point_in_time)),
        ),
        ("isDrill", json!(record.is_drill)),
        (
            "originEnvironment",
            json!(if origin.is_some() {
                "AWS"
            } else {
                "ON_PREMISES"
            }),
        ),
        (
            "originAvailabilityZone",
            json!(origin.map(super::servers::origin_zone)),
        ),
        ("agentVersion", json!(super::servers::AGENT_VERSION)),
    ])
}

fn properties(scene: &Scene<'_>, server: &Server, record: &Record) -> Value {
    let disks = server.disks.iter().enumerate().map(|(number, disk)| {
        let label = ["volume", record.id.as_str(), &number.to_string()];
        json!({
            "internalDeviceName": disk.device,
            "bytes": super::servers::bytes(disk),
            "ebsVolumeID": super::chance::id(scene.seed, "vol-", &label),
        })
    });
    json!({
        "lastUpdatedDateTime": time_text(record.appears_at),
        "identificationHints": {
            "hostname": server.hostname,
            "fqdn": server.hostname,
            "awsInstanceID": record.id,
        },
        "networkInterfaces": super::servers::interfaces(&record.id),
        "disks": disks.collect::<Vec<_>>(),
        "cpus": super::servers::cpus(),
        "ramBytes": super::servers::RAM_BYTES,
        "os": {"fullString": super::servers::os_name(server.os)},
    })
}
