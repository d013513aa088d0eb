//! Defaults of a start, and whose an execution is.

use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::decide::Settings;
use crate::drive::Unwatched;
use crate::event::{Author, Event};
use crate::ids::{GroupId, OwnerId, ServerId};
use crate::plan::{PlanSpec, WaveSpec};
use crate::sim::drs::{Ledger, Manners, SimDrs};
use crate::sim::fleet::Fleet;
use crate::sim::hub::{Hub, SimClock, TaskId};
use crate::sim::scheduler::{Scheduler, Stopped};
use crate::sim::world::{Caller, World};
use crate::state::State;
use crate::store::executions::Executions;
use crate::store::group::{GroupConfig, Selection};
use crate::store::groups::Groups;
use crate::store::memory::MemoryItems;
use crate::time::Now;
use crate::time::after;

mod footprint;
mod guard;
pub(crate) mod hooks;
mod lifetime;
mod objections;
mod points;
mod recovery;
mod stopped;

pub(crate) type Process = Driver<SimDrs, MemoryItems, SimClock>;

fn began_at() -> Timestamp {
    crate::testing::start()
}

pub(crate) fn process(hub: &Hub, memory: &MemoryItems, owner: &str) -> Process {
    let world = World::new(&Fleet::built_in(), 1, began_at());
    Driver {
        drs: SimDrs {
            hub: hub.clone(),
            world: Arc::new(std::sync::Mutex::new(world)),
            caller: Caller {
                account_id: "111122223333".to_owned(),
                arn: "arn".to_owned(),
            },
            manners: Manners::default(),
            ledger: Arc::<std::sync::Mutex<Ledger>>::default(),
            functions: Arc::default(),
        },
        executions: Executions::new(memory.clone()),
        clock: SimClock {
            hub: hub.clone(),
            task: TaskId(0),
        },
        settings: Settings::default(),
        owner: OwnerId::new(owner),
        host: format!("host of {owner}"),
    }
}

/// Waits for something that stops at gates.
pub(crate) fn wait<T: Send + 'static>(
    hub: &Hub,
    future: impl Future<Output = T> + Send + 'static,
) -> T {
    let result = Arc::new(std::sync::Mutex::new(None));
    let slot = Arc::clone(&result);
    let mut scheduler = Scheduler::new(hub.clone());
    scheduler.spawn(Box::pin(async move {
        let value = future.await;
        *slot.lock().unwrap() = Some(value);
    }));
    assert_eq!(scheduler.run(10_000, |_, _| {}), Stopped::AllEnded);
    result.lock().unwrap().take().unwrap()
}

pub(crate) fn begin(id: &str, inputs: serde_json::Value) -> Begin {
    Begin {
        execution_id: ExecutionId::new(id),
        plan: PlanId::new("p-1"),
        mode: Mode::Drill,
        origin: "terraform".to_owned(),
        inputs: BTreeMap::from([("triggers".to_owned(), inputs)]),
        initiated_by: "arn".to_owned(),
        hub: crate::testing::target(),
        execution_timeout: None,
        max_lifetime: None,
        replace_live_instances: false,
        only: crate::only::Only::default(),
        points: crate::point::RecoveryPoint::default(),
        run: None,
        force_unknown: Vec::new(),
        unchecked: Vec::new(),
    }
}

pub(crate) fn stage() -> (Hub, MemoryItems) {
    let hub = Hub::new(began_at(), 1);
    let memory = MemoryItems::default();
    let now = Now {
        world: began_at(),
        wall: began_at(),
    };
    let tags = BTreeMap::from([
        ("Application".to_owned(), "shop".to_owned()),
        ("Tier".to_owned(), "web".to_owned()),
    ]);
    let config = GroupConfig {
        name: "web".to_owned(),
        description: None,
        target: crate::testing::target(),
        selection: Selection::Tags(tags),
        tags: BTreeMap::new(),
    };
    let spec = PlanSpec {
        name: "shop".to_owned(),
        waves: vec![WaveSpec {
            name: "web".to_owned(),
            protection_group_ids: vec![GroupId::new("g-1")],
            ..WaveSpec::default()
        }],
        ..PlanSpec::default()
    };
    let groups = Groups::new(memory.clone());
    crate::testing::at_once(groups.create(GroupId::new("g-1"), config, now)).unwrap();
    let plans = Plans::new(memory.clone());
    let made = plans.create(PlanId::new("p-1"), spec, BTreeMap::new(), now);
    crate::testing::at_once(made).unwrap();
    (hub, memory)
}

