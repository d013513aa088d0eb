//! A scene: servers, a plan with one group for each wave, and processes that play in virtual time.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex};

use drs_engine::begin::{Begin, BeginError};
use drs_engine::decide::Settings;
use drs_engine::drive::{DriveError, Driver, Ending, Unwatched};
use drs_engine::event::{Author, Event, Mode, Recorded};
use drs_engine::frozen::Frozen;
use drs_engine::ids::{ExecutionId, GroupId, OwnerId, PlanId, ServerId, Target};
use drs_engine::plan::{PlanSpec, WaveSpec};
use drs_engine::sim::drs::{Ledger, Manners, SharedWorld, SimDrs, lock};
use drs_engine::sim::fleet::{Account, FaultPhase, Fleet, LaunchFault, Region, Server};
use drs_engine::sim::hub::{Faults, Hub, SimClock};
use drs_engine::sim::items::SimItems;
use drs_engine::sim::scheduler::{Scheduler, Stopped};
use drs_engine::sim::world::{AcceptedLaunch, Caller, World};
use drs_engine::state::State;
use drs_engine::store::executions::Executions;
use drs_engine::store::group::{GroupConfig, Selection};
use drs_engine::store::groups::Groups;
use drs_engine::store::memory::MemoryItems;
use drs_engine::store::plans::Plans;
use jiff::{SignedDuration, Timestamp};

/// Who starts executions.
pub(crate) const OURS: &str = "arn:aws:sts::111122223333:assumed-role/dr/ci";
/// Steps after which everything here has ended.
const STEPS: u64 = 200_000;

/// A scene.
pub(crate) struct Scene {
    /// Time, chance, and what goes wrong.
    pub(crate) hub: Hub,
    /// The simulated DRS.
    pub(crate) world: SharedWorld,
    ledger: Arc<Mutex<Ledger>>,
    memory: MemoryItems,
    scheduler: Scheduler,
    manners: Manners,
}

/// A process that plays.
pub(crate) struct Process {
    /// What drives executions.
    pub(crate) driver: Driver<SimDrs, SimItems, SimClock>,
}

/// The account and Region of every server.
pub(crate) fn target() -> Target {
    Target {
        account_id: "111122223333".to_owned(),
        region: "us-east-1".to_owned(),
    }
}

/// A healthy server of a number.
pub(crate) fn server(number: u64) -> Server {
    let mut server = Server::named(&format!("host-{number}"));
    server.id = Some(server_id(number).to_string());
    server
}

/// The id of the server of a number.
pub(crate) fn server_id(number: u64) -> ServerId {
    ServerId::new(format!("s-{number:017}"))
}

/// A server whose first launch goes wrong in a phase.
pub(crate) fn failing(number: u64, phase: FaultPhase) -> Server {
    let mut server = server(number);
    let raw_error = None;
    server.faults = vec![LaunchFault { phase, raw_error }];
    server
}

/// A wave of its own group, `g-NAME`.
pub(crate) fn wave(name: &str) -> WaveSpec {
    WaveSpec {
        name: name.to_owned(),
        protection_group_ids: vec![group_id(name)],
        ..WaveSpec::default()
    }
}

/// The group of the wave of a name.
pub(crate) fn group_id(name: &str) -> GroupId {
    GroupId::new(format!("g-{name}"))
}

/// A database of two servers, and a web server after it.
pub(crate) fn two_waves() -> Scene {
    Scene::new(
        vec![("db", vec![server(1), server(2)]), ("web", vec![server(3)])],
        vec![wave("db"), wave("web")],
    )
}

/// A drill of which DRS has accepted so many launches, and whose driver is then dead.
pub(crate) fn dead_after(scene: &mut Scene, launches: usize) {
    scene.play_until(
        |process| async move { drop(process.drill("x-1").await) },
        |scene| scene.launches().len() == launches,
    );
}

