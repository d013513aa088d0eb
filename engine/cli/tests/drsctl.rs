//! The built binary against a simulator: what the tests of each command share.
//!
//! Executions that are only watched are begun and driven here, through a session, as the provider does it. The binary
//! sees them only through the store.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use drs_engine::begin::Begin;
use drs_engine::drive::{Driver, Unwatched};
use drs_engine::event::Mode;
use drs_engine::ids::{ExecutionId, GroupId, PlanId};
use drs_engine::plan::{PlanSpec, WaveSpec};
use drs_engine::ports::{Clock as _, Drs as _};
use drs_engine::store::group::{GroupConfig, Selection};
use drs_engine_aws::{AwsDrs, DynamoItems, Embedded, Session, Settings, SystemClock, fresh};
use drs_simulator::{Options, Simulator};
use tokio::io::{AsyncBufReadExt as _, BufReader};

#[path = "drsctl/elsewhere.rs"]
mod elsewhere;
#[path = "drsctl/machine.rs"]
mod machine;
#[path = "drsctl/preflight.rs"]
mod preflight;
#[path = "drsctl/rights.rs"]
mod rights;
#[path = "drsctl/served.rs"]
mod served;
#[path = "drsctl/started.rs"]
mod started;
#[path = "drsctl/swept.rs"]
mod swept;
#[path = "drsctl/targets.rs"]
mod targets;
#[path = "drsctl/told.rs"]
mod told;
#[path = "drsctl/watched.rs"]
mod watched;

const ENVIRONMENT: &str = "cli-test";

/// A directory of a test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("drsctl-test-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn store(&self) -> PathBuf {
        self.0.join("store")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The binary with an environment that says nothing but what a test says.
fn drsctl(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_drsctl"));
    command
        .env_clear()
        .env("DRS_ENVIRONMENT", ENVIRONMENT)
        .args(arguments)
        .stdin(Stdio::null());
    command
}

fn on_store(store: &Path, arguments: &[&str]) -> Command {
    let mut command = drsctl(arguments);
    command.env("DRS_SIMULATOR", store);
    command
}

