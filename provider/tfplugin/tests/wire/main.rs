//! The plugin as its host sees it: these tests start the example provider and play Terraform.

#![allow(clippy::unwrap_used)]

mod action;
mod ask;
mod concurrent;
mod connect;
mod debug;
mod exit;
mod function;
mod garbage;
mod host;
mod identity;
mod logs;
mod rpc;
mod security;
mod values;

use host::{Plugin, Tls};
use tfplugin_proto::health::{HealthCheckRequest, health_client::HealthClient};

#[tokio::test]
async fn without_the_cookie_it_explains_itself_and_fails() {
    for cookie in [None, Some("wrong")] {
        let output = host::run_without_host(cookie).await;
        assert_eq!(output.status.code(), Some(1));
        assert!(
            output.stdout.is_empty(),
            "nothing may look like a handshake"
        );
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains("This binary is a plugin"), "{text}");
        assert!(
            text.contains("registry.terraform.io/example/minimal"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn the_handshake_line_is_what_hosts_parse() {
    let plugin = Plugin::start().await;
    let line = plugin.line.clone();
    let fields: Vec<&str> = line.split('|').collect();
    let [core, protocol, network, address, transport, certificate] = fields.as_slice() else {
        panic!("six fields: {}", plugin.line);
    };
    assert_eq!(
        [*core, *protocol, *network, *transport],
        ["1", "6", "unix", "grpc"]
    );
    assert!(
        certificate.len() > 50 && !certificate.contains('='),
        "{certificate}"
    );
    let path = std::path::Path::new(address);
    assert!(path.starts_with(plugin.directory()), "{address}");
    assert!(address.contains("plugin"), "{address}");
    plugin.end().await;
    assert!(
        !path.exists() && !path.parent().unwrap().exists(),
        "the socket is removed at exit"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn only_its_owner_can_reach_the_socket() {
    use std::os::unix::fs::PermissionsExt as _;
    let plugin = Plugin::start().await;
    let path = std::path::PathBuf::from(plugin.address());
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    plugin.end().await;
}

#[tokio::test]
async fn a_long_socket_path_falls_back_to_tcp() {
    let plugin = Plugin::options().long_directory().start().await;
    assert!(
        plugin.line.starts_with("1|6|tcp|127.0.0.1:"),
        "{}",
        plugin.line
    );
    let port: u16 = plugin
        .address()
        .rsplit(':')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    assert!(
        (10_000..=25_000).contains(&port),
        "{port} is outside of the host's range"
    );
    let mut client = plugin.provider(Tls::Right).await.unwrap();
    host::schema(&mut client).await;
    plugin.end().await;
}

#[tokio::test]
async fn without_a_client_certificate_it_speaks_plain_text() {
    let plugin = Plugin::options().plain().start().await;
    assert!(plugin.line.ends_with("|grpc|"), "{}", plugin.line);
    let mut client = plugin.provider(Tls::Plain).await.unwrap();
    host::schema(&mut client).await;
    plugin.end().await;
}

#[tokio::test]
async fn the_plugin_is_healthy() {
    let plugin = Plugin::start().await;
    let mut health = HealthClient::new(plugin.channel(Tls::Right).await.unwrap());
    let ask = |service: &str| HealthCheckRequest {
        service: service.into(),
    };
    assert_eq!(
        health
            .check(ask("plugin"))
            .await
            .unwrap()
            .into_inner()
            .status,
        1
    );
    assert_eq!(
        health.check(ask("other")).await.unwrap_err().code(),
        tonic::Code::NotFound
    );
    let mut watch = health.watch(ask("plugin")).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status, 1);
    plugin.end().await;
}
