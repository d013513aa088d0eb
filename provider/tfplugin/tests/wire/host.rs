//! A host: starts the example, reads its line, connects as Terraform does.

use std::{
    collections::BTreeMap,
    future::Future,
    path::{Path, PathBuf},
    pin::Pin,
    process::{ExitStatus, Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, PKCS_ECDSA_P521_SHA512};
use tfplugin::{Type, Value, value::msgpack};
use tfplugin_proto::{
    goplugin::{Empty, grpc_controller_client::GrpcControllerClient},
    tfplugin6::{self as pb, provider_client::ProviderClient},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, BufReader, Lines},
    process::{Child, ChildStderr, ChildStdout, Command},
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName},
    },
};
use tonic::transport::{Channel, Endpoint, Uri};

/// Long enough for anything that should happen at once on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(20);
/// What a host waits for after Shutdown before it kills the plugin.
pub(crate) const HOST_PATIENCE: Duration = Duration::from_secs(2);

const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

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

/// How to start the plugin.
#[derive(Default)]
pub(crate) struct Options {
    long_directory: bool,
    plain: bool,
    debug: bool,
    env: Vec<(&'static str, &'static str)>,
}

/// A running plugin. Dropping it kills the process.
pub(crate) struct Plugin {
    /// The handshake line.
    pub(crate) line: String,
    child: Child,
    stdout: Lines<BufReader<ChildStdout>>,
    stderr: Lines<BufReader<ChildStderr>>,
    directory: Directory,
    certificate: Certificate,
}

