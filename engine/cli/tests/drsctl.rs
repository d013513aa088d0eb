//! The built binary against a simulator: executions that are watched while they run, and such that it starts, drives,
//! cancels and terminates; interruptions, and readers that go away.
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
#[path = "drsctl/swept.rs"]
mod swept;
#[path = "drsctl/targets.rs"]
mod targets;
#[path = "drsctl/told.rs"]
mod told;

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

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_is_watched_to_its_end_and_shown_afterwards() {
    let folder = Folder::new();
    let store = folder.store();
    // The watcher is there before the store, the tables and the execution are.
    let watcher = tokio::spawn(ended(on_store(&store, &["watch", "--wait", "120"])));
    let world = World::new(&store, 600.0).await;
    let (driver, id) = world.begin("exec-watched").await;
    driver.drive(&id, &Unwatched).await.expect("driven");

    let watched = watcher.await.expect("no panic");
    let lines = text(&watched.stdout);
    assert_eq!(
        watched.status.code(),
        Some(0),
        "{lines}{}",
        text(&watched.stderr)
    );
    for expected in [
        "started: 2 waves, 4 servers",
        "wave \"database\" COMPLETED after",
        "db-1 LAUNCHED",
        "is COMPLETED: 4 of 4 servers launched",
    ] {
        assert!(
            lines.contains(expected),
            "{expected:?} is missing from:\n{lines}"
        );
    }
    assert!(
        !lines.contains('\x1b'),
        "a pipe gets no escape sequences:\n{lines}"
    );

    let listed = ended(on_store(&store, &["list", "--plan", "SHOP", "--json"])).await;
    let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).expect("JSON");
    assert_eq!(listed["executions"][0]["execution_id"], "exec-watched");
    assert_eq!(listed["executions"][0]["status"], "COMPLETED");

    let shown = ended(on_store(&store, &["show", "--json", "--timeline"])).await;
    let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).expect("JSON");
    assert_eq!(shown["waves"][1]["launched"], 2);
    assert!(
        shown["timeline"]
            .as_array()
            .is_some_and(|events| events.len() > 10)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_watch_leaves_the_execution_alone() {
    let folder = Folder::new();
    let store = folder.store();
    let world = World::new(&store, 1.0).await;
    let (driver, id) = world.begin("exec-left").await;
    let before = driver.load(&id).await.expect("readable").seq;

    let mut watcher = tokio::process::Command::from(on_store(&store, &["watch", "exec-left"]))
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("drsctl runs");
    let mut lines = BufReader::new(watcher.stdout.take().expect("piped")).lines();
    let mut told = String::new();
    while let Some(line) = lines.next_line().await.expect("readable") {
        told.push_str(&line);
        if line.contains("driven by a test") {
            // It listens for signals since before it printed anything.
            interrupt(watcher.id().expect("it runs"));
        }
    }
    let status = watcher.wait().await.expect("it ends");
    assert_eq!(status.code(), Some(130), "{told}");
    assert!(
        told.contains("Execution exec-left was not touched, it goes on"),
        "{told}"
    );
    assert_eq!(driver.load(&id).await.expect("readable").seq, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_away_ends_a_command_quietly() {
    let folder = Folder::new();
    let store = folder.store();
    let world = World::new(&store, 1.0).await;
    world.begin("exec-shown").await;

    let mut child = on_store(&store, &["show", "--timeline"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("drsctl runs");
    drop(child.stdout.take());
    let output = tokio::task::spawn_blocking(move || child.wait_with_output()).await;
    let output = output.expect("no panic").expect("it ends");
    assert_eq!(output.status.code(), Some(141));
    assert_eq!(text(&output.stderr), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_only_looks_makes_no_simulator() {
    let folder = Folder::new();
    let store = folder.store();
    let output = ended(on_store(&store, &["list"])).await;
    assert_eq!(output.status.code(), Some(2));
    let told = text(&output.stderr);
    assert!(
        told.starts_with("error: there is no simulator in "),
        "{told}"
    );
    assert!(!store.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_served_simulator_is_used_by_its_endpoint_until_it_is_interrupted() {
    let folder = Folder::new();
    let store = folder.store();
    let directory = store.to_str().expect("text");
    let arguments = ["simulator", "--directory", directory, "--json"];
    let mut server = tokio::process::Command::from(drsctl(&arguments))
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("drsctl runs");
    let mut lines = BufReader::new(server.stdout.take().expect("piped")).lines();
    let line = lines.next_line().await.expect("readable").expect("a line");
    let served: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    let value = |name: &str| served[name].as_str().expect("text").to_owned();
    let client = |arguments: &[&str]| {
        let mut command = drsctl(arguments);
        command
            .env("AWS_ENDPOINT_URL", value("endpoint"))
            .env("AWS_REGION", value("region"))
            .env("AWS_ACCESS_KEY_ID", value("access_key_id"))
            .env("AWS_SECRET_ACCESS_KEY", value("secret_access_key"));
        command
    };
    assert_eq!(
        ended(client(&["tables", "check"])).await.status.code(),
        Some(2)
    );
    assert_eq!(
        ended(client(&["tables", "create"])).await.status.code(),
        Some(0)
    );
    let listed = ended(client(&["list"])).await;
    assert_eq!(listed.status.code(), Some(0), "{}", text(&listed.stderr));
    assert!(text(&listed.stdout).starts_with("There is no execution in environment"));

    interrupt(server.id().expect("it runs"));
    let status = server.wait().await.expect("it ends");
    assert_eq!(status.code(), Some(0));
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

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_is_started_driven_to_its_end_and_terminated() {
    let folder = Folder::new();
    let store = folder.store();
    let _world = World::new(&store, 600.0).await;
    let arguments = ["start", "SHOP", "--reason", "a quarter has passed"];
    let started = ended(on_store(
        &store,
        &[&arguments[..], &["--output", "json"]].concat(),
    ))
    .await;
    let shown = document(&started);
    assert_eq!(started.status.code(), Some(0), "{shown}");
    assert_eq!(shown["status"], "COMPLETED");
    assert_eq!(shown["origin"], "drsctl");
    let progress = text(&started.stderr);
    assert!(progress.contains("COMPLETED after"), "{progress}");
    let id = newest(&store).await;
    assert!(
        progress.contains(&format!("`drsctl terminate {id} --reason TEXT`")),
        "{progress}"
    );

    let refused = ended(on_store(&store, &["cancel", &id, "--reason", "late"])).await;
    assert_eq!(refused.status.code(), Some(2));
    let arguments = [
        "terminate",
        &id,
        "--reason",
        "it is over",
        "--output",
        "json",
    ];
    for _ in 0..2 {
        let terminated = ended(on_store(&store, &arguments)).await;
        let shown = document(&terminated);
        assert_eq!(terminated.status.code(), Some(0), "{shown}");
        assert_eq!(
            shown["termination"]["gone"].as_array().map(Vec::len),
            Some(4)
        );
        assert_eq!(
            shown["termination"]["left"].as_array().map(Vec::len),
            Some(0)
        );
    }

    let logged =
        document(&ended(on_store(&store, &["logs", &id, "--wave", "web", "--json"])).await);
    let log = logged["waves"][0]["launches"][0]["log"]
        .as_array()
        .expect("a log");
    assert!(
        log.iter().any(|entry| entry["event"] == "LAUNCH_END"),
        "{logged}"
    );
    let shown = document(&ended(on_store(&store, &["plan", "show", "shop", "--json"])).await);
    assert_eq!(shown["can_be_launched"], true, "{shown}");
    assert_eq!(
        shown["waves"][1]["servers"].as_array().map(Vec::len),
        Some(2),
        "{shown}"
    );
    let quotas = document(&ended(on_store(&store, &["quotas", "--json"])).await);
    assert_eq!(quotas["quotas"][0]["in_use"], 0, "{quotas}");
    let exported = document(&ended(on_store(&store, &["export", &id])).await);
    assert_eq!(exported["execution"]["reason"], "a quarter has passed");
    assert_eq!(exported["events"][0]["sequence"], 1);

    let cleaned = ended(on_store(&store, &["start", "shop", "--cleanup"])).await;
    let told = text(&cleaned.stdout);
    assert_eq!(cleaned.status.code(), Some(0), "{told}");
    assert!(told.contains("terminated: nothing is left"), "{told}");
    assert!(!told.contains("drsctl terminate"), "{told}");
}

/// The points of a plan are listed, chosen, launched from, and told; what does not exist starts nothing.
#[tokio::test(flavor = "multi_thread")]
async fn servers_are_launched_from_the_points_that_were_chosen() {
    let folder = Folder::new();
    let store = folder.store();
    let _world = World::new(&store, 600.0).await;
    let listed = document(&ended(on_store(&store, &["points", "shop", "--json"])).await);
    let servers = listed["servers"].as_array().expect("servers");
    assert_eq!(servers.len(), 4, "{listed}");
    let (server, hostname) = (&servers[0]["source_server_id"], &servers[0]["hostname"]);
    let points = servers[0]["recovery_points"].as_array().expect("points");
    // One that is kept for days.
    let chosen = points[1]["recovery_snapshot_id"].as_str().expect("an id");
    let hostname = hostname.as_str().expect("a host name");
    let every = ended(on_store(&store, &["points", "shop", "--server", hostname])).await;
    assert!(
        text(&every.stdout).contains(chosen),
        "{}",
        text(&every.stdout)
    );

    let named = format!("{hostname}={chosen}");
    let dry = ["failover", "shop", "--dry-run", "--snapshot", &named];
    let dry = ended(on_store(&store, &dry)).await;
    let told = text(&dry.stdout);
    assert!(told.contains(chosen), "{told}");
    // What is to be typed next launches what was looked at.
    let typed = format!(" --snapshot {named} --reason TEXT --confirm ");
    assert!(told.contains(&typed), "{told}");

    for wrong in ["db-1=LATEST", "=pit-00000000000000000", "nobody"] {
        let refused = ended(on_store(&store, &["start", "shop", "--snapshot", wrong])).await;
        assert_eq!(refused.status.code(), Some(2), "{wrong}");
    }
    let missing = format!("{hostname}=pit-00000000000000000");
    let arguments = [
        "start",
        "shop",
        "--snapshot",
        &missing,
        "--snapshot",
        "nobody=pit-00000000000000000",
    ];
    let refused = ended(on_store(&store, &arguments)).await;
    let told = text(&refused.stderr)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert_eq!(refused.status.code(), Some(2), "{told}");
    for part in [
        "no server that takes part has this id or host name",
        "has no recovery point pit-00000000000000000",
        "Nothing was started",
        "drsctl points",
    ] {
        assert!(told.contains(part), "{told}");
    }
    let early = ["start", "shop", "--recovery-point", "2001-01-01T00:00:00Z"];
    let refused = ended(on_store(&store, &early)).await;
    assert_eq!(refused.status.code(), Some(2));
    let listed = document(&ended(on_store(&store, &["list", "--json"])).await);
    assert_eq!(listed["executions"], serde_json::json!([]));

    let arguments = ["start", "shop", "--snapshot", &named, "--json"];
    let shown = document(&ended(on_store(&store, &arguments)).await);
    assert_eq!(shown["status"], "COMPLETED", "{shown}");
    assert_eq!(shown["recovery_point"]["named"][hostname], chosen);
    let waves = shown["waves"].as_array().expect("waves");
    let servers = waves
        .iter()
        .flat_map(|wave| wave["servers"].as_array().expect("servers"));
    for found in servers {
        let from = &found["launched_from"];
        if found["source_server_id"] == *server {
            assert_eq!(from["source"], "named", "{found}");
            assert_eq!(from["recovery_snapshot_id"], chosen);
            assert_eq!(from["at"], points[1]["at"]);
        } else {
            assert_eq!(from["source"], "latest", "{found}");
            assert!(from["at"].is_string(), "{found}");
        }
    }
    let told = ended(on_store(&store, &["show", "--timeline"])).await;
    let told = text(&told.stdout);
    assert!(told.contains(&format!(", from {chosen}, of ")), "{told}");
    assert!(
        told.contains("launched from the newest state, of"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_drill_is_run_on_and_launches_nothing_twice() {
    let folder = Folder::new();
    let store = folder.store();
    let _world = World::new(&store, 120.0).await;
    let mut started = Working::new(&store, &["start", "shop"]);
    started.until("launched as drsjob-").await;
    started.interrupt();
    let (told, code) = started.end().await;
    let id = newest(&store).await;
    assert_eq!(code, Some(130), "{told}");
    assert!(
        told.contains(&format!("Execution {id} goes on without a driver")),
        "{told}"
    );
    assert!(
        told.contains(&format!("`drsctl run {id}` takes it up")),
        "{told}"
    );

    // Whoever stopped said so: nobody waits for its silence to be long enough.
    let (told, code) = Working::new(&store, &["run"]).end().await;
    assert_eq!(code, Some(0), "{told}");
    assert!(
        told.contains(&format!("Nobody drives execution {id}")),
        "{told}"
    );
    assert_eq!(told.matches("launched as drsjob-").count(), 2, "{told}");
    assert_eq!(told.matches("taken over by drsctl on").count(), 1, "{told}");

    let (told, code) = Working::new(&store, &["run", &id]).end().await;
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("there is nothing to drive"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_reaches_whoever_drives() {
    let folder = Folder::new();
    let store = folder.store();
    let _world = World::new(&store, 120.0).await;
    let mut started = Working::new(&store, &["start", "shop"]);
    started.until("launched as drsjob-").await;
    let id = newest(&store).await;

    let early = ended(on_store(&store, &["terminate", &id, "--reason", "early"])).await;
    assert_eq!(early.status.code(), Some(2));
    assert!(
        text(&early.stderr).contains("drsctl cancel"),
        "{}",
        text(&early.stderr)
    );

    let cancelled = ended(on_store(
        &store,
        &["cancel", &id, "--reason", "the wrong plan"],
    ))
    .await;
    let told = text(&cancelled.stdout);
    assert_eq!(cancelled.status.code(), Some(0), "{told}");
    assert!(
        told.contains("- drsjob-") && told.contains("It is driven by drsctl on"),
        "{told}"
    );
    let (told, code) = started.end().await;
    assert_eq!(code, Some(1), "{told}");
    assert!(
        told.contains("the wrong plan") && told.contains("is CANCELLED"),
        "{told}"
    );
    assert_eq!(told.matches("launched as drsjob-").count(), 1, "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_living_owner_is_followed_until_it_is_taken_over_by_hand() {
    let folder = Folder::new();
    let store = folder.store();
    let _world = World::new(&store, 60.0).await;
    let mut started = Working::new(&store, &["start", "shop"]);
    started.until("launched as drsjob-").await;
    let mut follower = Working::new(&store, &["run"]);
    follower.until("This process does not drive it").await;
    follower.interrupt();
    let (told, code) = follower.end().await;
    assert_eq!(code, Some(130), "{told}");
    assert!(told.contains("was not touched, it goes on"), "{told}");

    let mut taker = Working::new(&store, &["run", "--take-over"]);
    taker.until("is taken over from drsctl on").await;
    started
        .until("has taken it over; this process drives it no longer")
        .await;
    started.interrupt();
    let (told, code) = started.end().await;
    assert_eq!(code, Some(130), "{told}");
    let (told, code) = taker.end().await;
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(told.matches("launched as drsjob-").count(), 2, "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_goes_on_when_the_reader_of_its_output_goes_away() {
    let folder = Folder::new();
    let store = folder.store();
    let _world = World::new(&store, 600.0).await;
    let mut child = tokio::process::Command::from(on_store(&store, &["start", "shop"]))
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("drsctl runs");
    drop(child.stdout.take());
    assert_eq!(child.wait().await.expect("it ends").code(), Some(0));
    let shown = document(&ended(on_store(&store, &["show", "--json"])).await);
    assert_eq!(shown["status"], "COMPLETED");
}

/// What Ctrl-C does. The standard library can only end a process the hard way.
fn interrupt(process: u32) {
    let killed = Command::new("kill")
        .args(["-INT", &process.to_string()])
        .status();
    assert!(killed.expect("kill runs").success());
}
