//! Reading the world's answers into what the ports speak of.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use crate::ids::{InstanceId, JobId, ServerId, SnapshotId};
use crate::limits::Quotas;
use crate::ports::{
    InstanceHealth, Job, JobServer, LaunchStatus, RecoveryInstance, RecoverySnapshot, SourceServer,
    Taken,
};

/// The items of every page; none when one of them cannot be read.
pub(super) fn items<T>(pages: &[Value], read: impl Fn(&Value) -> Option<T>) -> Option<Vec<T>> {
    let all = pages.iter().filter_map(|page| page["items"].as_array());
    all.flatten().map(read).collect()
}

pub(super) fn job(value: &Value) -> Option<Job> {
    let servers = value["participatingServers"].as_array();
    Some(Job {
        id: JobId::new(text(value, "jobID")?),
        launches: value["type"] == "LAUNCH",
        is_drill: value["initiatedBy"] == "START_DRILL",
        completed: value["status"] == "COMPLETED",
        created_at: time(value, "creationDateTime")?,
        ended_at: time(value, "endDateTime"),
        servers: servers
            .into_iter()
            .flatten()
            .map(job_server)
            .collect::<Option<_>>()?,
        tags: tags(&value["tags"]),
    })
}

fn job_server(value: &Value) -> Option<JobServer> {
    Some(JobServer {
        id: ServerId::new(text(value, "sourceServerID")?),
        status: match text(value, "launchStatus")? {
            "PENDING" => LaunchStatus::Pending,
            "IN_PROGRESS" => LaunchStatus::InProgress,
            "LAUNCHED" => LaunchStatus::Launched,
            "FAILED" => LaunchStatus::Failed,
            "TERMINATED" => LaunchStatus::Terminated,
            other => LaunchStatus::Other(other.to_owned()),
        },
        instance: text(value, "recoveryInstanceID").map(InstanceId::new),
    })
}

pub(super) fn failures(pages: &[Value]) -> BTreeMap<ServerId, String> {
    let lines = pages.iter().filter_map(|page| page["items"].as_array());
    let told = lines.flatten().filter_map(|line| {
        let data = &line["eventData"];
        let server = ServerId::new(text(data, "sourceServerID")?);
        let raw = text(data, "rawError")?;
        Some((server, format!("{}: {raw}", text(line, "event")?)))
    });
    told.collect()
}

/// What each server of a job was launched from, by its last line about that.
pub(super) fn snapshots_taken(pages: &[Value]) -> BTreeMap<ServerId, Taken> {
    let lines = pages.iter().filter_map(|page| page["items"].as_array());
    let told = lines.flatten().filter_map(|line| {
        let taken = match text(line, "event")? {
            "SNAPSHOT_END" => Taken::Fresh,
            "USING_PREVIOUS_SNAPSHOT" => Taken::Previous,
            _ => return None,
        };
        let server = text(&line["eventData"], "sourceServerID")?;
        Some((ServerId::new(server), taken))
    });
    told.collect()
}

pub(super) fn recovery_snapshot(value: &Value) -> Option<RecoverySnapshot> {
    Some(RecoverySnapshot {
        id: SnapshotId::new(text(value, "snapshotID")?),
        taken_at: time(value, "timestamp"),
    })
}

pub(super) fn recovery_instance(value: &Value) -> Option<RecoveryInstance> {
    Some(RecoveryInstance {
        id: InstanceId::new(text(value, "recoveryInstanceID")?),
        server: ServerId::new(text(value, "sourceServerID")?),
        job: text(value, "jobID").map(JobId::new),
        is_drill: value["isDrill"].as_bool()?,
        point_in_time: time(value, "pointInTimeSnapshotDateTime"),
    })
}

pub(super) fn source_server(value: &Value) -> Option<SourceServer> {
    let properties = &value["sourceProperties"];
    let replication = &value["dataReplicationInfo"];
    Some(SourceServer {
        id: ServerId::new(text(value, "sourceServerID")?),
        arn: text(value, "arn")?.to_owned(),
        hostname: text(&properties["identificationHints"], "hostname")?.to_owned(),
        tags: tags(&value["tags"]),
        replication_state: text(replication, "dataReplicationState")?.to_owned(),
        lag: text(replication, "lagDuration").map(str::to_owned),
        last_launch_result: text(value, "lastLaunchResult").map(str::to_owned),
        operating_system: text(&properties["os"], "fullString").map(str::to_owned),
        origin_region: text(&value["sourceCloudProperties"], "originRegion").map(str::to_owned),
    })
}

/// Instances that EC2 still has and has not terminated.
pub(super) fn alive(pages: &[Value]) -> Vec<InstanceId> {
    let reservations = pages
        .iter()
        .filter_map(|page| page["reservationSet"].as_array());
    let instances = reservations
        .flatten()
        .filter_map(|reservation| reservation["instancesSet"].as_array());
    let alive = instances
        .flatten()
        .filter(|instance| instance["instanceState"]["name"] != "terminated");
    alive
        .filter_map(|instance| text(instance, "instanceId").map(InstanceId::new))
        .collect()
}

/// What the status checks of instances say.
pub(super) fn health(pages: &[Value]) -> BTreeMap<InstanceId, InstanceHealth> {
    let listed = pages
        .iter()
        .filter_map(|page| page["instanceStatusSet"].as_array());
    let told = listed.flatten().filter_map(|told| {
        let health = InstanceHealth {
            state: text(&told["instanceState"], "name")?.to_owned(),
            instance_status: text(&told["instanceStatus"], "status")?.to_owned(),
            system_status: text(&told["systemStatus"], "status")?.to_owned(),
        };
        Some((InstanceId::new(text(told, "instanceId")?), health))
    });
    told.collect()
}

pub(super) fn quotas(pages: &[Value]) -> Quotas {
    let mut quotas = Quotas::default();
    let listed = pages.iter().filter_map(|page| page["Quotas"].as_array());
    for quota in listed.flatten() {
        let value = quota["Value"].as_f64().unwrap_or_default() as u32;
        match text(quota, "QuotaCode") {
            Some("L-D88FAC3A") => quotas.jobs = value,
            Some("L-B827C881") => quotas.servers_per_job = value,
            Some("L-05AFA8C6") => quotas.servers_in_jobs = value,
            _ => {}
        }
    }
    quotas
}

fn tags(value: &Value) -> BTreeMap<String, String> {
    let pairs = value.as_object().into_iter().flatten();
    pairs
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value[name].as_str()
}

fn time(value: &Value, name: &str) -> Option<Timestamp> {
    text(value, name)?.parse().ok()
}
