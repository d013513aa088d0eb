//! Lists: all pages, in chunks that DRS takes, and no more than were asked for.

use drs_engine::ids::{InstanceId, JobId, ServerId};
use drs_engine::ports::{Drs, Kind, WhichInstances, WhichJobs};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::server::{Answer, Request, Server, with_sts};

fn body(request: &Request) -> Value {
    serde_json::from_str(&request.body).unwrap()
}

#[tokio::test]
async fn every_page_is_read_and_a_token_that_comes_twice_ends_it() {
    let server = Server::start(with_sts(|request| {
        let page = match body(request)["nextToken"].as_str() {
            None => json!({"items": [{"jobID": "drsjob-1"}], "nextToken": "2"}),
            Some("2") => json!({"items": [], "nextToken": "3"}),
            Some(_) => json!({"items": [{"jobID": "drsjob-2"}], "nextToken": ""}),
        };
        Answer::ok(page.to_string())
    }))
    .await;
    let session = server.session().await;
    let since: Timestamp = "2026-01-02T03:04:05.9Z".parse().unwrap();
    let jobs = session
        .drs()
        .jobs(&session.target(), &WhichJobs::Since(since))
        .await
        .unwrap();
    assert_eq!(
        jobs.iter().map(|job| job.id.as_str()).collect::<Vec<_>>(),
        ["drsjob-1", "drsjob-2"]
    );
    let seen = server.seen("DescribeJobs");
    assert_eq!(
        body(&seen[0])["filters"],
        json!({"fromDate": "2026-01-02T03:04:05Z"})
    );
    assert_eq!(seen.len(), 3);

    let server = Server::start(with_sts(|_| {
        Answer::ok(json!({"items": [], "nextToken": "1"}).to_string())
    }))
    .await;
    let session = server.session().await;
    let error = session
        .drs()
        .jobs(&session.target(), &WhichJobs::Since(since))
        .await
        .unwrap_err();
    assert_eq!(error.kind, Kind::Busy);
    assert_eq!(server.seen("DescribeJobs").len(), 2);
}

#[tokio::test]
async fn the_points_of_a_server_are_read_to_the_last_page() {
    let server = Server::start(with_sts(|request| {
        let point = |number: u32, taken: bool, of: &str| {
            let mut point = json!({
                "snapshotID": format!("pit-{number:017}"),
                "sourceServerID": of,
                "expectedTimestamp": "2026-03-01T10:00:00Z",
            });
            if taken {
                point["timestamp"] = json!(format!("2026-03-01T09:0{number}:00.000000+00:00"));
            }
            point
        };
        let page = match body(request)["nextToken"].as_str() {
            None => json!({"items": [point(1, true, "s-1")], "nextToken": "2"}),
            Some(_) => json!({"items": [point(2, false, "s-1"), point(3, true, "s-2")]}),
        };
        Answer::ok(page.to_string())
    }))
    .await;
    let session = server.session().await;
    let (drs, target) = (session.drs(), session.target());
    let points = drs.recovery_snapshots(&target, &ServerId::new("s-1")).await;
    let found: Vec<(String, Option<String>)> = points
        .unwrap()
        .into_iter()
        .map(|point| {
            (
                point.id.to_string(),
                point.taken_at.map(|at| at.to_string()),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            (
                "pit-00000000000000001".to_owned(),
                Some("2026-03-01T09:01:00Z".to_owned())
            ),
            ("pit-00000000000000002".to_owned(), None),
        ]
    );
    let seen = server.seen("DescribeRecoverySnapshots");
    assert_eq!(
        body(&seen[0]),
        json!({"sourceServerID": "s-1", "maxResults": 200})
    );
    assert_eq!(seen.len(), 2);
}

#[tokio::test]
async fn ids_go_in_chunks_and_none_means_none() {
    let server = Server::start(with_sts(|request| match request.operation().as_str() {
        "DescribeInstances" => Answer::ok(
            "<DescribeInstancesResponse><reservationSet><item><instancesSet>\
             <item><instanceId>i-1</instanceId><instanceState><name>running</name></instanceState></item>\
             <item><instanceId>i-2</instanceId><instanceState><name>terminated</name></instanceState></item>\
             <item><instanceId>i-3</instanceId><instanceState><name>a-new-state</name></instanceState></item>\
             </instancesSet></item></reservationSet></DescribeInstancesResponse>",
        ),
        _ => Answer::ok(json!({"items": []}).to_string()),
    }))
    .await;
    let session = server.session().await;
    let (drs, target) = (session.drs(), session.target());
    let servers: Vec<ServerId> = (0..450)
        .map(|n| ServerId::new(format!("s-{n:017}")))
        .collect();
    let jobs: Vec<JobId> = (0..1_001)
        .map(|n| JobId::new(format!("drsjob-{n:017}")))
        .collect();
    let instances: Vec<InstanceId> = (0..201)
        .map(|n| InstanceId::new(format!("i-{n:017}")))
        .collect();

    drs.source_servers(&target, Some(&servers)).await.unwrap();
    drs.recovery_instances(&target, &WhichInstances::OfServers(servers))
        .await
        .unwrap();
    drs.jobs(&target, &WhichJobs::Ids(jobs)).await.unwrap();
    let sizes = |operation: &str, ids: &str| -> Vec<usize> {
        let seen = server.seen(operation);
        seen.iter()
            .map(|request| body(request)["filters"][ids].as_array().unwrap().len())
            .collect()
    };
    assert_eq!(
        sizes("DescribeSourceServers", "sourceServerIDs"),
        [200, 200, 50]
    );
    assert_eq!(
        sizes("DescribeRecoveryInstances", "sourceServerIDs"),
        [200, 200, 50]
    );
    assert_eq!(sizes("DescribeJobs", "jobIDs"), [1_000, 1]);

    let alive = drs.alive_in_ec2(&target, &instances[..3]).await.unwrap();
    assert_eq!(alive, [InstanceId::new("i-1"), InstanceId::new("i-3")]);
    let error = drs.terminate(&target, &instances).await.unwrap_err();
    assert_eq!(error.kind, Kind::Refused);

    // An empty filter means everything to DRS, so nothing is sent.
    assert!(
        drs.source_servers(&target, Some(&[]))
            .await
            .unwrap()
            .is_empty()
    );
    let none = WhichInstances::Ids(vec![]);
    assert!(
        drs.recovery_instances(&target, &none)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(
        drs.jobs(&target, &WhichJobs::Ids(vec![]))
            .await
            .unwrap()
            .is_empty()
    );
    assert!(drs.alive_in_ec2(&target, &[]).await.unwrap().is_empty());
    assert_eq!(server.seen("DescribeSourceServers").len(), 3);
    assert_eq!(server.seen("DescribeRecoveryInstances").len(), 3);
    assert_eq!(server.seen("DescribeJobs").len(), 2);
    assert_eq!(server.seen("DescribeInstances").len(), 1);
}

#[tokio::test]
async fn quotas_are_read_once_in_a_while() {
    let server = Server::start(with_sts(|_| {
        Answer::ok(json!({"Quotas": [{"QuotaCode": "L-D88FAC3A", "Value": 30.0}]}).to_string())
    }))
    .await;
    let session = server.session().await;
    for _ in 0..3 {
        let quotas = session.drs().quotas(&session.target()).await.unwrap();
        assert_eq!((quotas.jobs, quotas.servers_per_job), (30, 100));
    }
    assert_eq!(server.seen("ListServiceQuotas").len(), 1);
}
