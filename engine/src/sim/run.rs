//! Whole executions in a simulated world: several processes that drive the same plan, with everything going wrong.
//!
//! A [`Run`] is a world, a store and a scheduler. Its tasks are processes as the provider is one: each looks for a run
//! that nobody brought to its end, takes it over or begins one, drives it, terminates what it launched, and delivers the
//! result. The [`judge`] then asks the world, not the history, how often each server was launched.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::begin::{Begin, BeginError, Whose};
use crate::decide::Settings;
use crate::drive::{DriveError, Driver, Ending, Watch};
use crate::event::{Author, Event, Mode, Recorded};
use crate::guard::Guard;
use crate::ids::{ExecutionId, GroupId, OwnerId, PlanId, Target};
use crate::limits;
use crate::only::Only;
use crate::plan::PlanSpec;
use crate::ports::{CallError, Clock};
use crate::state::State;
use crate::store::executions::Executions;
use crate::store::group::GroupConfig;
use crate::store::groups::Groups;
use crate::store::memory::MemoryItems;
use crate::store::plans::Plans;
use crate::store::start::StartError;
use crate::time::{Wake, after};

use super::drs::{Ledger, Manners, SharedWorld, SimDrs};
use super::fleet::Fleet;
use super::hub::{Faults, Hub, SimClock, TaskId, gate};
use super::items::SimItems;
use super::scheduler::{Scheduler, Stopped};
use super::world::{Caller, World};
use ask::Ask;
use machine::{Machine, Tokens};

mod ask;
mod chance;
mod failover;
#[cfg(test)]
mod gates;
mod judge;
mod machine;
mod points;
mod sweep;
#[cfg(test)]
mod tests;
mod told;
mod verify;

/// Times that one process tries to get on before it gives up.
const TRIES: u64 = 2_000;
/// How long a process waits for somebody else's run.
const BARRED: SignedDuration = SignedDuration::from_secs(120);
/// Most seconds by which a clock is wrong, either way: less than [`limits::CLOCK_SKEW`].
const MOST_SKEW: i64 = 45;
/// Another plan over the same servers.
const OTHER_PLAN: &str = "p-2";
/// Who starts executions in a run.
const OURS: &str = "arn:aws:sts::111122223333:assumed-role/terraform/ci";
/// What is counted when a driver decides what does not fit the history.
const MISFITS: &str = "decisions that did not fit";
/// Who else launches servers.
const STRANGER: &str = "arn:aws:iam::111122223333:user/eve";

/// What a run is about.
#[derive(Clone, Debug)]
struct Scenario {
    fleet: Fleet,
    groups: Vec<(GroupId, GroupConfig)>,
    plan: PlanSpec,
    mode: Mode,
    /// How long what a drill launches may stay, in seconds.
    max_lifetime: Option<i64>,
    /// The part of the plan that is run.
    only: Only,
    /// Guards that a recovery may launch without while they cannot be read.
    force_unknown: Vec<Guard>,
    /// Who recovers the servers for real meanwhile.
    failover: Option<failover::Failover>,
    speed: u32,
    manners: Manners,
    /// Whether what was launched is terminated afterwards.
    terminates: bool,
    /// When somebody asks for a cancel, in seconds of wall time.
    cancelled_after: Option<i64>,
    /// What operators ask for, and when, in seconds of wall time.
    asks: Vec<(i64, Ask)>,
    /// What servers are launched from.
    points: points::Wanted,
    /// Strangers that launch servers.
    strangers: Vec<Stranger>,
    /// Whether the clocks of processes are wrong.
    skewed: bool,
    /// How often a process takes over from one that lives, in parts per thousand of its looks.
    ruthless: u64,
    /// How many of a thousand processes are state machines.
    hosted: u64,
}

/// Somebody who launches servers past us.
#[derive(Clone, Debug)]
struct Stranger {
    /// When, in seconds of wall time.
    after: i64,
    place: Target,
    servers: Vec<String>,
    is_drill: bool,
    /// What is counted when DRS accepts.
    counted: &'static str,
}

