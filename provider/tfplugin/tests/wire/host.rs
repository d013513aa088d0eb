//! A host: starts the example, reads its line, connects as Terraform does.

use std::{
    collections::BTreeMap,
    future::Future,
    path::{Path, PathBuf},
    process::{ExitStatus, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use tfplugin::{Type, Value, value::msgpack};
use tfplugin_proto::{
    goplugin::{Empty, grpc_controller_client::GrpcControllerClient},
    tfplugin6::{self as pb, provider_client::ProviderClient},
};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStderr, ChildStdout, Command},
};
use tonic::transport::{Channel, Endpoint};

pub(crate) use crate::connect::Tls;
use crate::connect::{Certificate, Connector, Io};

/// Long enough for anything that should happen at once on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(20);
/// What a host waits for after Shutdown before it kills the plugin.
pub(crate) const HOST_PATIENCE: Duration = Duration::from_secs(2);

const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

/// How to start the plugin.
#[derive(Default)]
pub(crate) struct Options {
    long_directory: bool,
    plain: bool,
    debug: bool,
    under_shell: bool,
    env: Vec<(&'static str, &'static str)>,
}

/// A running plugin. Dropping it kills the process.
pub(crate) struct Plugin {
    /// The handshake line.
    pub(crate) line: String,
    /// The plugin, or the shell that started it.
    child: Child,
    id: u32,
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

    /// Started by a shell, which can be killed.
    pub(crate) fn under_shell(mut self) -> Self {
        self.under_shell = true;
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
        let mut command = command(Some(COOKIE), self.under_shell);
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
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines();
        let stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let id = if self.under_shell {
            let line = within(stderr.next_line()).await.unwrap();
            line.expect("the shell says whom it has started")
                .parse()
                .unwrap()
        } else {
            child.id().unwrap()
        };
        let mut plugin = Plugin {
            line: String::new(),
            child,
            id,
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
        self.id
    }

    /// Ends the shell that started the plugin, as a power cut would.
    pub(crate) async fn kill_parent(&mut self) {
        assert_ne!(self.child.id(), Some(self.id), "there is no shell");
        self.child.kill().await.unwrap();
    }

    /// Waits for the end of a plugin that is nobody's child: it was the last that could write here.
    pub(crate) async fn fell_silent(&mut self) {
        while let Some(line) = within(self.stdout.next_line()).await.unwrap() {
            assert!(!line.contains('|'), "{line}");
        }
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn address(&self) -> &str {
        self.line.split('|').nth(3).unwrap()
    }

    /// Reads how to attach to a plugin in debug mode, which is what a handshake line is to a host otherwise.
    pub(crate) async fn attach(&mut self) -> serde_json::Value {
        const VARIABLE: &str = "TF_REATTACH_PROVIDERS='";
        while !self.line.starts_with(VARIABLE) {
            self.line = self.next_line().await;
        }
        let json = self.line[VARIABLE.len()..].trim_end_matches('\'');
        let attach: serde_json::Value = serde_json::from_str(json).unwrap();
        let of = |registry: &str| attach[format!("{registry}/example/minimal")].clone();
        assert_eq!(of("registry.terraform.io"), of("registry.opentofu.org"));
        let attach = of("registry.terraform.io");
        let address = attach["Addr"]["String"].as_str().unwrap();
        self.line = format!("1|6|unix|{address}|grpc|");
        attach
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
        let connector = Connector::new(&self.line, tls, &self.certificate);
        Endpoint::from_static("http://localhost")
            .connect_with_connector(connector)
            .await
    }

    /// A connection without HTTP/2 in it.
    pub(crate) async fn stream(&self, tls: Tls) -> std::io::Result<Box<dyn Io>> {
        Connector::new(&self.line, tls, &self.certificate)
            .connect()
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
        self.configured_over(Tls::Right).await
    }

    pub(crate) async fn configured_over(&self, tls: Tls) -> ProviderClient<Channel> {
        let mut client = self.provider(tls).await.unwrap();
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
}

/// Starts the example by hand.
pub(crate) async fn run_without_host(cookie: Option<&str>) -> Output {
    within(command(cookie, false).output()).await.unwrap()
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

fn command(cookie: Option<&str>, under_shell: bool) -> Command {
    let mut command = Command::new(if under_shell { "sh".into() } else { example() });
    if under_shell {
        command
            .args(["-c", "\"$0\" \"$@\" & echo $! >&2; read wait"])
            .arg(example());
    }
    command.env_clear().env("PLUGIN_PROTOCOL_VERSIONS", "5,6");
    command
        .env("PLUGIN_MIN_PORT", "10000")
        .env("PLUGIN_MAX_PORT", "25000");
    if let Some(cookie) = cookie {
        command.env("TF_PLUGIN_MAGIC_COOKIE", cookie);
    }
    command
}
