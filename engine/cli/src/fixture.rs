//! Histories for the tests of this crate, told event by event on the store in memory.
//!
//! The start goes through the engine's own rules, and every event through its fold and its append, so a history that
//! could not happen cannot be told.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use drs_engine::decide::Settings;
use drs_engine::drive::Driver;
use drs_engine::event::{
    Acceptance, Author, Event, FrozenWave, Intent, Judgement, LaunchId, Mode, Outcome, Recorded,
    ServerResult, Started, WaveOutcome,
};
use drs_engine::frozen::{Frozen, FrozenServer};
use drs_engine::ids::{ExecutionId, GroupId, InstanceId, JobId, OwnerId, PlanId, ServerId, Target};
use drs_engine::plan::{LaunchOrder, PlanSpec, Policy};
use drs_engine::ports::Clock;
use drs_engine::state::State;
use drs_engine::store::executions::Executions;
use drs_engine::store::memory::MemoryItems;
use drs_engine::store::plan::StoredPlan;
use drs_engine::store::plans::Plans;
use drs_engine::store::projection::Projection;
use drs_engine::store::start::StartRequest;
use drs_engine::time::{Now, Wake};
use jiff::{SignedDuration, Timestamp};

use crate::history::{History, Origin};
use crate::operator::Operator;

mod actions;
mod drs;
mod paper;

pub(crate) use paper::{Paper, outputs, screen};

mod readiness;

pub(crate) const OWNER: &str = "owner-1";
const HOST: &str = "ci-runner-7 (process 4711)";
const OPERATOR: &str = "arn:aws:sts::111122223333:assumed-role/recovery/ci-run-815";

/// A store, and the time.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) items: MemoryItems,
    pub(crate) clock: Script,
}

/// A clock that stands still, except that every sleep takes its time and tells the next part of a story.
#[derive(Clone, Default)]
pub(crate) struct Script(Arc<Mutex<Scene>>);

#[derive(Default)]
struct Scene {
    now: Timestamp,
    parts: VecDeque<Part>,
}

type Part = Box<dyn FnOnce() + Send>;

/// An execution of the plan `shop`: 3 waves over 7 servers.
pub(crate) struct Tale {
    world: World,
    id: ExecutionId,
    state: State,
    launches: u32,
}

impl World {
    pub(crate) fn at_three_in_the_morning() -> Self {
        let clock = Script::default();
        clock.set("2026-11-25T03:00:00Z".parse().expect("a time"));
        Self {
            items: MemoryItems::default(),
            clock,
        }
    }

    pub(crate) fn history(&self) -> History<MemoryItems, Script> {
        History {
            executions: Executions::new(self.items.clone()),
            plans: Plans::new(self.items.clone()),
            clock: self.clock.clone(),
            place: Origin {
                environment: "production".to_owned(),
                target: "111122223333/us-east-1".to_owned(),
                simulator: None::<PathBuf>,
                directory: None,
            },
        }
    }

    /// An operator at whose word nothing is called at DRS.
    pub(crate) fn operator(&self) -> Operator<(NoDrs, MemoryItems, Script)> {
        let driver = Driver {
            drs: NoDrs,
            executions: Executions::new(self.items.clone()),
            clock: self.clock.clone(),
            settings: Settings::default(),
            owner: OwnerId::new("owner-2"),
            host: "drsctl on bastion, process 815".to_owned(),
        };
        Operator {
            history: self.history(),
            driver: Arc::new(driver),
            machines: None,
            arn: OPERATOR.to_owned(),
            wake: Box::new(|| ()),
        }
    }

    /// The plan, made when it is not there.
    async fn plan(&self) -> StoredPlan {
        let plans = Plans::new(self.items.clone());
        let spec = PlanSpec {
            name: "shop".to_owned(),
            ..PlanSpec::default()
        };
        let found = plans.find_by_name("shop").await.expect("readable");
        match found {
            Some(plan) => plan,
            None => {
                let id = PlanId::new("plan-1");
                let made = plans.create(id, spec, BTreeMap::new(), self.clock.now());
                made.await.expect("a plan")
            }
        }
    }
}

/// A DRS that must not be called.
pub(crate) struct NoDrs;

impl Tale {
    pub(crate) async fn begin(world: &World, id: &str) -> Self {
        let (frozen, waves) = resolution();
        let started = Started {
            execution_id: ExecutionId::new(id),
            plan_id: PlanId::new("plan-1"),
            plan_name: "shop".to_owned(),
            plan_digest: "0123abcd".to_owned(),
            mode: Mode::Drill,
            waves,
            resolution_digest: frozen.digest(),
            timeout: Some(SignedDuration::from_hours(6)),
            origin: "terraform".to_owned(),
            inputs: BTreeMap::new(),
            replace_live_instances: false,
            only: drs_engine::only::Only::default(),
            max_lifetime: None,
            notifications: None,
            points: drs_engine::point::RecoveryPoint::default(),
            preempted: Vec::new(),
            drill_guard: None,
            force_unknown: Vec::new(),
            unchecked: Vec::new(),
        };
        let request = StartRequest {
            started,
            frozen: frozen.clone(),
            owner: OwnerId::new(OWNER),
            host: HOST.to_owned(),
            initiated_by: OPERATOR.to_owned(),
            inputs_digest: String::new(),
            hub: target(),
            plan: world.plan().await,
            groups: Vec::new(),
            run: None,
        };
        let executions = Executions::new(world.items.clone());
        let events = executions.start(&request, world.clock.now()).await;
        let events = events.expect("an execution");
        let state = State::replay(Arc::new(frozen), &events).expect("a state");
        let tale = Self {
            world: world.clone(),
            id: ExecutionId::new(id),
            state,
            launches: 0,
        };
        tale.heartbeat().await;
        tale
    }

