//! Servers of several accounts and Regions, against the simulator over HTTP: whose credentials every call is made with,
//! and what is said when there are none for an account.

use std::collections::{BTreeMap, BTreeSet};

use drs_engine::begin::Begin;
use drs_engine::drive::Unwatched;
use drs_engine::event::Mode;
use drs_engine::ids::{ExecutionId, GroupId, PlanId, ServerId, Target};
use drs_engine::limits::Quotas;
use drs_engine::only::Only;
use drs_engine::plan::{PlanSpec, WaveSpec};
use drs_engine::ports::{
    CallError, Clock, Drs, Kind, Readiness, StartRecovery, StartServer, WhichInstances, WhichJobs,
};
use drs_engine::store::group::{GroupConfig, Selection};
use drs_engine::store::target::{ExternalId, TargetConfig};
use drs_engine::store::targets::Instances;
use drs_engine_aws::{Embedded, Session, Settings, TargetOutcome};
use drs_simulator::{Options, Simulator};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::child::Home;

const HUB: &str = "111122223333";
const SPOKE: &str = "444455556666";
const HUB_ARN: &str = "arn:aws:iam::111122223333:user/simulator";
const ROLE_SESSION: &str = "arn:aws:sts::444455556666:assumed-role/dr/drs-orchestration";

/// Two accounts, three Regions with servers, and one Region of the spoke where DRS was never initialised.
const FLEET: &str = "
accounts:
- id: '111122223333'
  regions:
  - name: us-east-1
    servers: [{hostname: hub-1, tags: {Application: shop}}]
- id: '444455556666'
  external_id: drs-right
  regions:
  - name: eu-west-1
    servers: [{hostname: spoke-1, tags: {Application: shop}}, {hostname: spoke-2, tags: {Application: shop}}]
  - name: eu-central-1
    servers: [{hostname: spoke-3, tags: {Application: shop}}]
";

/// A simulator with its admin API, and a session of the hub.
struct Accounts {
    simulator: Simulator,
    session: Session,
    _home: Home,
}

impl Accounts {
    async fn new(speed: f64) -> Self {
        let home = Home::new();
        let fleet = home.path().join("fleet.yaml");
        std::fs::write(&fleet, FLEET).unwrap();
        let mut options = Options::at(home.path().join("store"));
        options.speed = Some(speed);
        options.fleet = Some(fleet);
        options.admin = Some("127.0.0.1:0".parse().unwrap());
        let simulator = Simulator::start(options).await.unwrap();
        let credentials = simulator.credentials();
        let embedded = Embedded {
            endpoint: simulator.endpoint(),
            access_key_id: credentials.access_key_id.clone(),
            secret_access_key: credentials.secret_access_key.clone(),
            session_token: credentials.session_token.clone(),
            world: simulator.world_time(),
        };
        let settings = Settings {
            region: Some("us-east-1".to_owned()),
            create_tables: true,
            ..Settings::default()
        };
        let session = Session::connect(&settings, Some(embedded)).await.unwrap();
        session.ensure_tables().await.unwrap();
        Self {
            simulator,
            session,
            _home: home,
        }
    }

    async fn add_target(&self, regions: &[&str], external_id: &str) {
        let config = TargetConfig {
            name: None,
            description: None,
            regions: regions.iter().map(|region| (*region).to_owned()).collect(),
            role_arn: format!("arn:aws:iam::{SPOKE}:role/dr"),
            session_name: None,
            session_duration_seconds: None,
        };
        self.session
            .targets()
            .create(
                SPOKE,
                config,
                ExternalId::new(external_id),
                self.session.clock().now(),
            )
            .await
            .unwrap();
    }