impl Scene {
    /// A scene with these groups of servers, and the plan `p-1` with these waves.
    pub(crate) fn new(groups: Vec<(&str, Vec<Server>)>, waves: Vec<WaveSpec>) -> Self {
        let start: Timestamp = "2026-03-01T10:00:00Z".parse().expect("a time");
        let hub = Hub::new(start, 7);
        let servers = groups.iter().flat_map(|(_, servers)| servers.clone());
        let fleet = Fleet {
            accounts: vec![Account {
                id: target().account_id,
                external_id: None,
                regions: vec![Region::with(&target().region, servers.collect())],
            }],
            ..Fleet::default()
        };
        let mut scene = Self {
            world: Arc::new(Mutex::new(World::new(&fleet, 7, start))),
            ledger: Arc::default(),
            memory: MemoryItems::default(),
            scheduler: Scheduler::new(hub.clone()),
            manners: Manners::default(),
            hub,
        };
        for (name, servers) in &groups {
            scene.add_group(name, servers);
        }
        scene.add_plan("p-1", waves);
        scene
    }

    /// A scene with one group and one wave, `all`.
    pub(crate) fn of(servers: Vec<Server>) -> Self {
        Self::new(vec![("all", servers)], vec![wave("all")])
    }

    fn add_group(&mut self, name: &str, servers: &[Server]) {
        let ids = servers.iter().filter_map(|server| server.id.clone());
        let config = GroupConfig {
            name: name.to_owned(),
            description: None,
            target: target(),
            selection: Selection::Servers(ids.map(ServerId::new).collect()),
            tags: BTreeMap::new(),
        };
        let (groups, now) = (Groups::new(self.memory.clone()), self.hub.both());
        let id = group_id(name);
        self.play(|_| async move { groups.create(id, config, now).await.map(drop) })
            .expect("the group can be made");
    }

    /// Adds a plan.
    pub(crate) fn add_plan(&mut self, id: &str, waves: Vec<WaveSpec>) {
        let spec = PlanSpec {
            name: id.to_owned(),
            waves,
            ..PlanSpec::default()
        };
        let (plans, now) = (Plans::new(self.memory.clone()), self.hub.both());
        let id = PlanId::new(id);
        self.play(|_| async move { plans.create(id, spec, BTreeMap::new(), now).await.map(drop) })
            .expect("the plan can be made");
    }

    /// Lets jobs stay unlisted for so long after they were made.
    pub(crate) fn hide_new_jobs(&mut self, span: SignedDuration) {
        self.manners.jobs_hidden_for = span;
    }

    /// Lets nobody list recovery instances, or lets everybody again.
    pub(crate) fn hide_instances(&mut self, hides: bool) {
        self.manners.hides_instances = hides;
    }

