//! A recovery that was run elsewhere comes into the tables: once, whole, and never over anything.

use serde_json::json;

use super::*;
use crate::begin::Begin;
use crate::begin::tests::{begin, process, stage, wait};
use crate::drive::Unwatched;
use crate::event::{Author, Event, Mode};
use crate::guard::{Guard, Unchecked};
use crate::sim::hub::Hub;
use crate::store::memory::MemoryItems;
use crate::store::plan_file::PlanFile;
use crate::testing::at_once;

const ID: &str = "x-elsewhere";

/// The tables, and a store that the plan was taken into.
fn places() -> (Hub, MemoryItems, MemoryItems) {
    let (hub, tables) = stage();
    let plans = Plans::new(tables.clone());
    let plan = at_once(plans.find(&PlanId::new("p-1"))).unwrap().unwrap();
    let elsewhere = MemoryItems::default();
    let file = PlanFile::of(&tables, &plan, "production", "here", hub.both());
    let file = at_once(file).unwrap();
    at_once(file.load_into(&elsewhere, hub.both())).unwrap();
    (hub, tables, elsewhere)
}

/// Starts a recovery elsewhere.
fn recover(hub: &Hub, elsewhere: &MemoryItems) -> State {
    let driver = process(hub, elsewhere, "o-1");
    let unchecked = |guard| Unchecked {
        guard,
        reason: "without tables".to_owned(),
    };
    let wanted = Begin {
        mode: Mode::Recovery,
        unchecked: Guard::OF_TABLES.map(unchecked).into(),
        ..begin(ID, json!({}))
    };
    wait(hub, async move { driver.begin_execution(&wanted).await }).unwrap()
}

/// Cancels it and brings it to its end.
fn end(hub: &Hub, elsewhere: &MemoryItems) {
    let driver = process(hub, elsewhere, "o-1");
    wait(hub, async move {
        let id = ExecutionId::new(ID);
        let by = Author::Operator("arn".to_owned());
        let reason = "a test".to_owned();
        let event = Event::CancelRequested { reason };
        driver.request(&id, by, event, &Unwatched).await.unwrap();
        driver.drive(&id, &Unwatched).await.unwrap();
    });
}

#[test]
fn an_execution_is_imported_once_and_its_run_is_spent() {
    let (hub, tables, elsewhere) = places();
    let state = recover(&hub, &elsewhere);
    assert_eq!(state.started.unchecked.len(), 3);
    let before = tables.all();
    assert!(matches!(
        at_once(import(&elsewhere, &tables)),
        Err(ImportError::Unfinished { .. })
    ));
    assert_eq!(
        tables.all(),
        before,
        "nothing is copied of what is not over"
    );

    end(&hub, &elsewhere);
    let imported = at_once(import(&elsewhere, &tables)).unwrap();
    assert_eq!(imported.copied, [ExecutionId::new(ID)]);
    assert_eq!(imported.runs[&PlanId::new("p-1")], (0, 1));
    let id = ExecutionId::new(ID);
    let (there, here) = (
        Executions::new(tables.clone()),
        Executions::new(elsewhere.clone()),
    );
    assert_eq!(at_once(there.load(&id)), at_once(here.load(&id)));
    let plan = at_once(Plans::new(tables.clone()).find(&PlanId::new("p-1")))
        .unwrap()
        .unwrap();
    assert_eq!(
        (plan.runs, plan.execution),
        (1, None),
        "guards are left alone"
    );

    let after = tables.all();
    let again = at_once(import(&elsewhere, &tables)).unwrap();
    assert_eq!((again.copied.len(), again.known.len()), (0, 1));
    assert_eq!(tables.all(), after);
}

#[test]
fn an_import_that_was_cut_short_goes_on_and_nothing_is_written_over() {
    let (hub, tables, elsewhere) = places();
    recover(&hub, &elsewhere);
    end(&hub, &elsewhere);
    let id = ExecutionId::new(ID);
    let first = keys::event(&id, 1);
    let put = |item: Item| Write::Put {
        item,
        condition: Condition::Always,
    };
    let event = elsewhere.item_now(&first).unwrap();
    tables.write_now(&[put(event.clone())]).unwrap();
    assert_eq!(
        at_once(import(&elsewhere, &tables)).unwrap().copied.len(),
        1
    );

    let mut other = event;
    other
        .attributes
        .insert("WriterNonce".to_owned(), Value::Text("another".to_owned()));
    tables.write_now(&[put(other)]).unwrap();
    let before = tables.all();
    assert_eq!(
        at_once(import(&elsewhere, &tables)),
        Err(ImportError::Different(first))
    );
    assert_eq!(tables.all(), before);
}

#[test]
fn a_plan_that_is_gone_does_not_keep_its_history_out() {
    let (hub, tables, elsewhere) = places();
    recover(&hub, &elsewhere);
    end(&hub, &elsewhere);
    at_once(Plans::new(tables.clone()).delete(&PlanId::new("p-1"))).unwrap();
    let imported = at_once(import(&elsewhere, &tables)).unwrap();
    assert_eq!(imported.copied.len(), 1);
    assert_eq!(imported.without_plan, BTreeSet::from([PlanId::new("p-1")]));
}
