//! Logs as a host parses them.

use tfplugin_proto::goplugin::{Empty, grpc_controller_client::GrpcControllerClient};

use crate::host::{self, Plugin, Tls};

async fn logs(mut plugin: Plugin) -> Vec<String> {
    let mut client = plugin.configured().await;
    client
        .apply_resource_change(host::create("n", "text", 0, 0))
        .await
        .unwrap();
    let channel = plugin.channel(Tls::Right).await.unwrap();
    GrpcControllerClient::new(channel)
        .shutdown(Empty {})
        .await
        .unwrap();
    let mut lines = Vec::new();
    while let Some(line) = plugin.next_log().await {
        lines.push(line);
    }
    assert!(plugin.exited(host::SOON).await.success());
    lines
}

#[tokio::test]
async fn every_line_is_one_that_hosts_parse() {
    let lines = logs(Plugin::options().env("TF_LOG", "TRACE").start().await).await;
    assert!(!lines.is_empty());
    for line in &lines {
        let json: serde_json::Value = serde_json::from_str(line).expect(line);
        for key in ["@level", "@message", "@module", "@timestamp"] {
            assert!(json[key].is_string(), "{key} in {line}");
        }
        let timestamp = json["@timestamp"].as_str().unwrap();
        let (_, fraction) = timestamp.split_once('.').expect(line);
        assert_eq!(fraction.len(), "000000Z".len(), "{line}");
        assert!(
            ["trace", "debug", "info", "warn", "error"].contains(&json["@level"].as_str().unwrap())
        );
    }
    let apply = lines
        .iter()
        .find(|line| line.contains("\"writing\""))
        .expect("the provider's own line");
    assert!(
        apply.contains("\"tf_rpc\":\"ApplyResourceChange\""),
        "{apply}"
    );
    assert!(
        apply.contains("\"tf_resource_type\":\"minimal_note\""),
        "{apply}"
    );
}

#[tokio::test]
async fn without_a_level_nothing_is_logged() {
    assert_eq!(logs(Plugin::start().await).await, Vec::<String>::new());
}
