//! How a host connects: its certificate, and a stream with or without TLS.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, PKCS_ECDSA_P521_SHA512};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName},
    },
};
use tonic::transport::Uri;

/// How a test connects.
#[derive(Clone, Copy)]
pub(crate) enum Tls {
    /// As the host that started the plugin.
    Right,
    /// With TLS, but without a certificate.
    NoCertificate,
    /// With another host's certificate.
    OtherCertificate,
    /// Without TLS.
    Plain,
}

impl Tls {
    fn connector(self, server: &str, own: &Certificate) -> Option<TlsConnector> {
        if matches!(self, Tls::Plain) {
            return None;
        }
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(base64(server))).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let other;
        let shown = match self {
            Tls::Right => Some(own),
            Tls::OtherCertificate => {
                other = Certificate::new();
                Some(&other)
            }
            Tls::NoCertificate | Tls::Plain => None,
        };
        let mut config = match shown {
            None => builder.with_no_client_auth(),
            Some(it) => builder
                .with_client_auth_cert(vec![it.der.clone()], it.key())
                .unwrap(),
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        Some(TlsConnector::from(Arc::new(config)))
    }
}

/// A certificate like a host's: P-521, its own certificate authority.
pub(crate) struct Certificate {
    pub(crate) pem: String,
    der: CertificateDer<'static>,
    key: Vec<u8>,
}

impl Certificate {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P521_SHA512).unwrap();
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        Self {
            pem: certificate.pem(),
            der: certificate.der().clone(),
            key: key.serialize_der(),
        }
    }

    fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.clone()))
    }
}

/// Connects to the address of a handshake line.
#[derive(Clone)]
pub(crate) struct Connector {
    address: String,
    tls: Option<TlsConnector>,
}

/// A stream in both directions.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

impl Connector {
    /// For the plugin that printed `line`, as the host whose certificate this is.
    pub(crate) fn new(line: &str, tls: Tls, own: &Certificate) -> Self {
        Self {
            address: line.split('|').nth(3).unwrap().to_owned(),
            tls: tls.connector(line.rsplit('|').next().unwrap(), own),
        }
    }

    /// A connection without anything said in it but the handshake of TLS.
    pub(crate) async fn connect(self) -> std::io::Result<Box<dyn Io>> {
        let plain: Box<dyn Io> = if self.address.starts_with('/') {
            Box::new(tokio::net::UnixStream::connect(&self.address).await?)
        } else {
            Box::new(tokio::net::TcpStream::connect(&self.address).await?)
        };
        let Some(tls) = self.tls else {
            return Ok(plain);
        };
        let name = ServerName::try_from("localhost").unwrap();
        Ok(Box::new(tls.connect(name, plain).await?))
    }
}

impl tonic::codegen::Service<Uri> for Connector {
    type Response = TokioIo<Box<dyn Io>>;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = std::io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let connecting = self.clone().connect();
        Box::pin(async { connecting.await.map(TokioIo::new) })
    }
}

fn base64(text: &str) -> Vec<u8> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        other => panic!("{other} is not base64"),
    };
    let mut out = Vec::new();
    for chunk in text.as_bytes().chunks(4) {
        let word = chunk
            .iter()
            .fold(0_u32, |word, byte| word << 6 | u32::from(digit(*byte)));
        let word = word << (6 * (4 - chunk.len()));
        out.extend_from_slice(&word.to_be_bytes()[1..chunk.len()]);
    }
    out
}