    /// Asks the admin API.
    async fn admin(&self, method: &str, path: &str, body: Value) -> Value {
        let endpoint = self.simulator.admin_endpoint().unwrap();
        let address = endpoint.trim_start_matches("http://").trim_end_matches('/');
        let token = std::fs::read_to_string(self.simulator.admin_token_path()).unwrap();
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n{body}",
            token.trim(),
            body.len()
        );
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
        serde_json::from_str(body).unwrap()
    }

    async fn close_roles(&self, open: bool) {
        let command = json!({"set_trust": {"account_id": SPOKE, "open": open}});
        self.admin("POST", "/world", command).await;
    }

    /// How often a caller called, by operation.
    async fn calls_of(&self, arn: &str) -> BTreeMap<String, u64> {
        let callers = self.admin("GET", "/callers", Value::Null).await;
        let of_caller = callers["callers"]
            .get(arn)
            .cloned()
            .unwrap_or_else(|| json!({}));
        serde_json::from_value(of_caller).unwrap()
    }

    /// What of the hub's own calls went to services that work on servers.
    async fn hub_worked(&self) -> Vec<String> {
        let calls = self.calls_of(HUB_ARN).await;
        let beside = |name: &String| name.starts_with("sts:") || name.starts_with("dynamodb:");
        calls.into_keys().filter(|name| !beside(name)).collect()
    }

    /// Runs a drill of one wave over these targets to its end. Returns the status, and how many servers launched.
    async fn drill(&self, targets: &[Target]) -> (String, usize) {
        let now = || self.session.clock().now();
        let mut groups = Vec::new();
        for target in targets {
            let id = GroupId::new(format!("g-{}-{}", target.account_id, target.region));
            let tags = BTreeMap::from([("Application".to_owned(), "shop".to_owned())]);
            let config = GroupConfig {
                name: id.to_string(),
                description: None,
                target: target.clone(),
                selection: Selection::Tags(tags),
                tags: BTreeMap::new(),
            };
            self.session
                .groups()
                .create(id.clone(), config, now())
                .await
                .unwrap();
            groups.push(id);
        }
        let spec = PlanSpec {
            name: "shop".to_owned(),
            waves: vec![WaveSpec {
                name: "all".to_owned(),
                protection_group_ids: groups,
                ..WaveSpec::default()
            }],
            ..PlanSpec::default()
        };
        let plan = PlanId::new("p-1");
        let plans = self.session.plans();
        plans
            .create(plan.clone(), spec, BTreeMap::new(), now())
            .await
            .unwrap();
        let driver = self.session.driver("a test".to_owned());
        let begin = Begin {
            execution_id: ExecutionId::new("x-1"),
            plan,
            mode: Mode::Drill,
            origin: "drsctl".to_owned(),
            inputs: BTreeMap::new(),
            initiated_by: self.session.identity().arn.clone(),
            hub: self.session.target(),
            execution_timeout: None,
            max_lifetime: None,
            replace_live_instances: false,
            only: Only::default(),
            points: drs_engine::point::RecoveryPoint::Latest,
            run: None,
            force_unknown: Vec::new(),
            unchecked: Vec::new(),
        };
        driver.begin_execution(&begin).await.unwrap();
        let (state, _) = driver.drive(&begin.execution_id, &Unwatched).await.unwrap();
        let launched = state.waves.iter().map(|wave| wave.launched).sum();
        (state.status.as_str().to_owned(), launched)
    }
}

fn at(account: &str, region: &str) -> Target {
    Target {
        account_id: account.to_owned(),
        region: region.to_owned(),
    }
}

/// One call of every kind that the engine makes, about one target.
async fn every_call(session: &Session, target: &Target) -> Vec<CallError> {
    let drs = session.drs();
    let server = ServerId::new("s-00000000000000001");
    let launch = StartRecovery {
        servers: vec![StartServer {
            id: server.clone(),
            snapshot: None,
        }],
        is_drill: true,
        tags: BTreeMap::new(),
        signed_at: Timestamp::now(),
    };
    let since = WhichJobs::Since(Timestamp::now());
    let of = WhichInstances::OfServers(vec![server.clone()]);
    let instance = ["i-00000000000000001".into()];
    let job = "drsjob-00000000000000001".into();
    let some = BTreeSet::from(["x".to_owned()]);
    let answers = [
        drs.start_recovery(target, &launch).await.err(),
        drs.jobs(target, &since).await.err(),
        drs.failures(target, &job).await.err(),
        drs.snapshots_taken(target, &job).await.err(),
        drs.recovery_snapshots(target, &server).await.err(),
        drs.recovery_instances(target, &of).await.err(),
        drs.source_servers(target, None).await.err(),
        drs.terminate(target, &instance).await.err(),
        drs.alive_in_ec2(target, &instance).await.err(),
        drs.quotas(target).await.err(),
        drs.job_log(target, &job).await.err(),
        drs.instance_health(target, &instance).await.err(),
        drs.launch_settings(target, &server).await.err(),
        drs.launch_templates(target, &some).await.err(),
        drs.subnets(target, &some).await.err(),
        drs.vcpus_of(target, &some).await.err(),
        drs.vcpu_quota(target).await.err(),
        drs.vcpus_running(target).await.err(),
    ];
    let count = answers.len();
    let errors: Vec<CallError> = answers.into_iter().flatten().collect();
    assert_eq!(errors.len(), count, "every call fails: {errors:?}");
    errors
}

