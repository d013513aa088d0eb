//! One execution of a shape, from the start to its end, in virtual time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use drs_engine::asl::owner_of;
use drs_engine::begin::Begin;
use drs_engine::decide::Settings;
use drs_engine::drive::{Driver, Ending, Unwatched};
use drs_engine::event::{Mode, Outcome as Ended, Recorded};
use drs_engine::frozen::Frozen;
use drs_engine::ids::{ExecutionId, OwnerId, PlanId};
use drs_engine::point::RecoveryPoint;
use drs_engine::sim::drs::{Manners, SimDrs};
use drs_engine::sim::hub::{Hub, SimClock};
use drs_engine::sim::items::SimItems;
use drs_engine::sim::scheduler::{Scheduler, Stopped};
use drs_engine::sim::world::{Caller, World};
use drs_engine::state::{State, Status};
use drs_engine::store::executions::Executions;
use drs_engine::store::groups::Groups;
use drs_engine::store::items::{Item, Table};
use drs_engine::store::memory::MemoryItems;
use drs_engine::store::plans::Plans;

use crate::bound::lower_bound;
use crate::machine::{RUN, Turns, host};
use crate::meter::{Counts, Latency, Meter, Metered, size};
use crate::shape::{Drawn, Shape};

/// Steps after which an execution of any shape has ended.
const STEPS: u64 = 20_000_000;
const ARN: &str = "arn:aws:sts::111122220000:assumed-role/terraform/ci";

/// What came of it.
pub(crate) struct Outcome {
    pub(crate) bound: Duration,
    pub(crate) took: Duration,
    /// How long the simulation took on this machine.
    pub(crate) wall: Duration,
    pub(crate) meter: Counts,
    /// Of the machine, where one drove.
    pub(crate) turns: Turns,
    pub(crate) frozen: Frozen,
    pub(crate) events: Vec<Recorded>,
    pub(crate) trace: Vec<String>,
    pub(crate) items: Vec<Item>,
}

impl Outcome {
    /// Bytes that the execution leaves in the tables.
    pub(crate) fn kept(&self) -> usize {
        let of_it = self
            .items
            .iter()
            .filter(|item| item.key.table == Table::ExecutionHistory);
        of_it.map(size).sum()
    }
}

/// How a shape is driven.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// By a process of ours.
    Process,
    /// By a process, wave after wave.
    InLine,
    /// By a state machine.
    Machine,
}

/// Runs a shape.
pub(crate) fn run(
    shape: Shape,
    how: How,
    seed: u64,
    settings: Settings,
    latency: Latency,
) -> Outcome {
    let drawn = shape.draw(how == How::InLine, seed);
    // Wave after wave is measured against the bound of the graph: it is the same plan.
    let bound = lower_bound(&drawn);
    let hub = Hub::new(Timestamp::UNIX_EPOCH, seed);
    let memory = MemoryItems::default();
    prepare(&drawn, &hub, &memory);
    let meter = Meter::default();
    let turns = Arc::new(Mutex::new(Turns::default()));
    let machine = (how == How::Machine).then(|| Arc::clone(&turns));
    let began = Instant::now();
    let driven = Driven {
        drawn: &drawn,
        hub: &hub,
        memory: &memory,
        settings,
        latency,
        meter: &meter,
    };
    let state = driven.to_its_end(machine);
    let wall = began.elapsed();
    assert_eq!(state.status, Status::Ended(Ended::Completed));
    let ended = state.finished.as_ref().expect("it has ended").0.world;
    let took = ended.duration_since(state.started_at.world);
    let loaded = now(Executions::new(memory.clone()).load(&state.started.execution_id));
    let loaded = loaded.expect("the history can be read");
    Outcome {
        bound: Duration::from_secs_f64(bound),
        took: took.unsigned_abs(),
        wall,
        meter: meter.counts(),
        turns: turns.lock().expect("nobody panicked").clone(),
        frozen: loaded.frozen,
        events: loaded.events,
        trace: hub.traced(),
        items: memory.all(),
    }
}

