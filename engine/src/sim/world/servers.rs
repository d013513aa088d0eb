//! What callers see of source servers: DescribeSourceServers and DescribeRecoverySnapshots.

use std::collections::BTreeSet;
use std::ops::Bound;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::call::{Scene, read_filters, read_input};
use super::chance;
use super::error::ApiError;
use super::interval::Interval;
use super::model::{LastLaunch, Server, Site};
use super::page::Page;
use super::replication::Point;
use super::wire::{self, duration_text, present, time_text};
use crate::sim::fleet::{Disk, Origin, Os};

const OPERATION: &str = "DescribeSourceServers";
const SNAPSHOTS: &str = "DescribeRecoverySnapshots";

#[derive(Deserialize, Default)]
#[serde(default)]
struct Filters {
    #[serde(rename = "sourceServerIDs")]
    ids: Vec<String>,
    #[serde(rename = "hardwareId")]
    hardware_id: Option<String>,
    #[serde(rename = "stagingAccountIDs")]
    staging_accounts: Vec<String>,
}

/// Answers `DescribeSourceServers`. Unknown ids find nothing.
pub(super) fn describe(scene: &Scene<'_>, input: &Value) -> Result<Value, ApiError> {
    let site = scene.initialized()?;
    let page = Page::of(OPERATION, scene, input)?;
    let filters: Filters = read_filters(input)?;
    let begin = page.begin()?;
    let fits = |server: &&Server| {
        let hardware = filters.hardware_id.as_ref();
        // No server of this world is extended from a staging account.
        filters.staging_accounts.is_empty() && hardware.is_none_or(|id| *id == hardware_id(server))
    };
    let view = |server: &Server| view(site, scene.now, server);
    let keyed = |server: &'_ Server| (server.id.clone(), server.id.clone());
    let shown = |id: String| site.servers.get(&id).map_or(Value::Null, view);
    if filters.ids.is_empty() {
        let rest = site
            .servers
            .range((begin, Bound::Unbounded))
            .map(|(_, server)| server);
        return Ok(page.cut(rest.filter(fits).map(keyed), shown));
    }
    let ids: BTreeSet<String> = filters.ids.iter().cloned().collect();
    let rest = ids
        .range((begin, Bound::Unbounded))
        .filter_map(|id| site.servers.get(id));
    Ok(page.cut(rest.filter(fits).map(keyed), shown))
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct SnapshotFilters {
    from_date_time: Option<String>,
    to_date_time: Option<String>,
}

#[derive(Deserialize)]
struct SnapshotInput {
    #[serde(rename = "sourceServerID")]
    server_id: String,
    #[serde(default)]
    filters: Option<SnapshotFilters>,
    #[serde(default)]
    order: Option<String>,
}

/// Answers `DescribeRecoverySnapshots`: the points that the schedule keeps, oldest first unless `order` is `DESC`.
pub(super) fn describe_snapshots(scene: &Scene<'_>, input: &Value) -> Result<Value, ApiError> {
    let site = scene.initialized()?;
    let page = Page::of(SNAPSHOTS, scene, input)?;
    let input: SnapshotInput = read_input(input)?;
    let filters = input.filters.unwrap_or_default();
    let interval = Interval::between(
        ("filters.fromDateTime", filters.from_date_time.as_deref()),
        ("filters.toDateTime", filters.to_date_time.as_deref()),
    )?;
    let is_descending = input.order.as_deref() == Some("DESC");
    let Some(server) = site.servers.get(&input.server_id) else {
        return Ok(json!({"items": []}));
    };
    let days = server.replicate.retention_days();
    let mut points = server
        .replication
        .points(scene.seed, &server.id, days, scene.now);
    points.retain(|point| interval.contains(point.at));
    if is_descending {
        points.reverse();
    }
    let after: Option<i64> = page.after_number()?;
    let rest = points.into_iter().filter(|point| match after {
        Some(after) if is_descending => point.number < after,
        Some(after) => point.number > after,
        None => true,
    });
    let keyed = rest.map(|point| (point.number.to_string(), point));
    Ok(page.cut(keyed, |point| snapshot(scene, server, &point)))
}

fn snapshot(scene: &Scene<'_>, server: &Server, point: &Point) -> Value {
    let disks = (0..server.disks.len()).map(|number| {
        chance::id(
            scene.seed,
            "snap-",
            &["snapshot", &point.id, &number.to_string()],
        )
    });
    json!({
        "snapshotID": point.id,
        "sourceServerID": server.id,
        "expectedTimestamp": time_text(point.at),
        "timestamp": time_text(point.at),
        "ebsSnapshots": disks.collect::<Vec<_>>(),
    })
}

/// A source server as callers see it at a time.
pub(super) fn view(site: &Site, now: Timestamp, server: &Server) -> Value {
    let instance = site.instance_of(server, now);
    let cloud = server.origin.as_ref().map(|origin| {
        json!({
            "originAccountID": origin.account.as_deref().unwrap_or(&site.account_id),
            "originRegion": origin.region,
            "originAvailabilityZone": origin_zone(origin),
        })
    });
    let result = match server
        .last_launch
        .as_ref()
        .map(|launch| launch.course.status(now))
    {
        None => "NOT_STARTED",
        Some("LAUNCHED") => "SUCCEEDED",
        Some("FAILED") => "FAILED",
        Some(_) => "PENDING",
    };
    present([
        ("sourceServerID", json!(server.id)),
        (
            "arn",
            json!(wire::arn(
                &site.region,
                &site.account_id,
                "source-server",
                &server.id
            )),
        ),
        ("tags", json!(server.tags)),
        (
            "recoveryInstanceId",
            json!(instance.map(|record| &record.id)),
        ),
        ("lastLaunchResult", json!(result)),
        ("dataReplicationInfo", replication(site, server, now)),
        ("lifeCycle", life_cycle(server, now)),
        ("sourceProperties", properties(server, now)),
        ("sourceCloudProperties", json!(cloud)),
        ("replicationDirection", json!("FAILOVER")),
        ("agentVersion", json!(AGENT_VERSION)),
    ])
}

fn life_cycle(server: &Server, now: Timestamp) -> Value {
    let seen = if server.replication.is_reachable(now) {
        now
    } else {
        server.replication.latest(now)
    };
    let initiated = |launch: &LastLaunch| {
        json!({
            "initiated": {
                "apiCallDateTime": time_text(launch.called_at),
                "jobID": launch.job_id,
                "type": if launch.is_drill { "DRILL" } else { "RECOVERY" },
            },
            "status": launch.course.status(now),
        })
    };
    let first_byte = server.replication.points_from(now);
    let last_launch = server.last_launch.as_ref();
    present([
        ("addedToServiceDateTime", json!(time_text(server.added_at))),
        (
            "firstByteDateTime",
            json!(first_byte.map(|_| time_text(server.added_at))),
        ),
        (
            "elapsedReplicationDuration",
            json!(duration_text(now.duration_since(server.added_at))),
        ),
        ("lastSeenByServiceDateTime", json!(time_text(seen))),
        (
            "lastLaunch",
            last_launch.map_or_else(|| json!({"initiated": {}}), initiated),
        ),
    ])
}

fn replication(site: &Site, server: &Server, now: Timestamp) -> Value {
    let replication = &server.replication;
    let state = replication.state(now);
    let syncing = state == "INITIAL_SYNC";
    let disks = server.disks.iter().map(|disk| {
        let total = bytes(disk);
        let replicated = match state {
            "INITIATING" => 0,
            _ if syncing => total / 2,
            _ => total,
        };
        let behind = if state == "BACKLOG" {
            u64::from(replication.lag_seconds) * BACKLOG_BYTES_PER_SECOND
        } else {
            0
        };
        json!({
            "deviceName": disk.device,
            "totalStorageBytes": total,
            "replicatedStorageBytes": replicated,
            "rescannedStorageBytes": if state == "RESCAN" { total / 2 } else { replicated },
            "backloggedStorageBytes": behind.min(total),
            "volumeStatus": "REGULAR",
        })
    });
    let error = replication
        .stall_reason
        .as_deref()
        .filter(|_| state == "STALLED");
    let steps = super::replication::INITIATION_STEPS.map(|name| {
        json!({"name": name, "status": if state == "INITIATING" { "NOT_STARTED" } else { "SUCCEEDED" }})
    });
    let eta = (syncing || state == "BACKLOG").then(|| time_text(crate::time::after(now, ETA)));
    present([
        (
            "lagDuration",
            json!(replication.lag(now).map(duration_text)),
        ),
        ("etaDateTime", json!(eta)),
        ("replicatedDisks", json!(disks.collect::<Vec<_>>())),
        ("dataReplicationState", json!(state)),
        (
            "dataReplicationInitiation",
            json!({"startDateTime": time_text(server.added_at), "steps": steps}),
        ),
        (
            "dataReplicationError",
            error.map_or(Value::Null, |error| json!({"error": error})),
        ),
        (
            "stagingAvailabilityZone",
            json!(format!("{}a", site.region)),
        ),
    ])
}

/// How much a lagging source writes.
const BACKLOG_BYTES_PER_SECOND: u64 = 1 << 20;
/// When something that is under way is said to be done.
const ETA: SignedDuration = SignedDuration::from_mins(10);

/// The version of every agent.
pub(super) const AGENT_VERSION: &str = "6.42.20";
/// The memory of every server.
pub(super) const RAM_BYTES: u64 = 8 << 30;

fn properties(server: &Server, now: Timestamp) -> Value {
    let disks = server
        .disks
        .iter()
        .map(|disk| json!({"deviceName": disk.device, "bytes": bytes(disk)}));
    let instance = server.origin.as_ref().map(|_| hardware_id(server));
    let machine = instance.is_none().then(|| hardware_id(server));
    json!({
        "lastUpdatedDateTime": time_text(server.replication.latest(now)),
        "recommendedInstanceType": "m5.large",
        "identificationHints": present([
            ("hostname", json!(server.hostname)),
            ("fqdn", json!(server.hostname)),
            ("awsInstanceID", json!(instance)),
            ("vmWareUuid", json!(machine)),
        ]),
        "networkInterfaces": interfaces(&server.id),
        "disks": disks.collect::<Vec<_>>(),
        "cpus": cpus(),
        "ramBytes": RAM_BYTES,
        "os": {"fullString": os_name(server.os)},
        "supportsNitroInstances": true,
        "architecture": "x86_64",
    })
}

/// What the hypervisor calls the server: an EC2 instance in AWS, a UUID elsewhere. Both follow from its id alone.
fn hardware_id(server: &Server) -> String {
    let prefix = if server.origin.is_some() { "i-" } else { "vm-" };
    chance::id(0, prefix, &["hardware", &server.id])
}

/// The Availability Zone of an origin.
pub(super) fn origin_zone(origin: &Origin) -> String {
    let first = || format!("{}a", origin.region);
    origin.availability_zone.clone().unwrap_or_else(first)
}

/// The size of a disk.
pub(super) fn bytes(disk: &Disk) -> u64 {
    u64::from(disk.gib) << 30
}

/// The processors of every server.
pub(super) fn cpus() -> Value {
    json!([{"cores": 2, "modelName": "Intel(R) Xeon(R) Platinum 8259CL CPU @ 2.50GHz"}])
}

/// The network interface of a machine.
pub(super) fn interfaces(id: &str) -> Value {
    let octets = octets(id);
    let mac = format!(
        "02:00:{:02x}:{:02x}:{:02x}:{:02x}",
        octets[0], octets[1], octets[2], octets[3]
    );
    json!([{"macAddress": mac, "ips": [private_ip(id)], "isPrimary": true}])
}

/// The private address of a machine.
pub(super) fn private_ip(id: &str) -> String {
    let octets = octets(id);
    format!(
        "10.{}.{}.{}",
        octets[0] % 64,
        octets[1],
        4 + octets[2] % 250
    )
}

fn octets(id: &str) -> [u8; 8] {
    chance::Chance::of(0, &["network", id])
        .next_number()
        .to_be_bytes()
}

/// What a system calls itself.
pub(super) fn os_name(os: Os) -> &'static str {
    match os {
        Os::Linux => "Linux version 6.1.0 x86_64",
        Os::Windows => "Microsoft Windows Server 2022 Datacenter",
    }
}
