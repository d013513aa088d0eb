//! The time that requests are signed with, and how often they are made.

use drs_engine::ids::{ServerId, SnapshotId, Target};
use drs_engine::ports::{Drs, Kind, StartRecovery, StartServer, WhichJobs};
use jiff::{SignedDuration, Timestamp};

use crate::server::{ACCOUNT, Answer, Request, Server, with_sts};

fn request(signed_at: Timestamp) -> StartRecovery {
    StartRecovery {
        servers: vec![
            StartServer {
                id: ServerId::new("s-00000000000000001"),
                snapshot: None,
            },
            StartServer {
                id: ServerId::new("s-00000000000000002"),
                snapshot: Some(SnapshotId::new("pit-00000000000000002")),
            },
        ],
        is_drill: true,
        tags: [("launch".to_owned(), "1".to_owned())].into(),
        signed_at,
    }
}

fn target() -> Target {
    Target {
        account_id: ACCOUNT.to_owned(),
        region: "us-east-1".to_owned(),
    }
}

fn signed_with(request: &Request) -> Timestamp {
    // In the basic format, e.g. 20260102T030405Z.
    let date = request.header("x-amz-date");
    let part = |from: usize, to: usize| &date[from..to];
    let (day, time) = (
        [part(0, 4), part(4, 6), part(6, 8)].join("-"),
        [part(9, 11), part(11, 13), part(13, 15)].join(":"),
    );
    format!("{day}T{time}Z").parse().unwrap()
}

/// A date far from this machine's, which the SDK takes for the difference between the clocks.
fn skewed() -> (&'static str, String) {
    let at = Timestamp::now() + SignedDuration::from_mins(20);
    ("date", at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
}

#[tokio::test]
async fn a_launch_is_signed_with_the_intents_time_whatever_the_clocks_seem_to_say() {
    let server = Server::start(with_sts(|request| match request.operation().as_str() {
        "StartRecovery" => Answer::Http(
            202,
            vec![skewed()],
            "{\"job\":{\"jobID\":\"drsjob-00000000000000001\"}}".to_owned(),
        ),
        _ => Answer::Http(200, vec![skewed()], "{\"items\":[]}".to_owned()),
    }))
    .await;
    let drs = server.session().await.drs();
    let intent = Timestamp::from_second(Timestamp::now().as_second() - 120).unwrap();
    for _ in 0..2 {
        let job = drs
            .start_recovery(&target(), &request(intent))
            .await
            .unwrap();
        assert_eq!(job.as_str(), "drsjob-00000000000000001");
        drs.jobs(&target(), &WhichJobs::Since(intent))
            .await
            .unwrap();
    }
    let launches = server.seen("StartRecovery");
    assert_eq!(launches.len(), 2);
    for launch in &launches {
        assert_eq!(signed_with(launch), intent);
        let body: serde_json::Value = serde_json::from_str(&launch.body).unwrap();
        let wanted = serde_json::json!({
            "sourceServers": [
                {"sourceServerID": "s-00000000000000001"},
                {"sourceServerID": "s-00000000000000002", "recoverySnapshotID": "pit-00000000000000002"},
            ],
            "isDrill": true,
            "tags": {"launch": "1"},
        });
        assert_eq!(body, wanted);
    }
    // The reads learn the difference from their own answers only: they follow AWS's clock, which launches must not.
    let reads = server.seen("DescribeJobs");
    let early = signed_with(&reads[0])
        .duration_since(Timestamp::now())
        .abs();
    assert!(early < SignedDuration::from_mins(2), "{early}");
    let corrected = signed_with(&reads[1]).duration_since(Timestamp::now());
    assert!(corrected > SignedDuration::from_mins(15), "{corrected}");
}

#[tokio::test]
async fn a_launch_that_comes_late_is_refused_without_effect_and_says_why() {
    let message = "Signature expired: 20260101T000000Z is now earlier than 20260101T000500Z";
    let server = Server::start(with_sts(move |_| {
        Answer::Http(
            403,
            vec![
                ("x-amzn-errortype", "InvalidSignatureException".to_owned()),
                skewed(),
            ],
            format!("{{\"message\":\"{message}\"}}"),
        )
    }))
    .await;
    let drs = server.session().await.drs();
    let intent = Timestamp::now() - SignedDuration::from_mins(10);
    let error = drs
        .start_recovery(&target(), &request(intent))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind, error.code.as_str()),
        (Kind::Busy, "InvalidSignatureException")
    );
    assert!(
        error.message.contains(message) && error.message.contains("clock"),
        "{error}"
    );
    // The SDK would try again with another time.
    assert_eq!(server.seen("StartRecovery").len(), 1);
}

#[tokio::test]
async fn calls_that_change_the_world_are_made_once_and_others_are_tried_again() {
    let server = Server::start(with_sts(|_| {
        let code = vec![("x-amzn-errortype", "InternalServerException".to_owned())];
        Answer::Http(500, code, "{\"message\":\"sorry\"}".to_owned())
    }))
    .await;
    let drs = server.session().await.drs();
    let instances = ["i-00000000000000001".into()];
    let (target, request, which) = (
        target(),
        request(Timestamp::now()),
        WhichJobs::Ids(vec!["drsjob-1".into()]),
    );
    let (launch, terminate, read) = tokio::join!(
        drs.start_recovery(&target, &request),
        drs.terminate(&target, &instances),
        drs.jobs(&target, &which)
    );
    assert_eq!(launch.unwrap_err().kind, Kind::Unknown);
    assert_eq!(terminate.unwrap_err().kind, Kind::Unknown);
    assert_eq!(read.unwrap_err().kind, Kind::Busy);
    assert_eq!(server.seen("StartRecovery").len(), 1);
    assert_eq!(server.seen("TerminateRecoveryInstances").len(), 1);
    assert_eq!(server.seen("DescribeJobs").len(), 4);
}

#[tokio::test]
async fn an_accepted_launch_without_a_job_is_in_doubt() {
    let server = Server::start(with_sts(|_| Answer::Http(202, vec![], "{}".to_owned()))).await;
    let drs = server.session().await.drs();
    let error = drs
        .start_recovery(&target(), &request(Timestamp::now()))
        .await
        .unwrap_err();
    assert_eq!(error.kind, Kind::Unknown);
}

#[tokio::test]
async fn an_account_without_a_target_is_refused_before_anything_is_sent() {
    let server = Server::start(with_sts(|request| match request.operation().as_str() {
        "BatchGetItem" => Answer::ok(r#"{"Responses":{}}"#),
        _ => Answer::Lost,
    }))
    .await;
    let drs = server.session().await.drs();
    let elsewhere = Target {
        account_id: "999999999999".to_owned(),
        ..target()
    };
    let error = drs
        .start_recovery(&elsewhere, &request(Timestamp::now()))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind, error.code.as_str()),
        (Kind::Refused, "TargetNotConfigured")
    );
    assert!(server.seen("StartRecovery").is_empty());
}
