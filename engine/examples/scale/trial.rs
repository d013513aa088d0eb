//! One execution of a shape, from the start to its end, in virtual time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp;

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
use drs_engine::store::items::Item;
use drs_engine::store::memory::MemoryItems;
use drs_engine::store::plans::Plans;

use crate::bound::lower_bound;
use crate::meter::{Counts, Latency, Meter, Metered};
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
    pub(crate) frozen: Frozen,
    pub(crate) events: Vec<Recorded>,
    pub(crate) trace: Vec<String>,
    pub(crate) items: Vec<Item>,
}

/// Runs a shape; `in_line` is wave after wave.
pub(crate) fn run(
    shape: Shape,
    in_line: bool,
    seed: u64,
    settings: Settings,
    latency: Latency,
) -> Outcome {
    let drawn = shape.draw(in_line, seed);
    // Wave after wave is measured against the bound of the graph: it is the same plan.
    let bound = lower_bound(&drawn);
    let hub = Hub::new(Timestamp::UNIX_EPOCH, seed);
    let memory = MemoryItems::default();
    prepare(&drawn, &hub, &memory);
    let meter = Meter::default();
    let began = Instant::now();
    let state = drive(&drawn, &hub, &memory, settings, latency, &meter);
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

/// One process drives one execution to its end.
fn drive(
    drawn: &Drawn,
    hub: &Hub,
    memory: &MemoryItems,
    settings: Settings,
    latency: Latency,
    meter: &Meter,
) -> State {
    let mut scheduler = Scheduler::new(hub.clone());
    let clock = SimClock {
        hub: hub.clone(),
        task: scheduler.next_task(),
    };
    let drs = SimDrs {
        hub: hub.clone(),
        world: Arc::new(Mutex::new(World::new(&drawn.fleet, 1, hub.now()))),
        caller: Caller {
            account_id: String::new(),
            arn: ARN.to_owned(),
        },
        manners: Manners::default(),
        ledger: Arc::default(),
        functions: Arc::default(),
    };
    let items = SimItems {
        hub: hub.clone(),
        memory: memory.clone(),
    };
    let driver = Driver {
        drs: metered(drs, &clock, meter, latency),
        executions: Executions::new(metered(items, &clock, meter, latency)),
        clock,
        settings,
        owner: OwnerId::new("o-1"),
        host: "host".to_owned(),
    };
    let result = Arc::new(Mutex::new(None));
    let slot = Arc::clone(&result);
    scheduler.spawn(Box::pin(async move {
        let id = ExecutionId::new("x-1");
        let begun = driver.begin_execution(&begin(&id)).await;
        begun.expect("it can begin");
        let (state, ending) = driver
            .drive(&id, &Unwatched)
            .await
            .expect("it can be driven");
        assert_eq!(ending, Ending::Done);
        *slot.lock().expect("nobody panicked") = Some(state);
    }));
    assert_eq!(scheduler.run(STEPS, |_, _| {}), Stopped::AllEnded);
    let state = result.lock().expect("nobody panicked").take();
    state.expect("the driver returned")
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