/// A run.
struct Run {
    hub: Hub,
    scheduler: Scheduler,
    context: Context,
}

/// What the tasks of a run share.
#[derive(Clone)]
struct Context {
    hub: Hub,
    world: SharedWorld,
    memory: MemoryItems,
    ledger: Arc<Mutex<Ledger>>,
    scenario: Arc<Scenario>,
    /// Whether the plan cannot be launched.
    refused: Arc<AtomicBool>,
    processes: Arc<AtomicU64>,
    /// Recoveries that somebody tried to begin beside the plan's own runs.
    recoveries: Arc<Mutex<Vec<ExecutionId>>>,
    /// Tokens of machines that were given back.
    tokens: Arc<Tokens>,
}

impl Context {
    fn recoveries(&self) -> MutexGuard<'_, Vec<ExecutionId>> {
        self.recoveries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn epoch() -> Timestamp {
    crate::testing::start()
}

fn target() -> Target {
    crate::testing::target()
}

fn plan_id() -> PlanId {
    PlanId::new("p-1")
}

impl Run {
    /// A run with its plan and its groups made, and no process yet.
    fn new(scenario: Scenario, seed: u64) -> Self {
        let hub = Hub::with_speed(epoch(), seed, scenario.speed);
        let world = World::new(&scenario.fleet, seed, epoch());
        let context = Context {
            hub: hub.clone(),
            world: Arc::new(Mutex::new(world)),
            memory: MemoryItems::default(),
            ledger: Arc::default(),
            scenario: Arc::new(scenario),
            refused: Arc::default(),
            processes: Arc::default(),
            recoveries: Arc::default(),
            tokens: Arc::default(),
        };
        let mut run = Self {
            scheduler: Scheduler::new(hub.clone()),
            hub,
            context,
        };
        let context = run.context.clone();
        run.scheduler
            .spawn(Box::pin(async move { prepare(&context).await }));
        assert_eq!(run.scheduler.run(10_000, |_, _| {}), Stopped::AllEnded);
        run
    }

    /// Starts a process.
    fn spawn(&mut self) -> TaskId {
        spawn(&mut self.scheduler, &self.context)
    }

    /// Starts an operator who lets go on what is paused, until nothing is left to do.
    fn spawn_approver(&mut self) {
        let process = Process::new(self.context.clone(), self.scheduler.next_task(), 2_000);
        self.scheduler.spawn(Box::pin(ask::approve(process)));
    }

    /// Starts somebody who sweeps, until nothing is left to be swept.
    fn spawn_sweeper(&mut self) {
        let process = Process::new(self.context.clone(), self.scheduler.next_task(), 3_000);
        self.scheduler.spawn(Box::pin(sweep::sweep(process)));
    }

    /// Starts somebody who recovers the servers for real, where the scenario has one.
    fn spawn_failover(&mut self) {
        if let Some(wanted) = self.context.scenario.failover.clone() {
            let process = Process::new(self.context.clone(), self.scheduler.next_task(), 4_000);
            self.scheduler
                .spawn(Box::pin(failover::fail_over(process, wanted)));
        }
    }

    /// Starts somebody who brings recoveries to their end, and begins none.
    fn spawn_successor(&mut self) {
        let process = Process::new(self.context.clone(), self.scheduler.next_task(), 4_001);
        self.scheduler
            .spawn(Box::pin(failover::bring_to_end(process)));
    }

    /// Makes steps with faults; whoever dies is started again.
    fn storm(&mut self, steps: u64, faults: Faults) {
        self.hub.set_faults(faults);
        let context = self.context.clone();
        self.scheduler.run(steps, |scheduler, _| {
            spawn(scheduler, &context);
        });
        self.hub.set_faults(Faults::default());
    }

    /// No faults any more, everybody is dead, and one process is started: it must come to an end.
    fn calm(&mut self, steps: u64) {
        for task in 0..self.scheduler.next_task().0 {
            self.scheduler.kill(TaskId(task));
        }
        self.spawn();
        self.spawn_approver();
        self.spawn_sweeper();
        self.spawn_successor();
        let stopped = self.scheduler.run(steps, |_, _| {});
        if stopped != Stopped::AllEnded && std::env::var_os("SEED").is_some() {
            println!("{}", self.hub.traced().join("\n"));
        }
        assert_eq!(
            stopped,
            Stopped::AllEnded,
            "when faults stop and somebody runs it, an execution comes to an end"
        );
    }

    fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.hub.counts()
    }
}

fn spawn(scheduler: &mut Scheduler, context: &Context) -> TaskId {
    let task = scheduler.next_task();
    let number = context.processes.fetch_add(1, Ordering::Relaxed) + 1;
    if context.scenario.skewed {
        let most = 2 * MOST_SKEW;
        let seconds = context.hub.draw(most.unsigned_abs());
        let skew = i64::try_from(seconds).unwrap_or(0) - MOST_SKEW;
        context.hub.set_skew(task, SignedDuration::from_secs(skew));
        context.hub.count("skewed clocks");
    }
    let mut process = Process::new(context.clone(), task, number);
    if context.hub.chance(context.scenario.hosted) {
        process.become_machine();
    }
    scheduler.spawn(Box::pin(async move { process.live().await }))
}

async fn prepare(context: &Context) {
    let now = context.hub.both();
    let groups = Groups::new(context.memory.clone());
    for (id, config) in &context.scenario.groups {
        let made = groups.create(id.clone(), config.clone(), now).await;
        made.expect("the group can be made");
    }
    let plans = Plans::new(context.memory.clone());
    let spec = context.scenario.plan.clone();
    let made = plans.create(plan_id(), spec, BTreeMap::new(), now).await;
    made.expect("the plan can be made");
    if context.scenario.failover.is_some() {
        let spec = PlanSpec {
            name: "shop, for real".to_owned(),
            ..context.scenario.plan.clone()
        };
        let id = PlanId::new(OTHER_PLAN);
        let made = plans.create(id, spec, BTreeMap::new(), now).await;
        made.expect("the other plan can be made");
    }
}

/// What a process finds to do.
enum Found {
    /// An execution that it may drive.
    Drivable(ExecutionId),
    /// One that somebody else drives, or that cannot begin now.
    Occupied,
    /// None can begin while another has the plan or its servers, however long that takes.
    Barred,
    /// Nothing any more.
    Nothing,
}

/// A process as the provider is one.
struct Process {
    context: Context,
    number: u64,
    driver: Driver<SimDrs, SimItems, SimClock>,
    watch: SimWatch,
    /// The state machine that this is; none for a process.
    machine: Option<Machine>,
}

impl Process {
    fn new(context: Context, task: TaskId, number: u64) -> Self {
        let hub = context.hub.clone();
        let driver = Driver {
            drs: SimDrs {
                hub: hub.clone(),
                world: Arc::clone(&context.world),
                caller: caller(OURS),
                manners: context.scenario.manners,
                ledger: Arc::clone(&context.ledger),
                functions: Arc::default(),
            },
            executions: Executions::new(SimItems {
                hub: hub.clone(),
                memory: context.memory.clone(),
            }),
            clock: SimClock {
                hub: hub.clone(),
                task,
            },
            settings: Settings {
                speed: context.scenario.speed,
                ..Settings::default()
            },
            owner: OwnerId::new(format!("o-{number}")),
            host: format!("host-{number}"),
        };
        Self {
            context,
            number,
            driver,
            watch: SimWatch { hub, until: None },
            machine: None,
        }
    }

    /// Makes this a state machine, sometimes a second call of the function for the newest one.
    fn become_machine(&mut self) {
        let hub = &self.context.hub;
        let number = if hub.chance(300) {
            self.number.saturating_sub(1)
        } else {
            self.number
        };
        let run = format!("m-{number}");
        self.driver.owner = crate::asl::owner_of(&run);
        self.machine = Some(Machine { run });
        hub.count("machines");
    }