#[test]
fn a_drill_has_the_longest_chain_as_its_limit_and_a_recovery_has_none() {
    let wave = |name: &str, group: &str| WaveSpec {
        name: name.to_owned(),
        protection_group_ids: vec![GroupId::new(group)],
        timeout_seconds: Some(600),
        wait_time_seconds: Some(60),
        ..WaveSpec::default()
    };
    let mut spec = PlanSpec {
        name: "shop".to_owned(),
        waves: vec![wave("a", "1"), wave("b", "2")],
        ..PlanSpec::default()
    };
    let plan = Plan::parse(&spec).unwrap();
    let seconds = SignedDuration::from_secs;
    assert_eq!(
        execution_timeout(None, &plan, Mode::Drill),
        Some(seconds(2 * (660 + 45 * 60)))
    );
    assert_eq!(execution_timeout(None, &plan, Mode::Recovery), None);
    spec.execution_timeout_seconds = Some(5);
    let plan = Plan::parse(&spec).unwrap();
    assert_eq!(
        execution_timeout(None, &plan, Mode::Recovery),
        Some(seconds(5))
    );
    let asked = Some(seconds(9));
    assert_eq!(execution_timeout(asked, &plan, Mode::Drill), asked);
}

#[test]
fn inputs_aside_do_not_say_which_run_it_is() {
    let digest = |inputs: serde_json::Value| {
        let map = inputs.as_object().unwrap().clone().into_iter().collect();
        inputs_digest(&map)
    };
    let plain = digest(json!({"triggers": {"week": "9"}}));
    assert_eq!(
        plain,
        digest(json!({"triggers": {"week": "9"}, "_cleanup": "always"}))
    );
    assert_ne!(plain, digest(json!({"triggers": {"week": "10"}})));
}

#[test]
fn a_run_belongs_to_its_owner_until_that_is_silent_for_too_long() {
    let (hub, memory) = stage();
    let first = process(&hub, &memory, "o-1");
    let wanted = begin("x-1", json!({"week": "9"}));
    let inputs = wanted.inputs.clone();
    let (first, state) = wait(&hub, async move {
        let state = first.begin_execution(&wanted).await.unwrap();
        (first, state)
    });
    assert_eq!(state.servers.len(), 2, "the tags select two servers");
    let limit = limits::WAVE_TIMEOUT + limits::STATUS_TIMEOUT_WINDOWS;
    assert_eq!(state.started.timeout, Some(limit));
    let second = process(&hub, &memory, "o-2");
    let look = |process: &Process, inputs: &BTreeMap<String, serde_json::Value>| {
        let plan = PlanId::new("p-1");
        crate::testing::at_once(process.undelivered(&plan, "terraform", inputs)).unwrap()
    };
    let Some((id, Whose::OwnedBy(sign))) = look(&second, &inputs) else {
        panic!("it has an owner that lives");
    };
    assert_eq!((id.as_str(), sign.owner.as_str()), ("x-1", "o-1"));
    crate::testing::at_once(second.keep_alive(&id)).unwrap();
    let Some((_, Whose::OwnedBy(sign))) = look(&second, &inputs) else {
        panic!("it has an owner that lives");
    };
    assert_eq!(
        sign.owner.as_str(),
        "o-1",
        "nobody signs over another's sign"
    );
    let others = BTreeMap::from([("triggers".to_owned(), json!({"week": "10"}))]);
    assert_eq!(look(&second, &others), None);
    hub.advance_to(after(hub.now(), limits::OWNER_SILENCE));
    assert_eq!(look(&second, &inputs), Some((id.clone(), Whose::OwnerGone)));
    crate::testing::at_once(first.keep_alive(&id)).unwrap();
    assert!(
        matches!(look(&second, &inputs), Some((_, Whose::OwnedBy(_)))),
        "an owner that signs beside a long call lives"
    );
    hub.advance_to(after(hub.now(), limits::OWNER_SILENCE));
    crate::testing::at_once(second.take_over(&id, &Unwatched)).unwrap();
    assert!(matches!(
        look(&first, &inputs),
        Some((_, Whose::OwnedBy(sign))) if sign.owner.as_str() == "o-2"
    ));
    let author = Author::Operator("arn".to_owned());
    let asked = second.request(&id, author, Event::ResultDelivered, &Unwatched);
    crate::testing::at_once(asked).unwrap();
    assert_eq!(look(&first, &inputs), None, "its result was delivered");
}

#[test]
fn a_start_says_everything_that_is_wrong_before_anything_is_written() {
    let (hub, memory) = stage();
    let before = memory.all();
    let groups = Groups::new(memory.clone());
    crate::testing::at_once(groups.delete(&GroupId::new("g-1"))).unwrap();
    let process = process(&hub, &memory, "o-1");
    let wanted = begin("x-1", json!({}));
    let error = wait(&hub, async move {
        process.begin_execution(&wanted).await.unwrap_err()
    });
    assert_eq!(
        error.to_string(),
        "wave \"web\" names protection group g-1, which does not exist; make it, or take it out of the plan"
    );
    assert!(memory.all().len() < before.len(), "nothing was written");
}