async fn ended(command: Command) -> Output {
    tokio::process::Command::from(command)
        .kill_on_drop(true)
        .output()
        .await
        .expect("drsctl runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// A simulator with the plan `shop` in it: the databases first, then everything else.
struct World {
    session: Session,
    plan: PlanId,
    simulator: Simulator,
}

/// A session of the simulator's first account, in the environment of these tests.
async fn session(simulator: &Simulator) -> Session {
    let credentials = simulator.credentials();
    let embedded = Embedded {
        endpoint: simulator.endpoint(),
        access_key_id: credentials.access_key_id,
        secret_access_key: credentials.secret_access_key,
        session_token: credentials.session_token,
        world: simulator.world_time(),
    };
    let settings = Settings {
        region: Some(simulator.default_region().to_owned()),
        environment: ENVIRONMENT.to_owned(),
        create_tables: true,
        ..Settings::default()
    };
    Session::connect(&settings, Some(embedded))
        .await
        .expect("a session")
}

impl World {
    async fn new(store: &Path, speed: f64) -> Self {
        let mut options = Options::at(store);
        options.speed = Some(speed);
        options.admin = Some("127.0.0.1:0".parse().expect("an address"));
        Self::of(options).await
    }

    async fn of(options: Options) -> Self {
        let simulator = Simulator::start(options).await.expect("a simulator");
        let session = session(&simulator).await;
        session.ensure_tables().await.expect("tables");
        let plan = plan(&session).await;
        Self {
            session,
            plan,
            simulator,
        }
    }

    /// Begins an execution that nobody drives yet.
    async fn begin(&self, id: &str) -> (Driver<AwsDrs, DynamoItems, SystemClock>, ExecutionId) {
        let driver = self.session.driver("a test".to_owned());
        let id = ExecutionId::new(id);
        let begin = Begin {
            execution_id: id.clone(),
            plan: self.plan.clone(),
            mode: Mode::Drill,
            origin: "terraform".to_owned(),
            inputs: BTreeMap::new(),
            initiated_by: self.session.identity().arn.clone(),
            hub: self.session.target(),
            execution_timeout: None,
            max_lifetime: None,
            replace_live_instances: false,
            only: drs_engine::only::Only::default(),
            points: drs_engine::point::RecoveryPoint::default(),
            run: None,
            force_unknown: Vec::new(),
            unchecked: Vec::new(),
        };
        driver.begin_execution(&begin).await.expect("an execution");
        (driver, id)
    }
}

async fn plan(session: &Session) -> PlanId {
    let now = session.clock().now();
    let servers = session.drs().source_servers(&session.target(), None).await;
    let servers = servers.expect("servers");
    let mut waves = Vec::new();
    for (wave, prefix) in [("database", "db-"), ("web", "web-")] {
        let id = GroupId::new(fresh::id("pg"));
        let listed = servers
            .iter()
            .filter(|server| server.hostname.starts_with(prefix))
            .map(|server| server.id.clone());
        let config = GroupConfig {
            name: wave.to_owned(),
            description: None,
            target: session.target(),
            selection: Selection::Servers(listed.collect()),
            tags: BTreeMap::new(),
        };
        let made = session.groups().create(id.clone(), config, now).await;
        made.expect("a group");
        waves.push(wave_over(wave, id));
    }
    let spec = PlanSpec {
        name: "shop".to_owned(),
        waves,
        ..PlanSpec::default()
    };
    let made = session
        .plans()
        .create(PlanId::new(fresh::id("rp")), spec, BTreeMap::new(), now)
        .await;
    made.expect("a plan").id
}

fn wave_over(name: &str, group: GroupId) -> WaveSpec {
    WaveSpec {
        name: name.to_owned(),
        protection_group_ids: vec![group],
        ..WaveSpec::default()
    }
}

/// A command that works on an execution, whose lines are read while it works.
struct Working {
    child: tokio::process::Child,
    lines: tokio::io::Lines<BufReader<tokio::process::ChildStdout>>,
    told: String,
}

impl Working {
    fn new(store: &Path, arguments: &[&str]) -> Self {
        Self::of(on_store(store, arguments))
    }

    fn of(command: Command) -> Self {
        let mut child = tokio::process::Command::from(command)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("drsctl runs");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        Self {
            child,
            lines,
            told: String::new(),
        }
    }

    /// Reads on until a line says this.
    async fn until(&mut self, said: &str) {
        while let Some(line) = self.lines.next_line().await.expect("readable") {
            self.told.push_str(&line);
            self.told.push('\n');
            if line.contains(said) {
                return;
            }
        }
        panic!("{said:?} was never said:\n{}", self.told);
    }

    fn interrupt(&self) {
        interrupt(self.child.id().expect("it runs"));
    }

    /// Everything it said, and its exit code.
    async fn end(mut self) -> (String, Option<i32>) {
        while let Some(line) = self.lines.next_line().await.expect("readable") {
            self.told.push_str(&line);
            self.told.push('\n');
        }
        let status = self.child.wait().await.expect("it ends");
        (self.told, status.code())
    }
}

/// The one JSON document that a command printed.
fn document(output: &Output) -> serde_json::Value {
    let told = format!("{}{}", text(&output.stdout), text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}:\n{told}"))
}

/// The id of the newest execution.
async fn newest(store: &Path) -> String {
    let listed = document(&ended(on_store(store, &["list", "--limit", "1", "--json"])).await);
    let id = listed["executions"][0]["execution_id"].as_str();
    id.expect("there is one").to_owned()
}

/// What Ctrl-C does. The standard library can only end a process the hard way.
fn interrupt(process: u32) {
    let killed = Command::new("kill")
        .args(["-INT", &process.to_string()])
        .status();
    assert!(killed.expect("kill runs").success());
}