    async fn live(&self) {
        for tried in 0..TRIES {
            let got_on = match self.find_or_begin(tried).await {
                Ok(Found::Nothing) => return,
                Ok(Found::Drivable(id)) => self.bring_to_end(&id).await,
                Ok(Found::Occupied) => Ok(()),
                Ok(Found::Barred) => {
                    self.rest(BARRED).await;
                    Ok(())
                }
                Err(error) => Err(error),
            };
            if let Err(error) = got_on {
                self.context
                    .hub
                    .trace(|| format!("process {} trips: {error}", self.number));
            }
            self.rest(limits::FOLLOW_INTERVAL).await;
        }
        if std::env::var_os("SEED").is_some() {
            println!("{}", self.context.hub.traced().join("\n"));
        }
        panic!("process {} never gets on", self.number);
    }

    async fn rest(&self, span: SignedDuration) {
        let mut wake = Wake::default();
        wake.at_wall(after(self.driver.clock.now().wall, span));
        self.driver.clock.sleep(wake).await;
    }

    /// What there is to do.
    async fn find_or_begin(&self, tried: u64) -> Result<Found, DriveError> {
        let inputs = BTreeMap::from([("triggers".to_owned(), serde_json::json!({"week": "9"}))]);
        let found = self
            .driver
            .undelivered(&plan_id(), "terraform", &inputs)
            .await?;
        match found {
            Some((id, Whose::Terminal | Whose::OwnerGone)) => Ok(Found::Drivable(id)),
            Some((id, Whose::OwnedBy(_))) => {
                let forced = self.context.hub.chance(self.context.scenario.ruthless);
                Ok(if forced {
                    Found::Drivable(id)
                } else {
                    Found::Occupied
                })
            }
            None if self.is_concluded() => self.left_over().await,
            None => Ok(self.begin(inputs, tried).await),
        }
    }

    /// Whether the plan was refused, or a result was delivered: no other run is wanted.
    fn is_concluded(&self) -> bool {
        let last =
            crate::testing::at_once(Plans::new(self.context.memory.clone()).find(&plan_id()));
        let last = last.ok().flatten().and_then(|plan| plan.execution);
        let executions = Executions::new(self.context.memory.clone());
        let summary = last.and_then(|id| {
            crate::testing::at_once(executions.summary(&id))
                .ok()
                .flatten()
        });
        self.context.refused.load(Ordering::Relaxed)
            || summary.is_some_and(|summary| summary.delivered)
    }

    /// An execution whose result was delivered, and that somebody asked to terminate again.
    async fn left_over(&self) -> Result<Found, DriveError> {
        let plan = plan_id();
        let listed = self.driver.executions.list_by_plan(&plan, None, 25);
        let Ok((summaries, _)) = listed.await else {
            return Ok(Found::Occupied);
        };
        for summary in summaries {
            let id = summary.execution_id;
            if !crate::decide::is_done(&self.driver.load(&id).await?) {
                return Ok(Found::Drivable(id));
            }
        }
        Ok(Found::Nothing)
    }

    /// A start of the scenario's plan.
    fn wanted(
        &self,
        execution_id: ExecutionId,
        inputs: BTreeMap<String, serde_json::Value>,
    ) -> Begin {
        let scenario = &self.context.scenario;
        Begin {
            execution_id,
            plan: plan_id(),
            mode: scenario.mode,
            origin: "terraform".to_owned(),
            inputs,
            initiated_by: OURS.to_owned(),
            hub: target(),
            execution_timeout: None,
            max_lifetime: scenario.max_lifetime.map(SignedDuration::from_secs),
            replace_live_instances: false,
            only: scenario.only.clone(),
            points: points::of(&self.context),
            run: None,
            force_unknown: scenario.force_unknown.clone(),
            unchecked: Vec::new(),
        }
    }