    /// Time passes, and the owner says that it lives.
    pub(crate) async fn pass(&self, seconds: i64) {
        let now = self.world.clock.now().wall;
        self.world
            .clock
            .set(now + SignedDuration::from_secs(seconds));
        self.heartbeat().await;
    }

    /// Time passes, and nothing is heard.
    pub(crate) fn silence(&self, seconds: i64) {
        let now = self.world.clock.now().wall;
        self.world
            .clock
            .set(now + SignedDuration::from_secs(seconds));
    }

    pub(crate) async fn record(&mut self, event: Event) {
        let author = match event {
            Event::CancelRequested { .. } | Event::TerminationRequested { .. } => {
                Author::Operator(OPERATOR.to_owned())
            }
            _ => Author::Owner(OwnerId::new(OWNER)),
        };
        let recorded = Recorded {
            seq: self.state.seq + 1,
            now: self.world.clock.now(),
            author,
            event,
        };
        let expected = self.state.seq;
        self.state.apply(&recorded).expect("a legal event");
        let events = [recorded];
        let projection = Projection::of(&self.state, &events);
        let executions = Executions::new(self.world.items.clone());
        let appended = executions.append(&self.id, expected, &events, &projection);
        appended.await.expect("appended");
    }

    /// A wave starts and all its servers are launched by one job.
    pub(crate) async fn launch_wave(&mut self, wave: usize) {
        self.record(Event::WaveReady { wave }).await;
        self.record(Event::WaveStarted { wave }).await;
        self.intend(wave).await;
        self.pass(2).await;
        let launch = LaunchId(self.launches);
        self.record(Event::LaunchAccepted {
            launch,
            job: job(self.launches),
            how: Acceptance::Answered,
        })
        .await;
    }

    /// The intent alone.
    pub(crate) async fn intend(&mut self, wave: usize) {
        self.launches += 1;
        let servers = self.servers(wave);
        let now = self.world.clock.now();
        self.record(Event::LaunchIntended(Box::new(Intent {
            launch: LaunchId(self.launches),
            wave,
            attempt: 1,
            target: target(),
            servers,
            signed_at: now.wall,
            tagged: true,
        })))
        .await;
    }

    /// The running job launched some of its servers; the others failed for this reason.
    pub(crate) async fn judge(&mut self, wave: usize, failed: &[(&str, &str)]) {
        let launch = LaunchId(self.launches);
        let results = self.servers(wave).into_iter().map(|server| {
            let hostname = &self.state.servers[&server].hostname;
            let failure = failed.iter().find(|(name, _)| name == hostname);
            match failure {
                Some((_, reason)) => Judgement {
                    server,
                    result: ServerResult::Failed {
                        reason: (*reason).to_owned(),
                    },
                    instance: None,
                },
                None => Judgement {
                    instance: Some(instance(&server)),
                    server,
                    result: ServerResult::Launched,
                },
            }
        });
        let results = results.collect();
        self.record(Event::ServersJudged { launch, results }).await;
        self.record(Event::JobEnded { launch }).await;
    }

    pub(crate) async fn end_wave(&mut self, wave: usize, outcome: WaveOutcome) {
        self.record(Event::WaveFinished { wave, outcome }).await;
    }

    pub(crate) async fn end(&mut self, outcome: Outcome, summary: &str) {
        let summary = summary.to_owned();
        self.record(Event::ExecutionFinished { outcome, summary })
            .await;
    }

    /// Every wave is launched, 12 minutes each.
    pub(crate) async fn all_goes_well(&mut self) {
        for wave in 0..3 {
            self.launch_wave(wave).await;
            self.pass(720).await;
            self.judge(wave, &[]).await;
            self.end_wave(wave, WaveOutcome::Completed).await;
        }
        self.end(Outcome::Completed, "all 7 servers were launched")
            .await;
    }

    /// The second wave loses a server, the third is not launched.
    pub(crate) async fn a_server_fails(&mut self) {
        self.launch_wave(0).await;
        self.pass(720).await;
        self.judge(0, &[]).await;
        self.end_wave(0, WaveOutcome::Completed).await;
        self.launch_wave(1).await;
        self.pass(180).await;
        let reason = "CONVERSION_FAIL: the boot volume has no known operating system";
        self.judge(1, &[("app-2", reason)]).await;
        self.end_wave(1, WaveOutcome::Failed).await;
        self.end_wave(2, WaveOutcome::NotLaunched).await;
        self.end(
            Outcome::Failed,
            "wave \"app\" failed: 1 of 3 servers was not launched",
        )
        .await;
    }