    /// Starts a process; it plays when something is waited for.
    pub(crate) fn spawn<F, T>(&mut self, act: impl FnOnce(Process) -> F) -> Arc<Mutex<Option<T>>>
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        let process = self.process();
        let result = Arc::new(Mutex::new(None));
        let (slot, future) = (Arc::clone(&result), act(process));
        self.scheduler.spawn(Box::pin(async move {
            let value = future.await;
            *slot.lock().expect("nobody panicked") = Some(value);
        }));
        result
    }

    /// Lets every process that was started come to its end.
    pub(crate) fn finish(&mut self) {
        let stopped = self.scheduler.run(STEPS, |_, _| {});
        assert_eq!(stopped, Stopped::AllEnded, "it does not end");
    }

    /// Starts a process and waits for what comes of it.
    pub(crate) fn play<F, T>(&mut self, act: impl FnOnce(Process) -> F) -> T
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        let result = self.spawn(act);
        self.finish();
        take(&result)
    }

    /// Starts a process and lets it play until something holds, then kills it.
    pub(crate) fn play_until<F>(
        &mut self,
        act: impl FnOnce(Process) -> F,
        holds: impl Fn(&Self) -> bool,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        let task = self.scheduler.next_task();
        drop(self.spawn(act));
        for _ in 0..STEPS {
            if holds(self) {
                return self.scheduler.kill(task);
            }
            self.scheduler.run(1, |_, _| {});
        }
        panic!("it never holds");
    }

    /// Lets calls go wrong from here on.
    pub(crate) fn disturb(&self, faults: Faults) {
        self.hub.set_faults(faults);
    }

    /// Every launch that DRS accepted.
    pub(crate) fn launches(&self) -> Vec<AcceptedLaunch> {
        lock(&self.world).accepted_launches().to_vec()
    }

    /// What was done that cannot be undone.
    pub(crate) fn ledger(&self) -> Ledger {
        self.ledger.lock().expect("nobody panicked").clone()
    }

    /// The history of an execution.
    pub(crate) fn history(&mut self, id: &str) -> (Frozen, Vec<Recorded>) {
        let (executions, id) = (Executions::new(self.memory.clone()), ExecutionId::new(id));
        let loaded = self.play(|_| async move { executions.load(&id).await });
        let loaded = loaded.expect("the history can be read");
        (loaded.frozen, loaded.events)
    }

    /// The fold of that history.
    pub(crate) fn state(&mut self, id: &str) -> State {
        let (frozen, events) = self.history(id);
        State::replay(Arc::new(frozen), &events).expect("the history makes sense")
    }

    fn process(&self) -> Process {
        let task = self.scheduler.next_task();
        let driver = Driver {
            drs: SimDrs {
                hub: self.hub.clone(),
                world: Arc::clone(&self.world),
                caller: Caller {
                    account_id: target().account_id,
                    arn: OURS.to_owned(),
                },
                manners: self.manners,
                ledger: Arc::clone(&self.ledger),
                functions: Arc::default(),
            },
            executions: Executions::new(SimItems {
                hub: self.hub.clone(),
                memory: self.memory.clone(),
            }),
            clock: SimClock {
                hub: self.hub.clone(),
                task,
            },
            settings: Settings::default(),
            owner: OwnerId::new(format!("o-{}", task.0)),
            host: format!("host-{}", task.0),
        };
        Process { driver }
    }
}

impl Process {
    /// Starts an execution of a plan.
    pub(crate) async fn begin(
        &self,
        plan: &str,
        id: &str,
        mode: Mode,
    ) -> Result<State, BeginError> {
        let begin = Begin {
            execution_id: ExecutionId::new(id),
            plan: PlanId::new(plan),
            mode,
            origin: "test".to_owned(),
            inputs: BTreeMap::new(),
            initiated_by: OURS.to_owned(),
            hub: target(),
            execution_timeout: None,
            replace_live_instances: false,
            only: drs_engine::only::Only::default(),
            points: drs_engine::point::RecoveryPoint::Latest,
            run: None,
            force_unknown: Vec::new(),
            unchecked: Vec::new(),
        };
        self.driver.begin_execution(&begin).await
    }

    /// Starts a drill of the plan `p-1` and drives it to its end.
    pub(crate) async fn drill(self, id: &'static str) -> State {
        self.begin("p-1", id, Mode::Drill).await.expect("it begins");
        self.drive(id).await.expect("it can be driven").0
    }

    /// Takes an execution over and drives it to its end.
    pub(crate) async fn take_up(self, id: &'static str) -> State {
        let execution = ExecutionId::new(id);
        let taken = self.driver.take_over(&execution, &Unwatched).await;
        taken.expect("it can be taken over");
        self.drive(id).await.expect("it can be driven").0
    }

    /// Drives an execution that this process owns.
    pub(crate) async fn drive(&self, id: &str) -> Result<(State, Ending), DriveError> {
        self.driver.drive(&ExecutionId::new(id), &Unwatched).await
    }

    /// Records what an operator asks for.
    pub(crate) async fn ask(&self, id: &str, event: Event) -> Result<State, DriveError> {
        let author = Author::Operator("arn:aws:iam::111122223333:user/ann".to_owned());
        self.driver
            .request(&ExecutionId::new(id), author, event, &Unwatched)
            .await
    }
}

/// What came of a process that has ended.
pub(crate) fn take<T>(result: &Arc<Mutex<Option<T>>>) -> T {
    let value = result.lock().expect("nobody panicked").take();
    value.expect("the process has ended")
}