#[tokio::test]
async fn one_execution_runs_in_two_accounts_and_each_call_has_its_own_credentials() {
    let accounts = Accounts::new(2_000.0).await;
    accounts
        .add_target(&["eu-west-1", "eu-central-1"], "drs-right")
        .await;
    let targets = [
        at(HUB, "us-east-1"),
        at(SPOKE, "eu-west-1"),
        at(SPOKE, "eu-central-1"),
    ];
    assert_eq!(accounts.drill(&targets).await, ("COMPLETED".to_owned(), 4));
    let launches = accounts.admin("GET", "/launches", Value::Null).await;
    let launches: BTreeSet<(String, String, String)> = launches["launches"]
        .as_array()
        .unwrap()
        .iter()
        .map(|launch| {
            let text = |name: &str| launch[name].as_str().unwrap().to_owned();
            (text("account_id"), text("region"), text("caller"))
        })
        .collect();
    let launch = |account: &str, region: &str, caller: &str| {
        (account.to_owned(), region.to_owned(), caller.to_owned())
    };
    let wanted = BTreeSet::from([
        launch(HUB, "us-east-1", HUB_ARN),
        launch(SPOKE, "eu-west-1", ROLE_SESSION),
        launch(SPOKE, "eu-central-1", ROLE_SESSION),
    ]);
    assert_eq!(launches, wanted);
    let hub = accounts.calls_of(HUB_ARN).await;
    assert_eq!(hub["sts:AssumeRole"], 1, "one session serves every client");
    let role = accounts.calls_of(ROLE_SESSION).await;
    assert_eq!(role["sts:GetCallerIdentity"], 1);
    assert!(
        role.keys().all(|name| !name.starts_with("dynamodb:")),
        "{role:?}"
    );
}

#[tokio::test]
async fn the_hub_makes_no_call_to_drs_ec2_or_quotas_for_servers_of_a_spoke() {
    let accounts = Accounts::new(2_000.0).await;
    accounts.add_target(&["eu-west-1"], "drs-right").await;
    let targets = [at(SPOKE, "eu-west-1")];
    assert_eq!(accounts.drill(&targets).await, ("COMPLETED".to_owned(), 2));
    assert_eq!(accounts.hub_worked().await, Vec::<String>::new());
    let role = accounts.calls_of(ROLE_SESSION).await;
    for call in [
        "StartRecovery",
        "DescribeJobs",
        "servicequotas:ListServiceQuotas",
    ] {
        assert!(role.contains_key(call), "{call}: {role:?}");
    }
}

#[tokio::test]
async fn without_a_target_or_its_region_nothing_is_sent_and_the_command_that_helps_is_named() {
    let accounts = Accounts::new(1.0).await;
    let session = &accounts.session;
    for error in every_call(session, &at(SPOKE, "eu-west-1")).await {
        assert_eq!(
            (error.kind, error.code.as_str()),
            (Kind::Refused, "TargetNotConfigured")
        );
        assert!(
            error.message.contains("drsctl target add 444455556666"),
            "{error}"
        );
    }
    accounts.add_target(&["eu-central-1"], "drs-right").await;
    for error in every_call(session, &at(SPOKE, "eu-west-1")).await {
        assert_eq!(
            (error.kind, error.code.as_str()),
            (Kind::Refused, "TargetNotConfigured")
        );
        assert!(
            error.message.contains("does not list the Region eu-west-1"),
            "{error}"
        );
    }
    assert_eq!(accounts.hub_worked().await, Vec::<String>::new());
    assert_eq!(accounts.calls_of(HUB_ARN).await.get("sts:AssumeRole"), None);
}

#[tokio::test]
async fn a_role_that_cannot_be_assumed_makes_every_call_busy_and_none_is_sent() {
    let accounts = Accounts::new(1.0).await;
    accounts.add_target(&["eu-west-1"], "drs-wrong").await;
    for error in every_call(&accounts.session, &at(SPOKE, "eu-west-1")).await {
        assert_eq!(
            (error.kind, error.code.as_str()),
            (Kind::Busy, "RoleNotAssumable")
        );
        for word in [
            "arn:aws:iam::444455556666:role/dr",
            "ExternalId",
            "drsctl target show 444455556666",
        ] {
            assert!(error.message.contains(word), "{word}: {error}");
        }
        assert!(!error.message.contains("drs-wrong"), "{error}");
    }
    assert_eq!(accounts.hub_worked().await, Vec::<String>::new());
    assert_eq!(accounts.calls_of(ROLE_SESSION).await, BTreeMap::new());
}