    async fn begin(&self, inputs: BTreeMap<String, serde_json::Value>, tried: u64) -> Found {
        let id = ExecutionId::new(format!("x-{}-{tried}", self.number));
        let begin = self.wanted(id, inputs);
        let error = match self.driver.begin_execution(&begin).await {
            Ok(_) => return Found::Drivable(begin.execution_id),
            Err(error) => error,
        };
        self.context
            .hub
            .trace(|| format!("process {} cannot begin: {error}", self.number));
        let is_final = match &error {
            BeginError::Resolve(errors) => !errors.iter().any(|error| error.is_retryable()),
            BeginError::LiveInstances { .. } | BeginError::HooksMissing(_) => true,
            BeginError::GuardUnreadable(error) => error.code == "AccessDeniedException",
            BeginError::Points(problems) => points::are_final(problems),
            _ => false,
        };
        if matches!(error, BeginError::HooksMissing(_)) {
            self.context
                .hub
                .count("drills without what their hooks run");
        }
        if is_final {
            self.context.hub.count("refused starts");
            self.context.refused.store(true, Ordering::Relaxed);
        }
        match error {
            BeginError::Start(StartError::Running(_) | StartError::Leased(_)) => Found::Barred,
            _ => Found::Occupied,
        }
    }

    /// Takes it over, drives it to its end, terminates what it launched, and delivers the result.
    async fn bring_to_end(&self, id: &ExecutionId) -> Result<(), DriveError> {
        if self.machine.is_none() {
            self.driver.take_over(id, &self.watch).await?;
        }
        loop {
            let driven = match &self.machine {
                None => self.driver.drive(id, &self.watch).await,
                Some(machine) => Box::pin(self.host(machine, id)).await,
            };
            if let Err(DriveError::Illegal(_)) = &driven {
                self.context.hub.count(MISFITS);
            }
            let (state, ending) = driven?;
            if ending != Ending::Done {
                return Ok(());
            }
            let launched = state.own_jobs().next().is_some();
            let author = Author::Operator(OURS.to_owned());
            // What somebody recovered beside the plan's own runs is in production.
            let is_own = state.started.origin == "terraform";
            let terminates = self.context.scenario.terminates && is_own;
            if terminates && launched && state.termination.is_none() {
                let reason = "the drill is over".to_owned();
                let event = Event::TerminationRequested { reason };
                self.driver.request(id, author, event, &self.watch).await?;
                continue;
            }
            let delivered = Event::ResultDelivered;
            self.driver
                .request(id, author, delivered, &self.watch)
                .await?;
            return Ok(());
        }
    }
}

/// Somebody launches a server past us, once it is time.
async fn launch_past_us(context: Context, clock: SimClock, stranger: Stranger) {
    let mut wake = Wake::default();
    let wait = SignedDuration::from_secs(stranger.after);
    wake.at_wall(after(context.hub.now(), wait));
    clock.sleep(wake).await;
    gate().await;
    let ids = stranger.servers.iter();
    let servers: Vec<_> = ids
        .map(|id| serde_json::json!({"sourceServerID": id}))
        .collect();
    let input = serde_json::json!({"sourceServers": servers, "isDrill": stranger.is_drill});
    let at = context.hub.both().world;
    let who = Caller {
        account_id: stranger.place.account_id.clone(),
        arn: STRANGER.to_owned(),
    };
    let region = &stranger.place.region;
    let result = super::drs::lock(&context.world).call(at, &who, region, "StartRecovery", &input);
    context.hub.trace(|| {
        format!(
            "a stranger launches {:?}: {}",
            stranger.servers,
            result.is_ok()
        )
    });
    if result.is_ok() {
        context.hub.count(stranger.counted);
    }
}

fn caller(arn: &str) -> Caller {
    Caller {
        account_id: target().account_id,
        arn: arn.to_owned(),
    }
}

/// Writes what happens into the trace.
struct SimWatch {
    hub: Hub,
    /// When it asks to stop; none for a process, which goes on until it dies.
    until: Option<Timestamp>,
}

impl Watch for SimWatch {
    type Critical = ();

    fn is_stopped(&self) -> bool {
        self.until.is_some_and(|until| self.hub.now() >= until)
    }

    fn on_event(&self, state: &State, recorded: &Recorded) {
        self.hub.trace(|| {
            format!(
                "{} {} {:?}",
                state.started.execution_id, recorded.seq, recorded.event
            )
        });
    }

    fn on_trouble(&self, error: &CallError) {
        self.hub.trace(|| error.to_string());
    }

    fn on_look(&self, _: usize) {}

    async fn critical(&self) -> Self::Critical {}
}