    /// What was launched is terminated.
    pub(crate) async fn terminate(&mut self) {
        let reason = "the resource is being destroyed".to_owned();
        self.record(Event::TerminationRequested { reason }).await;
        let instances = self.state.known_instances(&target());
        self.record(Event::TerminationIntended {
            target: target(),
            instances: instances.clone(),
        })
        .await;
        self.record(Event::TerminationAccepted {
            target: target(),
            instances: instances.clone(),
            job: None,
        })
        .await;
        self.pass(95).await;
        self.record(Event::InstancesGone { instances }).await;
        self.record(Event::TerminationFinished {
            left: Vec::new(),
            reason: None,
        })
        .await;
    }

    /// All but one of the instances are terminated.
    pub(crate) async fn terminate_but_one(&mut self) {
        let reason = "the drill is over".to_owned();
        self.record(Event::TerminationRequested { reason }).await;
        let mut instances = self.state.known_instances(&target());
        let left = instances.split_off(instances.len() - 1);
        self.record(Event::InstancesGone { instances }).await;
        self.record(Event::TerminationFinished {
            left,
            reason: Some("EC2 still has it after 2h 00m".to_owned()),
        })
        .await;
    }

    fn servers(&self, wave: usize) -> Vec<ServerId> {
        let frozen = &self.state.frozen_waves()[wave];
        frozen.iter().map(|server| server.id.clone()).collect()
    }

    async fn heartbeat(&self) {
        let executions = Executions::new(self.world.items.clone());
        let owner = OwnerId::new(OWNER);
        let beat = executions.heartbeat(&self.id, &owner, HOST, self.world.clock.now());
        beat.await.expect("a heartbeat");
    }
}

impl Script {
    /// What happens during the next sleeps, one part each.
    pub(crate) fn then(&self, part: impl FnOnce() + Send + 'static) {
        self.lock().parts.push_back(Box::new(part));
    }

    fn set(&self, now: Timestamp) {
        self.lock().now = now;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Scene> {
        self.0.lock().expect("no test panicked while it held it")
    }
}

impl Clock for Script {
    fn now(&self) -> Now {
        let now = self.lock().now;
        Now {
            world: now,
            wall: now,
        }
    }

    async fn sleep(&self, until: Wake) {
        let part = {
            let mut scene = self.lock();
            scene.now = until.wall.unwrap_or(scene.now);
            scene.parts.pop_front()
        };
        match part {
            Some(part) => part(),
            // A story that is over never wakes anybody.
            None => std::future::pending().await,
        }
    }
}

/// Runs a future that needs nothing but itself: the store in memory always answers at once.
pub(crate) fn now_or_never<F: std::future::Future>(future: F) -> F::Output {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(output) => output,
        std::task::Poll::Pending => panic!("the store in memory answers at once"),
    }
}

fn resolution() -> (Frozen, Vec<FrozenWave>) {
    let tiers: [(&str, &[&str]); 3] = [
        ("database", &["db-1", "db-2"]),
        ("app", &["app-1", "app-2", "app-3"]),
        ("web", &["web-1", "web-2"]),
    ];
    let mut number = 0;
    let frozen = tiers.map(|(tier, hostnames)| {
        let servers = hostnames.iter().map(|hostname| {
            number += 1;
            FrozenServer {
                id: ServerId::new(format!("s-{number:017}")),
                hostname: (*hostname).to_owned(),
                group: GroupId::new(format!("pg-{tier}")),
                target: target(),
                critical: false,
                snapshot: None,
                windows: false,
            }
        });
        servers.collect::<Vec<_>>()
    });
    let waves = tiers
        .iter()
        .enumerate()
        .map(|(index, (tier, hostnames))| FrozenWave {
            name: (*tier).to_owned(),
            depends_on: index.checked_sub(1).into_iter().collect(),
            order: LaunchOrder::Parallel,
            max_in_flight: None,
            wait: SignedDuration::ZERO,
            timeout: SignedDuration::from_hours(2),
            servers: hostnames.len(),
            pause_before: false,
            policy: Policy::default(),
            checks: None,
            before_hooks: Vec::new(),
            after_hooks: Vec::new(),
        });
    let waves = waves.collect();
    (
        Frozen {
            waves: frozen.to_vec(),
        },
        waves,
    )
}

pub(crate) fn target() -> Target {
    Target {
        account_id: "111122223333".to_owned(),
        region: "us-east-1".to_owned(),
    }
}

fn job(number: u32) -> JobId {
    JobId::new(format!("drsjob-{number:017}"))
}

fn instance(server: &ServerId) -> InstanceId {
    InstanceId::new(server.as_str().replacen("s-", "i-", 1))
}

#[test]
fn the_servers_of_a_tale_are_seven() {
    let (frozen, _) = resolution();
    let ids: BTreeSet<&ServerId> = frozen.servers().map(|(_, server)| &server.id).collect();
    assert_eq!(ids.len(), 7);
}