#[tokio::test]
async fn sessions_that_end_during_a_run_are_renewed() {
    let accounts = Accounts::new(100.0).await;
    let settings = json!({"change_settings": {"session_seconds": 1}});
    accounts.admin("POST", "/world", settings).await;
    accounts.add_target(&["eu-west-1"], "drs-right").await;
    let targets = [at(SPOKE, "eu-west-1")];
    assert_eq!(accounts.drill(&targets).await, ("COMPLETED".to_owned(), 2));
    let hub = accounts.calls_of(HUB_ARN).await;
    assert!(hub["sts:AssumeRole"] >= 3, "{hub:?}");
    let launches = accounts.admin("GET", "/launches", Value::Null).await;
    assert_eq!(launches["launches"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_role_that_is_closed_and_opened_during_a_run_holds_it_up_and_fails_nothing() {
    let accounts = Accounts::new(100.0).await;
    let settings = json!({"change_settings": {"session_seconds": 1}});
    accounts.admin("POST", "/world", settings).await;
    accounts.add_target(&["eu-west-1"], "drs-right").await;
    let meanwhile = async {
        tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
        accounts.close_roles(false).await;
        tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
        accounts.close_roles(true).await;
    };
    let targets = [at(SPOKE, "eu-west-1")];
    let (ended, ()) = tokio::join!(accounts.drill(&targets), meanwhile);
    assert_eq!(ended, ("COMPLETED".to_owned(), 2));
    assert_eq!(accounts.hub_worked().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_change_of_the_target_counts_for_a_session_that_is_held() {
    let accounts = Accounts::new(1.0).await;
    accounts.add_target(&["eu-west-1"], "drs-right").await;
    let drs = accounts.session.drs();
    let target = at(SPOKE, "eu-west-1");
    assert_eq!(drs.source_servers(&target, None).await.unwrap().len(), 2);
    assert_eq!(drs.quotas(&target).await, Ok(Quotas::default()));
    // The item is read again for another session of this process, as for the next process.
    let targets = accounts.session.targets();
    targets.delete(SPOKE, Instances::Keep).await.unwrap();
    let check = accounts.session.check_target(SPOKE).await;
    assert_eq!(check.findings[0].outcome, TargetOutcome::NotConfigured);
}

#[tokio::test]
async fn a_check_names_everything_that_is_missing() {
    let accounts = Accounts::new(1.0).await;
    let session = &accounts.session;
    let outcomes =
        |check: &drs_engine_aws::TargetCheck| -> Vec<(Option<String>, &str, TargetOutcome)> {
            let findings = check.findings.iter();
            findings
                .filter(|finding| finding.outcome != TargetOutcome::Works)
                .map(|finding| (finding.region.clone(), finding.action, finding.outcome))
                .collect()
        };
    accounts
        .add_target(&["eu-central-1", "eu-west-1", "sa-east-1"], "drs-right")
        .await;
    accounts.close_roles(false).await;
    let check = session.check_target(SPOKE).await;
    let closed = vec![(None, "sts:AssumeRole", TargetOutcome::RoleNotAssumable)];
    assert_eq!(outcomes(&check), closed);
    accounts.close_roles(true).await;
    for (operation, region) in [
        ("DescribeJobs", "eu-west-1"),
        ("ec2:DescribeInstances", "eu-central-1"),
    ] {
        let fault =
            json!({"operation": operation, "fault": "access_denied", "region": region, "times": 1});
        accounts.admin("POST", "/faults", fault).await;
    }
    let check = session.check_target(SPOKE).await;
    assert!(!check.works());
    let at_region = |region: &str, action, outcome| (Some(region.to_owned()), action, outcome);
    use TargetOutcome::{Denied, NotInitialized};
    assert_eq!(
        outcomes(&check),
        [
            at_region("eu-central-1", "ec2:DescribeInstances", Denied),
            at_region("eu-west-1", "drs:DescribeJobs", Denied),
            at_region("sa-east-1", "drs:DescribeSourceServers", NotInitialized),
            at_region("sa-east-1", "drs:DescribeJobs", NotInitialized),
            at_region("sa-east-1", "drs:DescribeRecoveryInstances", NotInitialized),
        ]
    );
    let own = session.check_target(HUB).await;
    assert!(own.works() && own.role_arn.is_none(), "{own:?}");
    assert_eq!(session.check_target("999999999999").await.findings.len(), 1);
}
