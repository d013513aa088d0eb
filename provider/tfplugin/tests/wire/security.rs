//! Who gets in.

use crate::host::{Plugin, Tls, schema};

/// A refusal may come with the handshake or, in TLS 1.3, with the first answer.
async fn refused(plugin: &Plugin, tls: Tls) {
    let Ok(mut client) = plugin.provider(tls).await else {
        return;
    };
    let request = tfplugin_proto::tfplugin6::get_provider_schema::Request {};
    let answer = client.get_provider_schema(request).await;
    assert!(answer.is_err(), "a stranger got the schema");
}

#[tokio::test]
async fn only_the_host_that_started_it_gets_in() {
    let mut plugin = Plugin::start().await;
    refused(&plugin, Tls::NoCertificate).await;
    refused(&plugin, Tls::OtherCertificate).await;
    refused(&plugin, Tls::Plain).await;
    let mut client = plugin.provider(Tls::Right).await.unwrap();
    schema(&mut client).await;
    // Strangers can neither end it nor hold up its host later on.
    refused(&plugin, Tls::OtherCertificate).await;
    schema(&mut client).await;
    drop(client);
    assert!(plugin.exited(crate::host::SOON).await.success());
}

#[tokio::test]
async fn strangers_who_say_nothing_hold_up_nobody() {
    let plugin = Plugin::start().await;
    let mut strangers = Vec::new();
    for _ in 0..8 {
        strangers.push(
            tokio::net::UnixStream::connect(plugin.address())
                .await
                .unwrap(),
        );
    }
    let mut client = plugin.provider(Tls::Right).await.unwrap();
    schema(&mut client).await;
    plugin.end().await;
}
