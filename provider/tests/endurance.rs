//! A provider process that serves thousands of calls holds no more memory and no more files than before.
//!
//! The calls are of every kind: those that succeed, those that fail, those whose answer nobody waits for, and hosts that
//! come and go, each with a simulator of its own.

#![cfg(target_os = "linux")]

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value as Json, json};
use tfplugin_proto::tfplugin6::{self as pb, provider_client::ProviderClient};
use tonic::transport::{Channel, Endpoint};

/// What a host sets; it is no secret.
const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";
/// Calls before the first look: connections are made, pools and caches filled, the allocator has what it needs.
const WARM_UP_ROUNDS: usize = 100;
const ROUNDS: usize = 450;
const CALLS: usize = 5_000;
/// Once in so many rounds something is made and removed, and another host comes and goes. It takes as long as all the rest.
const ROUNDS_PER_LIFE: usize = 25;
/// Files may be open for a moment more, such as a connection to the simulator.
const MORE_FILES: usize = 4;
const MORE_THREADS: usize = 8;
/// About one kilobyte for a call: an allocator gives back less than it could, and a leak of a value or two is more.
const MORE_KILOBYTES: usize = 5 * 1_024;
const SOON: Duration = Duration::from_secs(60);

#[tokio::test]
async fn five_thousand_calls_leave_nothing_behind() {
    let provider = Provider::start();
    let mut host = provider.host().await;
    provider.serve(&mut host, WARM_UP_ROUNDS).await;
    let (before, calls) = (provider.held(), host.calls);
    provider.serve(&mut host, ROUNDS).await;
    let after = provider.held();
    assert!(
        host.calls - calls >= CALLS,
        "only {} calls",
        host.calls - calls
    );
    println!("before {before:?}\nafter  {after:?}");
    assert!(
        after.files <= before.files + MORE_FILES,
        "files: {before:?}, then {after:?}"
    );
    assert!(
        after.threads <= before.threads + MORE_THREADS,
        "threads: {before:?}, then {after:?}"
    );
    assert!(
        after.kilobytes <= before.kilobytes + MORE_KILOBYTES,
        "memory: {before:?}, then {after:?}"
    );
}

/// What a process holds.
#[derive(Debug)]
struct Held {
    files: usize,
    threads: usize,
    kilobytes: usize,
}

/// The provider, in a folder of its own. It is ended with this.
struct Provider {
    process: Child,
    folder: PathBuf,
    socket: String,
}

impl Provider {
    fn start() -> Self {
        let folder = std::env::temp_dir().join(format!("drs-endurance-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder can be made");
        let mut process = Command::new(env!("CARGO_BIN_EXE_terraform-provider-drs"))
            .env_clear()
            .env("TF_PLUGIN_MAGIC_COOKIE", COOKIE)
            .env("PLUGIN_PROTOCOL_VERSIONS", "6")
            .env("TMPDIR", &folder)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .stdout(Stdio::piped())
            .spawn()
            .expect("the provider can be run");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("stdout is a pipe");
        std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line)
            .expect("it prints a line");
        let socket = line
            .split('|')
            .nth(3)
            .expect("the line has an address")
            .to_owned();
        Self {
            process,
            folder,
            socket,
        }
    }

    /// A host that connects and configures.
    async fn host(&self) -> Host {
        let endpoint =
            Endpoint::from_shared(format!("unix:{}", self.socket)).expect("the address is one");
        let channel = endpoint
            .connect()
            .await
            .expect("the provider can be reached");
        let mut host = Host {
            client: ProviderClient::new(channel),
            calls: 0,
        };
        let config = json!({
            "region": "us-east-1",
            "environment": "endurance",
            "create_tables": true,
            "simulator": { "path": self.folder.join("simulator") },
        });
        let request = pb::configure_provider::Request {
            config: value(&config),
            ..Default::default()
        };
        let answer = host.call().configure_provider(request).await;
        expect(Ending::Well, &answered(answer).diagnostics);
        host
    }