/// A directory that goes with the test.
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("tfw-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A certificate like a host's: P-521, its own certificate authority.
struct Certificate {
    pem: String,
    der: CertificateDer<'static>,
    key: Vec<u8>,
}

impl Certificate {
    fn new() -> Self {
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

impl Options {
    pub(crate) fn long_directory(mut self) -> Self {
        self.long_directory = true;
        self
    }

    pub(crate) fn plain(mut self) -> Self {
        self.plain = true;
        self
    }

    pub(crate) fn debug(mut self) -> Self {
        self.debug = true;
        self
    }

    pub(crate) fn env(mut self, name: &'static str, value: &'static str) -> Self {
        self.env.push((name, value));
        self
    }

    pub(crate) async fn start(self) -> Plugin {
        let directory = Directory::new();
        let certificate = Certificate::new();
        let mut temporary = directory.path().to_owned();
        if self.long_directory {
            temporary.push("d".repeat(120));
            std::fs::create_dir_all(&temporary).unwrap();
        }
        let mut command = command(Some(COOKIE));
        command
            .env("TMPDIR", &temporary)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command.envs(self.env);
        if self.debug {
            command.arg("-debug");
        } else if !self.plain {
            command.env("PLUGIN_CLIENT_CERT", &certificate.pem);
        }
        let mut child = command.spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap()).lines();
        let stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut plugin = Plugin {
            line: String::new(),
            child,
            stdout,
            stderr,
            directory,
            certificate,
        };
        plugin.line = plugin.next_line().await;
        plugin
    }
}

impl Plugin {
    pub(crate) async fn start() -> Self {
        Self::options().start().await
    }

    pub(crate) fn options() -> Options {
        Options::default()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn address(&self) -> &str {
        self.line.split('|').nth(3).unwrap()
    }

    pub(crate) async fn next_line(&mut self) -> String {
        within(self.stdout.next_line())
            .await
            .unwrap()
            .expect("the plugin prints a line")
    }

    /// The next line of log.
    pub(crate) async fn next_log(&mut self) -> Option<String> {
        within(self.stderr.next_line()).await.unwrap()
    }

    /// Reads logs until one contains `text`.
    pub(crate) async fn wait_for_log(&mut self, text: &str) {
        while !self
            .next_log()
            .await
            .expect("the plugin still runs")
            .contains(text)
        {}
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = std::process::Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.id().to_string())
            .status();
        assert!(status.unwrap().success());
    }

    /// Waits for the process to end by itself.
    pub(crate) async fn exited(&mut self, limit: Duration) -> ExitStatus {
        tokio::time::timeout(limit, self.child.wait())
            .await
            .expect("the plugin ends by itself")
            .unwrap()
    }

    /// Shuts the plugin down as a host does.
    pub(crate) async fn end(mut self) {
        let tls = if self.line.ends_with('|') {
            Tls::Plain
        } else {
            Tls::Right
        };
        let channel = self.channel(tls).await.unwrap();
        GrpcControllerClient::new(channel)
            .shutdown(Empty {})
            .await
            .unwrap();
        assert!(self.exited(HOST_PATIENCE).await.success());
    }

    /// A connection, with the handshake done.
    pub(crate) async fn channel(&self, tls: Tls) -> Result<Channel, tonic::transport::Error> {
        let connector = Connector {
            address: self.address().to_owned(),
            tls: self.tls(tls),
        };
        Endpoint::from_static("http://localhost")
            .connect_with_connector(connector)
            .await
    }

    pub(crate) async fn provider(
        &self,
        tls: Tls,
    ) -> Result<ProviderClient<Channel>, tonic::transport::Error> {
        let limit = 256 << 20;
        let client = ProviderClient::new(self.channel(tls).await?);
        Ok(client
            .max_decoding_message_size(limit)
            .max_encoding_message_size(limit))
    }

    /// A provider that keeps its notes in this plugin's directory.
    pub(crate) async fn configured(&self) -> ProviderClient<Channel> {
        let mut client = self.provider(Tls::Right).await.unwrap();
        let ty = Type::object([("directory", Type::String)]);
        let config = Value::object([("directory", self.directory().to_str().unwrap().into())]);
        let request = pb::configure_provider::Request {
            terraform_version: "1.11.4".into(),
            config: dynamic(&config, &ty),
            client_capabilities: None,
        };
        let answer = client
            .configure_provider(request)
            .await
            .unwrap()
            .into_inner();
        assert!(answer.diagnostics.is_empty(), "{:?}", answer.diagnostics);
        client
    }

    fn tls(&self, tls: Tls) -> Option<TlsConnector> {
        let encoded = self.line.rsplit('|').next().unwrap();
        let mut roots = RootCertStore::empty();
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap();
        if !matches!(tls, Tls::Plain) {
            roots.add(CertificateDer::from(base64(encoded))).unwrap();
        }
        let builder = builder.with_root_certificates(roots);
        let mut config = match tls {
            Tls::Plain => return None,
            Tls::NoCertificate => builder.with_no_client_auth(),
            Tls::Right => {
                let own = &self.certificate;
                builder
                    .with_client_auth_cert(vec![own.der.clone()], own.key())
                    .unwrap()
            }
            Tls::OtherCertificate => {
                let other = Certificate::new();
                builder
                    .with_client_auth_cert(vec![other.der.clone()], other.key())
                    .unwrap()
            }
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        Some(TlsConnector::from(Arc::new(config)))
    }
}

/// Starts the example by hand.
pub(crate) async fn run_without_host(cookie: Option<&str>) -> Output {
    within(command(cookie).output()).await.unwrap()
}

/// Asks for the schema, the first thing that every host does.
pub(crate) async fn schema(
    client: &mut ProviderClient<Channel>,
) -> pb::get_provider_schema::Response {
    let request = pb::get_provider_schema::Request {};
    let answer = client
        .get_provider_schema(request)
        .await
        .unwrap()
        .into_inner();
    assert!(answer.provider.is_some() && answer.resource_schemas.contains_key("minimal_note"));
    answer
}

/// The type of a `minimal_note`.
pub(crate) fn note_type() -> Type {
    let link = Type::object([("url", Type::String), ("title", Type::String)]);
    let mut types = BTreeMap::from([
        ("tags".to_owned(), Type::set(Type::String)),
        ("links".to_owned(), Type::list(link)),
        ("revision".to_owned(), Type::Number),
        ("delay_ms".to_owned(), Type::Number),
        ("hold_ms".to_owned(), Type::Number),
    ]);
    types.extend(["id", "name", "text", "digest"].map(|name| (name.to_owned(), Type::String)));
    Type::Object(types)
}

/// A request to create a note.
pub(crate) fn create(
    name: &str,
    text: &str,
    delay_ms: i64,
    hold_ms: i64,
) -> pb::apply_resource_change::Request {
    let config = Value::object([
        ("name", name.into()),
        ("text", text.into()),
        ("delay_ms", Value::from(delay_ms)),
        ("hold_ms", Value::from(hold_ms)),
    ]);
    let config = config.conform(&note_type()).unwrap();
    let mut planned = config.clone();
    if let Value::Object(entries) = &mut planned {
        entries.insert("id".into(), Value::unknown());
        entries.insert("revision".into(), Value::unknown());
        entries.insert("digest".into(), Value::unknown());
        entries.insert(
            "digest".into(),
            format!("{} characters", text.chars().count()).into(),
        );
    }
    pb::apply_resource_change::Request {
        type_name: "minimal_note".into(),
        prior_state: dynamic(&Value::Null, &note_type()),
        planned_state: dynamic(&planned, &note_type()),
        config: dynamic(&config, &note_type()),
        ..Default::default()
    }
}

pub(crate) fn dynamic(value: &Value, ty: &Type) -> Option<pb::DynamicValue> {
    Some(pb::DynamicValue {
        msgpack: msgpack::encode(value, ty),
        json: Vec::new(),
    })
}

pub(crate) fn note(value: Option<&pb::DynamicValue>) -> Value {
    msgpack::decode(&value.unwrap().msgpack, &note_type()).unwrap()
}

pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(SOON, future)
        .await
        .expect("it happens in time")
}

/// The example binary, which cargo builds together with the tests.
pub(crate) fn example() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let path = here
        .parent()
        .unwrap()
        .parent()
        .unwrap()
        .join("examples/minimal");
    assert!(
        path.exists(),
        "{} is missing: cargo build -p tfplugin --examples",
        path.display()
    );
    path
}

fn command(cookie: Option<&str>) -> Command {
    let mut command = Command::new(example());
    command.env_clear().env("PLUGIN_PROTOCOL_VERSIONS", "5,6");
    command
        .env("PLUGIN_MIN_PORT", "10000")
        .env("PLUGIN_MAX_PORT", "25000");
    if let Some(cookie) = cookie {
        command.env("TF_PLUGIN_MAGIC_COOKIE", cookie);
    }
    command
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

#[derive(Clone)]
struct Connector {
    address: String,
    tls: Option<TlsConnector>,
}

pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

impl Connector {
    async fn connect(self) -> std::io::Result<TokioIo<Box<dyn Io>>> {
        let plain: Box<dyn Io> = if self.address.starts_with('/') {
            Box::new(tokio::net::UnixStream::connect(&self.address).await?)
        } else {
            Box::new(tokio::net::TcpStream::connect(&self.address).await?)
        };
        let Some(tls) = self.tls else {
            return Ok(TokioIo::new(plain));
        };
        let name = ServerName::try_from("localhost").unwrap();
        Ok(TokioIo::new(Box::new(tls.connect(name, plain).await?)))
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
        Box::pin(self.clone().connect())
    }
}
