//! Proxies and private authorities.

use crate::child::{Home, connect};
use crate::server::{Answer, Proxy, Server, with_sts};
use crate::tls::Authority;

const STS: &str = "sts.us-east-1.amazonaws.com";

fn keys() -> Vec<(&'static str, &'static str)> {
    vec![
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI"),
    ]
}

#[tokio::test]
async fn calls_go_through_the_proxy_and_trust_the_bundle() {
    let authority = Authority::new();
    let server = Server::start_tls(authority.acceptor(&[STS]), with_sts(|_| Answer::Lost)).await;
    let proxy = Proxy::start(server.address).await;
    let home = Home::new();
    let bundle = home.file("ca.pem", &authority.pem);
    let url = format!("http://joe:s3cret%21@{}", proxy.address);
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        let mut environment = keys();
        environment.extend([(variable, url.as_str()), ("AWS_CA_BUNDLE", bundle.as_str())]);
        let said = connect(&home, &environment).await;
        assert!(
            said.result.starts_with("connected: 111122223333"),
            "{}",
            said.everything
        );
        for secret in ["s3cret", "am9lOnMzY3JldCE=", "wJalrXUtnFEMI"] {
            assert!(
                !said.everything.contains(secret),
                "{secret} is shown:\n{}",
                said.everything
            );
        }
    }
    let seen = proxy.seen();
    assert_eq!(seen.len(), 3);
    for head in seen {
        assert!(head.starts_with(&format!("CONNECT {STS}:443 ")), "{head}");
        // joe:s3cret! in Base64.
        assert!(
            head.to_ascii_lowercase()
                .contains("proxy-authorization: basic"),
            "{head}"
        );
        assert!(head.contains("am9lOnMzY3JldCE="), "{head}");
    }
    assert_eq!(server.seen("GetCallerIdentity").len(), 3);
}

#[tokio::test]
async fn a_private_authority_that_is_not_named_is_explained() {
    let authority = Authority::new();
    let server = Server::start_tls(authority.acceptor(&[STS]), with_sts(|_| Answer::Lost)).await;
    let proxy = Proxy::start(server.address).await;
    let home = Home::new();
    let url = format!("http://joe:s3cret@{}", proxy.address);
    let mut environment = keys();
    environment.push(("HTTPS_PROXY", url.as_str()));
    let said = connect(&home, &environment).await;
    assert!(
        said.result.starts_with("failed: [unreachable] "),
        "{}",
        said.everything
    );
    for word in [
        "certificate",
        "AWS_CA_BUNDLE",
        STS,
        "HTTPS_PROXY",
        &format!("http://{}", proxy.address),
    ] {
        assert!(said.result.contains(word), "{word}: {}", said.result);
    }
    assert!(!said.everything.contains("s3cret"), "{}", said.everything);
    assert_eq!(server.seen("GetCallerIdentity").len(), 0);

    let other = home.file("other.pem", &Authority::new().pem);
    environment.push(("AWS_CA_BUNDLE", other.as_str()));
    let said = connect(&home, &environment).await;
    assert!(said.result.contains("other.pem"), "{}", said.result);
}

#[tokio::test]
async fn no_proxy_and_this_machine_go_past_the_proxy() {
    let server = Server::start(with_sts(|_| Answer::Lost)).await;
    let proxy = Proxy::start(server.address).await;
    let home = Home::new();
    let by_number = format!("http://{}", proxy.address);
    // This machine under a name that is not exempt by itself.
    let elsewhere = format!("http://0.0.0.0:{}", server.address.port());
    let here = server.url();
    for (endpoint, exempt, through_proxy) in [
        (&elsewhere, "", 1),
        (&elsewhere, "10.0.0.0/8, 0.0.0.0/32", 1),
        (&elsewhere, "*", 1),
        (&here, "", 1),
    ] {
        let mut environment = keys();
        environment.extend([
            ("HTTP_PROXY", by_number.as_str()),
            ("AWS_ENDPOINT_URL_STS", endpoint.as_str()),
            ("NO_PROXY", exempt),
        ]);
        let said = connect(&home, &environment).await;
        assert!(
            said.result.starts_with("connected: "),
            "{}",
            said.everything
        );
        assert_eq!(proxy.seen().len(), through_proxy, "{endpoint} {exempt}");
    }
    assert!(
        proxy.seen()[0].starts_with(&format!("POST {elsewhere}/ ")),
        "{:?}",
        proxy.seen()
    );
    assert_eq!(server.seen("GetCallerIdentity").len(), 4);
}

#[tokio::test]
async fn a_proxy_in_the_file_counts_less_than_one_in_the_environment() {
    let server = Server::start(with_sts(|_| Answer::Lost)).await;
    let (of_file, of_variable) = (
        Proxy::start(server.address).await,
        Proxy::start(server.address).await,
    );
    let home = Home::new();
    home.file(
        "drs.yaml",
        &format!("http_proxy: http://{}\n", of_file.address),
    );
    let endpoint = format!("http://0.0.0.0:{}", server.address.port());
    let mut environment = keys();
    environment.push(("AWS_ENDPOINT_URL_STS", endpoint.as_str()));
    assert!(
        connect(&home, &environment)
            .await
            .result
            .starts_with("connected")
    );
    assert_eq!((of_file.seen().len(), of_variable.seen().len()), (1, 0));
    let url = format!("http://{}", of_variable.address);
    environment.push(("http_proxy", url.as_str()));
    assert!(
        connect(&home, &environment)
            .await
            .result
            .starts_with("connected")
    );
    assert_eq!((of_file.seen().len(), of_variable.seen().len()), (1, 1));
}

#[tokio::test]
async fn an_endpoint_or_proxy_that_nobody_serves_is_named() {
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let home = Home::new();
    let endpoint = format!("http://127.0.0.1:{port}");
    let mut environment = keys();
    environment.push(("AWS_ENDPOINT_URL", endpoint.as_str()));
    let said = connect(&home, &environment).await;
    assert!(
        said.result.starts_with("failed: [unreachable] "),
        "{}",
        said.everything
    );
    assert!(
        said.result.contains(&endpoint) && said.result.contains("AWS_ENDPOINT_URL"),
        "{}",
        said.result
    );

    let mut environment = keys();
    environment.push(("HTTPS_PROXY", endpoint.as_str()));
    let said = connect(&home, &environment).await;
    assert!(
        said.result.starts_with("failed: [unreachable] "),
        "{}",
        said.everything
    );
    assert!(
        said.result.contains(STS) && said.result.contains("Check that the proxy runs"),
        "{}",
        said.result
    );
}
