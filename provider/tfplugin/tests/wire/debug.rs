//! Debug mode: hosts attach to one process, several at a time, and it outlives them.

use tfplugin::{Type, Value};
use tfplugin_proto::{
    goplugin::{Empty, grpc_controller_client::GrpcControllerClient},
    tfplugin6::{self as pb, provider_client::ProviderClient},
};
use tonic::transport::Channel;

use crate::host::{self, Directory, Plugin, Tls, note};

#[tokio::test]
async fn it_prints_how_to_attach_and_survives_its_hosts() {
    let mut plugin = Plugin::options().debug().start().await;
    let attach = plugin.attach().await;
    assert_eq!(attach["Protocol"], "grpc");
    assert_eq!(attach["ProtocolVersion"], 6);
    assert_eq!(attach["Pid"], plugin.id());
    assert_eq!(attach["Test"], true);
    for _ in 0..2 {
        let mut client = plugin.provider(Tls::Plain).await.unwrap();
        host::schema(&mut client).await;
    }
    // A host that did not see that this is not its own process would ask it to end.
    let channel = plugin.channel(Tls::Plain).await.unwrap();
    let mut controller = GrpcControllerClient::new(channel);
    controller.shutdown(Empty {}).await.unwrap();
    let mut client = plugin.provider(Tls::Plain).await.unwrap();
    host::schema(&mut client).await;
    plugin.signal("INT");
    assert!(plugin.exited(host::SOON).await.success());
}

/// A host, or one of the `provider` blocks of a host, with notes in a directory of its own.
async fn attached(plugin: &Plugin, directory: &Directory) -> ProviderClient<Channel> {
    let mut client = plugin.provider(Tls::Plain).await.unwrap();
    let ty = Type::object([("directory", Type::String)]);
    let config = Value::object([("directory", directory.path().to_str().unwrap().into())]);
    let request = pb::configure_provider::Request {
        config: host::dynamic(&config, &ty),
        ..Default::default()
    };
    let answer = client.configure_provider(request).await.unwrap();
    assert!(answer.into_inner().diagnostics.is_empty());
    client
}

#[tokio::test]
async fn each_host_has_its_own_settings_and_its_own_ctrl_c() {
    let options = Plugin::options().debug().env("TF_LOG", "info");
    let mut plugin = options.start().await;
    plugin.attach().await;
    let directories = [Directory::new(), Directory::new()];
    let mut first = attached(&plugin, &directories[0]).await;
    let mut second = attached(&plugin, &directories[1]).await;
    let mut applies = Vec::new();
    for client in [&first, &second] {
        let mut client = client.clone();
        let create = host::create("slow", "text", 3_600_000, 0);
        applies.push(tokio::spawn(async move {
            client.apply_resource_change(create).await
        }));
        plugin.wait_for_log("waiting").await;
    }
    for (client, directory) in [&mut first, &mut second].into_iter().zip(&directories) {
        let create = host::create("quick", "text", 0, 0);
        let answer = client
            .apply_resource_change(create)
            .await
            .unwrap()
            .into_inner();
        assert!(answer.diagnostics.is_empty(), "{:?}", answer.diagnostics);
        assert!(directory.path().join("quick.json").exists());
    }
    for (mut client, apply) in [first, second].into_iter().zip(applies) {
        assert!(!apply.is_finished(), "it was stopped by another host");
        client
            .stop_provider(pb::stop_provider::Request {})
            .await
            .unwrap();
        let answer = host::within(apply).await.unwrap().unwrap().into_inner();
        assert_eq!(
            note(answer.new_state.as_ref()).attribute("revision"),
            &0_i64.into()
        );
    }
    let mut late = plugin.provider(Tls::Plain).await.unwrap();
    let create = host::create("late", "text", 0, 0);
    let answer = late
        .apply_resource_change(create)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.diagnostics[0].summary, "Provider Not Configured");
    plugin.signal("TERM");
    assert!(plugin.exited(host::SOON).await.success());
}
