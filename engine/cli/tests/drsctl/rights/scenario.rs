//! What is run with policies: uses of the product that somebody would notice if they did not work, and the store that they
//! work on.

use std::collections::BTreeSet;

use drs_engine::iam::Policy;
use drs_engine::ids::{InstanceId, Target};
use drs_engine::ports::{CallError, StartRecovery, StartServer};
use drs_engine::store::target::TargetConfig;
use serde_json::json;

use super::{HUB, ROLE, SPOKE, TOPIC};
use crate::*;

/// What is run. Each is a use of the product that somebody would notice if it did not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scenario {
    /// Groups and plans are made, changed and removed, as an apply does it.
    Apply,
    /// `drsctl list` and `drsctl plan list`.
    List,
    /// `drsctl preflight` of a plan over two accounts, with hooks and notices.
    Preflight,
    /// `drsctl points`.
    Points,
    /// `drsctl logs` of a drill that has ended.
    Logs,
    /// `drsctl target check` of both accounts.
    Target,
    /// A launch in the session's account.
    Launch,
    /// A launch in the other account.
    FarLaunch,
    /// A termination in the other account.
    FarTermination,
    /// `drsctl sweep` of a drill whose time is over: terminates what it launched.
    Sweep,
    /// `drsctl start --cleanup` of a plan over two accounts, with hooks, checks and notices.
    Drill,
    /// `drsctl failover`.
    Failover,
}

impl Scenario {
    /// What a reader of the guide is told.
    pub(super) fn told(self) -> &'static str {
        match self {
            Self::Apply => "an apply of groups and plans",
            Self::List => "`drsctl list`",
            Self::Preflight => "`drsctl preflight`",
            Self::Points => "`drsctl points`",
            Self::Logs => "`drsctl logs`",
            Self::Target => "`drsctl target check`",
            Self::Launch | Self::FarLaunch => "a launch",
            Self::FarTermination => "a termination",
            Self::Sweep => "`drsctl sweep`, and every termination",
            Self::Drill => "a drill with hooks, checks and notices",
            Self::Failover => "`drsctl failover`",
        }
    }

    /// Runs it. What was told is for the message of a failure, which must name what is missing.
    pub(super) async fn run(self, store: &Path, drill: &str) -> Trial {
        match self {
            Self::Apply => in_process(store, apply).await,
            Self::List => {
                let executions = command(store, &["list"]).await;
                executions.and(command(store, &["plan", "list"]).await)
            }
            Self::Preflight => {
                let looked = command(store, &["preflight", "both", "--json"]).await;
                let denied = ["not authorized", "may not do this"];
                let is_whole = !denied.iter().any(|said| looked.told.contains(said));
                Trial {
                    works: looked.code != Some(2) && is_whole,
                    ..looked
                }
            }
            Self::Points => command(store, &["points", "shop"]).await,
            Self::Logs => command(store, &["logs", drill]).await,
            Self::Target => {
                let own = command(store, &["target", "check", HUB]).await;
                own.and(command(store, &["target", "check", SPOKE]).await)
            }
            Self::Launch => in_process(store, |session| launch(session, HUB)).await,
            Self::FarLaunch => in_process(store, |session| launch(session, SPOKE)).await,
            Self::FarTermination => in_process(store, termination).await,
            Self::Sweep => command(store, &["sweep"]).await,
            Self::Drill => {
                let arguments = ["start", "both", "--reason", "a test", "--cleanup"];
                let drilled = command(store, &arguments).await;
                let is_whole =
                    !drilled.told.contains("NOT told") && !drilled.told.contains("not authorized");
                Trial {
                    works: drilled.works && is_whole,
                    ..drilled
                }
            }
            Self::Failover => {
                let dry = command(store, &["failover", "shop", "--dry-run"]).await;
                let after = dry.told.split("--confirm \"").nth(1);
                let Some(confirm) = after.and_then(|after| after.split('"').next()) else {
                    return Trial {
                        works: false,
                        ..dry
                    };
                };
                command(
                    store,
                    &[
                        "failover",
                        "shop",
                        "--reason",
                        "a test",
                        "--confirm",
                        confirm,
                    ],
                )
                .await
            }
        }
    }
}

