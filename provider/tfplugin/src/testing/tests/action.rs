//! Actions: every way to end has exactly one end, which the host checks.

use std::time::Duration;

use serde_json::json;
use tfplugin_proto::tfplugin6::{self as pb, invoke_action::event, provider_server::Provider as _};
use tokio_stream::StreamExt as _;
use tonic::Request;

use super::{Demo, Host, UNKNOWN, host};
use crate::{limits::MAX_PROGRESS_MESSAGES, testing::text};

#[tokio::test]
async fn an_action_reports_and_ends() {
    let host = host().await;
    let cases = [
        (json!({ "times": 2, "secret": "s" }), 2, ""),
        (
            json!({ "times": 1, "how": "quietly" }),
            1,
            "Warning: Quiet: Nobody heard it.\n",
        ),
        (
            json!({ "times": 3, "how": "panics" }),
            3,
            "Error: Provider Crashed: InvokeAction ended with a panic: the bell broke. \
             This is a mistake in the provider: please report it.\n",
        ),
        (
            json!({ "times": 1, "how": "never" }),
            0,
            "Error: Refused: It would not ring.\n",
        ),
    ];
    for (config, rings, expected) in cases {
        let (progress, found) = host.invoke("demo_ring", &config).await;
        assert_eq!(progress.len(), rings, "{progress:?}");
        assert_eq!(text(&found), expected);
    }
    let (progress, found) = host.invoke("demo_ring", &json!({ "times": 13 })).await;
    assert_eq!(progress.last().map(String::as_str), Some("ring 13"));
    assert!(text(&found).starts_with("Warning: Unlucky"));
    let (_, found) = host.invoke("demo_ring", &json!({})).await;
    assert!(text(&found).contains("(times)"), "{}", text(&found));
}

#[tokio::test]
async fn what_is_not_known_is_planned_and_not_run() {
    let host = host().await;
    let config = json!({ "times": UNKNOWN });
    assert!(host.plan_action("demo_ring", &config).await.is_empty());
    let (progress, found) = host.invoke("demo_ring", &config).await;
    assert!(progress.is_empty() && text(&found).contains("not known yet"));
}

#[tokio::test]
async fn a_stop_ends_it_early() {
    let host = host().await;
    let stop = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        host.stop().await;
    };
    let config = json!({ "times": 1, "how": "waits" });
    let ((progress, found), ()) = tokio::join!(host.invoke("demo_ring", &config), stop);
    assert_eq!(progress, ["ring 1"]);
    assert!(text(&found).contains("Stopped"));
}

#[tokio::test]
async fn a_flood_is_cut_and_counted() {
    let host = host().await;
    let (progress, found) = host.invoke("demo_ring", &json!({ "times": 1000 })).await;
    assert!(found.is_empty() && progress.len() <= MAX_PROGRESS_MESSAGES + 1);
    assert!(
        progress
            .iter()
            .any(|m| m.contains("messages were left out")),
        "{progress:?}"
    );
    assert_eq!(progress.last().map(String::as_str), Some("ring 1000"));
}

#[tokio::test]
async fn an_unknown_action_and_garbage_complete_with_an_error() {
    let host = Host::new(Demo);
    let garbage = Some(pb::DynamicValue {
        msgpack: vec![0xc1],
        json: Vec::new(),
    });
    // Nobody has validated this: the number was not known before.
    let ty = crate::Type::object([
        ("times", crate::Type::Number),
        ("how", crate::Type::String),
        ("secret", crate::Type::String),
    ]);
    let many = crate::Value::object([("times", 5_000_i64.into())]);
    let many = crate::server::codec::encode(&many.conform(&ty).unwrap(), &ty);
    let cases = [
        ("demo_ring", many, "Invalid Attribute Value"),
        (
            "demo_ring",
            None,
            "Missing Configuration for Required Attribute",
        ),
        ("demo_other", None, "Unknown Type"),
        ("", None, "Unknown Type"),
        ("demo_ring", garbage, "Malformed Value"),
    ];
    for (action_type, config, expected) in cases {
        let request = pb::invoke_action::Request {
            action_type: action_type.to_owned(),
            config,
            ..Default::default()
        };
        let request = Request::new(request);
        let events = host.service.invoke_action(request).await.unwrap();
        let events: Vec<_> = events.into_inner().collect().await;
        let [Ok(event)] = events.as_slice() else {
            panic!("{events:?}");
        };
        let Some(event::Type::Completed(end)) = &event.r#type else {
            panic!("{event:?}");
        };
        assert_eq!(end.diagnostics[0].summary, expected);
    }
}

#[tokio::test]
async fn actions_are_announced_everywhere() {
    let host = Host::new(Demo);
    let request = Request::new(pb::get_provider_schema::Request {});
    let schema = host.service.get_provider_schema(request).await.unwrap();
    let schemas = schema.into_inner().action_schemas;
    let schema = schemas["demo_ring"].schema.as_ref().unwrap();
    assert_eq!(schema.block.as_ref().unwrap().attributes.len(), 3);
    let request = Request::new(pb::get_metadata::Request {});
    let metadata = host.service.get_metadata(request).await.unwrap();
    assert_eq!(metadata.into_inner().actions[0].type_name, "demo_ring");
    let json = crate::schema_json(&Demo);
    let json = &json["provider_schemas"]["registry.terraform.io/example/demo"];
    let json = &json["action_schemas"]["demo_ring"];
    assert_eq!(json["block"]["attributes"]["times"]["required"], true);
    assert_eq!(json.as_object().unwrap().len(), 1);
}