fn prepare(drawn: &Drawn, hub: &Hub, memory: &MemoryItems) {
    let at = hub.both();
    let groups = Groups::new(memory.clone());
    for (id, config) in &drawn.groups {
        now(groups.create(id.clone(), config.clone(), at)).expect("the group can be made");
    }
    let plans = Plans::new(memory.clone());
    let made = plans.create(PlanId::new("p-1"), drawn.plan.clone(), BTreeMap::new(), at);
    now(made).expect("the plan can be made");
}

/// One execution that is driven.
struct Driven<'a> {
    drawn: &'a Drawn,
    hub: &'a Hub,
    memory: &'a MemoryItems,
    settings: Settings,
    latency: Latency,
    meter: &'a Meter,
}

impl Driven<'_> {
    /// By a machine, whose turns are kept, or by one process.
    fn to_its_end(&self, machine: Option<Arc<Mutex<Turns>>>) -> State {
        let mut scheduler = Scheduler::new(self.hub.clone());
        let clock = SimClock {
            hub: self.hub.clone(),
            task: scheduler.next_task(),
        };
        let driver = self.driver(clock, machine.is_some());
        let result = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&result);
        scheduler.spawn(Box::pin(async move {
            let id = ExecutionId::new("x-1");
            let begun = driver.begin_execution(&begin(&id)).await;
            begun.expect("it can begin");
            let state = match &machine {
                Some(turns) => host(&driver, &id, turns).await,
                None => {
                    let driven = driver.drive(&id, &Unwatched).await;
                    let (state, ending) = driven.expect("it can be driven");
                    assert_eq!(ending, Ending::Done);
                    state
                }
            };
            *slot.lock().expect("nobody panicked") = Some(state);
        }));
        assert_eq!(scheduler.run(STEPS, |_, _| {}), Stopped::AllEnded);
        let state = result.lock().expect("nobody panicked").take();
        state.expect("the driver returned")
    }

    fn driver(
        &self,
        clock: SimClock,
        by_machine: bool,
    ) -> Driver<Metered<SimDrs>, Metered<SimItems>, SimClock> {
        let drs = SimDrs {
            hub: self.hub.clone(),
            world: Arc::new(Mutex::new(World::new(&self.drawn.fleet, 1, self.hub.now()))),
            caller: Caller {
                account_id: String::new(),
                arn: ARN.to_owned(),
            },
            manners: Manners::default(),
            ledger: Arc::default(),
            functions: Arc::default(),
        };
        let items = SimItems {
            hub: self.hub.clone(),
            memory: self.memory.clone(),
        };
        let owner = if by_machine {
            owner_of(RUN)
        } else {
            OwnerId::new("o-1")
        };
        Driver {
            drs: metered(drs, &clock, self.meter, self.latency),
            executions: Executions::new(metered(items, &clock, self.meter, self.latency)),
            clock,
            settings: self.settings,
            owner,
            host: "host".to_owned(),
        }
    }
}

fn metered<P>(port: P, clock: &SimClock, meter: &Meter, latency: Latency) -> Metered<P> {
    Metered {
        port,
        clock: clock.clone(),
        meter: meter.clone(),
        latency,
    }
}

fn begin(id: &ExecutionId) -> Begin {
    Begin {
        execution_id: id.clone(),
        plan: PlanId::new("p-1"),
        mode: Mode::Drill,
        origin: "bench".to_owned(),
        inputs: BTreeMap::new(),
        initiated_by: ARN.to_owned(),
        hub: drs_engine::ids::Target {
            account_id: "111122220000".to_owned(),
            region: "us-east-1".to_owned(),
        },
        execution_timeout: None,
        max_lifetime: None,
        points: RecoveryPoint::Latest,
        replace_live_instances: false,
        only: drs_engine::only::Only::default(),
        run: None,
        force_unknown: Vec::new(),
        unchecked: Vec::new(),
    }
}

/// The result of a future that never waits: everything on the store in memory.
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => unreachable!("the store in memory never waits"),
    }
}