/// What came of running something.
#[derive(Debug)]
pub(super) struct Trial {
    pub(super) works: bool,
    code: Option<i32>,
    /// Everything that it printed, on one line.
    pub(super) told: String,
}

impl Trial {
    fn and(self, other: Self) -> Self {
        Self {
            works: self.works && other.works,
            told: format!("{} {}", self.told, other.told),
            ..other
        }
    }
}

async fn command(store: &Path, arguments: &[&str]) -> Trial {
    let ended = ended(on_store(store, arguments)).await;
    let all = format!("{} {}", text(&ended.stdout), text(&ended.stderr));
    Trial {
        works: ended.status.success(),
        code: ended.status.code(),
        // Words are wrapped to the width of a screen.
        told: all.split_whitespace().collect::<Vec<_>>().join(" "),
    }
}

/// Something that is done through a session, as the provider does it.
async fn in_process<F, R>(store: &Path, act: F) -> Trial
where
    F: FnOnce(Session) -> R,
    R: Future<Output = Result<(), String>>,
{
    let simulator = Simulator::start(Options::at(store))
        .await
        .expect("a simulator");
    let result = act(session(&simulator).await).await;
    simulator.stop().await;
    Trial {
        works: result.is_ok(),
        code: None,
        told: result.err().unwrap_or_default(),
    }
}

fn place(account_id: &str) -> Target {
    Target {
        account_id: account_id.to_owned(),
        region: "us-east-1".to_owned(),
    }
}

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Groups and plans through their whole life.
async fn apply(session: Session) -> Result<(), String> {
    session.ensure_tables().await.map_err(said)?;
    let (groups, plans, now) = (session.groups(), session.plans(), session.clock().now());
    let servers = session
        .drs()
        .source_servers(&session.target(), None)
        .await
        .map_err(said)?;
    let app = servers
        .iter()
        .filter(|server| server.hostname.starts_with("app-"));
    let mut config = GroupConfig {
        name: "app".to_owned(),
        description: None,
        target: session.target(),
        selection: Selection::Servers(app.map(|server| server.id.clone()).collect()),
        tags: BTreeMap::new(),
    };
    let id = GroupId::new(fresh::id("pg"));
    groups
        .create(id.clone(), config.clone(), now)
        .await
        .map_err(said)?;
    config.description = Some("changed".to_owned());
    groups.update(&id, config, now).await.map_err(said)?;
    let spec = PlanSpec {
        name: "app".to_owned(),
        waves: vec![wave_over("app", id.clone())],
        ..PlanSpec::default()
    };
    let plan = PlanId::new(fresh::id("rp"));
    plans
        .create(plan.clone(), spec.clone(), BTreeMap::new(), now)
        .await
        .map_err(said)?;
    plans
        .update(&plan, spec, BTreeMap::new(), now)
        .await
        .map_err(said)?;
    plans.delete(&plan).await.map_err(said)?;
    groups.delete(&id).await.map_err(said)
}

/// One call of StartRecovery as a runner makes it.
async fn launch(session: Session, account_id: &str) -> Result<(), String> {
    let (drs, target) = (session.drs(), place(account_id));
    let servers = drs.source_servers(&target, None).await.map_err(said)?;
    let ready = servers
        .iter()
        .find(|server| server.hostname.ends_with("-1"))
        .expect("a server");
    let request = StartRecovery {
        servers: vec![StartServer {
            id: ready.id.clone(),
            snapshot: None,
        }],
        is_drill: true,
        tags: BTreeMap::from([("drs:execution".to_owned(), "exec-none".to_owned())]),
        signed_at: session.clock().now().wall,
    };
    drs.start_recovery(&target, &request)
        .await
        .map(drop)
        .map_err(said)
}