    /// Rounds of calls by one host, while others come and go.
    async fn serve(&self, host: &mut Host, rounds: usize) {
        for round in 0..rounds {
            let calls = tokio::time::timeout(SOON, host.round()).await;
            calls.expect("the provider answers");
            if round % ROUNDS_PER_LIFE == 0 {
                host.life().await;
                self.host().await.look().await;
            }
        }
    }

    fn held(&self) -> Held {
        let proc = Path::new("/proc").join(self.process.id().to_string());
        let status = std::fs::read_to_string(proc.join("status")).expect("the process runs");
        let number = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name));
            let field = line.and_then(|line| line.split_whitespace().nth(1));
            field
                .and_then(|field| field.parse().ok())
                .expect("the field is there")
        };
        Held {
            files: std::fs::read_dir(proc.join("fd"))
                .expect("the process runs")
                .count(),
            threads: number("Threads:"),
            kilobytes: number("VmRSS:"),
        }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// How a call is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Well,
    Badly,
}

/// A host. Its values travel as JSON, which providers read too.
struct Host {
    client: ProviderClient<Channel>,
    calls: usize,
}

const GROUP: &str = "drs_protection_group";

impl Host {
    /// The client for one call.
    fn call(&mut self) -> &mut ProviderClient<Channel> {
        self.calls += 1;
        &mut self.client
    }

    /// Calls of most kinds.
    async fn round(&mut self) {
        self.validate().await;
        self.compute().await;
        self.act().await;
        self.be_refused().await;
        answered(
            self.call()
                .stop_provider(pb::stop_provider::Request {})
                .await,
        );
    }

    /// Calls that take longer.
    async fn life(&mut self) {
        let schema = self
            .call()
            .get_provider_schema(pb::get_provider_schema::Request {});
        assert!(answered(schema.await).provider.is_some());
        self.live_and_die().await;
        self.import().await;
        self.look().await;
    }

    async fn validate(&mut self) {
        let cases = [
            (
                value(&json!({ "name": "web", "source_server_ids": ["s-1111111111111111a"] })),
                Ending::Well,
            ),
            (value(&json!({ "name": "web" })), Ending::Badly),
            (value(&json!({ "name": 1e300 })), Ending::Badly),
            (Some(garbage()), Ending::Badly),
        ];
        for (config, ending) in cases {
            let request = pb::validate_resource_config::Request {
                type_name: GROUP.into(),
                config,
                ..Default::default()
            };
            let answer = self.call().validate_resource_config(request).await;
            expect(ending, &answered(answer).diagnostics);
        }
    }

    /// The life of a group, and a plan of a drill that cannot be.
    async fn live_and_die(&mut self) {
        let config =
            value(&json!({ "name": "web", "server_selection_tags": { "Application": "shop" } }));
        let plan =
            |type_name: &str, config: Option<pb::DynamicValue>| pb::plan_resource_change::Request {
                type_name: type_name.into(),
                proposed_new_state: config.clone(),
                config,
                ..Default::default()
            };
        let planned = answered(
            self.call()
                .plan_resource_change(plan(GROUP, config.clone()))
                .await,
        );
        expect(Ending::Well, &planned.diagnostics);
        let create = pb::apply_resource_change::Request {
            type_name: GROUP.into(),
            planned_state: planned.planned_state,
            config,
            planned_private: planned.planned_private,
            ..Default::default()
        };
        let made = answered(self.call().apply_resource_change(create).await);
        expect(Ending::Well, &made.diagnostics);
        let read = pb::read_resource::Request {
            type_name: GROUP.into(),
            current_state: made.new_state.clone(),
            private: made.private.clone(),
            ..Default::default()
        };
        expect(
            Ending::Well,
            &answered(self.call().read_resource(read).await).diagnostics,
        );
        let remove = pb::apply_resource_change::Request {
            type_name: GROUP.into(),
            prior_state: made.new_state,
            planned_private: made.private,
            ..Default::default()
        };
        expect(
            Ending::Well,
            &answered(self.call().apply_resource_change(remove).await).diagnostics,
        );
        let drill = plan(
            "drs_drill_execution",
            value(&json!({ "recovery_plan_id": "rp-0" })),
        );
        expect(
            Ending::Badly,
            &answered(self.call().plan_resource_change(drill).await).diagnostics,
        );
    }

