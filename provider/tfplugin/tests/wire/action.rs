//! Actions over the wire: however one ends, its stream ends with exactly one `completed`.

use std::time::Duration;

use tfplugin::{Type, Value};
use tfplugin_proto::tfplugin6::{
    self as pb,
    invoke_action::{Event, event},
    provider_client::ProviderClient,
};
use tonic::{Streaming, transport::Channel};

use crate::host::{self, Plugin, SOON, Tls};

pub(crate) fn request(
    name: &str,
    times: i64,
    delay_ms: i64,
    crash: bool,
) -> pb::invoke_action::Request {
    let ty = Type::object([
        ("name", Type::String),
        ("text", Type::String),
        ("times", Type::Number),
        ("delay_ms", Type::Number),
        ("crash", Type::Bool),
    ]);
    let config = Value::object([
        ("name", name.into()),
        ("text", "more".into()),
        ("times", times.into()),
        ("delay_ms", delay_ms.into()),
        ("crash", crash.into()),
    ]);
    pb::invoke_action::Request {
        action_type: "minimal_append".into(),
        config: host::dynamic(&config, &ty),
        ..Default::default()
    }
}

/// A provider with one note, `n`.
async fn with_note(plugin: &Plugin) -> ProviderClient<Channel> {
    let mut client = plugin.configured().await;
    let note = host::create("n", "text", 0, 0);
    client.apply_resource_change(note).await.unwrap();
    client
}

/// All progress, and the diagnostics of the one end.
async fn all(mut events: Streaming<Event>) -> (Vec<String>, Vec<pb::Diagnostic>) {
    let mut progress = Vec::new();
    let mut end = None;
    while let Some(event) = host::within(events.message()).await.unwrap() {
        assert!(end.is_none(), "an event after the end");
        match event.r#type.expect("an empty event crashes hosts") {
            event::Type::Progress(event) => progress.push(event.message),
            event::Type::Completed(event) => end = Some(event.diagnostics),
        }
    }
    (progress, end.expect("an end"))
}

#[tokio::test]
async fn progress_and_then_one_end() {
    let plugin = Plugin::start().await;
    let mut client = with_note(&plugin).await;
    let mut invoke = async |request| {
        let events = client.invoke_action(request).await.unwrap();
        all(events.into_inner()).await
    };
    let (progress, end) = invoke(request("n", 2, 0, false)).await;
    assert_eq!(progress, ["appended 1 of 2", "appended 2 of 2"]);
    assert!(end.is_empty(), "{end:?}");

    let (progress, end) = invoke(request("n", 1, 0, true)).await;
    assert_eq!(progress, ["appended 1 of 1"]);
    assert_eq!(end[0].summary, "Provider Crashed");
    assert!(end[0].detail.contains("as it was told"), "{end:?}");

    let (_, end) = invoke(request("other", 1, 0, false)).await;
    assert_eq!(end[0].summary, "Note Not Found");
    let unknown = pb::invoke_action::Request {
        action_type: "minimal_other".into(),
        ..Default::default()
    };
    let (_, end) = invoke(unknown).await;
    assert_eq!(end[0].summary, "Unknown Type");
    plugin.end().await;
}

#[tokio::test]
async fn a_stop_on_the_way_ends_it_once() {
    let plugin = Plugin::start().await;
    let mut client = with_note(&plugin).await;
    let stop = pb::stop_provider::Request {};
    let events = client.invoke_action(request("n", 1_000, 20, false)).await;
    let mut events = events.unwrap().into_inner();
    assert!(host::within(events.message()).await.unwrap().is_some());
    client.stop_provider(stop).await.unwrap();
    let (progress, end) = all(events).await;
    assert!(progress.len() < 500, "{} lines", progress.len());
    assert_eq!(end[0].summary, "Interrupted");

    // A stop counts as soon as the stream is open, also before the action has begun.
    let events = client
        .invoke_action(request("n", 1, 3_600_000, false))
        .await;
    client.stop_provider(stop).await.unwrap();
    let (progress, end) = all(events.unwrap().into_inner()).await;
    assert!(progress.is_empty(), "{progress:?}");
    assert_eq!(end[0].summary, "Interrupted");
    plugin.end().await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_termination_on_the_way_ends_it_once() {
    let mut plugin = Plugin::start().await;
    let mut client = with_note(&plugin).await;
    let events = client.invoke_action(request("n", 1_000, 20, false)).await;
    let mut events = events.unwrap().into_inner();
    assert!(host::within(events.message()).await.unwrap().is_some());
    plugin.signal("TERM");
    let (_, end) = all(events).await;
    assert_eq!(end[0].summary, "Interrupted");
    assert!(plugin.exited(SOON).await.success());
}

#[tokio::test]
async fn the_work_goes_on_when_the_host_drops_the_stream() {
    let plugin = Plugin::start().await;
    let mut client = with_note(&plugin).await;
    let events = client.invoke_action(request("n", 5, 50, false)).await;
    let mut events = events.unwrap().into_inner();
    assert!(host::within(events.message()).await.unwrap().is_some());
    drop(events);
    let path = plugin.directory().join("n.json");
    let written = async {
        loop {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            if text.matches("more").count() == 5 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(SOON, written)
        .await
        .expect("all lines are appended");
    plugin.end().await;
}

#[tokio::test]
async fn before_it_is_configured_an_action_fails_with_advice() {
    let plugin = Plugin::start().await;
    let mut client = plugin.provider(Tls::Right).await.unwrap();
    let events = client.invoke_action(request("n", 1, 0, false)).await;
    let (_, end) = all(events.unwrap().into_inner()).await;
    assert_eq!(end[0].summary, "Provider Not Configured");
    plugin.end().await;
}