/// One call of TerminateRecoveryInstances. What is allowed is refused for another reason: there is no such instance.
async fn termination(session: Session) -> Result<(), String> {
    let instance = InstanceId::new("i-00000000000000000");
    let ended = session.drs().terminate(&place(SPOKE), &[instance]).await;
    match ended {
        Err(error) if CallError::is_denied(&error) => Err(said(error)),
        _ => Ok(()),
    }
}

/// A store with everything in it that scenarios work on, and the drill that has ended there.
pub(super) struct Prepared {
    folder: Folder,
    pub(super) drill: String,
}

impl Prepared {
    pub(super) async fn new() -> Self {
        let folder = Folder::new();
        let store = folder.store();
        let world = World::new(&store, 600.0).await;
        plan_over_both(&world.session).await;
        let drilled = ["start", "shop", "--max-lifetime", "60m", "--reason", "r"];
        let drilled = command(&store, &drilled).await;
        assert!(drilled.works, "{}", drilled.told);
        let drill = newest(&store).await;
        let shown = swept::shown(&store).await;
        swept::pass(&world, &shown["lifetime_ends_at"]).await;
        world.simulator.stop().await;
        Self { folder, drill }
    }

    /// A copy of the store in which the runner and the target's role have these policies.
    pub(super) fn with(&self, runner: &Policy, spoke: &Policy) -> Folder {
        let copy = Folder::new();
        copy_all(&self.folder.store(), &copy.store());
        let principals = json!({"principals": [
            {"arn": format!("arn:aws:iam::{HUB}:user/simulator"), "policies": [runner.json()]},
            {"arn": ROLE, "policies": [spoke.json()]},
        ]});
        std::fs::write(copy.0.join("iam.yaml"), principals.to_string()).expect("written");
        copy
    }
}

pub(super) fn copy_all(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let there = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy_all(&path, &there);
        } else {
            std::fs::copy(&path, &there).expect("copied");
        }
    }
}

/// A plan over both accounts in which everything is run that a plan can run.
async fn plan_over_both(session: &Session) {
    let now = session.clock().now();
    let config = TargetConfig {
        name: None,
        description: None,
        role_arn: ROLE.to_owned(),
        regions: BTreeSet::from(["us-east-1".to_owned()]),
        session_name: None,
        session_duration_seconds: None,
    };
    let external_id = fresh::external_id();
    let made = session
        .targets()
        .create(SPOKE, config, external_id, now)
        .await;
    made.expect("a target");
    let tags = BTreeMap::from([("Application".to_owned(), "ledger".to_owned())]);
    let config = GroupConfig {
        name: "ledger".to_owned(),
        description: None,
        target: place(SPOKE),
        selection: Selection::Tags(tags),
        tags: BTreeMap::new(),
    };
    let ledger = GroupId::new(fresh::id("pg"));
    let made = session.groups().create(ledger.clone(), config, now).await;
    made.expect("a group");
    let shop = session.plans().find_by_id_or_name("shop").await;
    let shop = shop.expect("readable").expect("there");
    let web = &shop.spec.waves[1].protection_group_ids;
    let spec = json!({
        "name": "both",
        "notifications": {"topic_arns": [TOPIC]},
        "waves": [
            {
                "name": "web",
                "protection_group_ids": web,
                "before_hooks": [{"name": "announce", "automation_document": "Shop-Failover", "timeout_seconds": 3600}],
                "after_hooks": [{"name": "smoke", "lambda_function": "shop-smoke-test", "timeout_seconds": 3600}],
                "checks": {
                    "instance_status_timeout_seconds": 3600,
                    "timeout_seconds": 3600,
                    "ssm_document": "AWS-RunShellScript",
                    "ssm_parameters": {"commands": ["true"]},
                },
            },
            {"name": "ledger", "protection_group_ids": [ledger], "depends_on_waves": []},
        ],
    });
    let spec: PlanSpec = serde_json::from_value(spec).expect("a plan");
    let id = PlanId::new(fresh::id("rp"));
    let made = session.plans().create(id, spec, BTreeMap::new(), now).await;
    made.expect("a plan");
}
