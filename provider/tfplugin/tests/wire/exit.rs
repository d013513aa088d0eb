//! How the plugin ends, and what it finishes first.

use std::time::{Duration, Instant};

use tfplugin_proto::{
    goplugin::{
        Empty, grpc_broker_client::GrpcBrokerClient, grpc_controller_client::GrpcControllerClient,
        grpc_stdio_client::GrpcStdioClient,
    },
    tfplugin6 as pb,
};

use crate::host::{self, HOST_PATIENCE, Plugin, SOON, Tls};

#[tokio::test]
async fn shutdown_ends_it_although_streams_are_open() {
    let mut plugin = Plugin::start().await;
    let channel = plugin.channel(Tls::Right).await.unwrap();
    let stdio = GrpcStdioClient::new(channel.clone())
        .stream_stdio(())
        .await
        .unwrap();
    let outgoing = tokio_stream::pending::<tfplugin_proto::goplugin::ConnInfo>();
    let broker = GrpcBrokerClient::new(channel.clone())
        .start_stream(outgoing)
        .await
        .unwrap();
    GrpcControllerClient::new(channel)
        .shutdown(Empty {})
        .await
        .unwrap();
    assert!(plugin.exited(HOST_PATIENCE).await.success());
    drop((stdio, broker));
}

#[tokio::test]
async fn it_ends_when_the_connection_closes() {
    let mut plugin = Plugin::start().await;
    let mut client = plugin.provider(Tls::Right).await.unwrap();
    host::schema(&mut client).await;
    drop(client);
    assert!(plugin.exited(SOON).await.success());
}

#[cfg(unix)]
#[tokio::test]
async fn it_ends_when_its_parent_dies() {
    let mut plugin = Plugin::options().plain().under_shell().start().await;
    assert!(plugin.line.starts_with("1|6|unix|"), "{}", plugin.line);
    plugin.kill_parent().await;
    plugin.fell_silent().await;
}

/// Nobody is left to hear the answer, and what was begun is written down all the same.
#[cfg(unix)]
#[tokio::test]
async fn an_orphan_finishes_a_critical_section() {
    let options = Plugin::options().plain().under_shell();
    let mut plugin = options.env("TF_LOG_PROVIDER", "INFO").start().await;
    let mut client = plugin.configured_over(Tls::Plain).await;
    let apply = tokio::spawn(async move {
        let create = host::create("n", "text", 0, 1_500);
        client.apply_resource_change(create).await
    });
    plugin.wait_for_log("writing").await;
    plugin.kill_parent().await;
    plugin.fell_silent().await;
    assert!(
        plugin.directory().join("n.json").exists(),
        "the write was cut off"
    );
    apply.abort();
}

/// In debug mode it may well outlive the terminal that it was started in.
#[cfg(unix)]
#[tokio::test]
async fn a_termination_ends_an_orphan_in_debug_mode() {
    let mut plugin = Plugin::options().debug().under_shell().start().await;
    plugin.attach().await;
    plugin.kill_parent().await;
    let mut client = plugin.provider(Tls::Plain).await.unwrap();
    host::schema(&mut client).await;
    plugin.signal("TERM");
    plugin.fell_silent().await;
    assert!(
        !std::path::Path::new(plugin.address()).exists(),
        "the socket is left behind"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_termination_ends_it_while_nothing_is_done() {
    for is_connected in [false, true] {
        let mut plugin = Plugin::start().await;
        let client = match is_connected {
            true => Some(plugin.configured().await),
            false => None,
        };
        plugin.signal("TERM");
        assert!(plugin.exited(HOST_PATIENCE).await.success());
        assert!(
            !std::path::Path::new(plugin.address()).exists(),
            "the socket is left behind"
        );
        drop(client);
    }
}

/// Something that never ends must not keep the process for ever. Only here that time is waited for.
#[cfg(unix)]
#[tokio::test]
async fn a_critical_section_without_end_is_cut_after_its_grace() {
    const GRACE: Duration = tfplugin::limits::CRITICAL_SECTION_GRACE;
    let mut plugin = Plugin::options()
        .env("TF_LOG_PROVIDER", "INFO")
        .start()
        .await;
    let mut client = plugin.configured().await;
    let apply = tokio::spawn(async move {
        let create = host::create("n", "text", 0, 3_600_000);
        client.apply_resource_change(create).await
    });
    plugin.wait_for_log("writing").await;
    let began = Instant::now();
    plugin.signal("TERM");
    // A second one changes nothing.
    plugin.signal("TERM");
    assert!(plugin.exited(SOON).await.success());
    assert!(began.elapsed() >= GRACE, "{:?}", began.elapsed());
    assert!(!plugin.directory().join("n.json").exists());
    apply.abort();
}

#[tokio::test]
async fn an_interrupt_belongs_to_the_host() {
    let plugin = Plugin::start().await;
    let mut client = plugin.provider(Tls::Right).await.unwrap();
    plugin.signal("INT");
    host::schema(&mut client).await;
    plugin.signal("INT");
    host::schema(&mut client).await;
    plugin.end().await;
}

#[tokio::test]
async fn stop_ends_current_work_early_and_later_work_runs() {
    let mut plugin = Plugin::options().env("TF_LOG", "debug").start().await;
    let mut client = plugin.configured().await;
    let apply = tokio::spawn({
        let mut client = client.clone();
        async move {
            client
                .apply_resource_change(host::create("slow", "text", 3_600_000, 0))
                .await
        }
    });
    plugin.wait_for_log("waiting").await;
    client
        .stop_provider(pb::stop_provider::Request {})
        .await
        .unwrap();
    let answer = host::within(apply).await.unwrap().unwrap().into_inner();
    let state = host::note(answer.new_state.as_ref());
    assert_eq!(
        state.attribute("revision"),
        &0_i64.into(),
        "what exists is in the state"
    );
    assert_eq!(answer.diagnostics.len(), 1);
    let answer = client
        .apply_resource_change(host::create("quick", "text", 10, 0))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        host::note(answer.new_state.as_ref()).attribute("revision"),
        &1_i64.into()
    );
    plugin.end().await;
}

/// Ends the plugin in some way while it writes, and looks whether it finished writing.
async fn finishes_writing(end: impl AsyncFnOnce(&Plugin)) {
    const HOLD: Duration = Duration::from_millis(1500);
    let mut plugin = Plugin::options()
        .env("TF_LOG_PROVIDER", "INFO")
        .start()
        .await;
    let mut client = plugin.configured().await;
    let hold = i64::try_from(HOLD.as_millis()).unwrap();
    let apply = tokio::spawn(async move {
        client
            .apply_resource_change(host::create("n", "text", 0, hold))
            .await
    });
    plugin.wait_for_log("writing").await;
    let began = Instant::now();
    end(&plugin).await;
    assert!(plugin.exited(SOON).await.success());
    assert!(began.elapsed() < Duration::from_secs(5));
    assert!(
        plugin.directory().join("n.json").exists(),
        "the write was cut off"
    );
    apply.abort();
}

#[tokio::test]
async fn shutdown_waits_for_a_critical_section() {
    finishes_writing(async |plugin| {
        let channel = plugin.channel(Tls::Right).await.unwrap();
        GrpcControllerClient::new(channel)
            .shutdown(Empty {})
            .await
            .unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_termination_waits_for_a_critical_section() {
    finishes_writing(async |plugin| plugin.signal("TERM")).await;
}
