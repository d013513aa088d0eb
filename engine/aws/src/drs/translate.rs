//! DRS's words in the engine's types. Everything but a few ids is optional on the wire, and every word may be new.

use std::collections::BTreeMap;

use aws_sdk_drs::types;
use drs_engine::ids::{InstanceId, JobId, ServerId, SnapshotId};
use drs_engine::ports::{
    InstanceHealth, Job, JobServer, LaunchStatus, RecoveryInstance, RecoverySnapshot, SourceServer,
    Taken,
};
use jiff::Timestamp;

use super::LogEntry;

/// A job; one without an id cannot be spoken of.
pub(super) fn job(job: types::Job) -> Option<Job> {
    if job.job_id.is_empty() {
        return None;
    }
    let is = |word: Option<&str>, wanted: &str| word == Some(wanted);
    let initiated_by = job.initiated_by.as_ref().map(types::InitiatedBy::as_str);
    let servers = job.participating_servers.unwrap_or_default();
    Some(Job {
        id: JobId::new(job.job_id),
        launches: is(job.r#type.as_ref().map(types::JobType::as_str), "LAUNCH"),
        is_drill: is(initiated_by, "START_DRILL"),
        completed: is(
            job.status.as_ref().map(types::JobStatus::as_str),
            "COMPLETED",
        ),
        // DRS lists jobs by their creation, so each has one; a job without is older than any that is looked for.
        created_at: time(job.creation_date_time).unwrap_or(Timestamp::UNIX_EPOCH),
        ended_at: time(job.end_date_time),
        servers: servers.into_iter().filter_map(job_server).collect(),
        tags: tags(job.tags),
    })
}

fn job_server(server: types::ParticipatingServer) -> Option<JobServer> {
    let status = server
        .launch_status
        .as_ref()
        .map(types::LaunchStatus::as_str);
    Some(JobServer {
        id: ServerId::new(server.source_server_id?),
        status: match status {
            Some("PENDING") | None => LaunchStatus::Pending,
            Some("IN_PROGRESS") => LaunchStatus::InProgress,
            Some("LAUNCHED") => LaunchStatus::Launched,
            Some("FAILED") => LaunchStatus::Failed,
            Some("TERMINATED") => LaunchStatus::Terminated,
            Some(other) => LaunchStatus::Other(other.to_owned()),
        },
        instance: server.recovery_instance_id.map(InstanceId::new),
    })
}

/// What the status checks of an instance say. A word that is missing is no word for passed.
pub(super) fn health(
    status: aws_sdk_ec2::types::InstanceStatus,
) -> Option<(InstanceId, InstanceHealth)> {
    let word = |summary: Option<&aws_sdk_ec2::types::InstanceStatusSummary>| {
        let word = summary.and_then(|summary| summary.status.as_ref());
        word.map_or("unknown", |word| word.as_str()).to_owned()
    };
    let state = status.instance_state.as_ref();
    let state = state.and_then(|state| state.name.as_ref());
    let health = InstanceHealth {
        state: state.map_or("unknown", |state| state.as_str()).to_owned(),
        instance_status: word(status.instance_status.as_ref()),
        system_status: word(status.system_status.as_ref()),
    };
    Some((InstanceId::new(status.instance_id?), health))
}

/// A recovery instance. One that does not say whether it is a drill's counts as a real one: a launch would delete it.
pub(super) fn recovery_instance(instance: types::RecoveryInstance) -> Option<RecoveryInstance> {
    let id = instance.recovery_instance_id.or(instance.ec2_instance_id)?;
    Some(RecoveryInstance {
        id: InstanceId::new(id),
        server: ServerId::new(instance.source_server_id?),
        job: instance.job_id.map(JobId::new),
        is_drill: instance.is_drill.unwrap_or(false),
        point_in_time: time(instance.point_in_time_snapshot_date_time),
    })
}

/// A source server; one without an id cannot be launched.
pub(super) fn source_server(server: types::SourceServer) -> Option<SourceServer> {
    let id = server.source_server_id?;
    let properties = server.source_properties;
    let hints = properties
        .as_ref()
        .and_then(|properties| properties.identification_hints.clone());
    let hostname = hints
        .and_then(|hints| hints.hostname.or(hints.fqdn).or(hints.aws_instance_id))
        .unwrap_or_else(|| id.clone());
    let replication = server.data_replication_info;
    let state = replication
        .as_ref()
        .and_then(|info| info.data_replication_state.as_ref());
    Some(SourceServer {
        id: ServerId::new(id),
        arn: server.arn.unwrap_or_default(),
        hostname,
        tags: tags(server.tags),
        replication_state: state.map_or_else(String::new, |state| state.as_str().to_owned()),
        lag: replication.and_then(|info| info.lag_duration),
        last_launch_result: server
            .last_launch_result
            .map(|result| result.as_str().to_owned()),
        operating_system: properties.and_then(|properties| properties.os?.full_string),
        origin_region: server
            .source_cloud_properties
            .and_then(|cloud| cloud.origin_region),
    })
}

/// The last failure of each server in a job's log. Events that this version does not know count by their ending.
pub(super) fn failures(log: &[types::JobLog]) -> BTreeMap<ServerId, String> {
    let mut found = BTreeMap::new();
    for entry in log {
        let (Some(event), Some(data)) = (&entry.event, &entry.event_data) else {
            continue;
        };
        let event = event.as_str();
        let failed =
            event.ends_with("_FAIL") || event.ends_with("_FAILED") || event == "SERVER_SKIPPED";
        let Some(server) = data.source_server_id.as_deref().filter(|_| failed) else {
            continue;
        };
        let text = match data.raw_error.as_deref().filter(|error| !error.is_empty()) {
            Some(error) => format!("{event}: {error}"),
            None => event.to_owned(),
        };
        found.insert(ServerId::new(server), text);
    }
    found
}

/// What each server of a job was launched from, by the latest line about that. The list is in order of time on the wire, but
/// nothing promises it.
pub(super) fn snapshots_taken(mut log: Vec<types::JobLog>) -> BTreeMap<ServerId, Taken> {
    log.sort_by_key(|entry| time(entry.log_date_time.clone()));
    let told = log.into_iter().filter_map(|entry| {
        let taken = match entry.event?.as_str() {
            "SNAPSHOT_END" => Taken::Fresh,
            "USING_PREVIOUS_SNAPSHOT" => Taken::Previous,
            _ => return None,
        };
        let server = entry.event_data?.source_server_id?;
        Some((ServerId::new(server), taken))
    });
    told.collect()
}

/// A point in time; one without an id cannot be named.
pub(super) fn recovery_snapshot(snapshot: types::RecoverySnapshot) -> Option<RecoverySnapshot> {
    (!snapshot.snapshot_id.is_empty()).then(|| RecoverySnapshot {
        id: SnapshotId::new(snapshot.snapshot_id),
        taken_at: time(snapshot.timestamp),
    })
}

/// An entry of a job's log. Empty words say nothing.
pub(super) fn log_entry(entry: types::JobLog) -> LogEntry {
    let said = |text: Option<String>| text.filter(|text| !text.is_empty());
    let data = entry.event_data;
    let of =
        |field: fn(types::JobLogEventData) -> Option<String>| said(data.clone().and_then(field));
    LogEntry {
        at: time(entry.log_date_time),
        event: entry
            .event
            .map_or_else(String::new, |event| event.as_str().to_owned()),
        server: of(|data| data.source_server_id).map(ServerId::new),
        conversion_server: of(|data| data.conversion_server_id).map(InstanceId::new),
        instance: of(|data| data.target_instance_id).map(InstanceId::new),
        error: of(|data| data.raw_error),
    }
}

fn time(text: Option<String>) -> Option<Timestamp> {
    text?.parse().ok()
}

fn tags(tags: Option<std::collections::HashMap<String, String>>) -> BTreeMap<String, String> {
    tags.unwrap_or_default().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use aws_sdk_drs::types::{JobLog, JobLogEvent, JobLogEventData};

    use super::*;

    fn entry(event: &str, server: &str, error: Option<&str>) -> JobLog {
        JobLog::builder()
            .event(JobLogEvent::from(event))
            .event_data(
                JobLogEventData::builder()
                    .source_server_id(server)
                    .set_raw_error(error.map(str::to_owned))
                    .build(),
            )
            .build()
    }

    #[test]
    fn the_last_failure_of_a_server_is_told_in_the_words_of_drs() {
        let log = [
            JobLog::builder().event(JobLogEvent::JobStart).build(),
            entry("SNAPSHOT_FAIL", "s-1", None),
            entry("USING_PREVIOUS_SNAPSHOT", "s-1", None),
            entry("LAUNCH_FAILED", "s-1", Some("InsufficientInstanceCapacity")),
            entry("LAUNCH_END", "s-2", None),
            entry("A_NEW_THING_FAILED", "s-3", None),
        ];
        let found = failures(&log);
        let found: Vec<_> = found
            .iter()
            .map(|(id, text)| (id.as_str(), text.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                ("s-1", "LAUNCH_FAILED: InsufficientInstanceCapacity"),
                ("s-3", "A_NEW_THING_FAILED"),
            ]
        );
    }

    #[test]
    fn what_a_server_was_launched_from_is_the_latest_word_about_it() {
        let dated = |event: &str, server: &str, at: &str| {
            let mut entry = entry(event, server, None);
            entry.log_date_time = Some(at.to_owned());
            entry
        };
        let log = vec![
            dated("USING_PREVIOUS_SNAPSHOT", "s-1", "2026-03-01T10:10:00Z"),
            dated("SNAPSHOT_START", "s-1", "2026-03-01T10:00:00Z"),
            dated("SNAPSHOT_END", "s-2", "2026-03-01T10:00:01.5+00:00"),
            dated(
                "USING_PREVIOUS_SNAPSHOT_FAILED",
                "s-3",
                "2026-03-01T10:10:00Z",
            ),
            JobLog::builder().event(JobLogEvent::JobStart).build(),
        ];
        let found: Vec<_> = snapshots_taken(log).into_iter().collect();
        assert_eq!(
            found,
            [
                (ServerId::new("s-1"), Taken::Previous),
                (ServerId::new("s-2"), Taken::Fresh)
            ]
        );
    }

    #[test]
    fn a_log_entry_says_only_what_drs_says() {
        let failed = entry("LAUNCH_FAILED", "s-1", Some("no capacity"));
        let found = log_entry(failed);
        assert_eq!(found.event, "LAUNCH_FAILED");
        assert_eq!(found.server, Some(ServerId::new("s-1")));
        assert_eq!(found.error.as_deref(), Some("no capacity"));
        let found = log_entry(entry("JOB_START", "", None));
        assert_eq!(
            (found.at, found.server, found.instance, found.error),
            (None, None, None, None)
        );
    }

    #[test]
    fn both_forms_of_times_and_unknown_words_are_read() {
        let raw = types::Job::builder()
            .job_id("drsjob-00000000000000001")
            .r#type(types::JobType::Launch)
            .initiated_by(types::InitiatedBy::StartDrill)
            .status(types::JobStatus::from("RESTING"))
            .creation_date_time("2022-12-07T19:15:38.846723+00:00")
            .end_date_time("2022-12-07T19:25:38Z")
            .participating_servers(
                types::ParticipatingServer::builder()
                    .source_server_id("s-1")
                    .launch_status(types::LaunchStatus::from("HOVERING"))
                    .build(),
            )
            .build()
            .expect("the id is set");
        let job = job(raw).expect("it has an id");
        assert!(job.launches && job.is_drill && !job.completed);
        assert_eq!(job.created_at.to_string(), "2022-12-07T19:15:38.846723Z");
        assert_eq!(
            job.ended_at.map(|at| at.to_string()).as_deref(),
            Some("2022-12-07T19:25:38Z")
        );
        assert_eq!(
            job.servers[0].status,
            LaunchStatus::Other("HOVERING".to_owned())
        );
    }

    #[test]
    fn an_instance_that_does_not_say_what_it_is_counts_as_real() {
        let raw = types::RecoveryInstance::builder()
            .ec2_instance_id("i-1")
            .source_server_id("s-1")
            .build();
        let instance = recovery_instance(raw).expect("it has ids");
        assert_eq!(instance.id.as_str(), "i-1");
        assert!(!instance.is_drill);
    }
}