    /// Calls that end before anything is asked of AWS.
    async fn be_refused(&mut self) {
        let upgrade = pb::upgrade_resource_state::Request {
            type_name: GROUP.into(),
            version: 99,
            raw_state: None,
        };
        expect(
            Ending::Badly,
            &answered(self.call().upgrade_resource_state(upgrade).await).diagnostics,
        );
        let read = pb::read_resource::Request {
            type_name: GROUP.into(),
            current_state: Some(garbage()),
            private: vec![0xff; 1_000],
            ..Default::default()
        };
        expect(
            Ending::Badly,
            &answered(self.call().read_resource(read).await).diagnostics,
        );
        let create = pb::apply_resource_change::Request {
            type_name: GROUP.into(),
            planned_state: value(&json!({ "name": 1 })),
            ..Default::default()
        };
        expect(
            Ending::Badly,
            &answered(self.call().apply_resource_change(create).await).diagnostics,
        );
        let none = pb::read_data_source::Request {
            type_name: "drs_none".into(),
            ..Default::default()
        };
        expect(
            Ending::Badly,
            &answered(self.call().read_data_source(none).await).diagnostics,
        );
    }

    /// Data sources.
    async fn look(&mut self) {
        for (type_name, config, ending) in [
            ("drs_source_servers", json!({}), Ending::Well),
            ("drs_caller", json!({}), Ending::Well),
            ("drs_execution", json!({ "id": "exec-0" }), Ending::Badly),
        ] {
            let request = pb::read_data_source::Request {
                type_name: type_name.into(),
                config: value(&config),
                ..Default::default()
            };
            let answer = self.call().read_data_source(request).await;
            expect(ending, &answered(answer).diagnostics);
        }
    }

    async fn import(&mut self) {
        let request = pb::import_resource_state::Request {
            type_name: GROUP.into(),
            id: "pg-0".into(),
            ..Default::default()
        };
        let answer = self.call().import_resource_state(request).await;
        expect(Ending::Badly, &answered(answer).diagnostics);
    }

    async fn compute(&mut self) {
        let ty = json!(["tuple", [["object", { "name": "string" }]]]);
        for (name, fails) in [("a", false), ("", true)] {
            let waves = json!({ "type": ty, "value": [{ "name": name }] });
            let request = pb::call_function::Request {
                name: "wave_order".into(),
                arguments: value(&waves).into_iter().collect(),
            };
            let answer = answered(self.call().call_function(request).await);
            assert_eq!(answer.error.is_some(), fails, "{answer:?}");
        }
    }

    /// Actions: one that is heard to its end, and one that nobody listens to.
    async fn act(&mut self) {
        for is_heard in [true, false] {
            let request = pb::invoke_action::Request {
                action_type: "drs_pause".into(),
                config: value(&json!({ "execution_id": "exec-0" })),
                ..Default::default()
            };
            let mut events = answered(self.call().invoke_action(request).await);
            let mut count = 0;
            while is_heard
                && events
                    .message()
                    .await
                    .expect("the stream is whole")
                    .is_some()
            {
                count += 1;
            }
            assert_eq!(count > 0, is_heard);
        }
    }
}

/// The JSON form of a configuration.
fn value(config: &Json) -> Option<pb::DynamicValue> {
    Some(pb::DynamicValue {
        msgpack: Vec::new(),
        json: config.to_string().into_bytes(),
    })
}

/// Nothing that has any type of the schemas.
fn garbage() -> pb::DynamicValue {
    pb::DynamicValue {
        msgpack: vec![0x91; 1_000],
        json: Vec::new(),
    }
}

fn answered<T>(answer: Result<tonic::Response<T>, tonic::Status>) -> T {
    answer.expect("every call is answered").into_inner()
}

fn expect(ending: Ending, said: &[pb::Diagnostic]) {
    let failed = said
        .iter()
        .any(|it| it.severity() == pb::diagnostic::Severity::Error);
    assert_eq!(failed, ending == Ending::Badly, "{said:#?}");
}
