//! Names of plans, and plans by their names.

use super::*;
use crate::store::memory::MemoryItems;
use crate::testing::{at_once, start};

fn now() -> Now {
    Now {
        world: start(),
        wall: start(),
    }
}

fn id(name: &str) -> PlanId {
    PlanId::new(name)
}

fn spec(name: &str) -> PlanSpec {
    PlanSpec {
        name: name.to_owned(),
        ..PlanSpec::default()
    }
}

#[test]
fn a_plan_is_found_by_its_id_and_else_by_its_name() {
    let plans = Plans::new(MemoryItems::default());
    let create = |plan: &str, name: &str| {
        at_once(plans.create(id(plan), spec(name), BTreeMap::new(), now())).unwrap();
    };
    create("p-1", "Shop");
    // A name that is another plan's id means that other plan.
    create("p-2", "p-1");
    let found = |meant: &str| {
        let plan = at_once(plans.find_by_id_or_name(meant)).unwrap();
        plan.map(|plan| plan.id)
    };
    assert_eq!(found("p-1"), Some(id("p-1")));
    assert_eq!(found("P-1"), Some(id("p-2")), "ids have a case");
    assert_eq!(found("sHoP"), Some(id("p-1")));
    assert_eq!(found("Store"), None);
    at_once(plans.update(&id("p-1"), spec("Store"), BTreeMap::new(), now())).unwrap();
    assert_eq!(found("Shop"), None, "a name that was given up");
    assert_eq!(found("STORE"), Some(id("p-1")));
    at_once(plans.delete(&id("p-1"))).unwrap();
    assert_eq!(found("Store"), None);
    assert_eq!(found("p-1"), Some(id("p-2")));
}
